"""Many environments at once: how long until a hundred new ones have run their INIT."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from botocore.config import Config

from benchmarks.report import Ratio, Result, Table, UnmeasuredError
from benchmarks.sides import LAB, RUNTIME, lab_side

ENVIRONMENTS, ROUNDS = 100, 3
BOUND_SECONDS = 3.0
HOLD_SECONDS = 5
# As long as it runs, its environment is taken, and the next call needs another one.
HANDLER = f"import time\ndef handler(event, context):\n    time.sleep({HOLD_SECONDS})\n"
IMPORT = [sys.executable, "-c", "import awslambdaric.bootstrap"]
HOW = (
    f"{ENVIRONMENTS} calls at once of a function without environments, {ROUNDS} rounds; seconds "
    "from the first call to the end of the last INIT on the lab's timeline, rooms on. Beside it as "
    f"many fresh processes that import `awslambdaric` and end, started at once."
)


def run() -> Result:
    """Measure the lab and the bare processes in turn."""
    with ExitStack() as stack:
        lab = stack.enter_context(lab_side()).lab
        taken: dict[str, list[float]] = {LAB: [], "processes": []}
        for number in range(ROUNDS):
            taken[LAB].append(started(lab, f"many-{number}"))
            taken["processes"].append(spawned())
        return result(taken)


def started(lab: Any, function: str) -> float:
    """Call one function so often at once, and see how long the environments took to be ready."""
    client = lab.client("lambda", config=Config(max_pool_connections=ENVIRONMENTS))
    client.create_function(
        FunctionName=function, Runtime=RUNTIME, Role=lab.role(), Handler="a.handler", Timeout=30,
        Code={"ZipFile": lab.zip({"a.py": HANDLER})},
    )  # fmt: skip
    client.get_waiter("function_active_v2").wait(FunctionName=function)
    with ThreadPoolExecutor(ENVIRONMENTS) as pool:
        began = time.time()
        calls = [pool.submit(client.invoke, FunctionName=function) for _ in range(ENVIRONMENTS)]
        for call in calls:
            call.result()
    inits = lab.timeline.of(function).kind("init")
    if len(inits) != ENVIRONMENTS:
        raise UnmeasuredError(f"{len(inits)} environments were made, not {ENVIRONMENTS}")
    client.delete_function(FunctionName=function)
    return float(max(record.time + record.duration for record in inits) - began)


def spawned() -> float:
    """Start as many processes at once, and wait for them."""
    began = time.perf_counter()
    processes = [subprocess.Popen(IMPORT) for _ in range(ENVIRONMENTS)]
    if any(process.wait() for process in processes):
        raise UnmeasuredError("awslambdaric cannot be imported")
    return time.perf_counter() - began


def result(taken: dict[str, list[float]]) -> Result:
    """Set out the rounds and the bound."""
    rows = tuple((name, *(f"{seconds:.2f}" for seconds in each)) for name, each in taken.items())
    columns = ("who", *(f"round {number + 1}, s" for number in range(ROUNDS)))
    ratio = Ratio("hundred_environments_s", sorted(taken[LAB])[ROUNDS // 2], BOUND_SECONDS)
    return Result("environments", HOW, Table(columns, rows), (ratio,))
