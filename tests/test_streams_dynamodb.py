"""DynamoDB Streams as an event source: what a function is told of the items of a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import Gate
from tests.stream_stage import TELLING, make_queue, map_stream, received, result, to, wait_until

MakeFunction = Callable[..., str]
ITEM = {"id": {"S": "id_value"}}


@pytest.fixture
def telling(make_function: MakeFunction, gate: Gate) -> str:
    """A function that tells the gate what it gets; the gate is open."""
    gate.open()
    return make_function(TELLING, Environment={"Variables": {"GATE": str(gate.port)}})


def make_table(lab: Lab, view: str = "NEW_AND_OLD_IMAGES", *, sorted_: bool = False) -> str:
    """Make a table; gives the ARN of its stream."""
    names = ("id", "at") if sorted_ else ("id",)
    made = lab.client("dynamodb").create_table(
        TableName="t", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in names],
        KeySchema=[
            {"AttributeName": one, "KeyType": kind}
            for one, kind in zip(names, ("HASH", "RANGE"), strict=False)
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
    )  # fmt: skip
    return str(made["TableDescription"]["LatestStreamArn"])


def put(lab: Lab, *names: str, **more: Any) -> None:
    for name in names:
        lab.client("dynamodb").put_item(TableName="t", Item={"id": {"S": name}, **more})


def test_an_insert_comes_as_aws_shapes_it(lab: Lab, telling: str, gate: Gate) -> None:
    arn = make_table(lab)
    map_stream(lab, arn, telling)
    put(lab, "id_value", id2={"S": "id2_value"})
    (event,) = gate.wait_for(1)
    (record,) = event["Records"]
    assert len(record.pop("eventID")) == 32
    assert record["dynamodb"].pop("SequenceNumber").isdigit()
    assert isinstance(record["dynamodb"].pop("ApproximateCreationDateTime"), int)
    # The size is what AWS recorded for this very item.
    assert record == {
        "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1", "eventSourceARN": arn,
        "dynamodb": {
            "Keys": ITEM, "NewImage": ITEM | {"id2": {"S": "id2_value"}}, "SizeBytes": 32,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }  # fmt: skip


VIEWS = {
    "KEYS_ONLY": [set(), set(), set()],
    "NEW_IMAGE": [{"NewImage"}, {"NewImage"}, set()],
    "OLD_IMAGE": [set(), {"OldImage"}, {"OldImage"}],
    "NEW_AND_OLD_IMAGES": [{"NewImage"}, {"NewImage", "OldImage"}, {"OldImage"}],
}


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_tells_its_part_of_insert_modify_and_remove(
    view: str, lab: Lab, telling: str, gate: Gate
) -> None:
    arn = make_table(lab, view)
    put(lab, "a", n={"N": "1"})
    put(lab, "a", n={"N": "2"})
    lab.client("dynamodb").delete_item(TableName="t", Key={"id": {"S": "a"}})
    map_stream(lab, arn, telling)
    records = gate.wait_for(1)[0]["Records"]
    assert [one["eventName"] for one in records] == ["INSERT", "MODIFY", "REMOVE"]
    images = [{part for part in one["dynamodb"] if part.endswith("Image")} for one in records]
    assert images == VIEWS[view]
    assert {one["dynamodb"]["StreamViewType"] for one in records} == {view}


def test_latest_reads_what_comes_after_the_mapping(lab: Lab, telling: str, gate: Gate) -> None:
    arn = make_table(lab)
    put(lab, "before")
    map_stream(lab, arn, telling, StartingPosition="LATEST")
    put(lab, "after")
    (event,) = gate.wait_for(1)
    assert event["Records"][0]["dynamodb"]["Keys"] == {"id": {"S": "after"}}


def test_filters_see_the_whole_record(lab: Lab, telling: str, gate: Gate) -> None:
    arn = make_table(lab)
    pattern = '{"eventName": ["MODIFY"], "dynamodb": {"NewImage": {"n": {"N": [{"prefix": "2"}]}}}}'
    put(lab, "a", n={"N": "1"})
    put(lab, "a", n={"N": "2"})
    put(lab, "a", n={"N": "3"})
    map_stream(lab, arn, telling, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    (event,) = gate.wait_for(1)
    (record,) = event["Records"]
    assert record["dynamodb"]["NewImage"]["n"] == {"N": "2"}


def test_a_batch_given_up_is_told_of_in_whole_seconds(lab: Lab, telling: str) -> None:
    arn = make_table(lab)
    put(lab, "bad")
    map_stream(lab, arn, telling, MaximumRetryAttempts=1, DestinationConfig=to(make_queue(lab)))
    lab.clock.advance(minutes=1)
    (record,) = received(lab)
    info = record["DDBStreamBatchInfo"]
    assert info["startSequenceNumber"] == info["endSequenceNumber"]
    assert info["approximateArrivalOfFirstRecord"] == info["approximateArrivalOfLastRecord"]
    assert len(info["approximateArrivalOfFirstRecord"]) == len("2026-11-20T10:00:00Z")
    assert (info["batchSize"], info["streamArn"]) == (1, arn)
    assert record["requestContext"]["approximateInvokeCount"] == 2


def test_lanes_keep_the_order_of_a_partition_key_over_its_sort_keys(
    lab: Lab, telling: str, gate: Gate
) -> None:
    arn = make_table(lab, sorted_=True)
    map_stream(lab, arn, telling, ParallelizationFactor=8, BatchSize=1)
    for number in range(6):
        put(lab, "x", "y", at={"S": str(number)})
    keys = [one["Records"][0]["dynamodb"]["Keys"] for one in gate.wait_for(12)]
    for name in "xy":
        order = [one["at"]["S"] for one in keys if one["id"]["S"] == name]
        assert order == list("012345")


def test_a_stream_that_is_turned_off_is_read_to_its_end(
    lab: Lab, lam: Any, telling: str, gate: Gate
) -> None:
    arn = make_table(lab)
    put(lab, "a")
    table = lab.client("dynamodb")
    table.update_table(TableName="t", StreamSpecification={"StreamEnabled": False})
    put(lab, "unseen")
    map_stream(lab, arn, telling)
    lab.clock.advance(minutes=1)
    (event,) = gate.arrived
    assert [one["dynamodb"]["Keys"]["id"]["S"] for one in event["Records"]] == ["a"]


def test_a_table_that_is_deleted_is_told_of(lab: Lab, telling: str, gate: Gate) -> None:
    arn = make_table(lab)
    uuid = map_stream(lab, arn, telling)
    put(lab, "a")
    gate.wait_for(1)
    wait_until(lambda: result(lab, uuid) == "OK")
    lab.client("dynamodb").delete_table(TableName="t")
    wait_until(lambda: result(lab, uuid) == "PROBLEM: Stream not found.")
    assert [one.kind for one in lab.timeline if one.kind == "trouble"] == ["trouble"]


def test_what_has_left_the_stream_is_not_read(lab: Lab, telling: str, gate: Gate) -> None:
    arn = make_table(lab)
    put(lab, "gone")
    lab.clock.advance(hours=25)
    put(lab, "there")
    map_stream(lab, arn, telling)
    (event,) = gate.wait_for(1)
    assert [one["dynamodb"]["Keys"]["id"]["S"] for one in event["Records"]] == ["there"]


def test_windows_aggregate_here_too(lab: Lab, telling: str, gate: Gate) -> None:
    arn = make_table(lab)
    map_stream(lab, arn, telling, TumblingWindowInSeconds=60)
    put(lab, "a", "b")
    lab.clock.advance(minutes=1)
    final = gate.arrived[-1]
    assert (final["isFinalInvokeForWindow"], final["state"]) == (True, {"count": 2})
    assert final["shardId"] == "shardId-00000001541626099285-f35f62ef"
