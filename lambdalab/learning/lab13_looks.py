"""Lab 13, find the cheapest memory size: how its checks look at the cloud."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from lambdalab import facts
from lambdalab.learning.probe import Inputs, Probe

TOPIC = "oncall"
PAGER = "pager"

# Task 1: the largest album, and how much of the memory shall be left, in percent.
LARGEST_ALBUM = 150
ROOM = (10, 50)
# Task 2: what a mail waits, and what a report computes; the time in which a report must be there.
MAIL_SECONDS = 0.2
REPORT_CPU_SECONDS = 0.15
REPORT_WITHIN_MS = 400
# Dearer than the cheapest by so much is still cheap.
_TOLERANCE = 1.15
_VCPU = facts.quota("memory.per-vcpu").value
_MB_PER_GB = 1024
# Task 4: by when somebody must be paged, and a time after which everything is quiet again.
PAGED_WITHIN_MINUTES = 3
_QUIET_MINUTES = 30

_REPORT = re.compile(r"^REPORT .*\tMemory Size: (\d+) MB\tMax Memory Used: (\d+) MB", re.MULTILINE)


def make_world(lab: Any) -> None:
    """Make the topic, and the queue that hears it. Harmless when they are there."""
    sqs, sns = lab.client("sqs"), lab.client("sns")
    url = sqs.create_queue(QueueName=PAGER)["QueueUrl"]
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    topic = sns.create_topic(Name=TOPIC)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=told["Attributes"]["QueueArn"])


def topic_arn(lab: Any) -> str:
    """Tell the ARN of the topic that pages whoever is on call."""
    return str(lab.client("sns").create_topic(Name=TOPIC)["TopicArn"])


def within(found: Any, wanted: Sequence[float]) -> bool:
    """Whether a number lies between two others."""
    return isinstance(found, int | float) and wanted[0] <= found <= wanted[1]


def at_most(found: Any, wanted: float) -> bool:
    """Whether a number is not above another one."""
    return isinstance(found, int | float) and found <= wanted


# Task 1.


def album_left(probe: Probe, _: Inputs) -> int:
    """How many percent of its memory the function leaves with the largest album."""
    payload = json.dumps({"megabytes": LARGEST_ALBUM})
    probe.settings("album")
    answer = probe.lam.invoke(FunctionName="album", Payload=payload, LogType="Tail")
    memory, used = _reported(answer["LogResult"])
    return round(100 * (memory - used) / memory)


# Task 2.


def mail_price(probe: Probe, _: Inputs) -> float:
    """Dollars for a million mails with the memory that the function has now."""
    return _price(probe.settings("mailer"), MAIL_SECONDS)


def cheap_mail() -> float:
    """What a million mails may cost."""
    smallest = {"MemorySize": facts.quota("memory.minimum").value}
    return round(_price(smallest, MAIL_SECONDS) * _TOLERANCE, 2)


def report_time(probe: Probe, _: Inputs) -> float:
    """Milliseconds that a report takes with the CPU share that the function has now."""
    return round(_seconds_of_report(probe.settings("reporter")) * 1000, 1)


def report_price(probe: Probe, _: Inputs) -> float:
    """Dollars for a million reports with the memory that the function has now."""
    settings = probe.settings("reporter")
    return _price(settings, _seconds_of_report(settings))


def cheap_report() -> float:
    """What a million reports may cost."""
    one_vcpu = {"MemorySize": _VCPU}
    return round(_price(one_vcpu, REPORT_CPU_SECONDS) * _TOLERANCE, 2)


def _seconds_of_report(settings: Mapping[str, Any]) -> float:
    # Reckoned, not measured: on a machine that is busy otherwise, no memory would be enough.
    share: float = min(1.0, settings["MemorySize"] / _VCPU)
    return REPORT_CPU_SECONDS / share


def _price(settings: Mapping[str, Any], seconds: float) -> float:
    """Dollars for a million runs of so many seconds, without the free tier."""
    (architecture,) = settings.get("Architectures", ["x86_64"])
    gb_seconds = 1_000_000 * seconds * settings["MemorySize"] / _MB_PER_GB
    rate: float = facts.price(f"duration.{architecture}").value
    requests: float = facts.price("requests.standard").value
    dollars: float = gb_seconds * rate + requests
    return round(dollars, 2)


# Task 3.


def orders_of(inputs: Inputs) -> list[dict[str, Any]]:
    """The orders of one country: three of them, with their amounts."""
    return [
        {"id": f"{inputs.word}-{number}", "country": inputs.word, "amount": inputs.number + number}
        for number in range(3)
    ]


def counted(probe: Probe, inputs: Inputs) -> dict[str, Any]:
    """What CloudWatch knows of one country's orders, after they were sold."""
    at = int(probe.now().timestamp() * 1000)
    for order in orders_of(inputs):
        probe.result("till", {**order, "at": at})
    found = probe.client("cloudwatch").get_metric_statistics(
        Namespace="shop",
        MetricName="amount",
        Dimensions=[{"Name": "country", "Value": inputs.word}],
        StartTime=probe.now() - timedelta(hours=1),
        EndTime=probe.now() + timedelta(minutes=1),
        Period=7200,
        Statistics=["Sum", "SampleCount"],
    )["Datapoints"]
    names = ("Sum", "SampleCount")
    return {name: found[0][name] for name in names} if found else {}


def wanted_counts(inputs: Inputs) -> dict[str, float]:
    """What it should know when these were sold once."""
    amounts = [order["amount"] for order in orders_of(inputs)]
    return {"Sum": float(sum(amounts)), "SampleCount": float(len(amounts))}


def dimensions(probe: Probe, _: Inputs) -> list[str]:
    """The names of all dimensions by which amounts are counted."""
    listed = probe.client("cloudwatch").list_metrics(Namespace="shop", MetricName="amount")
    found = {one["Name"] for metric in listed["Metrics"] for one in metric["Dimensions"]}
    return sorted(found)


def orders_in_the_log(probe: Probe, inputs: Inputs) -> list[str]:
    """Those of the orders whose number stands in the log of the function."""
    text = "\n".join(probe.log_lines("till"))
    return [order["id"] for order in orders_of(inputs) if order["id"] in text]


# Task 4.


def pages_when_all_is_well(probe: Probe, inputs: Inputs) -> list[str]:
    """The states that were paged while orders succeeded, and while there were none."""
    _until_quiet(probe)
    for number in range(3):
        probe.result("orders", {"id": inputs.word, "amount": number + 1})
    probe.wind(_QUIET_MINUTES)
    return _pages(probe)


def pages_of_a_failure(probe: Probe, inputs: Inputs) -> list[str]:
    """The states that were paged within minutes after one order has failed."""
    _until_quiet(probe)
    probe.error("orders", {"id": inputs.word, "amount": -inputs.number})
    probe.wind(PAGED_WITHIN_MINUTES)
    return _pages(probe)


def pages_of_an_incident(probe: Probe, inputs: Inputs) -> list[str]:
    """The states that were paged from a failure on until long after it."""
    _until_quiet(probe)
    probe.error("orders", {"id": inputs.word, "amount": -inputs.number})
    probe.wind(_QUIET_MINUTES)
    return _pages(probe)


# The steps.


def _reported(tail: str) -> tuple[int, int]:
    """The memory that REPORT tells, in MB: how much there is, and how much was used."""
    found = _REPORT.findall(base64.b64decode(tail).decode())
    if not found:
        raise LookupError("the log of the run ends without a REPORT line")
    memory, used = found[-1]
    return int(memory), int(used)


def _until_quiet(probe: Probe) -> None:
    """Let all that was before be over, and forget what was paged of it."""
    probe.settings("orders")
    probe.wind(_QUIET_MINUTES)
    _pages(probe)


def _pages(probe: Probe) -> list[str]:
    """The states in the pages that have come since somebody looked, oldest first."""
    sqs = probe.client("sqs")
    url = sqs.get_queue_url(QueueName=PAGER)["QueueUrl"]
    told: list[tuple[str, str]] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            told.append(_state(json.loads(message["Body"])))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [state for _, state in sorted(told)]


def _state(notification: dict[str, Any]) -> tuple[str, str]:
    """When it was sent, and of which state: of an alarm's own message, or of its event."""
    sent = str(notification.get("Timestamp", ""))
    try:
        message = json.loads(notification["Message"])
        state = message.get("NewStateValue") or message["detail"]["state"]["value"]
    except (ValueError, KeyError, TypeError, AttributeError):
        state = "a message that is no alarm's"
    return sent, str(state)
