"""Sources without a broker in the lab: recorded, never read, and said so; an example of each."""

from __future__ import annotations

import base64
import json

import pytest

from lambdalab import Lab, facts
from tests.engine import invoke
from tests.queue_stage import Stage

ARN = "arn:aws:kafka:us-east-1:123456789012:cluster/c/2b2b7f2c-3b1c-4d6e-9a0b-1c2d3e4f5a6b-1"

# The keys of an event, from the outside in, and where its first message lies.
SHAPES = {
    "msk": ("eventSource eventSourceArn bootstrapServers records", "aws:kafka"),
    "self-managed-kafka": ("eventSource bootstrapServers records", "SelfManagedKafka"),
    "activemq": ("eventSource eventSourceArn messages", "aws:mq"),
    "rabbitmq": ("eventSource eventSourceArn rmqMessagesByQueue", "aws:rmq"),
    "documentdb": ("eventSourceArn events eventSource", "aws:docdb"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_there_is_an_example_event_of_each(name: str) -> None:
    keys, source = SHAPES[name]
    event = facts.example_event(name)
    assert event.source.startswith("https://docs.aws.amazon.com/lambda/latest/dg/with-")
    assert list(event.value) == keys.split()
    assert event.value["eventSource"] == source


def test_the_examples_are_all_there() -> None:
    # Those of services that call functions come after them.
    assert [event.name for event in facts.example_events()][: len(SHAPES)] == list(SHAPES)


def test_what_the_examples_carry_is_base64() -> None:
    kafka = facts.example_event("msk").value["records"]["orders-0"][0]
    (rabbit,) = facts.example_event("rabbitmq").value["rmqMessagesByQueue"]["orders::/"]
    for message in (kafka["value"], rabbit["data"]):
        assert json.loads(base64.b64decode(message)) == {"order": 7}


def test_a_mapping_without_a_broker_is_recorded_and_says_so(
    lab: Lab, make_function: object
) -> None:
    stage = Stage(lab, make_function)  # type: ignore[arg-type]
    function = stage.make_function("def handler(event, context): return event['eventSource']")
    uuid = stage.read(function, ARN, Topics=["orders"], StartingPosition="LATEST")
    shown = stage.shown(uuid)
    assert (shown["State"], shown["LastProcessingResult"]) == ("Enabled", "No records processed")
    (trouble,) = stage.told("trouble")
    assert trouble.detail == {
        "mapping": uuid,
        "reason": "No broker runs behind this source in Lambda Lab: the mapping is recorded, and "
        "nothing is read.",
    }
    # A handler is tried with the example instead.
    assert invoke(stage.lam, function, facts.example_event("msk").value).value == "aws:kafka"
