"""What SNS takes: topics, subscriptions and messages, and the order and copies of FIFO topics."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import Refusal, refusal
from tests.message_stage import Stage, attributes
from tests.queueing import ACCOUNT, queue_arn, take

TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:news"
FIFO = f"{TOPIC}.fifo"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:teller"
SHORT = "TopicArn Reason: An ARN must have at least 6 elements, not "


@pytest.fixture
def stage(lab: Lab, make_function: Callable[..., str]) -> Stage:
    return Stage(lab, lambda *_, **settings: str(settings["FunctionName"]))


def fifo(stage: Stage, name: str = "news.fifo", **more: str) -> str:
    return stage.topic(name, FifoTopic="true", **more)


def invalid(text: str) -> Refusal:
    return Refusal(400, "InvalidParameter", f"Invalid parameter: {text}")


# ---- messages that are refused


def attribute(name: str = "a", /, **given: Any) -> dict[str, Any]:
    return {"MessageAttributes": {name: {"DataType": "String", "StringValue": "x"} | given}}


# What Publish is given, and what is wrong with it. Recorded: LocalStack's snapshots of 2023 and
# 2024, tests/aws/services/sns/test_sns.snapshot.json, but for those with a remark.
PUBLISHED: list[tuple[dict[str, Any], str]] = [
    ({"TopicArn": "x"}, SHORT + "1"),
    ({"TopicArn": "x:1"}, SHORT + "2"),
    ({"TopicArn": ""}, SHORT + "1"),
    ({"TopicArn": TOPIC.replace("east", "west")}, "TopicArn"),
    ({"TopicArn": f"{TOPIC}:0f7d5971"}, "Topic Name"),  # seen in public reports
    ({"Subject": ""}, "Subject"),
    ({"Subject": "x" * 101}, "Subject"),  # by the documentation
    ({"Subject": "a\nb"}, "Subject"),  # by the documentation
    ({"Message": ""}, "Empty message"),
    ({"Message": "x" * 262145}, "Message too long"),
    ({"Message": "é" * 131073}, "Message too long"),
    ({"Message": "x" * 262140, **attribute()}, "Message too long"),
    (
        {"MessageDeduplicationId": "x"},
        "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter "
        "that is not valid for this topic type",
    ),
    ({"TopicArn": FIFO}, "The MessageGroupId parameter is required for FIFO topics"),
    (
        {"TopicArn": FIFO, "MessageGroupId": "g"},
        "The topic should either have ContentBasedDeduplication enabled or "
        "MessageDeduplicationId provided explicitly",
    ),
]  # fmt: skip
EMPTY = "must contain non-empty message attribute value for message attribute type"
# What an attribute is, and what is wrong with it; recorded: test_empty_or_wrong_message_attributes
# and test_message_attributes_prefixes, but for the last.
ATTRIBUTES: list[tuple[dict[str, Any], str]] = [
    (attribute(StringValue=""), f"The message attribute 'a' {EMPTY} 'String'."),
    (
        {"MessageAttributes": {"a": {"DataType": "Binary", "BinaryValue": b""}}},
        f"The message attribute 'a' {EMPTY} 'Binary'.",
    ),
    (
        {"MessageAttributes": {"a": {"DataType": "Number", "BinaryValue": b"1"}}},
        "The message attribute 'a' with type 'Number' must use field 'String'.",
    ),
    (
        attribute(DataType="Binary"),
        "The message attribute 'a' with type 'Binary' must use field 'Binary'.",
    ),
    *(
        (
            attribute(DataType=kind),
            "The message attribute 'a' has an invalid message attribute type, the set of "
            "supported type prefixes is Binary, Number, and String.",
        )
        for kind in ("InvalidType", "DoubleString", "StringPrefix")
    ),
    (attribute("a" * 257), "Length of message attribute name must be less than 256 bytes."),
    (
        attribute("a^b"),
        "Invalid non-alphanumeric character '#x5E' was found in the message attribute name. Can "
        "only include alphanumeric characters, hyphens, underscores, or dots.",
    ),
    (attribute(".a"), "Invalid message attribute name starting with character '.' was found."),
    (attribute("a."), "Invalid message attribute name ending with character '.' was found."),
    (attribute("a..b"), "Message attribute name can not have successive '.' character."),
    (attribute(DataType="Number"), "Could not cast message attribute 'a' value to number."),
]  # fmt: skip


@pytest.mark.parametrize(("given", "text"), PUBLISHED, ids=lambda one: str(one)[:60])
def test_messages_that_are_refused(stage: Stage, given: dict[str, Any], text: str) -> None:
    stage.topic(), fifo(stage)
    assert refusal(stage.sns.publish, **{"TopicArn": TOPIC, "Message": "x", **given}) == (
        invalid(text)
    )


@pytest.mark.parametrize(("given", "text"), ATTRIBUTES, ids=lambda one: str(one)[:60])
def test_attributes_that_are_refused(stage: Stage, given: dict[str, Any], text: str) -> None:
    topic = stage.topic()
    wanted = Refusal(400, "ParameterValueInvalid", text)
    assert refusal(stage.sns.publish, TopicArn=topic, Message="x", **given) == wanted
    entries = [{"Id": "1", "Message": "x", **given}]
    batch = refusal(stage.sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries)
    assert batch == wanted


def test_there_must_be_something_to_publish_to(stage: Stage) -> None:
    missing = Refusal(404, "NotFound", "Topic does not exist")
    assert refusal(stage.sns.publish, TopicArn=TOPIC, Message="x") == missing
    endpoint = f"arn:aws:sns:us-east-1:{ACCOUNT}:endpoint/APNS/abcdef/0f7d5971"
    assert refusal(stage.sns.publish, TargetArn=endpoint, Message="x") == invalid(
        "TargetArn Reason: No endpoint found for the target arn specified"
    )
    assert refusal(stage.sns.publish, Message="x").status == 400
    assert stage.sns.publish(TargetArn=stage.topic(), Message="x")["MessageId"]


def test_a_topic_may_take_larger_messages(stage: Stage) -> None:
    topic = stage.topic(MaximumMessageSize="1048576")
    assert stage.publish(topic, "x" * 1_048_576)
    shown = stage.sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert shown["MaximumMessageSize"] == "1048576"


def entries(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"Id": str(number), "Message": "x", **more} for number in range(count)]


# Recorded: test_publish_batch_exceptions and test_publish_batch_too_long_message; the empty one and
# the one with a bad id are by the documentation.
BATCHES = [
    ([], "EmptyBatchRequest"),
    (entries(11), "TooManyEntriesInBatchRequest"),
    (entries(1) * 2, "BatchEntryIdsNotDistinct"),
    ([{"Id": "a b", "Message": "x"}], "InvalidBatchEntryId"),
    (entries(10, Message="x" * 26300), "BatchRequestTooLong"),
    (entries(2, Message=""), "InvalidParameter"),
]


@pytest.mark.parametrize(("given", "code"), BATCHES, ids=lambda one: str(one)[:40])
def test_batches_that_are_refused(stage: Stage, given: Any, code: str) -> None:
    topic = stage.topic()
    stage.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=stage.queue("q"))
    found = refusal(stage.sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=given)
    assert (found.status, found.code) == (400, code)
    assert stage.in_queue("q") == [], "a part of the batch has been sent"


# ---- topics and subscriptions


def test_a_topic_shows_its_attributes(stage: Stage) -> None:
    # Recorded: test_create_topic_with_attributes
    topic = fifo(stage, DisplayName="Name", SignatureVersion="2")
    shown = stage.sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert sorted(shown) == [
        "ContentBasedDeduplication", "DisplayName", "EffectiveDeliveryPolicy", "FifoTopic",
        "Owner", "Policy", "SignatureVersion", "SubscriptionsConfirmed", "SubscriptionsDeleted",
        "SubscriptionsPending", "TopicArn",
    ]  # fmt: skip
    assert json.loads(shown["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]
    assert fifo(stage, DisplayName="Name") == topic
    tags = [{"Key": "a", "Value": "b"}]
    assert refusal(
        stage.sns.create_topic, Name="news.fifo", Attributes={"FifoTopic": "true"}, Tags=tags
    ) == invalid("Tags Reason: Topic already exists with different tags")
    assert refusal(stage.sns.tag_resource, ResourceArn=topic, Tags=tags * 2) == invalid(
        "Duplicated keys are not allowed."
    )  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "given", "text"),
    [
        ("get_topic_attributes", {"TopicArn": "x"}, SHORT + "1"),
        ("list_subscriptions_by_topic", {"TopicArn": "x"}, SHORT + "1"),
        ("subscribe", {"TopicArn": "x", "Protocol": "sqs"}, SHORT + "1"),
        ("list_topics", {"NextToken": "x"}, "NextToken"),
        ("create_topic", {"Name": "a b"}, "Topic Name"),
        ("create_topic", {"Name": "a", "Attributes": {"FifoTopic": "true"}}, "Topic Name"),
        (
            "create_topic",
            {"Name": "a", "Attributes": {"ContentBasedDeduplication": "true"}},
            "Attributes Reason: Unknown attribute ContentBasedDeduplication",
        ),
        (
            "create_topic",
            {"Name": "news", "Attributes": {"DisplayName": "other"}},
            "Attributes Reason: Topic already exists with different attributes",
        ),
        (
            "set_topic_attributes",
            {"TopicArn": TOPIC, "AttributeName": "NoSuch", "AttributeValue": "x"},
            "AttributeName",
        ),
        (
            "set_topic_attributes",
            {"TopicArn": TOPIC, "AttributeName": "Policy", "AttributeValue": "{"},
            "Policy Error: null",
        ),
        (
            "set_topic_attributes",
            {"TopicArn": TOPIC, "AttributeName": "MaximumMessageSize", "AttributeValue": "1023"},
            "MaximumMessageSize",
        ),
        # Recorded: test_unsubscribe_wrong_arn_format
        (
            "unsubscribe",
            {"SubscriptionArn": "arn:aws:sns:us-east-1:random"},
            "SubscriptionArn Reason: An ARN must have at least 6 elements, not 5",
        ),
        ("unsubscribe", {"SubscriptionArn": f"{TOPIC}:random"}, "SubscriptionId"),
        (
            "get_subscription_attributes",
            {"SubscriptionArn": "x"},
            "SubscriptionArn Reason: An ARN must have at least 6 elements, not 1",
        ),
    ],
)
def test_requests_that_are_refused(
    stage: Stage, operation: str, given: dict[str, Any], text: str
) -> None:
    stage.topic()
    assert refusal(getattr(stage.sns, operation), **given) == invalid(text)


# What Subscribe is given, and what is wrong with it; recorded, but for those with a remark.
SUBSCRIBED: list[tuple[dict[str, Any], str]] = [
    (
        {"Protocol": "test-protocol"},
        "Amazon SNS does not support this protocol string: test-protocol",
    ),
    ({"Endpoint": "http://localhost/queue/q"}, "SQS endpoint ARN"),
    (
        {"Endpoint": queue_arn("q.fifo")},
        "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS "
        "topics",
    ),
    # Seen in public reports.
    (
        {"TopicArn": FIFO, "Protocol": "lambda", "Endpoint": FUNCTION},
        "Invalid protocol type: lambda",
    ),
    (
        {"Attributes": {"RawMessageDelivery": "no"}},
        "Attributes Reason: RawMessageDelivery: Invalid value [no]. Must be true or false.",
    ),
    (
        {"Protocol": "lambda", "Endpoint": FUNCTION, "Attributes": {"RawMessageDelivery": "true"}},
        "Attributes Reason: Delivery protocol [lambda] does not support raw message delivery.",
    ),
    (
        {"Attributes": {"RedrivePolicy": '{"maxReceiveCount": 5}'}},
        "Attributes Reason: RedrivePolicy: invalid JSON. Attribute maxReceiveCount is unknown.",
    ),
    ({"Attributes": {"NoSuch": "x"}}, "Attributes Reason: Unknown attribute NoSuch"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "text"), SUBSCRIBED, ids=lambda one: str(one)[:60])
def test_subscriptions_that_are_refused(stage: Stage, given: dict[str, Any], text: str) -> None:
    stage.topic(), fifo(stage)
    wanted = {"TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": queue_arn("q"), **given}
    assert refusal(stage.sns.subscribe, **wanted) == invalid(text)
    assert stage.sns.list_subscriptions()["Subscriptions"] == []


def test_a_subscription_shows_and_checks_its_attributes(stage: Stage) -> None:
    # Recorded: test_create_subscriptions_with_attributes, test_validate_set_sub_attributes
    topic = stage.topic()
    made = stage.sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue_arn("q"),
        Attributes={
            "RawMessageDelivery": "TrUe", "FilterPolicyScope": "MessageBody", "FilterPolicy": "",
        },
    )["SubscriptionArn"]  # fmt: skip
    shown = stage.sns.get_subscription_attributes(SubscriptionArn=made)["Attributes"]
    assert shown == {
        "ConfirmationWasAuthenticated": "true",
        "Endpoint": queue_arn("q"),
        "Owner": ACCOUNT,
        "PendingConfirmation": "false",
        "Protocol": "sqs",
        "RawMessageDelivery": "true",
        "SubscriptionArn": made,
        "SubscriptionPrincipal": f"arn:aws:iam::{ACCOUNT}:root",
        "TopicArn": topic,
    }
    for name, value, text in (
        ("NoSuch", "x", "AttributeName"),
        (
            "RawMessageDelivery",
            "test-ValUe",
            "RawMessageDelivery: Invalid value [test-ValUe]. Must be true or false.",
        ),
        ("RawMessageDelivery", "", "RawMessageDelivery: Invalid value []. Must be true or false."),
        (
            "RedrivePolicy",
            '{"deadLetterTargetArn": "fake-arn"}',
            "RedrivePolicy: deadLetterTargetArn is an invalid arn",
        ),
    ):
        found = refusal(
            stage.sns.set_subscription_attributes,
            SubscriptionArn=made, AttributeName=name, AttributeValue=value,
        )  # fmt: skip
        assert found == invalid(text)
    stage.sns.unsubscribe(SubscriptionArn=made)
    gone = refusal(
        stage.sns.set_subscription_attributes,
        SubscriptionArn=made, AttributeName="RawMessageDelivery", AttributeValue="true",
    )  # fmt: skip
    assert gone == Refusal(404, "NotFound", "Subscription does not exist")
    assert stage.sns.unsubscribe(SubscriptionArn=made)


# ---- FIFO topics, dead letters


def received(stage: Stage, queue: str) -> dict[str, Any]:
    """The one message in a queue, with all that is told of it."""
    url = stage.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    answer = stage.sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], MessageAttributeNames=["All"]
    )
    (message,) = answer["Messages"]
    return dict(message)


@pytest.mark.parametrize("explicit", [True, False])
def test_a_fifo_topic_numbers_its_messages_and_drops_copies(stage: Stage, explicit: bool) -> None:
    # Recorded: test_message_to_fifo_sqs, test_publish_batch_messages_from_fifo_topic_to_fifo_queue
    topic = fifo(stage, ContentBasedDeduplication=str(not explicit).lower())
    stage.sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})
    stage.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn("q.fifo"))
    given = {"MessageGroupId": "g"} | ({"MessageDeduplicationId": "d"} if explicit else {})
    first, again = (stage.sns.publish(TopicArn=topic, Message="Test", **given) for _ in "12")
    for name in ("MessageId", "SequenceNumber"):
        assert first[name] == again[name]
    entry = {"Id": "1", "Message": "Test", **given}
    batch = stage.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[entry])
    (told,) = batch["Successful"]
    assert (told["MessageId"], told["SequenceNumber"]) == (
        first["MessageId"], first["SequenceNumber"],
    )  # fmt: skip
    message = received(stage, "q.fifo")
    body = json.loads(message["Body"])
    assert list(body) == [
        "Type", "MessageId", "SequenceNumber", "TopicArn", "Message", "Timestamp", "UnsubscribeURL",
    ]  # fmt: skip
    assert body["SequenceNumber"] == first["SequenceNumber"]
    assert message["Attributes"]["MessageGroupId"] == "g"
    identity = "d" if explicit else sha256(b"Test").hexdigest()
    assert message["Attributes"]["MessageDeduplicationId"] == identity


def test_a_standard_queue_behind_a_fifo_topic_is_told_of_no_group(stage: Stage) -> None:
    # Recorded: test_fifo_topic_to_regular_sqs
    topic = fifo(stage, ContentBasedDeduplication="true")
    stage.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=stage.queue("q"))
    for _ in range(2):
        stage.publish(topic, MessageGroupId="g")
    message = received(stage, "q")
    assert not {"MessageGroupId", "MessageDeduplicationId"} & message["Attributes"].keys()


def test_a_group_of_a_standard_topic_reaches_standard_queues(stage: Stage) -> None:
    # By the service model: it is for fair queues.
    topic = stage.topic()
    stage.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=stage.queue("q"))
    stage.publish(topic, MessageGroupId="tenant")
    message = received(stage, "q")
    assert message["Attributes"]["MessageGroupId"] == "tenant"


@pytest.mark.parametrize("raw", [True, False])
def test_dead_letters_are_as_they_would_have_been(stage: Stage, raw: bool) -> None:
    # Recorded: test_redrive_policy_sqs_queue_subscription, test_publish_fifo_messages_to_dlq
    topic = fifo(stage)
    stage.sqs.create_queue(QueueName="grave.fifo", Attributes={"FifoQueue": "true"})
    stage.sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue_arn("gone.fifo"),
        Attributes={
            "RawMessageDelivery": str(raw).lower(),
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": queue_arn("grave.fifo")}),
        },
    )  # fmt: skip
    given = attributes(a=("Number", "99.12"), b=("Binary", b"\2\3"))
    stage.publish(
        topic, "text", MessageGroupId="g", MessageDeduplicationId="d", MessageAttributes=given
    )
    buried = received(stage, "grave.fifo")
    known = buried["Attributes"]
    assert (known["MessageGroupId"], known["MessageDeduplicationId"]) == ("g", "d")
    if raw:
        assert (buried["Body"], buried["MessageAttributes"]) == ("text", given)
    else:
        assert json.loads(buried["Body"])["MessageAttributes"]["a"]["Value"] == "99.12"


def test_a_raw_message_with_too_many_attributes_is_a_dead_letter(stage: Stage) -> None:
    # By the documentation of raw message delivery.
    topic = stage.topic()
    stage.sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=stage.queue("q"),
        Attributes={
            "RawMessageDelivery": "true",
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": stage.queue("grave")}),
        },
    )  # fmt: skip
    for count in (10, 11):
        given = attributes(**{f"a{number}": ("String", "x") for number in range(count)})
        stage.publish(topic, str(count), MessageAttributes=given)
    assert [one["Body"] for one in take(stage.lab, "q")] == ["10"]
    assert [one["Body"] for one in take(stage.lab, "grave")] == ["11"]
