"""Lab 03, retries, destinations, partial failures: how its checks look at the cloud."""

import json
import re
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lambdalab.learning.probe import Inputs, Probe

QUEUES = {
    "invoices-done": {},
    "invoices-failed": {},
    "parcels": {"tries": 3},
    "readings-lost": {},
    "charges": {"tries": 5},
}
STREAM = "readings"
TABLE = "charges"
NO_JSON = "no JSON at all"
BOTH_AT_ONCE = 2

_VISIBLE_AFTER = "30"
_MINUTES = 5
_REST_MINUTES = 2


def make_world(lab: Any) -> None:
    """Make what the tasks need: queues, a stream and a table. Harmless when they are there."""
    for name, asked in QUEUES.items():
        attributes = {"VisibilityTimeout": _VISIBLE_AFTER}
        if tries := asked.get("tries"):
            policy = {"deadLetterTargetArn": _queue(lab, f"{name}-dead"), "maxReceiveCount": tries}
            attributes["RedrivePolicy"] = json.dumps(policy)
        _queue(lab, name, **attributes)
    kinesis, dynamodb = lab.client("kinesis"), lab.client("dynamodb")
    if STREAM not in kinesis.list_streams()["StreamNames"]:
        kinesis.create_stream(StreamName=STREAM, ShardCount=1)
    if TABLE not in dynamodb.list_tables()["TableNames"]:
        dynamodb.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )


def queue_arn(lab: Any, name: str) -> str:
    """Tell the ARN of a queue that is there."""
    sqs = lab.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(told["Attributes"]["QueueArn"])


def stream_arn(lab: Any, name: str = STREAM) -> str:
    """Tell the ARN of a stream that is there."""
    told = lab.client("kinesis").describe_stream_summary(StreamName=name)
    return str(told["StreamDescriptionSummary"]["StreamARN"])


def connect(lab: Any, function: str, source_arn: str, **settings: Any) -> None:
    """Let a function read from a queue or a stream; return when it does.

    A mapping from before is deleted, so a cell that connects can be run again and again.
    settings: what CreateEventSourceMapping takes, such as ``BatchSize``.

    Raises:
        botocore.exceptions.ClientError: what AWS refuses, such as a batch that is too large.

    """
    lam, which = lab.client("lambda"), {"FunctionName": function, "EventSourceArn": source_arn}
    for mapping in lam.list_event_source_mappings(**which)["EventSourceMappings"]:
        lam.delete_event_source_mapping(UUID=mapping["UUID"])
    lab.clock.advance(seconds=2)
    lam.create_event_source_mapping(**which, **settings)
    lab.clock.advance(seconds=2)


def _queue(lab: Any, name: str, **attributes: str) -> str:
    lab.client("sqs").create_queue(QueueName=name, Attributes=attributes)
    return queue_arn(lab, name)


def _taken(probe: Probe, name: str) -> list[str]:
    """Return the bodies of all messages that wait in a queue, and take them out."""
    sqs = probe.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found: list[str] = []
    while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in got:
            found.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def _send(probe: Probe, name: str, bodies: Sequence[str]) -> None:
    """Send messages in one request, and wait until they are done with."""
    sqs = probe.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    entries = [{"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies)]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)
    probe.wind(_MINUTES)


# Task 1.

_INVOICES = ("invoices-done", "invoices-failed")


def invoice(inputs: Inputs, amount: int) -> dict[str, Any]:
    """Write an invoice; one with an amount below zero fails."""
    return {"number": f"{inputs.word}-{inputs.number}", "amount": amount}


def records_of_invoice(probe: Probe, inputs: Inputs, amount: int) -> dict[str, list[Any]]:
    """Hand in an invoice; return what is then recorded in both queues, in short."""
    _invoke_later(probe, inputs, amount)
    return {name: [_in_short(body) for body in _taken(probe, name)] for name in _INVOICES}


def success_of_invoice(inputs: Inputs, amount: int) -> dict[str, list[Any]]:
    """Tell what shall be recorded of an invoice that succeeds."""
    event = invoice(inputs, amount)
    told = ["Success", event["number"], {"invoiced": event["number"]}]
    return {"invoices-done": [told], "invoices-failed": []}


def failure_of_invoice(inputs: Inputs, amount: int) -> dict[str, list[Any]]:
    """Tell what shall be recorded of an invoice that fails."""
    told = ["RetriesExhausted", invoice(inputs, amount)["number"], "ValueError"]
    return {"invoices-done": [], "invoices-failed": [told]}


def attempts_with_invoice(probe: Probe, inputs: Inputs, amount: int) -> int:
    """Hand in an invoice; tell how often the function has begun with it."""
    request_id = _invoke_later(probe, inputs, amount)
    for name in _INVOICES:
        _taken(probe, name)
    start = f"START RequestId: {request_id}"
    return sum(line.startswith(start) for line in probe.log_lines("invoices"))


def _invoke_later(probe: Probe, inputs: Inputs, amount: int) -> str:
    probe.settings("invoices")
    for name in _INVOICES:
        _taken(probe, name)
    event = json.dumps(invoice(inputs, amount))
    answer = probe.lam.invoke(FunctionName="invoices", InvocationType="Event", Payload=event)
    probe.wind(_MINUTES)
    return str(answer["ResponseMetadata"]["RequestId"])


def _in_short(body: str) -> Any:
    """Take out of an invocation record its condition, its event and how it ended."""
    record = json.loads(body)
    if "requestContext" not in record:
        return {"no record, but": record}
    response = record.get("responsePayload")
    ended = response.get("errorType", response) if isinstance(response, dict) else response
    return [record["requestContext"]["condition"], record["requestPayload"].get("number"), ended]


# Task 2.


def parcels(inputs: Inputs, *weights: int) -> list[str]:
    """Write a message for each weight."""
    names = (f"{inputs.word}-{inputs.number}-{place}" for place in range(len(weights)))
    pairs = zip(names, weights, strict=True)
    return [json.dumps({"id": name, "weight": weight}) for name, weight in pairs]


def packed_once(bodies: Sequence[str]) -> dict[str, int]:
    """Tell what shall be packed: each parcel that has a weight, once."""
    told = (json.loads(body) for body in bodies if body != NO_JSON)
    return {one["id"]: 1 for one in told if one["weight"] > 0}


def packed(probe: Probe, inputs: Inputs, bodies: Sequence[str]) -> dict[str, int]:
    """Send messages; tell how often each parcel was packed."""
    before = _packed(probe, inputs)
    _send_parcels(probe, bodies)
    return dict(_packed(probe, inputs) - before)


def dead_parcels(probe: Probe, bodies: Sequence[str]) -> list[str]:
    """Send messages; return what is in the dead-letter queue then."""
    return sorted(_send_parcels(probe, bodies))


def _send_parcels(probe: Probe, bodies: Sequence[str]) -> list[str]:
    probe.settings("parcels")
    _taken(probe, "parcels-dead")
    _send(probe, "parcels", bodies)
    _taken(probe, "parcels")
    return _taken(probe, "parcels-dead")


def _packed(probe: Probe, inputs: Inputs) -> Counter[str]:
    line = re.compile(rf"packed ({inputs.word}-\S+)")
    found = (line.fullmatch(text.strip()) for text in probe.log_lines("parcels"))
    return Counter(match[1] for match in found if match)


# Task 3.


def readings(inputs: Inputs, label: str, count: int) -> list[str]:
    """Write the names of readings; another label gives others."""
    return [f"{inputs.word}{inputs.number}-{label}-{place}" for place in range(count)]


def read_in_order(probe: Probe, names: Sequence[str], poison: int | None = None) -> list[str]:
    """Put readings into the stream, one of them poison; return which are read, first to last."""
    _put(probe, names, poison)
    _taken(probe, "readings-lost")
    return _read(probe, names)


def lost_readings(probe: Probe, names: Sequence[str], poison: int) -> list[int]:
    """Put readings into the stream; tell how many records each failure record tells of."""
    _put(probe, names, poison)
    told = (json.loads(body) for body in _taken(probe, "readings-lost"))
    return [one.get("KinesisBatchInfo", {}).get("batchSize") for one in told]


def read_later(probe: Probe, names: Sequence[str], later: Sequence[str]) -> list[str]:
    """Put in a poison, and some minutes after it more readings; return which of these are read."""
    _put(probe, names, 0)
    _put(probe, later, None)
    _taken(probe, "readings-lost")
    return _read(probe, later)


def _put(probe: Probe, names: Sequence[str], poison: int | None) -> None:
    probe.settings("readings")
    probe.wind(_REST_MINUTES)  # what was put in before comes first
    _taken(probe, "readings-lost")
    told = [{"name": name, "poison": place == poison} for place, name in enumerate(names)]
    rows = [{"Data": json.dumps(one).encode(), "PartitionKey": "meter"} for one in told]
    probe.client("kinesis").put_records(StreamName=STREAM, Records=rows)
    probe.wind(_MINUTES)


def _read(probe: Probe, names: Sequence[str]) -> list[str]:
    """List the readings that the log tells of, each where it is told of first."""
    lines = (line.strip().removeprefix("read ") for line in probe.log_lines("readings"))
    wanted = set(names)
    return list(dict.fromkeys(name for name in lines if name in wanted))


# Task 4.


def charge(inputs: Inputs, label: str, **more: Any) -> dict[str, Any]:
    """Write a charge; another label gives another one."""
    return {"charge": f"{inputs.word}{inputs.number}-{label}", "amount": inputs.number, **more}


def charged(probe: Probe, one: dict[str, Any], *batches: int) -> int:
    """Send a charge, so often in each batch; tell how often it was charged."""
    probe.settings("charges")
    for copies in batches:
        _send(probe, "charges", [json.dumps(one)] * copies)
    _taken(probe, "charges")
    return _charged(probe, one)


def charged_by_two_environments(probe: Probe, one: dict[str, Any]) -> int:
    """Send a charge, end the environments, send it again; tell how often it was charged."""
    charged(probe, one, 1)
    probe.end_environments("charges")
    return charged(probe, one, 1)


def charged_at_the_same_time(probe: Probe, one: dict[str, Any]) -> int:
    """Invoke the function twice at a time with a charge; tell how often it was charged."""
    probe.settings("charges")
    probe.end_environments("charges")  # so that both have a cold start
    with ThreadPoolExecutor(BOTH_AT_ONCE) as both:
        list(both.map(lambda _: probe.invoke("charges", _event(one)), range(BOTH_AT_ONCE)))
    return _charged(probe, one)


def _event(one: dict[str, Any]) -> dict[str, Any]:
    record = {
        "messageId": str(uuid.uuid4()),
        "body": json.dumps(one),
        "attributes": {"ApproximateReceiveCount": "1"},
        "eventSource": "aws:sqs",
    }
    return {"Records": [record]}


def _charged(probe: Probe, one: dict[str, Any]) -> int:
    line = f"charged {one['charge']} {one['amount']}"
    return sum(text.strip() == line for text in probe.log_lines("charges"))
