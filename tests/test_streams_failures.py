"""Batches of stream records that fail: retried, split, taken up at a checkpoint, given up."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import Gate
from tests.stream_stage import (
    TELLING,
    make_queue,
    make_stream,
    map_stream,
    put,
    received,
    result,
    texts,
    to,
    wait_until,
)  # fmt: skip

MakeFunction = Callable[..., str]
HOUR = 3600
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:function-1"


@pytest.fixture
def telling(make_function: MakeFunction, gate: Gate) -> str:
    """A function that tells the gate what it gets; the gate is open."""
    gate.open()
    return make_function(TELLING, Environment={"Variables": {"GATE": str(gate.port)}})


def calls(gate: Gate) -> list[list[str]]:
    """What the function got, call by call."""
    return [texts(event) for event in gate.arrived]


# ---- retries


def test_a_batch_that_fails_blocks_its_shard_until_its_retries_are_used_up(
    lab: Lab, telling: str, gate: Gate
) -> None:
    arn = make_stream(lab)
    put(lab, "a", "bad", "b")
    uuid = map_stream(lab, arn, telling, MaximumRetryAttempts=2, BatchSize=3)
    gate.wait_for(1)
    put(lab, "c")
    wait_until(lambda: result(lab, uuid) == "PROBLEM: Function call failed")
    assert calls(gate) == [["a", "bad", "b"]]
    lab.clock.advance(minutes=1)
    assert calls(gate) == [["a", "bad", "b"]] * 3 + [["c"]]
    wait_until(lambda: result(lab, uuid) == "OK")


def test_without_a_limit_a_batch_is_tried_until_its_records_leave_the_stream(
    lab: Lab, telling: str, gate: Gate
) -> None:
    arn = make_stream(lab)
    put(lab, "bad")
    map_stream(lab, arn, telling, MaximumRetryAttempts=None, DestinationConfig=to(make_queue(lab)))
    lab.clock.advance(hours=23, minutes=30)
    put(lab, "later")
    tried = len(calls(gate))
    # The waits double from a second to five minutes.
    assert 23.5 * 12 < tried < 23.5 * 12 + 10
    lab.clock.advance(minutes=31)
    assert calls(gate)[-1] == ["later"]
    (record,) = received(lab)
    assert record["requestContext"]["condition"] == "RecordAgeExceeded"


def test_a_poison_record_blocks_for_days_where_nothing_else_is_said(
    lab: Lab, telling: str, gate: Gate
) -> None:
    arn = make_stream(lab)
    lab.client("kinesis").increase_stream_retention_period(StreamName="s", RetentionPeriodHours=72)
    put(lab, "bad")
    map_stream(
        lab, arn, telling, MaximumRetryAttempts=10_000, MaximumRecordAgeInSeconds=48 * HOUR,
        DestinationConfig=to(make_queue(lab)),
    )  # fmt: skip
    lab.clock.advance(hours=47, minutes=59)
    put(lab, "later")
    assert set(map(tuple, calls(gate))) == {("bad",)}
    lab.clock.advance(minutes=1)
    assert calls(gate)[-1] == ["later"]
    (record,) = received(lab)
    assert record["requestContext"]["approximateInvokeCount"] == len(calls(gate)) - 1 > 48 * 12


def test_a_record_that_is_too_old_is_given_up_at_its_age(
    lab: Lab, telling: str, gate: Gate
) -> None:
    arn = make_stream(lab)
    put(lab, "bad")
    map_stream(
        lab, arn, telling, MaximumRetryAttempts=-1, MaximumRecordAgeInSeconds=60,
        DestinationConfig=to(make_queue(lab)),
    )  # fmt: skip
    lab.clock.advance(seconds=50)
    assert received(lab) == []
    lab.clock.advance(seconds=10)
    (record,) = received(lab)
    context = record["requestContext"]
    assert context["condition"] == "RecordAgeExceeded"
    assert context["approximateInvokeCount"] == len(calls(gate)) > 3
    assert "responseContext" not in record


def test_what_is_too_old_before_it_is_read_never_runs(lab: Lab, telling: str, gate: Gate) -> None:
    arn = make_stream(lab)
    put(lab, "old 1", "old 2")
    lab.clock.advance(minutes=2)
    put(lab, "new")
    map_stream(
        lab, arn, telling, MaximumRecordAgeInSeconds=60, DestinationConfig=to(make_queue(lab))
    )
    assert calls(gate) == [["new"]]
    (record,) = received(lab)
    assert record["KinesisBatchInfo"]["batchSize"] == 2
    assert record["requestContext"]["approximateInvokeCount"] == 0


def test_throttles_cost_no_attempt(lab: Lab, lam: Any, telling: str, gate: Gate) -> None:
    arn = make_stream(lab)
    lam.put_function_concurrency(FunctionName=telling, ReservedConcurrentExecutions=0)
    put(lab, "a")
    uuid = map_stream(lab, arn, telling, MaximumRetryAttempts=0)
    lab.clock.advance(hours=2)
    assert calls(gate) == []
    assert result(lab, uuid) == "PROBLEM: Function call failed"
    lam.delete_function_concurrency(FunctionName=telling)
    lab.clock.advance(minutes=5)
    assert calls(gate) == [["a"]]


def test_a_function_that_is_gone_and_comes_back_gets_its_records(
    lab: Lab, lam: Any, telling: str, gate: Gate, make_function: MakeFunction
) -> None:
    arn = make_stream(lab)
    map_stream(lab, arn, telling)
    lam.delete_function(FunctionName=telling)
    put(lab, "a")
    lab.clock.advance(minutes=10)
    make_function(
        TELLING, FunctionName=telling, Environment={"Variables": {"GATE": str(gate.port)}}
    )
    lab.clock.advance(minutes=5)
    assert calls(gate) == [["a"]]


# ---- splitting


def test_a_poison_record_is_found_by_splitting_and_only_it_is_given_up(
    lab: Lab, telling: str, gate: Gate
) -> None:
    arn = make_stream(lab)
    numbers = put(lab, "a", "b", "c", "bad", "d", "e")
    map_stream(
        lab, arn, telling, MaximumRetryAttempts=1, BisectBatchOnFunctionError=True,
        DestinationConfig=to(make_queue(lab)),
    )  # fmt: skip
    lab.clock.advance(minutes=1)
    assert calls(gate) == [
        ["a", "b", "c", "bad", "d", "e"],
        ["a", "b", "c"],
        ["bad", "d", "e"],
        ["bad", "d"],
        ["bad"],
        ["bad"],
        ["d"],
        ["e"],
    ]
    (record,) = received(lab)
    assert record["KinesisBatchInfo"]["startSequenceNumber"] == numbers[3]
    assert record["KinesisBatchInfo"]["batchSize"] == 1


def test_splitting_does_not_use_up_retries(lab: Lab, telling: str, gate: Gate) -> None:
    arn = make_stream(lab)
    put(lab, "a", "bad")
    map_stream(lab, arn, telling, MaximumRetryAttempts=0, BisectBatchOnFunctionError=True)
    lab.clock.advance(minutes=1)
    assert calls(gate) == [["a", "bad"], ["a"], ["bad"]]


def test_a_named_record_is_where_the_batch_is_split(lab: Lab, telling: str, gate: Gate) -> None:
    arn = make_stream(lab)
    put(lab, "a", "b", "named", "c")
    map_stream(
        lab, arn, telling, MaximumRetryAttempts=0, BisectBatchOnFunctionError=True,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )  # fmt: skip
    lab.clock.advance(minutes=1)
    assert calls(gate) == [
        ["a", "b", "named", "c"],
        ["named", "c"],
        ["named"],
        ["c"],
    ]


# ---- partial failures


def test_the_lowest_number_named_is_where_the_batch_is_taken_up(
    lab: Lab, telling: str, gate: Gate
) -> None:
    arn = make_stream(lab)
    put(lab, "a", "named 1", "b", "named 2", "c")
    map_stream(
        lab, arn, telling, MaximumRetryAttempts=2,
        FunctionResponseTypes=["ReportBatchItemFailures"], DestinationConfig=to(make_queue(lab)),
    )  # fmt: skip
    lab.clock.advance(minutes=1)
    rest = ["named 1", "b", "named 2", "c"]
    assert calls(gate) == [["a", *rest], rest, rest]
    (record,) = received(lab)
    # AWS's own record of such a batch has no error.
    assert record["responseContext"] == {
        "statusCode": 200, "executedVersion": "$LATEST", "functionError": None,
    }  # fmt: skip
    assert record["KinesisBatchInfo"]["batchSize"] == 4


def test_without_the_setting_nobody_reads_the_answer(lab: Lab, telling: str, gate: Gate) -> None:
    arn = make_stream(lab)
    put(lab, "named")
    map_stream(lab, arn, telling)
    lab.clock.advance(minutes=1)
    assert calls(gate) == [["named"]]


# Answers and whether AWS takes them for success. Source: recorded events and destinations of AWS,
# public in github.com/localstack/localstack (test_lambda_integration_kinesis.snapshot.json,
# test_kinesis_report_batch_item_*_scenarios); "not in the batch" was recorded there as failure.
ANSWERS = {
    "null": ("None", True),
    "an empty text": ("''", True),
    "an empty list": ("[]", True),
    "an empty object": ("{}", True),
    "no failures": ("{'batchItemFailures': []}", True),
    "null for failures": ("{'batchItemFailures': None}", True),
    "an empty identifier": ("{'batchItemFailures': [{'itemIdentifier': ''}]}", False),
    "a null identifier": ("{'batchItemFailures': [{'itemIdentifier': None}]}", False),
    "another key": ("{'batchItemFailures': [{'foo': number}]}", False),
    "another key for null": ("{'batchItemFailures': [{'foo': None}]}", False),
    "not in the batch": ("{'batchItemFailures': [{'itemIdentifier': '1'}]}", False),
    "an error": ("1 / 0", False),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_that_aws_takes_for_success_and_for_failure(
    name: str, lab: Lab, make_function: MakeFunction
) -> None:
    expression, succeeds = ANSWERS[name]
    code = (
        "def handler(event, context):\n"
        "    number = event['Records'][0]['kinesis']['sequenceNumber']\n"
        f"    return {expression}\n"
    )
    arn = make_stream(lab)
    put(lab, "a")
    map_stream(
        lab, arn, make_function(code), MaximumRetryAttempts=2,
        DestinationConfig=to(make_queue(lab)), FunctionResponseTypes=["ReportBatchItemFailures"],
    )  # fmt: skip
    lab.clock.advance(minutes=1)
    found = received(lab)
    assert bool(found) is not succeeds
    for record in found:
        assert record["requestContext"]["approximateInvokeCount"] == 3
        error = record["responseContext"]["functionError"]
        assert error == ("Unhandled" if name == "an error" else None)


# ---- destinations


def test_a_queue_gets_what_tells_the_batch_and_no_payload(
    lab: Lab, telling: str, gate: Gate
) -> None:
    arn = make_stream(lab)
    numbers = put(lab, "bad", "b")
    map_stream(lab, arn, telling, MaximumRetryAttempts=1, DestinationConfig=to(make_queue(lab)))
    lab.clock.advance(minutes=1)
    (record,) = received(lab)
    request_id = record["requestContext"].pop("requestId")
    assert request_id in {one.request_id for one in lab.timeline if one.kind == "invoke"}
    info = record["KinesisBatchInfo"]
    dates = [info.pop(f"approximateArrivalOf{one}Record") for one in ("First", "Last")]
    assert all(
        len(date) == len("2026-11-20T10:00:00.000Z") for date in [*dates, record.pop("timestamp")]
    )
    assert record == {
        "requestContext": {
            "functionArn": FUNCTION, "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 2,
        },
        "responseContext": {
            "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled",
        },
        "version": "1.0",
        "KinesisBatchInfo": {
            "shardId": "shardId-000000000000", "startSequenceNumber": numbers[0],
            "endSequenceNumber": numbers[1], "batchSize": 2, "streamArn": arn,
        },
    }  # fmt: skip


def test_a_topic_gets_it_too(lab: Lab, telling: str) -> None:
    sns = lab.client("sns")
    topic = sns.create_topic(Name="failures")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=make_queue(lab))
    arn = make_stream(lab)
    put(lab, "bad")
    map_stream(lab, arn, telling, MaximumRetryAttempts=0, DestinationConfig=to(topic))
    lab.clock.advance(minutes=1)
    (message,) = received(lab)
    assert json.loads(message["Message"])["KinesisBatchInfo"]["batchSize"] == 1


def test_a_bucket_gets_the_event_as_well(lab: Lab, telling: str, gate: Gate) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="failures")
    arn = make_stream(lab)
    put(lab, "bad")
    uuid = map_stream(
        lab, arn, telling, MaximumRetryAttempts=0, DestinationConfig=to("arn:aws:s3:::failures")
    )
    lab.clock.advance(minutes=1)
    (entry,) = s3.list_objects_v2(Bucket="failures")["Contents"]
    now = lab.clock.now()
    prefix = f"aws/lambda/{uuid}/shardId-000000000000/{now:%Y/%m/%d/%Y-%m-%dT%H}."
    assert entry["Key"].startswith(prefix)
    record = json.loads(s3.get_object(Bucket="failures", Key=entry["Key"])["Body"].read())
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert json.loads(record["payload"]) == gate.arrived[0]


def test_a_destination_that_is_not_there_is_counted_and_blocks_nothing(
    lab: Lab, telling: str, gate: Gate
) -> None:
    arn = make_stream(lab)
    put(lab, "bad")
    map_stream(
        lab, arn, telling, BatchSize=1, MaximumRetryAttempts=0,
        DestinationConfig=to("arn:aws:sqs:us-east-1:123456789012:nowhere"),
    )  # fmt: skip
    put(lab, "after")
    lab.clock.advance(minutes=1)
    assert calls(gate) == [["bad"], ["after"]]
    (lost,) = [one for one in lab.timeline if one.kind == "undelivered"]
    assert lost.detail["to"].endswith(":nowhere")
