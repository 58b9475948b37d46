"""Right and wrong answers to lab 15: data for tests/test_checks.py and tests/test_lab15.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lambdalab.learning import lab15_looks as looks
from lambdalab.learning.deploy import deploy
from lambdalab.learning.shipping import deploy_stack
from tests.check_rows import Row

FUNCTIONS = ("tax", "gross")

Done = Callable[[Any], None]

world = looks.make_world


# ---- task 1

RATES = f"RATES = {looks.RATES!r}\n"
SOURCES = {
    "tax": "import rates\ndef handler(event, context):\n    return rates.RATES[event['country']]\n",
    "gross": "import rates\ndef handler(event, context):\n"
    "    return event['net'] * (100 + rates.RATES[event['country']]) / 100\n",
}


def functions(*, layered: tuple[str, ...], path: str = "python/rates.py", times: int = 1) -> Done:
    """Publish the layer, and deploy both functions; those not ``layered`` bring the rates."""

    def act(lab: Any) -> None:
        content = {"ZipFile": lab.zip({path: RATES})}
        lam = lab.client("lambda")
        for _ in range(times):
            layer = lam.publish_layer_version(LayerName="rates", Content=content)
        for name, source in SOURCES.items():
            own = {f"{name}.py": source}
            more = {"Layers": [layer["LayerVersionArn"]]} if name in layered else {}
            package = lab.zip(own if name in layered else own | {"rates.py": RATES})
            deploy(lab, name, package, Handler=f"{name}.handler", **more)

    return act


# ---- task 2

WRITES = """import json, os, boto3
        table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
        def handler(event, context):
            for record in event["Records"]:
                table.put_item(Item=json.loads(record["body"]))
"""
FORGETS = "def handler(event, context):\n            return None\n"
QUEUE = "{Parcels: {Type: SQS, Properties: {Queue: !GetAtt Queue.Arn}}}"


def parcels(code: str = WRITES, alias: str = "AutoPublishAlias: live", events: str = QUEUE) -> Done:
    template = f"""
Transform: AWS::Serverless-2016-10-31
Resources:
  Queue: {{Type: AWS::SQS::Queue}}
  Table: {{Type: AWS::Serverless::SimpleTable}}
  Pack:
    Type: AWS::Serverless::Function
    Properties:
      InlineCode: |
        {code}
      Handler: index.handler
      Runtime: python3.13
      {alias}
      Environment: {{Variables: {{TABLE: !Ref Table}}}}
      Policies: [{{DynamoDBWritePolicy: {{TableName: !Ref Table}}}}]
      Events: {events}
"""
    return lambda lab: deployed(lab, "parcels", template)


def deployed(lab: Any, name: str, template: str) -> None:
    assert deploy_stack(lab, name, template) == "CREATE_COMPLETE"


# ---- task 3

ALARM = """
  Errors:
    Type: AWS::CloudWatch::Alarm
    Properties: {Namespace: AWS/Lambda, MetricName: Errors, Statistic: Sum, Period: 60,
      EvaluationPeriods: 1, Threshold: 1, Dimensions: [{Name: FunctionName, Value: !Ref Price}],
      ComparisonOperator: GreaterThanOrEqualToThreshold}
"""
WATCHED = "Alarms: [!Ref Errors]"


def shop(preference: str, alarm: str = ALARM) -> Done:
    template = f"""
Transform: AWS::Serverless-2016-10-31
Resources:
  Price:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: s3://code/price.zip
      Handler: price.handler
      Runtime: python3.13
      AutoPublishAlias: live
      {preference}
{alarm}
"""
    return lambda lab: deployed(lab, "shop", template)


def preferring(kind: str, more: str = WATCHED) -> str:
    return f"DeploymentPreference: {{Type: {kind}, {more}}}"


ROWS = [
    Row(1, "nothing", {1, 2, 3, 4}),
    Row(1, "a layer for both", set(), done=functions(layered=("tax", "gross"))),
    Row(1, "its second version", set(), done=functions(layered=("tax", "gross"), times=2)),
    Row(1, "no layer", {3, 4}, done=functions(layered=())),
    Row(1, "a layer for one", {3, 4}, done=functions(layered=("tax",))),
    Row(
        1, "a layer without the folder", {1, 2},
        done=functions(layered=("tax", "gross"), path="rates.py"),
    ),
    Row(2, "nothing", {1, 2, 3}),
    Row(2, "a template", set(), done=parcels()),
    Row(
        2, "one message at a time", set(),
        done=parcels(events=QUEUE.replace("}}}", ", BatchSize: 1}}}")),
    ),
    Row(2, "no alias", {3}, done=parcels(alias="Timeout: 5")),
    Row(2, "a function that writes nothing", {2}, done=parcels(FORGETS)),
    Row(2, "a queue that nobody reads", {2, 3}, done=parcels(events="{}")),
    Row(3, "nothing", {1, 2}),
    Row(3, "a canary", set(), done=shop(preferring("Canary10Percent5Minutes"))),
    Row(3, "in equal steps", set(), done=shop(preferring("Linear10PercentEvery2Minutes"))),
    Row(3, "at once", {1, 2}, done=shop(preferring("AllAtOnce"))),
    Row(
        3, "a canary that nobody watches", {2},
        done=shop(preferring("Canary10Percent5Minutes", "Hooks: {}"), ""),
    ),
    Row(3, "an alias alone", {1, 2}, done=shop("Timeout: 5", "")),
]  # fmt: skip

# ---- task 4: tests that are handed over, and the criteria that they do not meet

COST = """
import pytest, postage
def cost(weight, total, **more):
    return postage.handler({"weight": weight, "total": total, **more}, None)["postage"]
"""
KINDS = """
def test_kilograms(): assert (cost(1, 20), cost(3, 20)) == (6, 10)
def test_express(): assert cost(3, 20, express=True) == 20
"""
LIMITS = """
def test_free(): assert (cost(3, 99), cost(3, 100)) == (10, 0)
def test_refused():
    with pytest.raises(ValueError): cost(0, 20)
"""
HANDED = [
    ("", {1, 2}),
    ("def test_nothing(): pass\n", {2}),
    (COST + KINDS + LIMITS, set()),
    ("import postage\ndef test_all():\n    ask = postage.handler\n"
     "    assert ask({'weight': 2, 'total': 1, 'express': 1}, None)['postage'] == 16\n"
     "    assert ask({'weight': 1, 'total': 100}, None)['postage'] == 0\n"
     "    try: ask({'weight': 0, 'total': 1}, None)\n"
     "    except ValueError: pass\n    else: raise AssertionError\n", set()),
    (COST + KINDS, {2}),
    (COST + LIMITS + KINDS.replace("== 20", "== 30"), {1}),
    ("def test_broken(: pass\n", {1}),
]  # fmt: skip
