"""Topics call functions: the record, the leave, the dead-letter queue, what a queue gets."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import SNSEvent
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from lambdalab import Lab
from tests.conftest import StartLab
from tests.engine import RUNTIME, port_of, refusal, request
from tests.message_stage import TELLER, Stage, attributes
from tests.queueing import ACCOUNT, REGION, queue_arn, take

SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")


@pytest.fixture
def stage(lab: Lab, make_function: Callable[..., str]) -> Stage:
    return Stage(lab, make_function)


@pytest.fixture
def topic(stage: Stage) -> str:
    """A topic that may call the function."""
    made = stage.topic()
    stage.allow("sns", made)
    return made


# ---- the record


def test_the_record_is_that_of_aws(stage: Stage, topic: str) -> None:
    # Recorded: LocalStack's snapshot of January 2024, tests/aws/services/sns/test_sns.snapshot.json
    subscription = stage.subscribe(topic)
    given = attributes(text=("String", "é"), number=("Number", "1.50"), raw=("Binary", b"\2\3\4"))
    message_id = stage.publish(topic, "hällo", Subject="[Subject]", MessageAttributes=given)
    (record,) = stage.records()
    sns = record.pop("Sns")
    assert record == {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription,
    }
    assert list(sns) == [
        "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion",
        "Signature", "SigningCertUrl", "UnsubscribeUrl", "MessageAttributes",
    ]  # fmt: skip
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", sns.pop("Timestamp"))
    site = f"https://sns.{REGION}.amazonaws.com/"
    assert re.fullmatch(
        f"{site}SimpleNotificationService-[0-9a-f]{{32}}.pem", sns.pop("SigningCertUrl")
    )
    assert b64decode(sns.pop("Signature"))
    assert sns == {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic,
        "Subject": "[Subject]",
        "Message": "hällo",
        "SignatureVersion": "1",
        "UnsubscribeUrl": f"{site}?Action=Unsubscribe&SubscriptionArn={subscription}",
        "MessageAttributes": {
            "text": {"Type": "String", "Value": "é"},
            "number": {"Type": "Number", "Value": "1.50"},
            "raw": {"Type": "Binary", "Value": "AgME"},
        },
    }


def test_powertools_reads_the_event(stage: Stage, topic: str) -> None:
    stage.subscribe(topic)
    stage.publish(topic, "hello", MessageAttributes=attributes(kind=("String", "good")))
    event = SNSEvent({"Records": stage.records()})
    assert event.sns_message == "hello"
    sns = event.record.sns
    assert (sns.topic_arn, sns.message_attributes["kind"].value) == (topic, "good")
    assert sns.signing_cert_url.endswith(".pem")


def test_what_is_not_given_is_null_or_empty(stage: Stage, topic: str) -> None:
    stage.subscribe(topic)
    stage.publish(topic)
    (record,) = stage.records()
    assert record["Sns"]["Subject"] is None
    assert record["Sns"]["MessageAttributes"] == {}


@pytest.mark.parametrize("version", ["1", "2"])
def test_the_signature_can_be_checked_with_the_certificate(stage: Stage, version: str) -> None:
    # Recorded: test_publish_lambda_verify_signature. Functions are always told of version 1.
    topic = stage.topic(SignatureVersion=version)
    stage.allow("sns", topic)
    stage.subscribe(topic)
    stage.publish(topic, Subject="s")
    (record,) = stage.records()
    sns = record["Sns"]
    assert sns["SignatureVersion"] == "1"
    path = sns["SigningCertUrl"].removeprefix(f"https://sns.{REGION}.amazonaws.com")
    pem = request(port_of(stage.lab), "GET", path, Host=f"sns.{REGION}.amazonaws.com").body
    told = "".join(f"{name}\n{sns[name]}\n" for name in SIGNED).encode()
    digest = hashes.SHA1() if version == "1" else hashes.SHA256()
    key: Any = x509.load_pem_x509_certificate(pem).public_key()
    key.verify(b64decode(sns["Signature"]), told, PKCS1v15(), digest)


def test_each_protocol_gets_its_text(stage: Stage, topic: str) -> None:
    stage.subscribe(topic)
    stage.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=stage.queue("q"))
    texts = {"default": "to all", "lambda": "to functions"}
    stage.publish(topic, json.dumps(texts), MessageStructure="json")
    stage.publish(topic, json.dumps({"default": "other"}), MessageStructure="json")
    assert sorted(one["Sns"]["Message"] for one in stage.records()) == ["other", "to functions"]
    assert sorted(one["Message"] for one in stage.in_queue("q")) == ["other", "to all"]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        # Recorded: test_publish_batch_exceptions
        ('{"lambda": "x"}', "Message Structure - No default entry in JSON message body"),
        ("no JSON", "Message Structure - JSON message body failed to parse"),
        # Recorded: test_message_structure_json_exc
        ('{"default": {"a": "b"}}', "Message Structure - No default entry in JSON message body"),
    ],
)
def test_texts_by_protocol_need_a_default(
    stage: Stage, topic: str, message: str, text: str
) -> None:
    wanted = (400, "InvalidParameter", f"Invalid parameter: {text}")
    given = {"Message": message, "MessageStructure": "json"}
    assert refusal(stage.sns.publish, TopicArn=topic, **given) == wanted
    entries = [{"Id": "good", "Message": "x"}, {"Id": "bad", **given}]
    batch = refusal(stage.sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries)
    assert batch == wanted


def test_every_message_of_a_batch_is_an_event(stage: Stage, topic: str) -> None:
    stage.subscribe(topic)
    entries = [{"Id": str(n), "Message": f"m{n}"} for n in range(3)]
    stage.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert sorted(one["Sns"]["Message"] for one in stage.records()) == ["m0", "m1", "m2"]


def test_an_alias_may_subscribe(stage: Stage) -> None:
    topic = stage.topic()
    stage.lam.publish_version(FunctionName=stage.function)
    stage.lam.create_alias(FunctionName=stage.function, Name="live", FunctionVersion="1")
    stage.allow("sns", topic, Qualifier="live")
    stage.sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=f"{stage.arn}:live")
    stage.publish(topic)
    assert len(stage.records()) == 1


def test_all_subscribers_are_reached(stage: Stage, topic: str) -> None:
    # moto reaches a hundred.
    for number in range(101):
        stage.sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint=f"+49170{number:07}")
    stage.subscribe(topic)
    stage.publish(topic)
    assert len(stage.records()) == 1


# ---- leave and dead letters


def test_without_leave_the_message_goes_to_the_dead_letter_queue(stage: Stage) -> None:
    # Recorded: test_redrive_policy_lambda_subscription
    topic, grave = stage.topic(), stage.queue("grave")
    stage.subscribe(topic, RedrivePolicy={"deadLetterTargetArn": grave})
    message_id = stage.publish(
        topic, "test_redrive_policy", MessageAttributes=attributes(attr1=("Number", "1"))
    )
    (buried,) = stage.in_queue("grave")
    assert list(buried) == [
        "Type", "MessageId", "TopicArn", "Message", "Timestamp", "SignatureVersion", "Signature",
        "SigningCertURL", "UnsubscribeURL", "MessageAttributes",
    ]  # fmt: skip
    assert (buried["MessageId"], buried["Message"]) == (message_id, "test_redrive_policy")
    assert buried["MessageAttributes"] == {"attr1": {"Type": "Number", "Value": "1"}}
    assert stage.records() == []
    (refused,) = stage.told("refused")
    assert (refused.detail["service"], refused.detail["source"]) == ("sns.amazonaws.com", topic)


def test_a_function_that_is_gone_buries_its_messages(stage: Stage, topic: str) -> None:
    stage.subscribe(topic, RedrivePolicy={"deadLetterTargetArn": stage.queue("grave")})
    stage.lam.delete_function(FunctionName=stage.function)
    stage.publish(topic)
    assert [one["Message"] for one in stage.in_queue("grave")] == ["hello"]


def test_leave_for_another_topic_is_none(stage: Stage) -> None:
    topic, other = stage.topic(), stage.topic("other")
    stage.allow("sns", topic)
    stage.subscribe(other)
    stage.publish(other)
    assert stage.records() == []
    assert len(stage.told("refused")) == 1


def test_a_function_that_fails_is_the_queue_of_events_business(
    stage: Stage, make_function: Callable[..., str]
) -> None:
    # After Lambda has taken an event, SNS is through with it.
    failing = make_function("def handler(event, context):\n    raise ValueError\n")
    grave, letters = stage.queue("grave"), stage.queue("letters")
    stage.lam.update_function_configuration(
        FunctionName=failing, DeadLetterConfig={"TargetArn": letters}
    )
    topic = stage.topic()
    stage.lam.add_permission(
        FunctionName=failing, StatementId="sns", Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
    )  # fmt: skip
    stage.sns.subscribe(
        TopicArn=topic, Protocol="lambda", Endpoint=stage.arn.replace("teller", failing),
        Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": grave})},
    )  # fmt: skip
    stage.publish(topic)
    stage.lab.clock.run_until_idle()
    assert stage.in_queue("grave") == []
    (letter,) = stage.in_queue("letters")
    assert letter["Records"][0]["Sns"]["Message"] == "hello"


def test_a_queue_that_is_gone_is_no_error_of_the_publisher(stage: Stage) -> None:
    topic = stage.topic()
    stage.sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue_arn("gone"),
        Attributes={
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": stage.queue("grave")})
        },
    )  # fmt: skip
    assert stage.publish(topic)
    assert [one["Message"] for one in stage.in_queue("grave")] == ["hello"]


# ---- subscriptions


@pytest.mark.parametrize("endpoint", ["teller", "arn:aws:sqs:us-east-1:123456789012:q"])
def test_only_functions_subscribe_as_functions(stage: Stage, endpoint: str) -> None:
    found = refusal(
        stage.sns.subscribe, TopicArn=stage.topic(), Protocol="lambda", Endpoint=endpoint
    )
    assert (found.status, found.code) == (400, "InvalidParameter")


def test_a_second_subscribe_finds_the_first(stage: Stage, topic: str) -> None:
    # Recorded: test_subscribe_idempotency
    first = stage.subscribe(topic, FilterPolicy={"a": ["b"]})
    assert stage.subscribe(topic) == first
    assert stage.subscribe(topic, FilterPolicy={"a": ["b"]}) == first
    assert stage.subscribe(topic, FilterPolicyScope="MessageAttributes") == first
    with pytest.raises(ClientError) as caught:
        stage.subscribe(topic, FilterPolicyScope="MessageBody")
    assert caught.value.response["Error"]["Message"] == (
        "Invalid parameter: Attributes Reason: Subscription already exists with different "
        "attributes"
    )


@pytest.mark.parametrize(
    "attribute",
    [
        {"RedrivePolicy": "no JSON"},
        {"RedrivePolicy": {"deadLetterTargetArn": "q"}},
        {"RedrivePolicy": {"deadLetterTargetArn": None}},
        {"FilterPolicyScope": "Everything"},
        {"FilterPolicy": {"a": "b"}},
        {"NoSuch": "x"},
    ],
    ids=str,
)
def test_bad_attributes_make_no_subscription(stage: Stage, attribute: Any) -> None:
    topic = stage.topic()
    with pytest.raises(ClientError) as caught:
        stage.subscribe(topic, **attribute)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert stage.sns.list_subscriptions()["Subscriptions"] == []


def test_raw_messages_reach_queues_raw(stage: Stage) -> None:
    # Recorded: test_message_attributes_not_missing
    topic = stage.topic()
    stage.sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=stage.queue("q"),
        Attributes={"RawMessageDelivery": "true"},
    )  # fmt: skip
    given = attributes(key=("String", "value"), raw=("Binary", b"\2\3\4"))
    stage.publish(topic, "text", MessageAttributes=given)
    (message,) = take(stage.lab, "q")
    assert message["Body"] == "text"
    assert message["MessageAttributes"] == given


def test_an_unsubscribed_function_hears_no_more(stage: Stage, topic: str) -> None:
    subscription = stage.subscribe(topic)
    stage.sns.unsubscribe(SubscriptionArn=subscription)
    stage.publish(topic)
    assert stage.records() == []
    assert stage.sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Owner"] == ACCOUNT


# ---- a function that is about to be ready


def test_what_comes_too_soon_is_tried_again(start_lab: StartLab) -> None:
    # On this clock a function is Pending for minutes, and stays so until it is wound.
    with start_lab(speed=0.0001) as lab:
        stage = Stage(lab, lambda *_, **settings: settings["FunctionName"])
        stage.lam.create_function(
            FunctionName=stage.function, Runtime=RUNTIME, Role=lab.role(),
            Handler="lambda_function.handler",
            Code={"ZipFile": lab.zip({"lambda_function.py": TELLER})},
        )  # fmt: skip
        topic, grave = stage.topic(), stage.queue("grave")
        stage.allow("sns", topic)
        stage.subscribe(topic, RedrivePolicy={"deadLetterTargetArn": grave})
        stage.bucket()
        stage.publish(topic)
        stage.put("a")
        state = stage.lam.get_function_configuration(FunctionName=stage.function)["State"]
        assert (state, stage.told("push")) == ("Pending", [])
        lab.clock.advance(seconds=2)
        assert {"Sns" in one for one in stage.records()} == {True, False}
        assert len(stage.told("push")) == 2
        assert stage.in_queue("grave") == []
