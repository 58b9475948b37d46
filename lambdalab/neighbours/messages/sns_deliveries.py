"""moto's SNS, mended where it brings messages to their subscribers.

- Functions are called by the lab; queues get AWS's text, signed once for all.
- Whoever filters is asked for every subscription; moto's own matcher knows too little.
- What cannot be delivered goes to the subscription's dead-letter queue, and is no error of the
  publisher's.
- All subscriptions of a topic get a message, not the first hundred.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
"""

from __future__ import annotations

import contextlib
import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from functools import wraps
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from lambdalab.imports import after_load
from lambdalab.neighbours.asking import trace
from lambdalab.neighbours.messages import sns_signatures, sns_subscriptions, sqs

__all__ = ["Hearer", "Notification", "bury", "hear", "install"]


class Notification(NamedTuple):
    """A message on its way to one subscription; ``body`` is what a queue would get of it."""

    subscription: str
    topic: str
    endpoint: str
    dead_letters: str | None
    body: dict[str, Any]

    @property
    def text(self) -> str:
        """The body as AWS writes it."""
        return json.dumps(self.body, indent=2, separators=(",", " : "), ensure_ascii=False)


class Hearer(Protocol):
    """Whoever filters, and calls functions; in the thread in which moto runs."""

    def wants(
        self,
        policy: str,
        scope: str,
        attributes: Mapping[str, Mapping[str, Any]],
        message: str,
    ) -> bool:
        """Whether a subscription with that filter policy gets a message."""

    def objection(self, policy: str, scope: str) -> str | None:
        """Why a filter policy is not taken; None where it is."""

    def deliver(self, notification: Notification) -> None:
        """Bring it to a function."""


_hearers: list[Hearer] = []


def hear(hearer: Hearer) -> None:
    """Let one hear from now on, and nobody else."""
    _hearers[:] = [hearer]


def install() -> None:
    """Mend moto's SNS once it is loaded."""
    after_load("moto.sns.models", _mend_models)
    after_load("moto.sns.responses", _mend_responses)


def bury(notification: Notification) -> None:
    """Bring what could not be delivered to the subscription's dead-letter queue, if it has one."""
    if notification.dead_letters:
        # A queue that is gone takes nothing: the message is lost.
        with contextlib.suppress(Exception):
            sqs.send(notification.dead_letters, notification.text, {}, trace())


def _mend_models(models: ModuleType) -> None:
    topic, subscription, backend = models.Topic, models.Subscription, models.SNSBackend
    topic.publish = _publish
    subscription.publish = _delivering(subscription.publish)
    backend.publish_batch = _checking_batch(backend.publish_batch)
    sns_subscriptions.mend_models(models, _objection)


def _mend_responses(responses: ModuleType) -> None:
    sns_subscriptions.mend_responses(responses)


def _objection(policy: str, scope: str) -> str | None:
    found = (hearer.objection(policy, scope) for hearer in _hearers)
    return next((reason for reason in found if reason), None)


def _publish(
    topic: Any,
    message: str,
    subject: str | None = None,
    message_attributes: dict[str, Any] | None = None,
    group_id: str | None = None,
    deduplication_id: str | None = None,
    message_structure: str | None = None,
) -> str:
    """Topic.publish: gives the message's id."""
    from moto.moto_api._internal import mock_random

    if message_structure == "json":
        _structured(message, "default")
    message_id = str(mock_random.uuid4())
    for subscription in topic.sns_backend._get_topic_subscriptions(topic):
        subscription.publish(
            message,
            message_id,
            subject=subject,
            message_attributes=message_attributes,
            group_id=group_id,
            deduplication_id=deduplication_id,
            message_structure=message_structure,
        )
    return message_id


def _checking_batch(publish_batch: Callable[..., Any]) -> Callable[..., Any]:
    """One message of a batch without a default refuses all of it."""

    @wraps(publish_batch)
    def checked(backend: Any, topic_arn: str, publish_batch_request_entries: Any) -> Any:
        for entry in publish_batch_request_entries:
            if entry.get("MessageStructure") == "json":
                _structured(entry["Message"], "default")
        return publish_batch(backend, topic_arn, publish_batch_request_entries)

    return checked


def _structured(message: str, protocol: str) -> str:
    """What a message with MessageStructure ``json`` says to a protocol."""
    try:
        texts = json.loads(message)
    except (ValueError, RecursionError):
        texts = None
    if not isinstance(texts, dict):
        raise sns_subscriptions.refused("structure-unparsed")
    if "default" not in texts:
        raise sns_subscriptions.refused("structure-no-default")
    text = texts.get(protocol, texts["default"])
    if not isinstance(text, str):
        raise sns_subscriptions.refused("structure-unparsed")
    return text


def _delivering(publish: Callable[..., None]) -> Callable[..., None]:
    """Subscription.publish; to what is neither function nor queue moto delivers."""

    @wraps(publish)
    def delivered(
        subscription: Any,
        message: str,
        message_id: str,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
        message_structure: str | None = None,
    ) -> None:
        protocol, attributes = subscription.protocol, message_attributes or {}
        if message_structure == "json":
            message = _structured(message, protocol)
        if not _wanted(subscription, attributes, message):
            return
        if protocol == "lambda":
            notification = _notification(subscription, message, message_id, subject, attributes)
            for hearer in _hearers:
                hearer.deliver(notification)
        elif protocol == "sqs":
            notification = _notification(subscription, message, message_id, subject, attributes)
            _to_queue(subscription, notification, group_id, deduplication_id)
        else:
            publish(subscription, message, message_id, subject, attributes)

    return delivered


def _wanted(subscription: Any, attributes: dict[str, Any], message: str) -> bool:
    policy = subscription.attributes.get("FilterPolicy")
    scope = subscription.attributes.get("FilterPolicyScope", "MessageAttributes")
    return not policy or all(one.wants(policy, scope, attributes, message) for one in _hearers)


def _notification(
    subscription: Any,
    message: str,
    message_id: str,
    subject: str | None,
    attributes: dict[str, Any],
) -> Notification:
    from moto.core.utils import iso_8601_datetime_with_milliseconds

    topic = subscription.topic
    version = str(getattr(topic, "signature_version", "1"))
    site = f"https://sns.{topic.arn.split(':')[3]}.amazonaws.com"
    body: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic.arn,
        **({"Subject": subject} if subject is not None else {}),
        "Message": message,
        "Timestamp": iso_8601_datetime_with_milliseconds(),
    }
    body |= {
        "SignatureVersion": version,
        "Signature": sns_signatures.signature(body, version),
        "SigningCertURL": f"{site}/{sns_signatures.certificate_name()}",
        "UnsubscribeURL": f"{site}/?Action=Unsubscribe&SubscriptionArn={subscription.arn}",
        **({"MessageAttributes": attributes} if attributes else {}),
    }
    return Notification(
        subscription.arn,
        topic.arn,
        subscription.endpoint,
        sns_subscriptions.dead_letters_of(subscription),
        body,
    )


def _to_queue(
    subscription: Any, notification: Notification, group: str | None, deduplication: str | None
) -> None:
    from moto.sqs.models import sqs_backends

    region, account, name = notification.endpoint.split(":")[3:6]
    raw = str(subscription.attributes.get("RawMessageDelivery")).lower() == "true"
    attributes = notification.body.get("MessageAttributes", {})
    try:
        sqs_backends[account][region].send_message(
            name,
            notification.body["Message"] if raw else notification.text,
            message_attributes=_raw(attributes) if raw else None,
            group_id=group,
            deduplication_id=deduplication,
            validate_group_id=False,
        )
    except Exception:
        # Whatever is wrong with a queue is not the publisher's error.
        bury(notification)


def _raw(attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a message as those of a message in a queue."""
    found: dict[str, Any] = {}
    for name, one in attributes.items():
        binary, value = one["Type"].startswith("Binary"), one["Value"]
        told = {"BinaryValue": b64decode(value)} if binary else {"StringValue": str(value)}
        found[name] = {"DataType": one["Type"], **told}
    return found
