"""Where events and the records of asynchronous invocations end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from lambdalab import Lab
from tests.conftest import wait_until_settled
from tests.queueing import (
    ACCOUNT,
    OBEYS,
    REGION,
    Places,
    bodies,
    make_places,
    of_kind,
    queue_arn,
    send,
    take,
    total,
    wait_for,
)

MakeFunction = Callable[..., str]

# Recorded answers of AWS: LocalStack's snapshots of March 2023 and March 2024,
# tests/aws/services/lambda_/test_lambda_destinations.snapshot.json.
# Settings, event -> condition, count, whether a run is told of, functionError.
RECORDED = {
    "success": ({}, {}, "Success", 1, True, None),
    "no retries": (
        {"MaximumRetryAttempts": 0}, {"fail": "no"}, "RetriesExhausted", 1, True, "Unhandled",
    ),
    "default retries": ({}, {"fail": "no"}, "RetriesExhausted", 3, True, "Unhandled"),
    "age of a minute": (
        {"MaximumEventAgeInSeconds": 60}, {"fail": "no"}, "EventAgeExceeded", 1, True, "Unhandled",
    ),
    "age of two": (
        {"MaximumEventAgeInSeconds": 120}, {"fail": "no"}, "EventAgeExceeded", 2, True, "Unhandled",
    ),
    "no concurrency": ({}, {}, "ZeroReservedConcurrency", 0, False, None),
}  # fmt: skip
ORDER = [
    "version", "timestamp", "requestContext", "requestPayload", "responseContext",
    "responsePayload",
]  # fmt: skip


@pytest.fixture
def places(lab: Lab) -> Places:
    return make_places(lab)


def configure(lam: Any, name: str, **given: Any) -> None:
    """Settings of asynchronous invocation; destinations by their side."""
    sides = {
        side: {"Destination": given.pop(side)}
        for side in ("OnSuccess", "OnFailure")
        if side in given
    }
    lam.put_function_event_invoke_config(FunctionName=name, DestinationConfig=sides, **given)


@pytest.mark.parametrize("row", RECORDED.values(), ids=RECORDED)
def test_a_record_tells_what_happened_as_aws_tells_it(
    lab: Lab, lam: Any, make_function: MakeFunction, places: Places, row: Any
) -> None:
    settings, event, condition, count, ran, error = row
    name = make_function(OBEYS)
    if condition == "ZeroReservedConcurrency":
        lam.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    configure(lam, name, OnSuccess=places.queue, OnFailure=places.queue, **settings)
    request_id = send(lam, name, event)
    lab.clock.run_until_idle()
    (record,) = bodies(lab, "queue")
    assert list(record) == (ORDER if ran else ORDER[:4])
    assert record["version"] == "1.0"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["timestamp"])
    told = datetime.fromisoformat(record["timestamp"])
    assert abs((lab.clock.now() - told).total_seconds()) < 30
    assert record["requestContext"] == {
        "requestId": request_id,
        "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}:$LATEST",
        "condition": condition,
        "approximateInvokeCount": count,
    }
    assert record["requestPayload"] == event
    context = {"statusCode": 200, "executedVersion": "$LATEST"}
    assert record.get("responseContext", context) == (
        context | {"functionError": error} if error else context
    )
    if error:
        payload = record["responsePayload"]
        assert (payload["errorType"], payload["errorMessage"]) == ("ValueError", "no")
        assert payload["requestId"] == request_id
    elif ran:
        assert record["responsePayload"] == {"got": {}}


@pytest.mark.parametrize("qualifier", ["1", "live"])
def test_a_version_or_an_alias_has_destinations_of_its_own(
    lab: Lab, lam: Any, make_function: MakeFunction, places: Places, qualifier: str
) -> None:
    name = make_function(OBEYS)
    lam.publish_version(FunctionName=name)
    wait_until_settled(lam, name)
    lam.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    configure(lam, name, Qualifier=qualifier, OnSuccess=places.queue)
    for asked in ({}, {"Qualifier": "1"}, {"Qualifier": "live"}):
        send(lam, name, {"as": asked.get("Qualifier")}, **asked)
    lab.clock.run_until_idle()
    (record,) = bodies(lab, "queue")
    assert record["requestPayload"] == {"as": qualifier}
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}:{qualifier}"
    assert record["requestContext"]["functionArn"] == arn
    assert record["responseContext"]["executedVersion"] == "1"


@pytest.mark.parametrize("event", [{}, {"fail": "no"}])
@pytest.mark.parametrize("place", ["queue", "topic"])
def test_a_record_goes_to_the_side_that_it_is_of(
    lab: Lab, lam: Any, make_function: MakeFunction, places: Places, place: str, event: Any
) -> None:
    name = make_function(OBEYS)
    sides = [getattr(places, place), places.bus]
    if event:
        sides.reverse()
    configure(lam, name, OnSuccess=sides[0], OnFailure=sides[1], MaximumRetryAttempts=0)
    send(lam, name, event)
    lab.clock.run_until_idle()
    (record,) = bodies(lab, place)
    assert record["requestContext"]["condition"] == ("RetriesExhausted" if event else "Success")
    assert bodies(lab, "bus") == []
    (delivered,) = of_kind(lab, "delivered")
    assert delivered.detail == {"what": "record", "to": getattr(places, place)}


@pytest.mark.parametrize(("event", "result"), [({}, "Success"), ({"fail": "no"}, "Failure")])
def test_eventbridge_gets_the_record_in_an_event(
    lab: Lab, lam: Any, make_function: MakeFunction, places: Places, event: Any, result: str
) -> None:
    name = make_function(OBEYS)
    configure(lam, name, OnSuccess=places.bus, OnFailure=places.bus, MaximumRetryAttempts=0)
    request_id = send(lam, name, event)
    lab.clock.run_until_idle()
    (put,) = bodies(lab, "bus")
    assert put["source"] == "lambda"
    assert put["detail-type"] == f"Lambda Function Invocation Result - {result}"
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}:$LATEST"
    assert put["resources"] == [places.bus, arn]
    assert put["detail"]["requestContext"]["requestId"] == request_id
    assert list(put["detail"]) == ORDER


def test_another_function_gets_the_record_as_its_event(
    lab: Lab, lam: Any, make_function: MakeFunction, places: Places
) -> None:
    name, after = make_function(OBEYS), make_function("def handler(e, c):\n    return e\n")
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{after}"
    configure(lam, name, OnSuccess=arn)
    configure(lam, after, OnSuccess=places.queue)
    request_id = send(lam, name, {"x": 1})
    lab.clock.run_until_idle()
    (record,) = bodies(lab, "queue")
    inner = record["requestPayload"]
    assert inner["requestContext"]["requestId"] == request_id
    assert inner["responsePayload"] == {"got": {"x": 1}}
    assert record["requestContext"]["requestId"] != request_id


def test_a_bucket_keeps_the_records_of_failures(
    lab: Lab, lam: Any, make_function: MakeFunction, places: Places
) -> None:
    name = make_function(OBEYS)
    configure(lam, name, OnFailure=places.bucket)
    lab.clock.advance(days=40)
    send(lam, name, {"fail": "no"})
    send(lam, name)
    lab.clock.run_until_idle()
    s3 = lab.client("s3")
    (found,) = s3.list_objects_v2(Bucket="records")["Contents"]
    now = lab.clock.now()
    uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
    day = rf"aws/lambda/async/{name}/{now:%Y/%m/%d/%Y-%m-%d}T\d\d\.\d\d\.\d\d-{uuid}"
    assert re.fullmatch(day, found["Key"])
    record = json.loads(s3.get_object(Bucket="records", Key=found["Key"])["Body"].read())
    assert record["requestContext"]["condition"] == "RetriesExhausted"


# ---- dead-letter queues


@pytest.mark.parametrize("place", ["queue", "topic"])
def test_a_dead_letter_is_the_event_with_what_went_wrong(
    lab: Lab, lam: Any, make_function: MakeFunction, places: Places, place: str
) -> None:
    name = make_function(OBEYS, DeadLetterConfig={"TargetArn": getattr(places, place)})
    request_id = send(lam, name, {"fail": "no"})
    lab.clock.run_until_idle()
    (message,) = take(lab, place)
    assert json.loads(message["Body"]) == {"fail": "no"}
    told = {
        key: (value["DataType"], value["StringValue"])
        for key, value in message["MessageAttributes"].items()
    }
    assert told == {
        "RequestID": ("String", request_id),
        "ErrorCode": ("Number", "200"),
        "ErrorMessage": ("String", "no"),
    }
    (delivered,) = of_kind(lab, "delivered")
    assert delivered.detail == {"what": "dead letter", "to": getattr(places, place)}


def test_a_dead_letter_of_what_never_ran_tells_why(
    lab: Lab, lam: Any, make_function: MakeFunction, places: Places
) -> None:
    name = make_function(OBEYS, DeadLetterConfig={"TargetArn": places.queue})
    lam.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    send(lam, name)
    lab.clock.run_until_idle()
    (message,) = take(lab, "queue")
    attributes = message["MessageAttributes"]
    assert attributes["ErrorCode"]["StringValue"] == "429"
    assert attributes["ErrorMessage"]["StringValue"] == "Rate Exceeded."


def test_a_dead_letter_tells_the_first_kilobyte_of_an_error(
    lab: Lab, lam: Any, make_function: MakeFunction, places: Places
) -> None:
    name = make_function(OBEYS, DeadLetterConfig={"TargetArn": places.queue})
    send(lam, name, {"fail": "x" * 1023 + "\u00e4" * 2})
    lab.clock.run_until_idle()
    (message,) = take(lab, "queue")
    assert message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "x" * 1023


def test_every_version_uses_the_dead_letter_queue_of_the_function(
    lab: Lab, lam: Any, make_function: MakeFunction, places: Places
) -> None:
    name = make_function(OBEYS, DeadLetterConfig={"TargetArn": places.topic})
    lam.publish_version(FunctionName=name)
    lam.update_function_configuration(
        FunctionName=name, DeadLetterConfig={"TargetArn": places.queue}
    )
    wait_until_settled(lam, name)
    send(lam, name, {"fail": "no"}, Qualifier="1")
    lab.clock.run_until_idle()
    assert len(bodies(lab, "queue")) == 1
    assert bodies(lab, "topic") == []


def test_dead_letter_queue_and_destination_both_get_what_failed(
    lab: Lab, lam: Any, make_function: MakeFunction, places: Places
) -> None:
    name = make_function(OBEYS, DeadLetterConfig={"TargetArn": places.queue})
    configure(lam, name, OnFailure=places.topic, OnSuccess=places.topic)
    send(lam, name, {"fail": "no"})
    send(lam, name)
    lab.clock.run_until_idle()
    assert bodies(lab, "queue") == [{"fail": "no"}]
    conditions = [record["requestContext"]["condition"] for record in bodies(lab, "topic")]
    assert sorted(conditions) == ["RetriesExhausted", "Success"]


# ---- what cannot be delivered


@pytest.mark.parametrize("service", ["queue", "topic", "bus", "bucket", "function"])
def test_a_destination_that_is_gone_is_seen_in_metric_and_timeline(
    lab: Lab, lam: Any, make_function: MakeFunction, places: Places, service: str
) -> None:
    name, after = make_function(OBEYS), make_function(OBEYS)
    arn = dict(
        zip(
            ("queue", "topic", "bus", "bucket", "function"),
            (*places, f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{after}"),
            strict=True,
        )
    )[service]
    configure(lam, name, OnFailure=arn, MaximumRetryAttempts=0)
    remove(lab, service, places, after)
    send(lam, name, {"fail": "no"})
    (undelivered,) = wait_for(lab, "undelivered")
    assert undelivered.detail["what"] == "record"
    assert undelivered.detail["to"] == arn
    assert len(undelivered.detail["error"]) > 5
    assert total(lab, name, "DestinationDeliveryFailures") == 1
    assert total(lab, name, "DeadLetterErrors") == 0
    assert of_kind(lab, "delivered") == []


def remove(lab: Lab, service: str, places: Places, function: str) -> None:
    sqs, events = lab.client("sqs"), lab.client("events")
    if service == "queue":
        sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="queue")["QueueUrl"])
    elif service == "topic":
        lab.client("sns").delete_topic(TopicArn=places.topic)
    elif service == "bus":
        events.remove_targets(Rule="all", EventBusName="bus", Ids=["queue"])
        events.delete_rule(Name="all", EventBusName="bus")
        events.delete_event_bus(Name="bus")
    elif service == "bucket":
        lab.client("s3").delete_bucket(Bucket="records")
    else:
        lab.client("lambda").delete_function(FunctionName=function)


def test_a_dead_letter_queue_that_is_gone_is_seen(
    lab: Lab, lam: Any, make_function: MakeFunction, places: Places
) -> None:
    name = make_function(OBEYS, DeadLetterConfig={"TargetArn": places.queue})
    configure(lam, name, OnFailure=places.topic, MaximumRetryAttempts=0)
    remove(lab, "queue", places, "")
    send(lam, name, {"fail": "no"})
    lab.clock.run_until_idle()
    (undelivered,) = of_kind(lab, "undelivered")
    assert undelivered.detail["what"] == "dead letter"
    assert total(lab, name, "DeadLetterErrors") == 1
    assert len(bodies(lab, "topic")) == 1, "the destination gets its record all the same"


@pytest.mark.parametrize(("event", "fits"), [({}, False), ({"fail": "no"}, True)])
def test_a_record_too_long_for_a_topic_loses_its_payloads_if_it_tells_a_failure(
    lab: Lab, lam: Any, make_function: MakeFunction, places: Places, event: Any, fits: bool
) -> None:
    name = make_function(OBEYS)
    configure(lam, name, OnSuccess=places.topic, OnFailure=places.topic, MaximumRetryAttempts=0)
    send(lam, name, event | {"long": "x" * 300_000})
    lab.clock.run_until_idle()
    records = bodies(lab, "topic")
    assert [list(record) for record in records] == [
        ["version", "timestamp", "requestContext", "responseContext"]
    ][: int(fits)]
    assert len(of_kind(lab, "undelivered")) == 1 - fits


def test_a_queue_takes_what_a_topic_does_not(
    lab: Lab, lam: Any, make_function: MakeFunction, places: Places
) -> None:
    name = make_function(OBEYS)
    configure(lam, name, OnSuccess=queue_arn("queue"))
    send(lam, name, {"long": "x" * 300_000})
    lab.clock.run_until_idle()
    (record,) = bodies(lab, "queue")
    assert len(record["requestPayload"]["long"]) == 300_000
