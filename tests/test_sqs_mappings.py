"""Messages of a queue come to a function: events, batches, what is deleted and what comes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import ARRIVE, RUNTIME, Gate, wait_until
from tests.queue_stage import PARTIAL, TELLER, Stage

MakeFunction = Callable[..., str]


@pytest.fixture
def stage(lab: Lab, make_function: MakeFunction) -> Stage:
    return Stage(lab, make_function)


@pytest.fixture
def teller(stage: Stage) -> str:
    return stage.make_function(TELLER)


# ---- the event


def test_the_event_of_a_standard_queue(stage: Stage, teller: str) -> None:
    arn = stage.queue()
    stage.read(teller, arn)
    (sent,) = stage.send(
        arn, "hello",
        MessageAttributes={
            "text": {"DataType": "String.kind", "StringValue": "ä"},
            "binary": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
    )  # fmt: skip
    stage.wind()
    ((record,),) = (event["Records"] for event in stage.events(teller))
    attributes = record.pop("attributes")
    assert record.pop("receiptHandle").startswith("AQEB")
    assert record == {
        "messageId": sent,
        "body": "hello",
        "messageAttributes": {
            "text": {
                "stringValue": "ä", "stringListValues": [], "binaryListValues": [],
                "dataType": "String.kind",
            },
            "binary": {
                "binaryValue": "AP8=", "stringListValues": [], "binaryListValues": [],
                "dataType": "Binary",
            },
        },
        "md5OfMessageAttributes": record["md5OfMessageAttributes"],
        "md5OfBody": "5d41402abc4b2a76b9719d911017c592",
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": "us-east-1",
    }  # fmt: skip
    assert len(record["md5OfMessageAttributes"]) == 32
    times = [attributes.pop(name) for name in ("SentTimestamp", "ApproximateFirstReceiveTimestamp")]
    assert 0 <= int(times[1]) - int(times[0]) < 5000
    assert abs(int(times[0]) / 1000 - stage.now()) < 60
    assert attributes.pop("SenderId")
    assert attributes == {"ApproximateReceiveCount": "1"}


def test_the_event_of_a_message_without_attributes(stage: Stage, teller: str) -> None:
    arn = stage.queue()
    stage.read(teller, arn)
    stage.send(arn, "{}")
    stage.wind()
    ((record,),) = (event["Records"] for event in stage.events(teller))
    assert (record["messageAttributes"], record["md5OfMessageAttributes"]) == ({}, None)


def test_the_event_of_a_fifo_queue_has_its_attributes(stage: Stage, teller: str) -> None:
    arn = stage.queue("q.fifo")
    stage.read(teller, arn)
    stage.send(arn, "a", MessageGroupId="g", MessageDeduplicationId="one")
    stage.send(arn, "b", MessageGroupId="g", MessageDeduplicationId="two")
    stage.wind()
    found = [one["attributes"] for event in stage.events(teller) for one in event["Records"]]
    assert [(one["MessageGroupId"], one["MessageDeduplicationId"]) for one in found] == [
        ("g", "one"), ("g", "two"),
    ]  # fmt: skip
    first, second = (int(one["SequenceNumber"]) for one in found)
    assert first < second
    assert len(str(first)) == 20


def test_a_trace_header_comes_with_its_message(stage: Stage, teller: str) -> None:
    arn = stage.queue()
    stage.read(teller, arn)
    header = "Root=1-5e3d83c1-e6a0db584850d61342823d4c"
    stage.send(
        arn, "x",
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": header}},
    )  # fmt: skip
    stage.wind()
    ((record,),) = (event["Records"] for event in stage.events(teller))
    assert record["attributes"]["AWSTraceHeader"] == header


# ---- batches


def test_a_message_is_deleted_once_its_function_has_succeeded(stage: Stage, teller: str) -> None:
    arn = stage.queue()
    stage.read(teller, arn)
    stage.send(arn, "x")
    stage.wind()
    assert stage.bodies(teller) == [["x"]]
    assert stage.counts(arn) == (0, 0, 0)


@pytest.mark.parametrize(("settings", "largest"), [({}, 10), ({"BatchSize": 3}, 3)])
def test_what_waits_comes_in_batches(
    stage: Stage, teller: str, settings: dict[str, int], largest: int
) -> None:
    arn = stage.queue()
    bodies = [str(number) for number in range(25)]
    stage.send(arn, *bodies)
    stage.read(teller, arn, **settings)
    stage.wind()
    batches = stage.bodies(teller)
    assert sorted(body for batch in batches for body in batch) == sorted(bodies)
    assert {len(batch) for batch in batches[:-1]} <= {largest, 25 % largest}
    assert max(map(len, batches)) == largest


def test_messages_that_are_sent_together_come_together(stage: Stage, teller: str) -> None:
    arn = stage.queue()
    stage.read(teller, arn)
    entries = [{"Id": str(number), "MessageBody": str(number)} for number in range(10)]
    for _ in range(30):
        stage.sqs.send_message_batch(QueueUrl=stage.url(arn), Entries=entries)
    stage.wind()
    assert [len(event["Records"]) for event in stage.events(teller)] == [10] * 30


def test_a_window_gathers_what_comes_in_it(stage: Stage, teller: str) -> None:
    arn = stage.queue()
    stage.read(teller, arn, BatchSize=100, MaximumBatchingWindowInSeconds=20)
    stage.send(arn, "a")
    stage.wind(10)
    stage.send(arn, "b")
    stage.wind(9)
    assert stage.bodies(teller) == []
    stage.wind(1)
    assert stage.bodies(teller) == [["a", "b"]]
    # The next window begins with the next message.
    stage.wind(100)
    stage.send(arn, "c")
    stage.wind(19)
    assert len(stage.bodies(teller)) == 1
    stage.wind(1)
    assert stage.bodies(teller)[1:] == [["c"]]


def test_a_window_ends_when_the_batch_is_full(stage: Stage, teller: str) -> None:
    arn = stage.queue(VisibilityTimeout="400")
    stage.read(teller, arn, BatchSize=12, MaximumBatchingWindowInSeconds=300)
    stage.send(arn, *map(str, range(13)))
    stage.wind()
    assert stage.bodies(teller) == [[str(number) for number in range(12)]]
    stage.wind(300)
    assert stage.bodies(teller)[1:] == [["12"]]


def test_a_window_longer_than_the_visibility_timeout_receives_again(
    stage: Stage, teller: str
) -> None:
    # AWS advises against it: each time counts towards the dead-letter queue.
    arn = stage.queue(VisibilityTimeout="30")
    stage.read(teller, arn, BatchSize=50, MaximumBatchingWindowInSeconds=100)
    stage.send(arn, "x")
    stage.wind(100)
    ((record,),) = (event["Records"] for event in stage.events(teller))
    assert record["attributes"]["ApproximateReceiveCount"] == "4"
    assert stage.counts(arn) == (0, 0, 0)


SIZES = "def handler(event, context):\n    print([len(one['body']) for one in event['Records']])\n"


def test_a_batch_holds_no_more_than_an_event_may(stage: Stage) -> None:
    # Messages of a megabyte less a bit: six of them are more than 6 MB with what stands around.
    function = stage.make_function(SIZES)
    arn = stage.queue()
    stage.send(arn, *["x" * 1_048_000] * 7)
    stage.read(function, arn)
    stage.wind()
    logged = stage.lab.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function}")
    sizes = [json.loads(one["message"]) for one in logged["events"] if one["message"][0] == "["]
    assert sorted(map(len, sizes)) == [1, 6]
    assert stage.counts(arn) == (0, 0, 0)


def test_a_large_batch_with_a_window(stage: Stage) -> None:
    function = stage.make_function("def handler(event, context): print(len(event['Records']))")
    arn = stage.queue()
    url = stage.url(arn)
    for start in range(0, 1000, 10):
        entries = [{"Id": str(n), "MessageBody": str(n)} for n in range(start, start + 10)]
        stage.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    stage.read(function, arn, BatchSize=10_000, MaximumBatchingWindowInSeconds=1)
    stage.wind(1)
    assert [one.detail["records"] for one in stage.told("poll")] == [1000]
    assert stage.counts(arn) == (0, 0, 0)


# ---- delays and failures


def test_a_delayed_message_comes_when_its_delay_is_over(stage: Stage, teller: str) -> None:
    arn = stage.queue()
    stage.read(teller, arn)
    stage.send(arn, "later", DelaySeconds=600)
    stage.wind(599)
    assert (stage.bodies(teller), stage.counts(arn)) == ([], (0, 0, 1))
    stage.wind(1)
    assert (stage.bodies(teller), stage.counts(arn)) == ([["later"]], (0, 0, 0))


def test_a_failed_batch_comes_back_after_the_visibility_timeout(stage: Stage, teller: str) -> None:
    arn = stage.queue(VisibilityTimeout="60")
    stage.read(teller, arn)
    stage.send(arn, "fail")
    stage.wind(59)
    assert (len(stage.bodies(teller)), stage.counts(arn)) == (1, (0, 1, 0))
    stage.wind(61)
    assert len(stage.bodies(teller)) == 3
    counts = [
        one["attributes"]["ApproximateReceiveCount"]
        for event in stage.events(teller)
        for one in event["Records"]
    ]
    assert counts == ["1", "2", "3"]
    begun = [record.time for record in stage.told("poll")]
    assert [round(b - a, 2) for a, b in pairwise(begun)] == [60, 60]


def test_what_fails_too_often_goes_to_the_dead_letter_queue(stage: Stage, teller: str) -> None:
    arn, grave = stage.with_grave(3)
    stage.read(teller, arn)
    (sent,) = stage.send(arn, "fail")
    stage.wind(89)
    assert (len(stage.bodies(teller)), stage.counts(grave)) == (3, (0, 0, 0))
    stage.wind(1)
    assert (len(stage.bodies(teller)), stage.counts(arn)) == (3, (0, 0, 0))
    (dead,) = stage.sqs.receive_message(QueueUrl=stage.url(grave))["Messages"]
    assert (dead["MessageId"], dead["Body"]) == (sent, "fail")
    # Nothing waits any more: a cloud with an idle mapping is idle.
    before = stage.now()
    stage.lab.clock.run_until_idle()
    assert stage.now() - before < 40


def test_an_idle_mapping_leaves_the_clock_alone(stage: Stage, teller: str) -> None:
    arn = stage.queue()
    stage.read(teller, arn)
    stage.send(arn, "x")
    stage.wind()
    before = stage.now()
    stage.lab.clock.run_until_idle()
    assert stage.now() - before < 10


def test_a_throttled_batch_comes_back_too(stage: Stage, teller: str) -> None:
    stage.lam.put_function_concurrency(FunctionName=teller, ReservedConcurrentExecutions=0)
    arn, grave = stage.with_grave(3)
    uuid = stage.read(teller, arn)
    stage.send(arn, "x")
    stage.wind(31)
    assert [record.detail["reason"] for record in stage.told("returned")] == [
        "TooManyRequestsException"
    ] * 2
    assert stage.shown(uuid)["LastProcessingResult"] == "PROBLEM: Function call failed"
    stage.lam.delete_function_concurrency(FunctionName=teller)
    stage.wind(30)
    assert (stage.bodies(teller), stage.counts(arn), stage.counts(grave)) == (
        [["x"]], (0, 0, 0), (0, 0, 0),
    )  # fmt: skip
    assert "LastProcessingResult" not in stage.shown(uuid)


def test_throttles_can_bring_a_message_to_the_dead_letter_queue_unseen(
    stage: Stage, teller: str
) -> None:
    stage.lam.put_function_concurrency(FunctionName=teller, ReservedConcurrentExecutions=0)
    arn, grave = stage.with_grave(2)
    stage.read(teller, arn)
    stage.send(arn, "x")
    stage.wind(60)
    assert (stage.bodies(teller), stage.counts(grave)) == ([], (1, 0, 0))


# ---- partial failures


def test_only_what_failed_comes_back(stage: Stage) -> None:
    function = stage.make_function(PARTIAL)
    arn = stage.queue()
    stage.send(arn, "a", "fail 1", "b", "fail 2")
    stage.read(function, arn, FunctionResponseTypes=["ReportBatchItemFailures"])
    assert stage.counts(arn) == (0, 2, 0)
    stage.wind(30)
    assert stage.bodies(function) == [["a", "fail 1", "b", "fail 2"], ["fail 1", "fail 2"]]


# What a function answers, and whether its batch is done. Source:
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
ANSWERS: list[tuple[Any, bool]] = [
    (None, True),
    ({}, True),
    ({"batchItemFailures": []}, True),
    ({"batchItemFailures": None}, True),
    ({"other": 1}, True),
    ({"batchItemFailures": [{"itemIdentifier": ""}]}, False),
    ({"batchItemFailures": [{"itemIdentifier": None}]}, False),
    ({"batchItemFailures": [{"itemidentifier": "x"}]}, False),
    ({"batchItemFailures": [{"itemIdentifier": "not in the batch"}]}, False),
    ({"batchItemFailures": [{"itemIdentifier": 7}]}, False),
    ({"batchItemFailures": ["x"]}, False),
    ({"batchItemFailures": "x"}, False),
    ("done", False),
    ([], False),
]


@pytest.mark.parametrize(("answer", "done"), ANSWERS, ids=[json.dumps(one) for one, _ in ANSWERS])
def test_an_answer_that_names_no_message_of_the_batch(
    stage: Stage, answer: Any, done: bool
) -> None:
    function = stage.make_function(
        TELLER, Environment={"Variables": {"ANSWER": json.dumps(answer)}}
    )
    arn = stage.queue()
    stage.send(arn, "a", "b")
    stage.read(function, arn, FunctionResponseTypes=["ReportBatchItemFailures"])
    assert stage.counts(arn) == ((0, 0, 0) if done else (0, 2, 0))


def test_without_the_setting_an_answer_says_nothing(stage: Stage) -> None:
    function = stage.make_function(PARTIAL)
    arn = stage.queue()
    stage.send(arn, "fail")
    stage.read(function, arn)
    assert stage.counts(arn) == (0, 0, 0)


# ---- FIFO


def test_a_fifo_group_keeps_its_order_and_waits_for_what_failed(stage: Stage) -> None:
    function = stage.make_function(TELLER)
    arn = stage.queue("q.fifo")
    stage.read(function, arn, BatchSize=1)
    for body, group in (("a1", "a"), ("fail", "b"), ("a2", "a"), ("b2", "b"), ("a3", "a")):
        stage.send(arn, body, MessageGroupId=group)
    stage.wind()
    bodies = [body for (body,) in stage.bodies(function)]
    assert [body for body in bodies if body.startswith("a")] == ["a1", "a2", "a3"]
    # b2 waits behind the one that failed; the other group goes on.
    assert "b2" not in bodies
    assert stage.counts(arn) == (1, 1, 0)


def test_a_fifo_group_goes_on_once_its_first_message_is_dead(stage: Stage, teller: str) -> None:
    arn, grave = stage.with_grave(2, "q.fifo")
    stage.read(teller, arn, BatchSize=1)
    stage.send(arn, "fail", "next", "after", MessageGroupId="g")
    stage.wind(60)
    assert [body for (body,) in stage.bodies(teller)] == ["fail", "fail", "next", "after"]
    assert (stage.counts(arn), stage.counts(grave)) == ((0, 0, 0), (1, 0, 0))


def test_a_copy_is_not_delivered_for_five_minutes(stage: Stage, teller: str) -> None:
    arn = stage.queue("q.fifo")
    stage.read(teller, arn)
    ids = []
    for wait in (0, 299, 2):
        stage.wind(wait)
        ids += stage.send(arn, "same", MessageGroupId="g")
        stage.wind()
    # The copy was sent long after the first had been processed and deleted.
    assert len(stage.bodies(teller)) == 2
    assert ids[0] == ids[1] != ids[2]


def waits_at(gate: Gate) -> str:
    """A function whose every invocation tells its batch, and waits at the gate."""
    return (
        ARRIVE
        + "def handler(event, context):\n"
        + f"    arrive({gate.port}, [one['body'] for one in event['Records']])\n"
    )


def test_each_group_of_a_fifo_queue_is_processed_by_one(stage: Stage, gate: Gate) -> None:
    function = stage.make_function(waits_at(gate), Timeout=30)
    arn = stage.queue("q.fifo")
    for number in range(9):
        stage.send(arn, str(number), MessageGroupId=f"g{number % 3}")
    stage.read_soon(function, arn, BatchSize=1)
    assert sorted(gate.wait_for(3)) == [["0"], ["1"], ["2"]]
    assert len(stage.told("poll")) == 3
    gate.open()
    stage.wind()
    orders = [[body for (body,) in gate.arrived if int(body) % 3 == group] for group in range(3)]
    assert orders == [[str(group + 3 * n) for n in range(3)] for group in range(3)]


# ---- how many at a time


def test_five_batches_at_first_and_more_while_messages_wait(stage: Stage, gate: Gate) -> None:
    function = stage.make_function(waits_at(gate), Timeout=30)
    arn = stage.queue()
    stage.send(arn, *map(str, range(12)))
    stage.read_soon(function, arn, BatchSize=1)
    gate.wait_for(5)
    began = [record.time for record in stage.told("poll")]
    # 300 more a minute: one each fifth of a second, so four of them would have taken longer.
    assert began[4] - began[0] < 0.6
    gate.wait_for(8)
    began = [record.time for record in stage.told("poll")]
    waited = [time - began[4] for time in began[5:8]]
    # A busy machine may be late, and is never early.
    assert all(
        due - 0.01 < time < due + 2 for time, due in zip(waited, (0.2, 0.4, 0.6), strict=True)
    )
    gate.open()
    stage.wind()
    assert stage.counts(arn) == (0, 0, 0)


def test_provisioned_pollers_begin_with_ten_batches_each(stage: Stage, gate: Gate) -> None:
    function = stage.make_function(waits_at(gate), Timeout=30)
    arn = stage.queue()
    stage.send(arn, *map(str, range(22)))
    pollers = {"MinimumPollers": 2, "MaximumPollers": 2}
    stage.read_soon(function, arn, BatchSize=1, ProvisionedPollerConfig=pollers)
    gate.wait_for(20)
    mark = stage.make_function("def handler(event, context): import time; time.sleep(0.5)")
    stage.lam.invoke(FunctionName=mark)
    assert len(gate.arrived) == 20
    gate.open()
    stage.wind()
    assert len(gate.arrived) == 22


def test_a_maximum_concurrency_holds(stage: Stage, gate: Gate) -> None:
    function = stage.make_function(waits_at(gate), Timeout=30)
    arn = stage.queue()
    stage.send(arn, *map(str, range(6)))
    stage.read_soon(function, arn, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    gate.wait_for(2)
    # Time for more to come, if they did: the machine says when half a second has passed for it.
    mark = stage.make_function("def handler(event, context): import time; time.sleep(0.5)")
    stage.lam.invoke(FunctionName=mark)
    assert len(gate.arrived) == 2
    gate.open()
    stage.wind()
    assert len(gate.arrived) == 6


# ---- mappings come and go


def test_a_disabled_mapping_reads_nothing_and_an_enabled_one_goes_on(
    stage: Stage, teller: str
) -> None:
    arn = stage.queue()
    uuid = stage.read(teller, arn, Enabled=False)
    stage.send(arn, "a")
    stage.wind(100)
    assert stage.bodies(teller) == []
    for enabled, expected in ((True, [["a"]]), (False, [["a"]]), (True, [["a"], ["b"]])):
        stage.lam.update_event_source_mapping(UUID=uuid, Enabled=enabled)
        stage.wind(1)
        if not enabled:
            stage.send(arn, "b")
            stage.wind(100)
        assert stage.bodies(teller) == expected


def test_new_settings_hold_once_the_mapping_is_updated(stage: Stage, teller: str) -> None:
    arn = stage.queue()
    uuid = stage.read(teller, arn)
    stage.lam.update_event_source_mapping(UUID=uuid, BatchSize=50, MaximumBatchingWindowInSeconds=5)
    stage.wind(1)
    stage.send(arn, *"abc")
    stage.wind(5)
    assert stage.bodies(teller) == [["a", "b", "c"]]


def test_a_deleted_mapping_reads_nothing(stage: Stage, teller: str) -> None:
    arn = stage.queue()
    stage.lam.delete_event_source_mapping(UUID=stage.read(teller, arn))
    stage.wind(1)
    stage.send(arn, "x")
    stage.wind(1)
    assert (stage.bodies(teller), stage.counts(arn)) == ([], (1, 0, 0))


def test_two_mappings_share_a_queue(stage: Stage) -> None:
    functions = [stage.make_function(TELLER) for _ in range(2)]
    arn = stage.queue()
    for function in functions:
        stage.read(function, arn, BatchSize=1)
    bodies = [str(number) for number in range(20)]
    stage.send(arn, *bodies)
    stage.wind()
    got = [body for function in functions for (body,) in stage.bodies(function)]
    assert sorted(got) == sorted(bodies)


def test_an_alias_gets_what_was_mapped_to_it(stage: Stage, teller: str) -> None:
    version = stage.lam.publish_version(FunctionName=teller)["Version"]
    stage.lam.create_alias(FunctionName=teller, Name="live", FunctionVersion=version)
    arn = stage.queue()
    stage.read(f"{teller}:live", arn)
    stage.send(arn, "x")
    stage.wind()
    assert stage.bodies(teller) == [["x"]]
    (stream,) = stage.lab.client("logs").describe_log_streams(logGroupName=f"/aws/lambda/{teller}")[
        "logStreams"
    ]
    assert f"[{version}]" in stream["logStreamName"]


def test_a_queue_that_is_gone_is_told_and_a_new_one_is_read(stage: Stage, teller: str) -> None:
    arn = stage.queue()
    uuid = stage.read(teller, arn)
    stage.sqs.delete_queue(QueueUrl=stage.url(arn))
    stage.wind(1)
    assert stage.shown(uuid)["LastProcessingResult"].startswith("PROBLEM: The specified queue")
    (trouble,) = stage.told("trouble")
    assert trouble.detail["source"] == arn
    stage.queue()
    stage.send(arn, "x")
    stage.wind()
    assert stage.bodies(teller) == [["x"]]
    assert "LastProcessingResult" not in stage.shown(uuid)


def test_messages_of_a_function_that_is_gone_stay_where_they_are(stage: Stage, teller: str) -> None:
    arn, grave = stage.with_grave(1)
    uuid = stage.read(teller, arn)
    stage.lam.delete_function(FunctionName=teller)
    stage.send(arn, "x")
    stage.wind(300)
    assert (stage.counts(arn), stage.counts(grave)) == ((1, 0, 0), (0, 0, 0))
    assert stage.shown(uuid)["LastProcessingResult"] == "PROBLEM: Function not found."
    stage.make_function(TELLER, FunctionName=teller)
    stage.wind(61)
    assert (stage.bodies(teller), stage.counts(arn)) == ([["x"]], (0, 0, 0))


def test_a_reset_ends_what_is_processed(stage: Stage, gate: Gate) -> None:
    function = stage.make_function(waits_at(gate), Timeout=30)
    arn = stage.queue()
    stage.send(arn, "x")
    stage.read_soon(function, arn)
    gate.wait_for(1)
    stage.lab.reset()
    assert stage.lam.list_event_source_mappings()["EventSourceMappings"] == []
    again = stage.queue()
    stage.send(again, "y")
    stage.wind(100)
    assert (len(gate.arrived), stage.counts(again)) == (1, (1, 0, 0))


# ---- filters, metrics, timeline


def test_what_the_filters_leave_out_is_deleted(stage: Stage, teller: str) -> None:
    arn = stage.queue()
    pattern = {"body": {"kind": ["order"], "price": [{"numeric": [">", 10]}]}}
    stage.read(teller, arn, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    wanted = json.dumps({"kind": "order", "price": 11})
    stage.send(arn, json.dumps({"kind": "order", "price": 9}), "not JSON", wanted, "[1]")
    stage.wind()
    assert stage.bodies(teller) == [[wanted]]
    assert stage.counts(arn) == (0, 0, 0)


def test_filtered_messages_do_not_fill_a_window(stage: Stage, teller: str) -> None:
    arn = stage.queue()
    criteria = {"Filters": [{"Pattern": json.dumps({"body": [{"prefix": "yes"}]})}]}
    stage.read(teller, arn, BatchSize=3, MaximumBatchingWindowInSeconds=10, FilterCriteria=criteria)
    stage.send(arn, "no", "yes 1", "no", "no", "yes 2")
    stage.wind(9)
    assert stage.bodies(teller) == []
    stage.wind(1)
    assert stage.bodies(teller) == [["yes 1", "yes 2"]]


def sums(stage: Stage, uuid: str) -> dict[str, float]:
    """The metrics of a mapping, summed."""
    watch = stage.lab.client("cloudwatch")
    dimensions = [{"Name": "EventSourceMappingUUID", "Value": uuid}]
    listed = watch.list_metrics(Namespace="AWS/Lambda", Dimensions=dimensions)["Metrics"]
    found = {}
    for name in sorted({one["MetricName"] for one in listed}):
        points = watch.get_metric_statistics(
            Namespace="AWS/Lambda", MetricName=name, Dimensions=dimensions, Period=60,
            StartTime=stage.now() - 3600, EndTime=stage.now() + 3600, Statistics=["Sum"],
        )  # fmt: skip
        found[name] = sum(one["Sum"] for one in points["Datapoints"])
    return found


def test_a_mapping_counts_its_events_where_that_is_asked_for(stage: Stage) -> None:
    function = stage.make_function(PARTIAL)
    arn = stage.queue()
    criteria = {"Filters": [{"Pattern": json.dumps({"body": [{"anything-but": ["no"]}]})}]}
    settings = {"FilterCriteria": criteria, "FunctionResponseTypes": ["ReportBatchItemFailures"]}
    counted = stage.read(function, arn, MetricsConfig={"Metrics": ["EventCount"]}, **settings)
    silent = stage.read(
        function, stage.queue("other"), FunctionResponseTypes=["ReportBatchItemFailures"]
    )
    stage.send(arn, "a", "b", "fail", "no")
    stage.send(stage.queue("other"), "a")
    stage.wind()
    assert sums(stage, counted) == {
        "PolledEventCount": 4, "FilteredOutEventCount": 1, "InvokedEventCount": 3,
        "FailedInvokeEventCount": 1, "DeletedEventCount": 3,
    }  # fmt: skip
    assert sums(stage, silent) == {}


def test_the_timeline_tells_what_becomes_of_a_batch(stage: Stage) -> None:
    function = stage.make_function(PARTIAL)
    arn = stage.queue()
    stage.send(arn, "a", "fail")
    uuid = stage.read(function, arn, FunctionResponseTypes=["ReportBatchItemFailures"])
    told = stage.told("poll", "invoke", "deleted", "returned")
    assert [record.kind for record in told] == ["poll", "invoke", "deleted", "returned"]
    assert len({record.request_id for record in told}) == 1
    assert [record.detail["records"] for record in told if record.kind != "invoke"] == [2, 1, 1]
    assert {record.detail.get("mapping") for record in told} == {uuid, None}


def test_the_same_story_is_told_on_every_run(start_lab: Any) -> None:
    def story() -> list[Any]:
        with start_lab() as lab:
            role = lab.role()

            def make(code: str, **_: Any) -> str:
                client = lab.client("lambda")
                client.create_function(
                    FunctionName="f", Runtime=RUNTIME, Role=role, Handler="a.handler",
                    Code={"ZipFile": lab.zip({"a.py": code})},
                )  # fmt: skip
                return "f"

            stage = Stage(lab, make)
            function = stage.make_function(TELLER)
            stage.wind(1)
            arn, _ = stage.with_grave(3)
            stage.read(function, arn)
            stage.send(arn, "fail")
            stage.wind(200)
            return [(r.kind, r.request_id, r.detail.get("records")) for r in lab.timeline]

    assert story() == story()


def test_a_message_reaches_its_handler_without_winding(stage: Stage, teller: str) -> None:
    arn = stage.queue()
    stage.read(teller, arn)
    stage.send(arn, "x")
    wait_until(lambda: stage.counts(arn) == (0, 0, 0))
    assert stage.bodies(teller) == [["x"]]
