"""moto's streams, mended: each of these fails when moto changes what the mending relies on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lambdalab import Lab
from lambdalab.neighbours.streams.dynamodb_changes import size_of
from tests.engine import refusal
from tests.stream_stage import make_stream, put
from tests.test_streams_dynamodb import make_table
from tests.test_streams_dynamodb import put as put_item

MakeFunction = Callable[..., str]
FIRST = "shardId-000000000000"


def records(lab: Lab, shard: str = FIRST, **where: Any) -> list[Any]:
    kinesis = lab.client("kinesis")
    where = where or {"ShardIteratorType": "TRIM_HORIZON"}
    iterator = kinesis.get_shard_iterator(StreamName="s", ShardId=shard, **where)["ShardIterator"]
    found: list[Any] = kinesis.get_records(ShardIterator=iterator)["Records"]
    return found


def changes(lab: Lab, arn: str) -> list[Any]:
    """What a table's stream holds."""
    streams = lab.client("dynamodbstreams")
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    found: list[Any] = streams.get_records(ShardIterator=iterator)["Records"]
    return found


# ---- Kinesis


def test_sequence_numbers_are_as_long_as_those_of_aws_and_rise_over_a_reshard(lab: Lab) -> None:
    kinesis = lab.client("kinesis")
    make_stream(lab)
    numbers = put(lab, "a", "b")
    kinesis.split_shard(StreamName="s", ShardToSplit=FIRST, NewStartingHashKey=str(2**127))
    numbers += put(lab, "c")
    kinesis.merge_shards(
        StreamName="s", ShardToMerge="shardId-000000000001",
        AdjacentShardToMerge="shardId-000000000002",
    )  # fmt: skip
    numbers += put(lab, "d")
    assert {len(one) for one in numbers} == {56}
    assert numbers == sorted(set(numbers))


def test_a_shard_that_was_split_keeps_its_records_and_takes_no_more(lab: Lab) -> None:
    kinesis = lab.client("kinesis")
    make_stream(lab)
    put(lab, "a")
    kinesis.split_shard(StreamName="s", ShardToSplit=FIRST, NewStartingHashKey=str(2**127))
    shards = {
        kinesis.put_record(
            StreamName="s", Data=b"x", PartitionKey="k", ExplicitHashKey=str(hash_key)
        )["ShardId"]
        for hash_key in (0, 2**127 - 1, 2**127, 2**128 - 1)
    }
    assert shards == {"shardId-000000000001", "shardId-000000000002"}
    assert [one["Data"] for one in records(lab)] == [b"a"]


def test_merged_shards_keep_their_records(lab: Lab) -> None:
    kinesis = lab.client("kinesis")
    make_stream(lab, shards=2)
    put(lab, *(f"{key}:{key}" for key in "abcdef"))
    before = [[one["Data"] for one in records(lab, f"shardId-00000000000{n}")] for n in range(2)]
    assert all(before)
    kinesis.merge_shards(
        StreamName="s", ShardToMerge=FIRST, AdjacentShardToMerge="shardId-000000000001"
    )
    after = [[one["Data"] for one in records(lab, f"shardId-00000000000{n}")] for n in range(3)]
    assert after == [*before, []]


def test_reading_goes_on_after_a_sequence_number(lab: Lab) -> None:
    make_stream(lab)
    numbers = put(lab, "a", "b", "c")
    after = records(
        lab, ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[0]
    )
    assert [one["SequenceNumber"] for one in after] == numbers[1:]
    at = records(lab, ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1])
    assert [one["SequenceNumber"] for one in at] == numbers[1:]
    assert records(lab, ShardIteratorType="LATEST") == []


def test_records_leave_a_stream_after_its_retention(lab: Lab) -> None:
    make_stream(lab)
    put(lab, "a")
    lab.clock.advance(hours=23)
    put(lab, "b")
    assert len(records(lab)) == 2
    lab.clock.advance(hours=2)
    assert [one["Data"] for one in records(lab)] == [b"b"]
    lab.client("kinesis").increase_stream_retention_period(StreamName="s", RetentionPeriodHours=48)
    lab.clock.advance(hours=24)
    assert [one["Data"] for one in records(lab)] == [b"b"]


def test_a_consumer_has_its_time_in_its_arn_and_can_be_deregistered_by_name(lab: Lab) -> None:
    kinesis = lab.client("kinesis")
    arn = make_stream(lab)
    for name in ("one", "two"):
        made = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName=name)["Consumer"]
        second = int(made["ConsumerCreationTimestamp"].timestamp())
        assert made["ConsumerARN"] == f"{arn}/consumer/{name}:{second}"
    kinesis.deregister_stream_consumer(StreamARN=arn, ConsumerName="one")
    left = kinesis.list_stream_consumers(StreamARN=arn)["Consumers"]
    assert [one["ConsumerName"] for one in left] == ["two"]


def test_what_moto_refuses_is_refused_still(lab: Lab) -> None:
    kinesis = lab.client("kinesis")
    make_stream(lab)
    row = {"StreamName": "s", "Data": b"x", "PartitionKey": "k"}
    assert refusal(kinesis.put_record, **row, ExplicitHashKey=str(2**128)).status == 400
    split = {"StreamName": "s", "ShardToSplit": FIRST, "NewStartingHashKey": "0"}
    assert refusal(kinesis.split_shard, **split).code == "InvalidArgumentException"
    put(lab, "a")
    assert len(records(lab)) == 1


# ---- DynamoDB


def test_an_update_of_a_new_item_is_one_insert(lab: Lab) -> None:
    arn = make_table(lab)
    update = {
        "TableName": "t", "Key": {"id": {"S": "a"}}, "UpdateExpression": "SET n = :n",
        "ExpressionAttributeValues": {":n": {"N": "1"}},
    }  # fmt: skip
    lab.client("dynamodb").update_item(**update)
    (record,) = changes(lab, arn)
    assert record["eventName"] == "INSERT"
    assert record["dynamodb"]["NewImage"] == {"id": {"S": "a"}, "n": {"N": "1"}}
    lab.client("dynamodb").update_item(**update)  # changes nothing
    put_item(lab, "a", n={"N": "1"})  # neither does this
    assert len(changes(lab, arn)) == 1


def test_a_record_tells_the_item_as_it_was_then(lab: Lab) -> None:
    arn = make_table(lab)
    put_item(lab, "a", list={"L": [{"N": "1"}]})
    for number in (2, 3):
        lab.client("dynamodb").update_item(
            TableName="t", Key={"id": {"S": "a"}}, UpdateExpression=f"SET #l[{number - 1}] = :n",
            ExpressionAttributeNames={"#l": "list"},
            ExpressionAttributeValues={":n": {"N": str(number)}},
        )  # fmt: skip
    images = [one["dynamodb"]["NewImage"]["list"]["L"] for one in changes(lab, arn)]
    assert [len(one) for one in images] == [1, 2, 3]


def test_a_transaction_that_fails_leaves_no_record(lab: Lab) -> None:
    arn = make_table(lab)
    put_item(lab, "there")
    absent = {"ConditionExpression": "attribute_not_exists(id)"}
    writes = [
        {"Put": {"TableName": "t", "Item": {"id": {"S": "new"}}}},
        {"Put": {"TableName": "t", "Item": {"id": {"S": "there"}}, **absent}},
    ]
    dynamodb = lab.client("dynamodb")
    refused = refusal(dynamodb.transact_write_items, TransactItems=writes)
    assert refused.code == "TransactionCanceledException"
    assert len(changes(lab, arn)) == 1
    dynamodb.transact_write_items(TransactItems=writes[:1])
    assert len(changes(lab, arn)) == 2


def test_a_table_whose_stream_is_off_takes_items_and_can_have_a_new_one(lab: Lab) -> None:
    arn = make_table(lab)
    dynamodb = lab.client("dynamodb")
    lab.clock.advance(seconds=1)
    dynamodb.update_table(TableName="t", StreamSpecification={"StreamEnabled": False})
    put_item(lab, "unseen")
    described = lab.client("dynamodbstreams").describe_stream(StreamArn=arn)["StreamDescription"]
    assert described["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert "StreamSpecification" not in dynamodb.describe_table(TableName="t")["Table"]
    again = dynamodb.update_table(
        TableName="t", StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    )["TableDescription"]["LatestStreamArn"]
    assert again != arn
    put_item(lab, "seen")
    (record,) = changes(lab, again)
    assert record["dynamodb"]["Keys"] == {"id": {"S": "seen"}}


def test_records_leave_a_table_s_stream_after_a_day(lab: Lab) -> None:
    arn = make_table(lab)
    put_item(lab, "a")
    lab.clock.advance(hours=23)
    put_item(lab, "b")
    assert len(changes(lab, arn)) == 2
    lab.clock.advance(hours=2)
    (record,) = changes(lab, arn)
    assert record["dynamodb"]["Keys"] == {"id": {"S": "b"}}


def test_a_record_names_the_region_of_its_table(lab: Lab) -> None:
    dynamodb = lab.client("dynamodb", region_name="eu-west-1")
    made = dynamodb.create_table(
        TableName="t", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )["TableDescription"]  # fmt: skip
    dynamodb.put_item(TableName="t", Item={"id": {"S": "a"}})
    streams = lab.client("dynamodbstreams", region_name="eu-west-1")
    arn = made["LatestStreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    (record,) = streams.get_records(ShardIterator=iterator)["Records"]
    assert (record["awsRegion"], record["eventVersion"]) == ("eu-west-1", "1.1")


# Sizes in bytes of records that AWS sent to functions: keys and images together. Source: recorded
# events of AWS, public in github.com/localstack/localstack
# (test_lambda_integration_dynamodbstreams.snapshot.json).
KEY = {"id": {"S": "id_value"}}
LONG_KEY = {"my_partition_key": {"S": "hello world"}}
SIZES = [
    (20, [KEY, KEY]),
    (32, [KEY, KEY | {"id2": {"S": "id2_value"}}]),
    (46, [KEY, KEY | {"id2": {"S": "id2_new_value"}}, KEY]),
    (70, [LONG_KEY, LONG_KEY | {"binary_key": {"B": "Zm9vYmFy"}}]),
]


@pytest.mark.parametrize(("size", "parts"), SIZES)
def test_sizes_are_those_that_aws_recorded(size: int, parts: list[Any]) -> None:
    assert sum(size_of(part) for part in parts) == size


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"N": "0"}, 1), ({"N": "27"}, 2), ({"N": "-3.141"}, 3), ({"BOOL": True}, 1),
        ({"NULL": True}, 1), ({"SS": ["ab", "c"]}, 3), ({"NS": ["1", "22"]}, 4),
        ({"L": [{"S": "a"}, {"N": "1"}]}, 8), ({"M": {"k": {"S": "v"}}}, 6),
    ],
)  # fmt: skip
def test_sizes_of_every_type(value: dict[str, Any], size: int) -> None:
    assert size_of({"": value}) == size
