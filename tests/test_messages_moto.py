"""moto's S3 and SNS, mended: each of these fails when moto changes what the mending relies on."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest
from moto.core.base_backend import BackendDict
from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores
from moto.s3 import exceptions as s3_exceptions
from moto.s3 import models as s3
from moto.s3 import notifications, responses
from moto.s3.utils import metadata_from_headers
from moto.sns import models as sns
from moto.sns import responses as sns_responses
from moto.sns.exceptions import SNSException, TopicNotFound
from moto.sqs import models as sqs

from lambdalab.neighbours.asking import access_key, asked, asking, carrying, trace
from lambdalab.wire import Request


def parameters(act: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(act).parameters)


# What is called, replaced or wrapped, and how it is called.
CALLED: list[tuple[Callable[..., Any], list[str]]] = [
    (notifications.send_event, ["account_id", "event_name", "bucket", "key"]),
    (notifications.send_test_event, ["account_id", "bucket"]),
    (
        s3.S3Backend.delete_object,
        ["self", "bucket_name", "key_name", "version_id", "bypass"],
    ),
    (s3.S3Backend._set_delete_marker, ["self", "bucket_name", "key_name"]),
    (s3.FakeDeleteMarker, ["key"]),
    (
        s3.S3Backend.put_bucket_notification_configuration,
        ["self", "bucket_name", "notification_config"],
    ),
    (
        s3.FakeBucket.update_from_cloudformation_json,
        [
            "original_resource", "new_resource_name", "cloudformation_json", "account_id",
            "region_name",
        ],
    ),
    (
        s3.FakeBucket.create_from_cloudformation_json,
        ["resource_name", "cloudformation_json", "account_id", "region_name", "kwargs"],
    ),
    (responses.S3Response._notification_config_from_body, ["self"]),
    (responses.S3Response.get_bucket_notification, ["self"]),
    (responses.S3Response.bucket_response, ["self", "request", "full_url", "headers"]),
    (responses.S3Response.key_response, ["self", "request", "full_url", "headers"]),
    (metadata_from_headers, ["headers"]),
    (
        sns.Topic.publish,
        [
            "self", "message", "subject", "message_attributes", "group_id", "deduplication_id",
            "message_structure",
        ],
    ),
    (
        sns.Subscription.publish,
        [
            "self", "message", "message_id", "subject", "message_attributes", "group_id",
            "deduplication_id", "message_structure",
        ],
    ),
    (
        sns.SNSBackend.publish,
        [
            "self", "message", "arn", "phone_number", "subject", "message_attributes", "group_id",
            "deduplication_id", "message_structure",
        ],
    ),
    (sns.SNSBackend.get_topic, ["self", "arn"]),
    (sns.SNSBackend.create_topic, ["self", "name", "attributes", "tags"]),
    (sns.SNSBackend._get_values_nexttoken, ["self", "values_map", "next_token"]),
    (sns.SNSBackend.subscribe, ["self", "topic_arn", "endpoint", "protocol"]),
    (sns.SNSBackend.set_subscription_attributes, ["self", "arn", "name", "value"]),
    (sns.SNSBackend._get_topic_subscriptions, ["self", "topic"]),
    (sns_responses.SNSResponse.subscribe, ["self"]),
    (sns_responses.SNSResponse.publish, ["self"]),
    (sns_responses.SNSResponse.publish_batch, ["self"]),
    (sns_responses.SNSResponse.unsubscribe, ["self"]),
    (sns_responses.SNSResponse.get_topic_attributes, ["self"]),
    (sns_responses.SNSResponse.set_topic_attributes, ["self"]),
    (sns_responses.SNSResponse.get_subscription_attributes, ["self"]),
    (sns_responses.SNSResponse.set_subscription_attributes, ["self"]),
    (sns_responses.SNSResponse._parse_message_attributes, ["self"]),
    (sns_responses.SNSResponse._transform_message_attributes, ["self", "message_attributes"]),
    (sns_responses.SNSResponse._get_tags, ["self"]),
    (camelcase_to_underscores, ["argument"]),
    (sqs.SQSBackend.send_message_batch, ["self", "queue_name", "entries"]),
    (
        sqs.SQSBackend.send_message,
        [
            "self", "queue_name", "message_body", "message_attributes", "delay_seconds",
            "deduplication_id", "group_id", "system_attributes", "validate_group_id",
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("act", "wanted"), CALLED, ids=lambda one: getattr(one, "__name__", ""))
def test_moto_still_has_what_is_mended(act: Callable[..., Any], wanted: list[str]) -> None:
    assert parameters(act) == wanted


def test_moto_still_tells_of_objects_by_way_of_its_module() -> None:
    # The functions are replaced in the module: whoever took them by name would keep the old ones.
    assert s3.notifications is notifications
    assert "s3:ObjectCreated:Put" in notifications.S3NotificationEvent.events()
    for name in ("InvalidNotificationEvent", "MalformedXML", "S3ClientError"):
        assert issubclass(getattr(s3_exceptions, name), Exception)


def test_moto_still_keeps_rules_as_they_are_read() -> None:
    rule = {"CloudFunction": "arn", "Event": ["s3:ObjectCreated:*"], "Id": "id"}
    filters = {"S3Key": {"FilterRule": [{"Name": "Prefix", "Value": "a"}]}}
    found = s3.NotificationConfiguration(
        cloud_function=[rule | {"Filter": filters}], event_bridge={}
    )
    (kept,) = found.cloud_function
    assert (kept.arn, kept.events, kept.id, kept.filters) == (
        "arn", ["s3:ObjectCreated:*"], "id", filters,
    )  # fmt: skip
    assert (found.queue, found.topic, found.event_bridge) == ([], [], {})


def test_moto_still_has_what_is_read_of_objects_buckets_and_topics() -> None:
    bucket = s3.FakeBucket("b", "123456789012", "us-east-1")
    for name in (
        "account_id", "region_name", "partition", "is_versioned", "encryption", "policy", "acl",
        "object_lock_enabled", "notification_configuration",
    ):  # fmt: skip
        assert hasattr(bucket, name), name
    key = s3.FakeKey("k", b"hello", "123456789012", "us-east-1", bucket_name="b")
    assert (key.name, key.size, key.etag) == ("k", 5, '"5d41402abc4b2a76b9719d911017c592"')
    assert isinstance(sns.sns_backends, BackendDict)
    backend = sns.SNSBackend("us-east-1", "123456789012")
    assert (backend.topics, backend.subscriptions, backend.platform_endpoints) == ({}, {}, {})
    topic = sns.Topic("t", backend)
    assert (topic.fifo_topic, topic.arn) == (False, "arn:aws:sns:us-east-1:123456789012:t")
    made = sns.Subscription("123456789012", topic, "endpoint", "lambda")
    assert (made.attributes, made._filter_policy_matcher) == ({}, None)
    assert json.loads(topic.effective_delivery_policy) == sns.DEFAULT_EFFECTIVE_DELIVERY_POLICY
    assert (topic._tags, topic.content_based_deduplication) == ({}, False)
    refusal = SNSException("Code", "text")
    assert (refusal.code, refusal.message) == ("Code", "text")
    assert TopicNotFound().message == "Topic does not exist"
    assert ActionResult({"a": "b"}).result == {"a": "b"}


# ---- what moto is asked


def request(headers: dict[str, str], target: str = "/") -> Request:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request("GET", target.encode(), raw, b"")


def test_a_request_and_its_trace_are_known_while_it_is_answered() -> None:
    one = request({"X-Amzn-Trace-Id": "Root=1"})
    with asking(one):
        assert (asked(), trace()) == (one, "Root=1")
        with carrying("Root=2"):
            assert (asked(), trace()) == (one, "Root=2")
        with asking(request({})):
            assert trace() is None
        assert (asked(), trace()) == (one, "Root=1")
    assert (asked(), trace()) == (None, None)


def test_the_key_of_a_form_is_found() -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="x-amz-credential"\r\n\r\n'
    form = Request("POST", b"/bucket", [], head + b"AKIA5/2026/us-east-1/s3/aws4_request\r\n--b")
    assert access_key(form) == "AKIA5"


@pytest.mark.parametrize(
    ("headers", "target", "key"),
    [
        ({"Authorization": "AWS4-HMAC-SHA256 Credential=AKIA1/2026/s3/x, S=1"}, "/", "AKIA1"),
        ({"Authorization": "AWS AKIA2:signature"}, "/", "AKIA2"),
        ({}, "/?X-Amz-Credential=AKIA3%2F2026%2Fus-east-1", "AKIA3"),
        ({}, "/?AWSAccessKeyId=AKIA4&Signature=x", "AKIA4"),
        ({}, "/", None),
        ({"Authorization": "Bearer x"}, "/", None),
    ],
)  # fmt: skip
def test_the_key_of_a_request_is_found(
    headers: dict[str, str], target: str, key: str | None
) -> None:
    assert access_key(request(headers, target)) == key
