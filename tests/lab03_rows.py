"""Right and wrong answers to lab 03: data for tests/test_checks.py."""

from collections.abc import Callable
from typing import Any

from lambdalab.learning import lab03_looks as looks
from lambdalab.learning.deploy import deploy
from tests.check_rows import Row

FUNCTIONS = ("invoices", "parcels", "readings", "charges")
ROOMY = {"MemorySize": 1769, "Timeout": 20}
PARTIAL = ["ReportBatchItemFailures"]

world = looks.make_world


def put(lab: Any, name: str, code: str, **settings: Any) -> None:
    package = lab.zip({"app.py": code})
    deploy(lab, name, package, Handler="app.handler", **ROOMY | settings)


# ---- task 1

INVOICES = """
def handler(event, context):
    if event["amount"] < 0:
        raise ValueError("an amount below zero")
    return {"invoiced": event["number"]}
"""
CAUGHT = """
def handler(event, context):
    if event["amount"] < 0:
        return "failed"
    return {"invoiced": event["number"]}
"""


def invoices(
    retries: int | None = 1, *, done: str = "", failed: str = "", dead: str = "", code: str = ""
) -> Callable[[Any], None]:
    """Deploy invoices with these settings of asynchronous invocation; queues by name."""

    def act(lab: Any) -> None:
        target = {"TargetArn": looks.queue_arn(lab, dead)} if dead else {}
        put(lab, "invoices", code or INVOICES, DeadLetterConfig=target)
        given: dict[str, Any] = {} if retries is None else {"MaximumRetryAttempts": retries}
        sides = {"OnSuccess": done, "OnFailure": failed}
        given["DestinationConfig"] = {
            side: {"Destination": looks.queue_arn(lab, name)}
            for side, name in sides.items()
            if name
        }
        lab.client("lambda").put_function_event_invoke_config(FunctionName="invoices", **given)

    return act


def in_two_steps(lab: Any) -> None:
    invoices(0, done="invoices-done")(lab)
    failed = {"Destination": looks.queue_arn(lab, "invoices-failed")}
    done = {"Destination": looks.queue_arn(lab, "invoices-done")}
    lab.client("lambda").update_function_event_invoke_config(
        FunctionName="invoices",
        MaximumRetryAttempts=1,
        DestinationConfig={"OnSuccess": done, "OnFailure": failed},
    )


BOTH = {"done": "invoices-done", "failed": "invoices-failed"}

# ---- task 2

PACK = """
import json
def pack(parcel):
    if parcel["weight"] <= 0:
        raise ValueError("a parcel without weight")
    print("packed", parcel["id"])
"""
NAMES_FAILED = """
def handler(event, context):
    failed = []
    for record in event["Records"]:
        try:
            pack(json.loads(record["body"]))
        except Exception:
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
"""
RAISES = """
def handler(event, context):
    for record in event["Records"]:
        pack(json.loads(record["body"]))
"""
READS_FIRST = """
def handler(event, context):
    parcels = [(record["messageId"], json.loads(record["body"])) for record in event["Records"]]
    failed = []
    for name, parcel in parcels:
        try:
            pack(parcel)
        except ValueError:
            failed.append({"itemIdentifier": name})
    return {"batchItemFailures": failed}
"""
SWALLOWS = NAMES_FAILED.replace("failed.append({", "({")
WRONG_KEY = NAMES_FAILED.replace("itemIdentifier", "messageId")


def parcels(code: str, **settings: Any) -> Callable[[Any], None]:
    def act(lab: Any) -> None:
        put(lab, "parcels", PACK + code)
        looks.connect(lab, "parcels", looks.queue_arn(lab, "parcels"), **settings)

    return act


# ---- task 3

READINGS = """
import base64, json
def handler(event, context):
    for record in event["Records"]:
        reading = json.loads(base64.b64decode(record["kinesis"]["data"]))
        if reading["poison"]:
            raise ValueError("a poison")
        print("read", reading["name"])
"""
CHECKPOINTS = """
import base64, json
def handler(event, context):
    for record in event["Records"]:
        reading = json.loads(base64.b64decode(record["kinesis"]["data"]))
        if reading["poison"]:
            number = record["kinesis"]["sequenceNumber"]
            return {"batchItemFailures": [{"itemIdentifier": number}]}
        print("read", reading["name"])
"""
SKIPS = READINGS.replace('raise ValueError("a poison")', "continue")


def readings(*, code: str = READINGS, told: bool = True, **settings: Any) -> Callable[[Any], None]:
    def act(lab: Any) -> None:
        put(lab, "readings", code)
        given = {"StartingPosition": "TRIM_HORIZON"} | settings
        if told:
            to = {"Destination": looks.queue_arn(lab, "readings-lost")}
            given["DestinationConfig"] = {"OnFailure": to}
        looks.connect(lab, "readings", looks.stream_arn(lab), **given)

    return act


# ---- task 4

CHARGE = """
import json, time
import boto3
from botocore.exceptions import ClientError
table = boto3.resource("dynamodb").Table("charges")
def charge(payment, receives):
    time.sleep(payment.get("takes", 0))
    if payment.get("flaky") and receives == "1":
        raise ConnectionError("the bank does not answer")
    print("charged", payment["charge"], payment["amount"])
def handler(event, context):
    for record in event["Records"]:
        once(json.loads(record["body"]), record)
"""
MARKED = """
def once(payment, record):
    mark = {"id": payment["charge"]}
    try:
        table.put_item(Item=mark, ConditionExpression="attribute_not_exists(id)")
    except ClientError:
        return
    try:
        charge(payment, record["attributes"]["ApproximateReceiveCount"])
    except Exception:
        table.delete_item(Key=mark)
        raise
"""
COUNTED = """
def once(payment, record):
    def step(number, condition):
        table.update_item(
            Key={"id": payment["charge"]}, UpdateExpression="SET taken = :number",
            ConditionExpression=condition, ExpressionAttributeValues={":number": number, ":no": 0},
        )
    try:
        step(1, "attribute_not_exists(taken) OR taken = :no")
    except ClientError:
        return
    try:
        charge(payment, record["attributes"]["ApproximateReceiveCount"])
    except ConnectionError:
        step(0, "taken <> :no")
        raise
"""
NAIVE = """
def once(payment, record):
    charge(payment, record["attributes"]["ApproximateReceiveCount"])
"""
MARKED_FOR_EVER = """
def once(payment, record):
    try:
        table.put_item(
            Item={"id": payment["charge"]}, ConditionExpression="attribute_not_exists(id)"
        )
    except ClientError:
        return
    charge(payment, record["attributes"]["ApproximateReceiveCount"])
"""
LOOKS_FIRST = """
def once(payment, record):
    if "Item" not in table.get_item(Key={"id": payment["charge"]}):
        charge(payment, record["attributes"]["ApproximateReceiveCount"])
        table.put_item(Item={"id": payment["charge"]})
"""
IN_A_VARIABLE = """
known = set()
def once(payment, record):
    if payment["charge"] not in known:
        charge(payment, record["attributes"]["ApproximateReceiveCount"])
        known.add(payment["charge"])
"""
BY_MESSAGE = MARKED.replace('payment["charge"]', 'record["messageId"]')


def charges(code: str) -> Callable[[Any], None]:
    def act(lab: Any) -> None:
        put(lab, "charges", CHARGE + code)
        looks.connect(lab, "charges", looks.queue_arn(lab, "charges"))

    return act


LIMITED = {"MaximumRetryAttempts": 2}
BISECT = {"BisectBatchOnFunctionError": True}

ROWS = [
    Row(1, "both destinations, one retry", set(), done=invoices(**BOTH)),
    Row(1, "in two steps", set(), done=in_two_steps),
    Row(1, "a dead-letter queue as well", set(), done=invoices(**BOTH, dead="charges-dead")),
    Row(1, "the retries of the default", {3}, done=invoices(None, **BOTH)),
    Row(1, "no retries", {3}, done=invoices(0, **BOTH)),
    Row(1, "failures only", {1}, done=invoices(failed="invoices-failed")),
    Row(
        1,
        "a dead-letter queue in place of a destination",
        {2},
        done=invoices(done="invoices-done", dead="invoices-failed"),
    ),
    Row(
        1,
        "the wrong way round",
        {1, 2},
        done=invoices(done="invoices-failed", failed="invoices-done"),
    ),
    Row(1, "no failure at all", {2, 3}, done=invoices(**BOTH, code=CAUGHT)),
    Row(2, "names what failed", set(), done=parcels(NAMES_FAILED, FunctionResponseTypes=PARTIAL)),
    Row(2, "batches of one", set(), done=parcels(RAISES, BatchSize=1)),
    Row(2, "raises", {2, 3, 4}, done=parcels(RAISES)),
    Row(2, "the mapping does not ask", {3, 4}, done=parcels(NAMES_FAILED)),
    Row(2, "swallows errors", {3, 4}, done=parcels(SWALLOWS, FunctionResponseTypes=PARTIAL)),
    Row(2, "a wrong key", {2, 3, 4}, done=parcels(WRONG_KEY, FunctionResponseTypes=PARTIAL)),
    Row(
        2,
        "stops at what cannot be read",
        {4},
        done=parcels(READS_FIRST, FunctionResponseTypes=PARTIAL),
    ),
    Row(3, "bisects", set(), done=readings(**LIMITED, **BISECT)),
    Row(3, "batches of one", set(), done=readings(**LIMITED, BatchSize=1)),
    Row(
        3,
        "names what failed, and bisects",
        set(),
        done=readings(code=CHECKPOINTS, FunctionResponseTypes=PARTIAL, **LIMITED, **BISECT),
    ),
    Row(
        3,
        "names what failed, and gives up the rest",
        {2, 3},
        done=readings(code=CHECKPOINTS, FunctionResponseTypes=PARTIAL, **LIMITED),
    ),
    Row(3, "no limit", {2, 3, 4}, done=readings(**BISECT)),
    Row(3, "the whole batch", {2, 3}, done=readings(**LIMITED)),
    Row(3, "nobody is told", {3}, done=readings(told=False, **LIMITED, **BISECT)),
    Row(3, "the poison is skipped", {3}, done=readings(code=SKIPS, **LIMITED, **BISECT)),
    Row(4, "a mark that is taken back", set(), done=charges(MARKED)),
    Row(4, "a mark that is changed", set(), done=charges(COUNTED)),
    Row(4, "as it was given", {2, 3, 4}, done=charges(NAIVE)),
    Row(4, "a mark for ever", {5}, done=charges(MARKED_FOR_EVER)),
    Row(4, "looks first", {4}, done=charges(LOOKS_FIRST)),
    Row(4, "a variable", {3, 4}, done=charges(IN_A_VARIABLE)),
    Row(4, "by the message", {2, 3, 4}, done=charges(BY_MESSAGE)),
]
