"""Kinesis as an event source: what a function gets, in which order, and what comes of failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import Gate
from tests.stream_stage import (
    TELLING,
    make_stream,
    map_stream,
    put,
    result,
    settle,
    texts,
    wait_until,
)  # fmt: skip

MakeFunction = Callable[..., str]


@pytest.fixture
def telling(make_function: MakeFunction, gate: Gate) -> str:
    """A function that tells the gate what it gets; the gate is open."""
    gate.open()
    return make_function(TELLING, Environment={"Variables": {"GATE": str(gate.port)}})


def test_records_come_in_a_batch_as_aws_shapes_them(lab: Lab, telling: str, gate: Gate) -> None:
    arn = make_stream(lab)
    numbers = put(lab, "one", "two")
    uuid = map_stream(lab, arn, telling)
    (event,) = gate.wait_for(1)
    first = event["Records"][0]
    arrival = first["kinesis"].pop("approximateArrivalTimestamp")
    assert isinstance(arrival, float)
    assert first == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0", "partitionKey": "k", "sequenceNumber": numbers[0],
            "data": "b25l",
        },
        "eventSource": "aws:kinesis", "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{numbers[0]}", "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
        "awsRegion": "us-east-1", "eventSourceARN": arn,
    }  # fmt: skip
    assert texts(event) == ["one", "two"]
    wait_until(lambda: result(lab, uuid) == "OK")
    put(lab, "three")
    assert texts(gate.wait_for(2)[1]) == ["three"]


def test_a_consumer_of_its_own_is_named_in_the_events(lab: Lab, telling: str, gate: Gate) -> None:
    arn = make_stream(lab)
    kinesis = lab.client("kinesis")
    made = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="mine")["Consumer"]
    map_stream(lab, made["ConsumerARN"], telling)
    put(lab, "a")
    (event,) = gate.wait_for(1)
    assert event["Records"][0]["eventSourceARN"] == made["ConsumerARN"]


# ---- where reading begins


def test_latest_reads_what_comes_after_the_mapping(lab: Lab, telling: str, gate: Gate) -> None:
    arn = make_stream(lab)
    put(lab, "before")
    map_stream(lab, arn, telling, StartingPosition="LATEST")
    put(lab, "after")
    assert [texts(event) for event in gate.wait_for(1)] == [["after"]]


def test_a_time_to_begin_at_leaves_out_what_came_before_it(
    lab: Lab, telling: str, gate: Gate
) -> None:
    arn = make_stream(lab)
    put(lab, "one")
    lab.clock.advance(minutes=10)
    time = lab.clock.now()
    lab.clock.advance(minutes=10)
    put(lab, "two", "three")
    map_stream(lab, arn, telling, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=time)
    assert [texts(event) for event in gate.wait_for(1)] == [["two", "three"]]


# ---- batches


def test_a_batch_has_no_more_records_than_batch_size(lab: Lab, telling: str, gate: Gate) -> None:
    arn = make_stream(lab)
    put(lab, *(str(number) for number in range(7)))
    map_stream(lab, arn, telling, BatchSize=3)
    assert [len(event["Records"]) for event in gate.wait_for(3)] == [3, 3, 1]


def test_a_batching_window_gathers_until_it_is_over(lab: Lab, telling: str, gate: Gate) -> None:
    arn = make_stream(lab)
    map_stream(lab, arn, telling, MaximumBatchingWindowInSeconds=60, BatchSize=4)
    put(lab, "a")
    lab.clock.advance(seconds=40)
    put(lab, "b")
    assert gate.arrived == []
    lab.clock.advance(seconds=20)
    assert [texts(event) for event in gate.arrived] == [["a", "b"]]
    put(lab, "c", "d", "e", "f", "g")  # a full batch goes at once
    assert texts(gate.wait_for(2)[1]) == ["c", "d", "e", "f"]
    lab.clock.advance(seconds=59)
    assert len(gate.arrived) == 2
    lab.clock.advance(seconds=1)
    assert texts(gate.arrived[2]) == ["g"]


def test_an_event_is_no_larger_than_a_payload_may_be(
    lab: Lab, make_function: MakeFunction, gate: Gate
) -> None:
    gate.open()
    counting = TELLING.replace("told(event)\n    texts", "told(len(event['Records']))\n    texts")
    arn = make_stream(lab)
    for _ in range(6):
        put(lab, "x" * 1_000_000)  # a third more in base64: four of them are 5.4 MB
    function = make_function(
        counting, MemorySize=512, Environment={"Variables": {"GATE": str(gate.port)}}
    )
    map_stream(lab, arn, function)
    assert gate.wait_for(2) == [4, 2]


def test_filters_leave_records_out_and_go_past_them(lab: Lab, telling: str, gate: Gate) -> None:
    arn = make_stream(lab)
    patterns = ['{"data": {"kind": ["order"]}}', '{"partitionKey": ["wanted"]}']
    put(lab, '{"kind": "order"}', '{"kind": "other"}', "no json")
    put(lab, "by its key", key="wanted")
    map_stream(
        lab, arn, telling, FilterCriteria={"Filters": [{"Pattern": one} for one in patterns]}
    )
    (event,) = gate.wait_for(1)
    assert texts(event) == ['{"kind": "order"}', "by its key"]
    put(lab, "left out", '{"kind": "order", "more": 1}')
    assert texts(gate.wait_for(2)[1]) == ['{"kind": "order", "more": 1}']


# ---- shards and lanes


def test_two_lanes_go_on_beside_a_key_that_fails(lab: Lab, telling: str, gate: Gate) -> None:
    arn = make_stream(lab)
    keys = [str(number) for number in range(12)]
    map_stream(lab, arn, telling, ParallelizationFactor=10, BatchSize=1, MaximumRetryAttempts=None)
    put(lab, "0:bad", "0:blocked", *(f"{key}:fine" for key in keys[1:]))
    lab.clock.advance(minutes=5)
    got = [texts(event)[0] for event in gate.arrived]
    assert "blocked" not in got
    assert got.count("bad") > 5
    assert got.count("fine") >= 8  # some keys share the lane of the one that fails


def test_the_children_of_a_split_wait_until_their_parent_is_drained(
    lab: Lab, telling: str, gate: Gate
) -> None:
    arn = make_stream(lab)
    put(lab, "1", "2", "3")
    lab.client("kinesis").split_shard(
        StreamName="s", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127)
    )
    put(lab, "a:4", "b:4", "c:4", "d:4", "bad", "5")
    map_stream(
        lab, arn, telling, BatchSize=1, MaximumRetryAttempts=1, StartingPosition="TRIM_HORIZON"
    )
    lab.clock.advance(minutes=1)
    shards = {
        shard: [texts(one)[0] for one in gate.arrived if shard in one["Records"][0]["eventID"]]
        for shard in ("000:", "001:", "002:")
    }
    assert shards["000:"] == ["1", "2", "3"]
    assert texts(gate.arrived[2]) == ["3"]  # the parent came first
    assert sorted(shards["001:"] + shards["002:"]) == ["4", "4", "4", "4", "5", "bad", "bad"]


def test_a_reshard_under_way_loses_nothing_and_keeps_the_order_of_a_key(
    lab: Lab, telling: str, gate: Gate
) -> None:
    kinesis = lab.client("kinesis")
    arn = make_stream(lab)
    map_stream(lab, arn, telling, BatchSize=10)
    put(lab, *(f"{key}:{key} 0" for key in "abcdef"))
    kinesis.update_shard_count(StreamName="s", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    put(lab, *(f"{key}:{key} 1" for key in "abcdef"))
    kinesis.update_shard_count(StreamName="s", TargetShardCount=1, ScalingType="UNIFORM_SCALING")
    put(lab, *(f"{key}:{key} 2" for key in "abcdef"))
    wait_until(lambda: sum(len(event["Records"]) for event in gate.arrived) >= 18)
    got = [text for event in gate.arrived for text in texts(event)]
    for key in "abcdef":
        assert [text for text in got if text[0] == key] == [f"{key} {n}" for n in range(3)]


# ---- the life of a mapping


def test_a_mapping_that_was_disabled_goes_on_where_it_stopped(
    lab: Lab, lam: Any, telling: str, gate: Gate
) -> None:
    arn = make_stream(lab)
    uuid = map_stream(lab, arn, telling, StartingPosition="LATEST")
    put(lab, "a")
    gate.wait_for(1)
    lam.update_event_source_mapping(UUID=uuid, Enabled=False)
    assert settle(lab, uuid)["State"] == "Disabled"
    put(lab, "b", "c")
    lab.clock.advance(hours=1)
    assert len(gate.arrived) == 1
    lam.update_event_source_mapping(UUID=uuid, Enabled=True)
    assert settle(lab, uuid)["State"] == "Enabled"
    assert texts(gate.wait_for(2)[1]) == ["b", "c"]


def test_new_settings_hold_from_when_the_mapping_is_enabled_again(
    lab: Lab, lam: Any, telling: str, gate: Gate
) -> None:
    arn = make_stream(lab)
    uuid = map_stream(lab, arn, telling, BatchSize=1, MaximumRetryAttempts=None)
    put(lab, "bad", "x:1", "y:2", "z:3")
    gate.wait_for(1)
    lam.update_event_source_mapping(
        UUID=uuid, ParallelizationFactor=4, BatchSize=2, MaximumRetryAttempts=0
    )
    settle(lab, uuid)
    lab.clock.advance(minutes=10)
    got = [text for event in gate.arrived for text in texts(event)]
    assert {"1", "2", "3"} <= set(got)
    assert len(got) == got.count("bad") + 3


def test_a_deleted_mapping_reads_no_more(lab: Lab, lam: Any, telling: str, gate: Gate) -> None:
    arn = make_stream(lab)
    uuid = map_stream(lab, arn, telling)
    lam.delete_event_source_mapping(UUID=uuid)
    lab.clock.advance(seconds=1)
    put(lab, "a")
    lab.clock.advance(minutes=1)
    assert gate.arrived == []


def test_a_stream_that_is_deleted_and_made_again_is_a_new_one(
    lab: Lab, telling: str, gate: Gate
) -> None:
    arn = make_stream(lab)
    uuid = map_stream(lab, arn, telling)
    put(lab, "a")
    gate.wait_for(1)
    wait_until(lambda: result(lab, uuid) == "OK")
    lab.client("kinesis").delete_stream(StreamName="s")
    wait_until(lambda: result(lab, uuid) == "PROBLEM: Stream not found.")
    make_stream(lab)
    put(lab, "b")
    assert texts(gate.wait_for(2)[1]) == ["b"]
    wait_until(lambda: result(lab, uuid) == "OK")


def test_a_reset_forgets_where_mappings_had_come_to(
    lab: Lab, telling: str, gate: Gate, make_function: MakeFunction
) -> None:
    arn = make_stream(lab)
    map_stream(lab, arn, telling, MaximumRetryAttempts=None)
    put(lab, "bad")
    gate.wait_for(1)
    lab.reset()
    arn = make_stream(lab)
    put(lab, "after")
    role = lab.role()
    assert role
    again = make_function(
        TELLING, FunctionName=telling, Environment={"Variables": {"GATE": str(gate.port)}}
    )
    map_stream(lab, arn, again)
    lab.clock.advance(minutes=10)
    assert texts(gate.arrived[-1]) == ["after"]
    assert [texts(event) for event in gate.arrived].count(["after"]) == 1


def test_an_alias_is_what_is_called(lab: Lab, lam: Any, telling: str, gate: Gate) -> None:
    version = lam.publish_version(FunctionName=telling)["Version"]
    lam.create_alias(FunctionName=telling, Name="live", FunctionVersion=version)
    map_stream(lab, make_stream(lab), f"{telling}:live")
    put(lab, "a")
    gate.wait_for(1)
    (logs,) = lab.client("logs").describe_log_streams(logGroupName=f"/aws/lambda/{telling}")[
        "logStreams"
    ]
    assert "[1]" in logs["logStreamName"]


# ---- what is counted and told


def metric(lab: Lab, name: str, statistic: str, **dimensions: str) -> list[float]:
    now = lab.clock.now()
    points = lab.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda", MetricName=name, Period=86400, Statistics=[statistic],
        StartTime=now.replace(hour=0, minute=0), EndTime=now.replace(hour=23, minute=59),
        Dimensions=[{"Name": one, "Value": value} for one, value in dimensions.items()],
    )["Datapoints"]  # fmt: skip
    unit = "Milliseconds" if name == "IteratorAge" else "Count"
    assert {point["Unit"] for point in points} <= {unit}
    return [point[statistic] for point in points]


def test_iterator_age_is_that_of_the_newest_record_of_a_batch(
    lab: Lab, telling: str, gate: Gate
) -> None:
    arn = make_stream(lab)
    put(lab, "old")
    lab.clock.advance(seconds=90)
    map_stream(lab, arn, telling)
    gate.wait_for(1)
    (age,) = metric(lab, "IteratorAge", "Maximum", FunctionName=telling)
    assert 90_000 <= age < 95_000


def test_event_counts_are_kept_where_they_are_asked_for(lab: Lab, telling: str, gate: Gate) -> None:
    arn = make_stream(lab)
    put(lab, '{"a": 1}', "left out", "bad")
    uuid = map_stream(
        lab, arn, telling, MaximumRetryAttempts=1, MetricsConfig={"Metrics": ["EventCount"]},
        FilterCriteria={"Filters": [{"Pattern": '{"data": [{"prefix": "bad"}]}'}]},
    )  # fmt: skip
    lab.clock.advance(minutes=1)
    counts = {
        name: sum(metric(lab, f"{name}EventCount", "Sum", EventSourceMappingUUID=uuid))
        for name in ("Polled", "FilteredOut", "Invoked", "FailedInvoke", "Dropped")
    }
    assert counts == {
        "Polled": 3, "FilteredOut": 2, "Invoked": 2, "FailedInvoke": 2, "Dropped": 1,
    }  # fmt: skip


def test_the_timeline_tells_what_became_of_each_batch(lab: Lab, telling: str) -> None:
    arn = make_stream(lab)
    put(lab, "a", "bad")
    uuid = map_stream(lab, arn, telling, MaximumRetryAttempts=1, BisectBatchOnFunctionError=True)
    lab.clock.advance(minutes=1)
    told = [one for one in lab.timeline if one.detail.get("mapping") == uuid]
    assert [(one.kind, one.detail["records"]) for one in told] == [
        ("poll", 2), ("split", 2), ("poll", 1), ("poll", 1), ("retry", 1), ("poll", 1),
        ("dropped", 1),
    ]  # fmt: skip
    assert told[0].detail["shard"] == "shardId-000000000000"
    assert told[4].detail["delay"] == 1
