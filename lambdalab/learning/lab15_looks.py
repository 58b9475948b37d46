"""Lab 15, ship a change safely: how its checks look at the cloud."""

import io
import json
import re
import urllib.request
from typing import Any
from zipfile import ZipFile

from lambdalab.learning.probe import Inputs, Probe
from lambdalab.learning.shipping import make_bucket, tests_pass

LAYER = "rates"
RATES = {"DE": 19, "FR": 20, "LU": 17, "SE": 25}
SAM = "AWS::Serverless-2016-10-31"
PRICE = "price.zip"
GOOD = "def handler(event, context):\n    return {{'item': event['item'], 'price': {price}}}\n"
BROKEN = "def handler(event, context):\n    return 1 / 0\n"

_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_CODE = re.compile(r"s3://code/[\w./-]+\.zip")
# Longer than any deployment that CodeDeploy has a name for, and than it waits for a hook.
_LONG = 120
_CALLS = 60


def make_world(lab: Any) -> None:
    """Make what the tasks need: a bucket with a package. Harmless when it is there."""
    make_bucket(lab)
    package = lab.zip({"price.py": GOOD.format(price=10)})
    lab.client("s3").put_object(Bucket="code", Key=PRICE, Body=package)


# ---- task 1


def country(inputs: Inputs) -> str:
    """One of the countries."""
    return sorted(RATES)[inputs.number % len(RATES)]


def layers(probe: Probe, name: str) -> list[str]:
    """The layers that a function uses, by name."""
    return [one["Arn"].split(":")[6] for one in probe.settings(name).get("Layers", [])]


def files(probe: Probe, name: str) -> list[str]:
    """The files in a function's own package."""
    location = probe.lam.get_function(FunctionName=name)["Code"]["Location"]
    with urllib.request.urlopen(location, timeout=20) as reply:  # noqa: S310 - the lab's own
        return sorted(ZipFile(io.BytesIO(reply.read())).namelist())


# ---- stacks


def transform(probe: Probe, stack: str) -> str:
    """What the template of a stack is written in."""
    body = _template(probe, stack)
    return SAM if SAM in body else "CloudFormation"


def _template(probe: Probe, stack: str) -> str:
    found = probe.client("cloudformation").get_template(StackName=stack)["TemplateBody"]
    return found if isinstance(found, str) else json.dumps(found)


def _resources(probe: Probe, stack: str, kind: str) -> list[str]:
    found = probe.client("cloudformation").describe_stack_resources(StackName=stack)
    return [
        one["PhysicalResourceId"] for one in found["StackResources"] if one["ResourceType"] == kind
    ]


def _function(probe: Probe, stack: str) -> str:
    return _resources(probe, stack, "AWS::Lambda::Function")[0]


# ---- task 2


def packed(probe: Probe, inputs: Inputs) -> list[str]:
    """Which of two parcels that are sent to the queue are in the table afterwards."""
    (queue,) = _resources(probe, "parcels", "AWS::SQS::Queue")
    (table,) = _resources(probe, "parcels", "AWS::DynamoDB::Table")
    sent = [f"{inputs.word}-{number}" for number in (1, 2)]
    for name in sent:
        probe.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps({"id": name}))
    probe.wind(1)
    rows = probe.client("dynamodb").scan(TableName=table)["Items"]
    return [name for name in sent if {"S": name} in [row["id"] for row in rows]]


def called_by_queue(probe: Probe) -> list[str]:
    """By which alias the queue's mappings call the function."""
    name = _function(probe, "parcels")
    found = probe.lam.list_event_source_mappings()["EventSourceMappings"]
    arns = [one["FunctionArn"].split(":") for one in found if f":{name}" in one["FunctionArn"]]
    return [arn[7] if len(arn) > 7 else "$LATEST" for arn in arns]


# ---- task 3


def shares(probe: Probe) -> dict[str, float]:
    """The versions behind the alias, and their shares."""
    found = probe.lam.get_alias(FunctionName=_function(probe, "shop"), Name="live")
    more = found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return {found["FunctionVersion"]: 1 - sum(more.values()), **more}


def _ship(probe: Probe, key: str, source: str) -> None:
    """Give the learner's own stack other code."""
    probe.wind(_LONG)  # what an earlier check has left on its way is over
    package = io.BytesIO()
    with ZipFile(package, "w") as archive:
        archive.writestr("price.py", source)
    probe.client("s3").put_object(Bucket="code", Key=key, Body=package.getvalue())
    body = _CODE.sub(f"s3://code/{key}", _template(probe, "shop"))
    client = probe.client("cloudformation")
    client.update_stack(StackName="shop", TemplateBody=body, Capabilities=_CAPABILITIES)


def good_change(probe: Probe, inputs: Inputs) -> dict[str, str]:
    """How much of the traffic a good change gets, after a minute and in the end."""
    before = shares(probe)
    _ship(probe, f"{inputs.word}-good.zip", GOOD.format(price=inputs.number))
    probe.wind(1)
    first = _moved(before, shares(probe))
    probe.wind(_LONG)
    return {"after a minute": first, "in the end": _moved(before, shares(probe))}


def _moved(before: dict[str, float], now: dict[str, float]) -> str:
    new = sum(share for version, share in now.items() if version not in before)
    return "all" if new >= 1 else "none" if new <= 0 else "a part"


def broken_change(probe: Probe, inputs: Inputs) -> dict[str, Any]:
    """What becomes of a change that fails whenever it is called."""
    before = shares(probe)
    _ship(probe, f"{inputs.word}-broken.zip", BROKEN + f"# {inputs.number}\n")
    probe.wind(1)
    first = _moved(before, shares(probe))
    for _ in range(_CALLS):
        probe.lam.invoke(
            FunctionName=_function(probe, "shop"), Qualifier="live", Payload=b'{"item": "cup"}'
        )
    probe.wind(_LONG)
    stacks = probe.client("cloudformation").describe_stacks(StackName="shop")["Stacks"]
    return {
        "after a minute": first,
        "in the end": _moved(before, shares(probe)),
        "stack": stacks[0]["StackStatus"],
    }


# ---- task 4

POSTAGE = """
def handler(event, context):
    weight, total = event["weight"], event["total"]
    if weight {refuse} 0:
        raise ValueError("a parcel weighs something")
    if total {free} 100:
        return {{"postage": 0}}
    postage = 4 + {each} * weight
    return {{"postage": {twice} * postage if event.get("express") else postage}}
"""
_RIGHT = {"refuse": "<=", "free": ">=", "each": 2, "twice": 2}
WRONG: dict[str, dict[str, Any]] = {
    "a weight of nothing is taken": {"refuse": "<"},
    "exactly 100 is not enough": {"free": ">"},
    "the weight counts once": {"each": 1},
    "express costs nothing more": {"twice": 1},
}


def postage(**wrong: Any) -> str:
    """The handler of task 4, with what is wrong in it."""
    return POSTAGE.format(**_RIGHT | wrong)


def _passes(source: str, tests: str) -> bool:
    package = io.BytesIO()
    with ZipFile(package, "w") as archive:
        archive.writestr("postage.py", source)
    return tests_pass(package.getvalue(), tests)


def accepted(probe: Probe) -> bool:
    """Whether the learner's tests pass with a handler that is right."""
    return _passes(postage(), str(probe.handed.get("tests", "")))


def caught(probe: Probe) -> list[str]:
    """Which wrong handlers the learner's tests find."""
    tests = str(probe.handed.get("tests", ""))
    if not tests.strip():
        return []
    return [name for name, wrong in WRONG.items() if not _passes(postage(**wrong), tests)]
