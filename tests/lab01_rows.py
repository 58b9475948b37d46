"""Right and wrong answers to lab 01: data for tests/test_checks.py."""

from tests.check_rows import Functions, Row

FUNCTIONS = ("greeter", "order-total", "who-am-i", "slow-report", "counter")


def greeter(source: str, **settings: object) -> Functions:
    return (("greeter", source, settings),)


def order(source: str) -> Functions:
    return (("order-total", source, {}),)


def who(source: str) -> Functions:
    return (("who-am-i", source, {"MemorySize": 128, "Timeout": 3}),)


def report(variables: dict, source: str = "", **settings: object) -> Functions:
    given = {"Timeout": 10, "MemorySize": 512, "Environment": {"Variables": variables}} | settings
    return (("slow-report", source or REPORT, given),)


def counter(source: str) -> Functions:
    return (("counter", source, {}),)


REPORT = """
import os, time
def handler(event, context):
    time.sleep(1.2)
    return {"title": os.environ["TITLE"], "currency": os.environ["CURRENCY"],
            "rows": event["rows"], "memory_mb": int(context.memory_limit_in_mb)}
"""
BOTH = {"TITLE": "Sales", "CURRENCY": "EUR"}

ROWS = [
    Row(1, "nothing deployed", {1, 2, 3, 4}),
    Row(
        1,
        "get with a default",
        set(),
        greeter("""
def handler(event, context):
    return {"message": f"Hello, {event.get('name', 'world')}!"}
"""),
    ),
    Row(
        1,
        "other code, other handler name, a member more",
        set(),
        greeter(
            """
class Greeting(dict):
    pass
def main(event, _):
    name = event["name"] if "name" in event else "world"
    return Greeting(message="Hello, %s!" % name, language="en")
""",
            Handler="app.main",
        ),
    ),
    Row(
        1,
        "the name of the example for everybody",
        {2, 3, 4},
        greeter("""
def handler(event, context):
    return {"message": "Hello, Grace Hopper!"}
"""),
    ),
    Row(
        1,
        "a text, not an object",
        {2, 3, 4},
        greeter("""
def handler(event, context):
    return f"Hello, {event.get('name', 'world')}!"
"""),
    ),
    Row(
        1,
        "no default",
        {4},
        greeter("""
def handler(event, context):
    return {"message": f"Hello, {event['name']}!"}
"""),
    ),
    Row(
        1,
        "the first name for ever",
        {3, 4},
        greeter("""
names = []
def handler(event, context):
    names.append(event.get("name", "world"))
    return {"message": f"Hello, {names[0]}!"}
"""),
    ),
    Row(
        1,
        "a handler that is not there",
        {2, 3, 4},
        greeter("""
def another(event, context):
    return {"message": "Hello, world!"}
"""),
    ),
    Row(
        2,
        "a class of its own",
        set(),
        order("""
class OrderError(Exception):
    pass
def handler(event, context):
    for key in ("quantity", "price"):
        if key not in event:
            raise OrderError(f"the order has no {key}")
    return {"total": event["quantity"] * event["price"]}
"""),
    ),
    Row(
        2,
        "a KeyError made into an OrderError",
        set(),
        order("""
class OrderError(ValueError):
    pass
def handler(event, context):
    try:
        return {"total": event["quantity"] * event["price"]}
    except KeyError as error:
        raise OrderError(error.args[0]) from None
"""),
    ),
    Row(
        2,
        "an error returned as a result",
        {3, 4, 5, 6},
        order("""
def handler(event, context):
    for key in ("quantity", "price"):
        if key not in event:
            return {"errorType": "OrderError", "errorMessage": key}
    return {"total": event["quantity"] * event["price"]}
"""),
    ),
    Row(
        2,
        "the KeyError as it comes",
        {3, 5},
        order("""
def handler(event, context):
    return {"total": event["quantity"] * event["price"]}
"""),
    ),
    Row(
        2,
        "a quantity of 0 refused",
        {2},
        order("""
class OrderError(Exception):
    pass
def handler(event, context):
    for key in ("quantity", "price"):
        if not event.get(key):
            raise OrderError(f"no {key}")
    return {"total": event["quantity"] * event["price"]}
"""),
    ),
    Row(
        2,
        "a message that does not say which",
        {4, 6},
        order("""
class OrderError(Exception):
    pass
def handler(event, context):
    if not {"quantity", "price"} <= set(event):
        raise OrderError("quantity or price is missing")
    return {"total": event["quantity"] * event["price"]}
"""),
    ),
    Row(
        2,
        "the process ended instead",
        {3, 4, 5, 6},
        order("""
import sys
def handler(event, context):
    if not {"quantity", "price"} <= set(event):
        sys.exit("OrderError")
    return {"total": event["quantity"] * event["price"]}
"""),
    ),
    Row(
        3,
        "from the context",
        set(),
        who("""
def handler(event, context):
    return {"request_id": context.aws_request_id, "function_name": context.function_name,
            "memory_mb": int(context.memory_limit_in_mb),
            "remaining_ms": context.get_remaining_time_in_millis()}
"""),
    ),
    Row(
        3,
        "name and memory from the environment's variables",
        set(),
        who("""
import os
def handler(event, context):
    return {"request_id": context.aws_request_id,
            "function_name": os.environ["AWS_LAMBDA_FUNCTION_NAME"],
            "memory_mb": int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]),
            "remaining_ms": context.get_remaining_time_in_millis()}
"""),
    ),
    Row(
        3,
        "written down instead of asked",
        {1, 2, 3, 4},
        who("""
def handler(event, context):
    return {"request_id": "8f5b7d7e-0000-4000-8000-000000000000", "function_name": "who-am-i",
            "memory_mb": 128, "remaining_ms": 3000}
"""),
    ),
    Row(
        3,
        "the memory as text",
        {3},
        who("""
def handler(event, context):
    return {"request_id": context.aws_request_id, "function_name": context.function_name,
            "memory_mb": context.memory_limit_in_mb,
            "remaining_ms": context.get_remaining_time_in_millis()}
"""),
    ),
    Row(
        3,
        "the method not called",
        {1, 2, 3, 4},
        who("""
def handler(event, context):
    return {"request_id": context.aws_request_id, "function_name": context.function_name,
            "memory_mb": int(context.memory_limit_in_mb),
            "remaining_ms": context.get_remaining_time_in_millis}
"""),
    ),
    Row(
        3,
        "the first request id for ever",
        {1},
        who("""
ids = []
def handler(event, context):
    ids.append(context.aws_request_id)
    return {"request_id": ids[0], "function_name": context.function_name,
            "memory_mb": int(context.memory_limit_in_mb),
            "remaining_ms": context.get_remaining_time_in_millis()}
"""),
    ),
    Row(4, "both variables named", set(), report(BOTH)),
    Row(
        4,
        "a variable more, other code",
        set(),
        report(
            BOTH | {"UNIT": "pieces"},
            source="""
import os
def handler(event, context):
    return {"title": os.environ["TITLE"], "currency": os.environ["CURRENCY"],
            "rows": event["rows"], "memory_mb": int(context.memory_limit_in_mb)}
""",
        ),
    ),
    Row(4, "the old variable lost", {3, 4}, report({"TITLE": "Sales"})),
    Row(4, "the timeout left at one second", {1, 4}, report(BOTH, Timeout=1)),
    Row(4, "the memory forgotten", {2, 4}, report(BOTH, MemorySize=128)),
    Row(4, "as it was given", {1, 2, 3, 4}, report({"CURRENCY": "EUR"}, Timeout=1, MemorySize=128)),
    Row(
        5,
        "a global",
        set(),
        counter("""
count = 0
def handler(event, context):
    global count
    count += 1
    return {"cold": count == 1, "count": count}
"""),
    ),
    Row(
        5,
        "an object of the module",
        set(),
        counter("""
import itertools
numbers = itertools.count(1)
first = [True]
def handler(event, context):
    return {"cold": bool(first) and first.pop(), "count": next(numbers), "more": 1}
"""),
    ),
    Row(
        5,
        "counted inside the handler",
        {1, 2},
        counter("""
def handler(event, context):
    count = 0
    count += 1
    return {"cold": count == 1, "count": count}
"""),
    ),
    Row(
        5,
        "cold for ever",
        {1, 2},
        counter("""
count, cold = 0, True
def handler(event, context):
    global count
    count += 1
    return {"cold": cold, "count": count}
"""),
    ),
    Row(
        5,
        "counted outside of the environment",
        {2},
        counter("""
import boto3
ssm = boto3.client("ssm")
def handler(event, context):
    name = "/count/" + context.function_name
    try:
        count = int(ssm.get_parameter(Name=name)["Parameter"]["Value"]) + 1
    except ssm.exceptions.ParameterNotFound:
        count = 1
    ssm.put_parameter(Name=name, Value=str(count), Type="String", Overwrite=True)
    return {"cold": count == 1, "count": count}
"""),
    ),
    Row(
        5,
        "counted from zero",
        {1, 2},
        counter("""
count = -1
def handler(event, context):
    global count
    count += 1
    return {"cold": count == 0, "count": count}
"""),
    ),
]

PAYMENTS = """
def handler(event, context):
    print("checking", event["amount"])
    if event["amount"] < 0:
        raise ValueError(f"payment {event['number']} refused")
    return "ok"
"""
