"""Lab 07, reserve, provision, throttle: what is given, and how its checks look at the cloud."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from lambdalab.learning.crowd import WORK, Crowd, together
from lambdalab.learning.deploy import deploy, wait_until_settled
from lambdalab.learning.probe import Inputs, Probe

ACCOUNT = 16
FLOOR = 4
CHECKOUTS = 4
READY = 3
AT_ONCE = 2
OTHERS = 4
NO_MORE = "refused by its own limit"
# AWS's reasons are long words that no table can break.
REASONS = {
    "ReservedFunctionConcurrentInvocationLimitExceeded": NO_MORE,
    "ConcurrentInvocationLimitExceeded": "refused by the account",
}
KIND = "AWS_LAMBDA_INITIALIZATION_TYPE"
AHEAD = "provisioned-concurrency"
ON_DEMAND = "on-demand"
QUEUE = "orders"
ORDERS = 10

_SHOP = f"""
import os
from work import work

def handler(event, context):
    work(event)
    return os.environ["{KIND}"]
"""
_PRICES = f"""
import os, time
from work import work

time.sleep(0.1)  # stands for reading a large file of prices

def handler(event, context):
    work(event)
    return os.environ["{KIND}"]
"""
_IMPORTER = """
import json, time
from work import work

def handler(event, context):
    work(event)
    for record in event.get("Records", []):
        order = json.loads(record["body"])
        time.sleep(0.2)  # stands for a database
        print("imported", order["id"])
"""
SOURCES = {
    "checkout": _SHOP,
    "newsletter": _SHOP,
    "report": _SHOP,
    "prices": _PRICES,
    "lunch": _SHOP,
    "importer": _IMPORTER,
}
# How many versions are published; the alias live is at the last one.
VERSIONS = {"prices": 2, "lunch": 1}

_ROLE = ("arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole",)
_HIDDEN_SECONDS = 60
_IMPORT_MINUTES = 4
_DAY_MINUTES = 24 * 60


def make_world(lab: Any) -> None:
    """Make what the tasks need: functions, aliases, a queue. Harmless when they are there."""
    role = lab.role("shop-role", _ROLE)
    for name, source in SOURCES.items():
        package = lab.zip({"app.py": source, "work.py": WORK})
        deploy(lab, name, package, Handler="app.handler", Role=role, Timeout=30)
    for name, count in VERSIONS.items():
        _live(lab.client("lambda"), name, count)
    _orders(lab)


def queue_mapping(lab: Any) -> str:
    """Tell the UUID of the event source mapping that hands orders to the function importer."""
    told = lab.client("lambda").list_event_source_mappings(FunctionName="importer")
    return str(told["EventSourceMappings"][0]["UUID"])


def forget_claims(lab: Any, name: str) -> None:
    """Take back what is provisioned for a function, so that a cell can be run again."""
    lam = lab.client("lambda")
    listed = lam.list_provisioned_concurrency_configs(FunctionName=name)
    for config in listed["ProvisionedConcurrencyConfigs"]:
        qualifier = config["FunctionArn"].rpartition(":")[2]
        lam.delete_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)


def _live(lam: Any, name: str, count: int) -> None:
    """Publish so many versions that differ, and let the alias live name the last one."""
    made = {alias["Name"] for alias in lam.list_aliases(FunctionName=name)["Aliases"]}
    if "live" in made:
        return
    for number in range(1, count + 1):
        lam.update_function_configuration(FunctionName=name, Description=f"release {number}")
        wait_until_settled(lam, name)
        version = lam.publish_version(FunctionName=name)["Version"]
    lam.create_alias(FunctionName=name, Name="live", FunctionVersion=version)


def _orders(lab: Any) -> None:
    sqs, lam = lab.client("sqs"), lab.client("lambda")
    hidden = {"VisibilityTimeout": str(_HIDDEN_SECONDS)}
    url = sqs.create_queue(QueueName=QUEUE, Attributes=hidden)["QueueUrl"]
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    if not lam.list_event_source_mappings(FunctionName="importer")["EventSourceMappings"]:
        lam.create_event_source_mapping(
            FunctionName="importer", EventSourceArn=told["Attributes"]["QueueArn"], BatchSize=1
        )
        lab.clock.advance(seconds=2)


# Task 1.


def tally(probe: Probe, name: str, count: int) -> dict[str, int]:
    """Let so many call at the same moment; tell how many were served, and why not."""
    probe.settings(name)
    return _in_short(together(probe, name, count))


def checkouts_beside_newsletters(probe: Probe) -> dict[str, int]:
    """Let newsletters take all that they can get; tell how checkouts fare meanwhile."""
    with Crowd(probe, "newsletter", ACCOUNT):
        return tally(probe, "checkout", CHECKOUTS)


def _in_short(counts: Mapping[str, int]) -> dict[str, int]:
    return {REASONS.get(told, told): count for told, count in counts.items()}


# Tasks 2 and 3.


def kinds(probe: Probe, name: str, count: int) -> dict[str, int]:
    """Let so many call at the same moment; tell in what kind of environments they ended up."""
    probe.settle()
    return _met(probe, name, count)


def _met(probe: Probe, name: str, count: int) -> dict[str, int]:
    with Crowd(probe, name, count) as crowd:
        pass
    told = Counter(str(call.told) for call in crowd.calls)
    return _in_short(dict(sorted(told.items())))


def claimed(probe: Probe, name: str) -> int:
    """Tell how many environments are provisioned for a function, over all versions."""
    listed = probe.lam.list_provisioned_concurrency_configs(FunctionName=name)
    configs = listed["ProvisionedConcurrencyConfigs"]
    return sum(one["RequestedProvisionedConcurrentExecutions"] for one in configs)


def kinds_at(probe: Probe, hour: int, minute: int) -> dict[str, int]:
    """Wind until it is that time of day (UTC); tell in what environments lunch is served then."""
    now = probe.now()
    then = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    probe.wind((then - now).total_seconds() / 60 % _DAY_MINUTES)
    return _met(probe, "lunch:live", READY)


# Task 4.


class Imports(NamedTuple):
    """What came of some orders: how many were imported how often, and how that went."""

    often: dict[str, int]
    most_at_a_time: int
    refused: int


# Orders take their time: what is sent once serves all criteria of a check.
_sent: WeakKeyDictionary[Probe, Imports] = WeakKeyDictionary()


def imports(probe: Probe, inputs: Inputs) -> Imports:
    """Send orders, wait until they are imported, and tell what came of them."""
    if probe not in _sent:
        _sent[probe] = _imports(probe, inputs)
    return _sent[probe]


def _imports(probe: Probe, inputs: Inputs) -> Imports:
    probe.settings("importer")
    before, told = probe.story("importer"), Counter(probe.log_lines("importer"))
    names = [f"{inputs.word}{inputs.number}-{place}" for place in range(ORDERS)]
    _send(probe, names)
    new = Counter(probe.log_lines("importer")) - told
    often = Counter(new[f"imported {name}"] for name in names)
    story = probe.story("importer")[len(before) :]
    return Imports(
        {_times(times): count for times, count in sorted(often.items())},
        _overlap([(run.time, run.time + (run.duration or 0.0)) for run in story.kind("invoke")]),
        len(story.kind("throttle")),
    )


def _send(probe: Probe, names: list[str]) -> None:
    sqs = probe.client("sqs")
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    for name in names:
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"id": name}))
    probe.wind(_IMPORT_MINUTES)


def _overlap(spans: list[tuple[float, float]]) -> int:
    """Count how many ran together at most."""
    return max((sum(a <= start < b for a, b in spans) for start, _ in spans), default=0)


def _times(count: int) -> str:
    return {0: "never", 1: "once"}.get(count, f"{count} times")
