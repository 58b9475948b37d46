"""What a learner waits for, timed in a fresh interpreter and printed as one line of JSON.

Nothing that the lab needs may be imported before the clock starts: it would get it for nothing.
"""

import time
from typing import Any

SOURCE = """
def handler(event, context):
    print("one line")
    return "first"
"""


def main() -> None:
    """Import, start, and take a function from its source to its first result; seconds of each."""
    marks = {"began": time.perf_counter()}
    from lambdalab import start

    marks["import"] = time.perf_counter()
    lab: Any = start(export=False)
    marks["start"] = time.perf_counter()
    client = lab.client("lambda")
    marks["client"] = time.perf_counter()
    role = lab.role()
    marks["role"] = time.perf_counter()
    create(client, role, lab.zip({"lambda_function.py": SOURCE}))
    marks["create"] = time.perf_counter()
    client.invoke(FunctionName="first", Payload=b"{}")["Payload"].read()
    marks["invoke"] = time.perf_counter()
    lab.stop()
    print_lengths(marks)


def create(client: Any, role: str, code: bytes) -> None:
    """Create the function and ask until it is active (botocore's waiter would sleep for 1 s)."""
    client.create_function(
        FunctionName="first",
        Runtime="python3.11",
        Role=role,
        Handler="lambda_function.handler",
        Code={"ZipFile": code},
        MemorySize=1769,
    )
    while client.get_function_configuration(FunctionName="first")["State"] == "Pending":
        time.sleep(0.005)


def print_lengths(marks: dict[str, float]) -> None:
    """Print how long each step took."""
    import json

    names, times = list(marks), list(marks.values())
    steps = zip(names[1:], times, times[1:], strict=False)
    print(json.dumps({name: after - before for name, before, after in steps}))
