"""Right and wrong answers to lab 13: data for tests/test_checks.py."""

import json
from collections.abc import Callable
from typing import Any

from lambdalab.learning import lab13_looks as looks
from lambdalab.learning.deploy import deploy
from tests.check_rows import Functions, Row

FUNCTIONS = ("album", "mailer", "reporter", "till", "orders")

world = looks.make_world


def put(lab: Any, name: str, code: str, **settings: Any) -> None:
    package = lab.zip({"app.py": code})
    deploy(lab, name, package, Handler="app.handler", **{"Timeout": 20} | settings)


# ---- task 1

ALBUM = """
def handler(event, context):
    pages = b"x" * (event["megabytes"] * 2**20)
    return {"kept": len(pages) // 2**20}
"""


def album(memory: int, code: str = ALBUM) -> Functions:
    return (("album", code, {"MemorySize": memory, "Timeout": 20}),)


# ---- task 2

MAILER = """
import time
def handler(event, context):
    time.sleep(0.2)
    return {"sent": event["to"]}
"""
REPORTER = """
import time
def handler(event, context):
    end = time.process_time() + event["cpu_seconds"]
    while time.process_time() < end:
        pass
    return {"done": event["cpu_seconds"]}
"""


def sizes(mailer: int, reporter: int, mail: str = MAILER) -> Functions:
    return (
        ("mailer", mail, {"MemorySize": mailer, "Timeout": 20}),
        ("reporter", REPORTER, {"MemorySize": reporter, "Timeout": 20}),
    )


# ---- task 3

TILL = """
import json
def handler(event, context):
    metrics = {"Namespace": "shop", "Dimensions": DIMENSIONS, "Metrics": [{"Name": "amount"}]}
    aws = {"Timestamp": event["at"], "CloudWatchMetrics": [metrics]}
    print(json.dumps({"_aws": aws, "country": event["country"], "amount": AMOUNT, "order": ORDER}))
"""
PUT = """
import boto3
def handler(event, context):
    print("order", event["id"])
    boto3.client("cloudwatch").put_metric_data(Namespace="shop", MetricData=[{
        "MetricName": "amount", "Value": event["amount"],
        "Dimensions": [{"Name": "country", "Value": event["country"]}],
    }])
"""


def till(
    dimensions: Any = (("country",),), amount: str = 'event["amount"]', order: str = 'event["id"]'
) -> Functions:
    code = TILL.replace("DIMENSIONS", json.dumps(dimensions))
    return (("till", code.replace("AMOUNT", amount).replace("ORDER", order), {}),)


# ---- task 4

ORDERS = """
def handler(event, context):
    if event["amount"] < 0:
        raise ValueError("no such amount")
    return {"paid": event["amount"]}
"""


def alarm(function: str = "orders", *, told: bool = True, **changes: Any) -> Callable[[Any], None]:
    """Deploy orders and make an alarm; ``told``: the end of it is told."""

    def act(lab: Any) -> None:
        put(lab, "orders", ORDERS)
        topic = looks.topic_arn(lab)
        given = {
            "Namespace": "AWS/Lambda",
            "MetricName": "Errors",
            "Dimensions": [{"Name": "FunctionName", "Value": function}],
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [topic],
            "OKActions": [topic] if told else [],
        }
        lab.client("cloudwatch").put_metric_alarm(AlarmName="orders", **{**given, **changes})

    return act


def by_rule(lab: Any) -> None:
    """An alarm without actions, and a rule that hears of its changes."""
    alarm(AlarmActions=[], OKActions=[])(lab)
    events = lab.client("events")
    pattern = {"source": ["aws.cloudwatch"], "detail": {"state": {"value": ["ALARM", "OK"]}}}
    events.put_rule(Name="alarms", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="alarms", Targets=[{"Id": "1", "Arn": looks.topic_arn(lab)}])


def every_failure(lab: Any) -> None:
    """Each failed event goes to the topic, without any alarm: nobody hears of the end."""
    put(lab, "orders", ORDERS)
    lab.client("lambda").put_function_event_invoke_config(
        FunctionName="orders",
        DestinationConfig={"OnFailure": {"Destination": looks.topic_arn(lab)}},
    )


ROWS = [
    Row(1, "a quarter of a gigabyte", set(), album(256)),
    Row(1, "a little less", set(), album(224)),
    Row(1, "as it was", {1, 2}, album(128)),
    Row(1, "far too much", {2}, album(1024)),
    Row(1, "a smaller album", {1}, album(256, ALBUM.replace('event["megabytes"]', "140"))),
    Row(2, "the smallest, and one gigabyte", set(), sizes(128, 1024)),
    Row(2, "the smallest, and one vCPU", set(), sizes(128, 1769)),
    Row(2, "as they were", {2}, sizes(512, 1024)),
    Row(2, "both the smallest", {4}, sizes(128, 128)),
    Row(2, "as fast as can be", {5}, sizes(128, 3538)),
    Row(2, "mails that are not sent", {1}, sizes(128, 1769, MAILER.replace("0.2", "None"))),
    Row(3, "the embedded metric format", set(), till()),
    Row(3, "and all countries together", set(), till([["country"], []])),
    Row(3, "a request to CloudWatch", set(), (("till", PUT, {"Timeout": 10}),)),
    Row(3, "an order as a dimension", {1, 2}, till([["country", "order"]])),
    Row(3, "amounts as texts", {1, 2}, till(amount='str(event["amount"])')),
    Row(3, "no order", {3}, till(order='"?"')),
    Row(3, "no dimension", {1, 2}, till([[]])),
    Row(4, "errors by the minute", set(), done=alarm()),
    Row(4, "a rule of the bus", set(), done=by_rule),
    Row(4, "missing data is unknown", {1, 3}, done=alarm(TreatMissingData="missing")),
    Row(4, "missing data is bad", {1, 2, 3}, done=alarm(TreatMissingData="breaching")),
    Row(4, "nobody hears of the end", {3}, done=alarm(told=False)),
    Row(4, "too patient", {2, 3}, done=alarm(Threshold=5)),
    Row(4, "another function", {2, 3}, done=alarm("order")),
    Row(4, "a destination", {2, 3}, done=every_failure),
]
