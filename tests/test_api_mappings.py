"""Event source mappings: what is answered, and what comes of it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab import Lab
from lambdalab.functions.filters import is_pattern
from tests.engine import SIGNED_FOR_LAMBDA, port_of, refusal, request
from tests.stage import Story, set_up, set_up_sources

STORY = Story("mappings")


@pytest.fixture
def stage(lab: Lab) -> dict[str, Any]:
    return {**set_up(lab), **set_up_sources(lab)}


@pytest.mark.parametrize("row", STORY.rows, ids=lambda row: row["name"])
def test_row(lab: Lab, stage: dict[str, Any], row: dict[str, Any]) -> None:
    STORY.play(lab, row, stage)


def create(lam: Any, stage: dict[str, Any], **more: Any) -> dict[str, Any]:
    wanted = {"FunctionName": "fn", "EventSourceArn": stage["queue"]} | more
    made: dict[str, Any] = lam.create_event_source_mapping(**wanted)
    return made


@pytest.mark.parametrize(
    ("named", "shown"),
    [
        ("fn", "fn"),
        ("fn:$LATEST", "fn:$LATEST"),
        ("123456789012:function:fn", "fn"),
        ("123456789012:function:fn:1", "fn:1"),
        ("arn:aws:lambda:us-east-1:123456789012:function:fn", "fn"),
        ("arn:aws:lambda:us-east-1:123456789012:function:fn:live", "fn:live"),
    ],
)
def test_the_function_is_shown_as_it_was_named(
    lam: Any, stage: dict[str, Any], named: str, shown: str
) -> None:
    made = create(lam, stage, FunctionName=named)
    assert made["FunctionArn"] == stage["arn"] + shown
    # One queue may serve several versions and aliases, but none of them twice.
    other = "fn:1" if shown != "fn:1" else "fn"
    create(lam, stage, FunctionName=other)
    refused = refusal(
        lam.create_event_source_mapping, FunctionName=named, EventSourceArn=stage["queue"]
    )
    assert refused.code == "ResourceConflictException"


def test_a_mapping_takes_its_time_from_state_to_state(
    lab: Lab, lam: Any, stage: dict[str, Any]
) -> None:
    uuid = create(lam, stage)["UUID"]
    assert str(UUID(uuid)) == uuid

    def states(*, after: float = 1) -> str:
        lab.clock.advance(seconds=after)
        return str(lam.get_event_source_mapping(UUID=uuid)["State"])

    assert states(after=0) == "Creating"
    assert states() == "Enabled"
    lam.update_event_source_mapping(UUID=uuid, Enabled=False)
    assert states(after=0) == "Disabling"
    assert states() == "Disabled"
    # A change to a mapping that is disabled does not enable it.
    assert lam.update_event_source_mapping(UUID=uuid, BatchSize=3)["State"] == "Updating"
    assert states() == "Disabled"
    lam.update_event_source_mapping(UUID=uuid, Enabled=True)
    assert states() == "Enabled"
    lam.delete_event_source_mapping(UUID=uuid)
    assert refusal(lam.delete_event_source_mapping, UUID=uuid).code == "ResourceInUseException"
    assert states(after=0) == "Deleting"
    lab.clock.advance(seconds=1)
    assert refusal(lam.get_event_source_mapping, UUID=uuid).status == 404
    create(lam, stage)


def test_the_time_of_the_last_change_is_a_number_and_follows_the_state(
    lab: Lab, lam: Any, stage: dict[str, Any]
) -> None:
    path = f"/2015-03-31/event-source-mappings/{create(lam, stage)['UUID']}"

    def last_modified() -> float:
        answer = request(port_of(lab), "GET", path, Authorization=SIGNED_FOR_LAMBDA)
        return float(answer.json["LastModified"])

    created = last_modified()
    lab.clock.advance(seconds=10)
    assert 0.2 < last_modified() - created < 1.5


def test_a_refused_change_changes_nothing(lab: Lab, lam: Any, stage: dict[str, Any]) -> None:
    uuid = create(lam, stage)["UUID"]
    create(lam, stage, FunctionName="other")
    lab.clock.advance(seconds=1)
    before = lam.list_event_source_mappings()["EventSourceMappings"]
    for function in ("other", "slow", "gone"):
        refusal(lam.update_event_source_mapping, UUID=uuid, FunctionName=function, BatchSize=1)
    assert lam.list_event_source_mappings()["EventSourceMappings"] == before


def test_mappings_are_listed_by_function_source_and_page(
    lab: Lab, lam: Any, stage: dict[str, Any]
) -> None:
    of_alias = create(lam, stage, FunctionName="fn:live")["UUID"]
    of_stream = create(lam, stage, EventSourceArn=stage["stream"], StartingPosition="LATEST")
    of_other = create(lam, stage, FunctionName="other")["UUID"]

    def listed(**wanted: Any) -> set[str]:
        found = lam.list_event_source_mappings(**wanted)["EventSourceMappings"]
        return {one["UUID"] for one in found}

    assert listed() == {of_alias, of_stream["UUID"], of_other}
    assert listed(FunctionName="fn") == {of_alias, of_stream["UUID"]}
    assert listed(FunctionName="fn:live") == {of_alias}
    assert listed(EventSourceArn=stage["queue"]) == {of_alias, of_other}
    assert listed(EventSourceArn=stage["queue"], FunctionName=stage["other"]) == {of_other}
    assert listed(FunctionName="gone") == set()
    pages = lam.get_paginator("list_event_source_mappings").paginate(
        PaginationConfig={"PageSize": 2}
    )
    rows = [[one["UUID"] for one in page["EventSourceMappings"]] for page in pages]
    assert rows == [sorted(listed())[:2], sorted(listed())[2:]]


def test_other_accounts_and_regions_see_nothing(lab: Lab, lam: Any, stage: dict[str, Any]) -> None:
    uuid = create(lam, stage)["UUID"]
    elsewhere = lab.client("lambda", region_name="eu-west-1")
    assert elsewhere.list_event_source_mappings()["EventSourceMappings"] == []
    assert refusal(elsewhere.get_event_source_mapping, UUID=uuid).status == 404
    far = stage["queue"].replace("us-east-1", "eu-west-1")
    lab.client("sqs", region_name="eu-west-1").create_queue(QueueName="queue")
    refused = refusal(lam.create_event_source_mapping, FunctionName="fn", EventSourceArn=far)
    assert "NonExistentQueue" in refused.message


def test_an_emptied_cloud_has_no_mappings(lab: Lab, lam: Any, stage: dict[str, Any]) -> None:
    create(lam, stage)
    lab.reset()
    assert lam.list_event_source_mappings()["EventSourceMappings"] == []


def test_tags_belong_to_a_mapping(lam: Any, stage: dict[str, Any]) -> None:
    made = create(lam, stage, Tags={"a": "1"})
    arn = made["EventSourceMappingArn"]
    lam.tag_resource(Resource=arn, Tags={"b": "2"})
    assert lam.list_tags(Resource=arn)["Tags"] == {"a": "1", "b": "2"}
    gone = arn.replace(made["UUID"], "0" * 36)
    assert refusal(lam.list_tags, Resource=gone).code in (
        "ResourceNotFoundException",
        "ValidationException",
    )


def test_encrypted_filters_are_not_told_in_lists(lam: Any, stage: dict[str, Any]) -> None:
    made = create(
        lam,
        stage,
        FilterCriteria={"Filters": [{"Pattern": '{"body":[1]}'}]},
        KMSKeyArn="arn:aws:kms:us-east-1:123456789012:key/1",
    )
    (row,) = lam.list_event_source_mappings()["EventSourceMappings"]
    assert row.get("FilterCriteria") is None
    shown = lam.get_event_source_mapping(UUID=made["UUID"])
    assert shown["FilterCriteria"]["Filters"] == [{"Pattern": '{"body":[1]}'}]


def test_a_consumer_of_a_stream_is_a_source(lab: Lab, lam: Any, stage: dict[str, Any]) -> None:
    consumer = lab.client("kinesis").register_stream_consumer(
        StreamARN=stage["stream"], ConsumerName="fast"
    )["Consumer"]["ConsumerARN"]
    made = create(lam, stage, EventSourceArn=consumer, StartingPosition="LATEST")
    assert made["EventSourceArn"] == consumer
    refused = refusal(
        lam.create_event_source_mapping,
        FunctionName="fn", EventSourceArn=f"{consumer}-gone", StartingPosition="LATEST",
    )  # fmt: skip
    assert refused.message == f"Stream not found: {consumer}-gone"


def test_a_consumer_group_is_chosen_once(lab: Lab, lam: Any, stage: dict[str, Any]) -> None:
    uuid = create(
        lam,
        stage,
        EventSourceArn="arn:aws:kafka:us-east-1:123456789012:cluster/demo/1-1",
        Topics=["topic"],
        StartingPosition="LATEST",
    )["UUID"]
    lab.clock.advance(seconds=1)
    group = "AmazonManagedKafkaEventSourceConfig"
    first = lam.get_event_source_mapping(UUID=uuid)[group]["ConsumerGroupId"]
    refused = refusal(
        lam.update_event_source_mapping, UUID=uuid, **{group: {"ConsumerGroupId": "mine"}}
    )
    assert "'consumerGroupId'" in refused.message
    changed = lam.update_event_source_mapping(UUID=uuid, BatchSize=7)
    assert (changed["BatchSize"], changed[group]["ConsumerGroupId"]) == (7, first)


def test_a_share_group_is_not_retried(lam: Any, stage: dict[str, Any]) -> None:
    cluster = {
        "FunctionName": "fn",
        "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["k:9092"]}},
        "Topics": ["topic"],
        "SourceAccessConfigurations": [{"Type": "VPC_SUBNET", "URI": "subnet:subnet-1"}],
        "SelfManagedKafkaEventSourceConfig": {"ConsumptionMode": "Queue"},
    }
    refused = refusal(lam.create_event_source_mapping, **cluster, MaximumRetryAttempts=-1)
    assert refused.code == "InvalidParameterValueException"
    made = lam.create_event_source_mapping(**cluster)
    assert made["MaximumRetryAttempts"] == 0
    assert "StartingPosition" not in made


@pytest.mark.parametrize(
    "pattern",
    [
        {"a": [None, "", "x", 1, True]},
        {"a": {"b": {"c": ["x"]}}},
        {"a": [{"prefix": "x"}, {"suffix": {"equals-ignore-case": "X"}}]},
        {"a": [{"numeric": [">", 0, "<=", 5]}], "b": [{"numeric": ["=", 1]}]},
        {"a": [{"anything-but": ["x", 1]}], "b": [{"anything-but": {"prefix": "x"}}]},
        {"a": [{"exists": False}], "b": [{"equals-ignore-case": "x"}]},
        {"$or": [{"a": [1]}, {"b": [2]}], "c": [3]},
    ],
)
def test_a_filter_is_a_pattern(pattern: Any) -> None:
    assert is_pattern(json.dumps(pattern))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"a":{}}',
        '{"a":[[1]]}',
        '{"a":[{}]}',
        '{"a":[{"like":"x"}]}',
        '{"a":[{"prefix":"x","suffix":"y"}]}',
        '{"a":[{"prefix":1}]}',
        '{"a":[{"exists":"yes"}]}',
        '{"a":[{"numeric":[">"]}]}',
        '{"a":[{"numeric":["<",5,">",0]}]}',
        '{"a":[{"numeric":["~",5]}]}',
        '{"a":[{"numeric":[">","5"]}]}',
        '{"a":[{"anything-but":[]}]}',
        '{"a":[{"anything-but":{"numeric":[">",1]}}]}',
        '{"$or":[{"a":[1]}]}',
        '{"$or":[{"a":[1]},{"b":2}]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_pattern_is_no_filter(text: str) -> None:
    assert not is_pattern(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["a", "$or", "prefix", "suffix", "numeric", "exists", "anything-but", "like"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_whatever_is_given_as_a_filter_is_a_pattern_or_not(value: Any) -> None:
    assert is_pattern(json.dumps(value)) in (True, False)
    if not isinstance(value, dict) or not value:
        assert not is_pattern(json.dumps(value))
