"""Messages of topics on their way to the subscribers of moto's SNS.

- Functions are called by the lab; queues get AWS's text, signed once for all.
- Whoever filters is asked for every subscription; moto's own matcher knows too little.
- What cannot be delivered goes to the subscription's dead-letter queue, and is no error of the
  publisher's.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
"""

from __future__ import annotations

import contextlib
import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from lambdalab import facts
from lambdalab.neighbours.messages import sns_messages, sns_signatures, sns_subscriptions
from lambdalab.neighbours.messages.sns_messages import Message

__all__ = ["Hearer", "Notification", "bury", "deliver", "hear", "objection"]

_MOST_RAW_ATTRIBUTES = facts.quota("sns.raw-attributes").value


class Notification(NamedTuple):
    """A message on its way to one subscription; ``body`` is what a queue would get of it.

    A ``raw`` one reaches queues as it was published. ``group`` and ``identity`` are what orders it
    in a FIFO queue, and by what its copies are known there.
    """

    subscription: str
    topic: str
    endpoint: str
    dead_letters: str | None
    body: dict[str, Any]
    raw: bool = False
    group: str | None = None
    identity: str | None = None

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


def objection(policy: str, scope: str) -> str | None:
    """Why a filter policy is not taken; None where it is."""
    found = (hearer.objection(policy, scope) for hearer in _hearers)
    return next((reason for reason in found if reason), None)


def deliver(subscription: Any, message: Message, message_id: str, number: str | None) -> None:
    """Bring a message to a subscriber that wants it; moto reaches all but functions and queues.

    ``number`` is its place in a FIFO topic.
    """
    protocol, text = subscription.protocol, message.text
    if message.structure == "json":
        text = sns_messages.text_for(text, protocol)
    if not _wanted(subscription, message.attributes, text):
        return
    if protocol not in ("lambda", "sqs"):
        subscription.publish(text, message_id, message.subject, message.attributes)
        return
    notification = _notification(subscription, message, text, message_id, number)
    if protocol == "lambda":
        for hearer in _hearers:
            hearer.deliver(notification)
    else:
        _to_queue(notification)


def bury(notification: Notification) -> None:
    """Bring what could not be delivered to the subscription's dead-letter queue, if it has one."""
    if notification.dead_letters:
        # A queue that is gone takes nothing: the message is lost.
        with contextlib.suppress(Exception):
            _send(notification.dead_letters, notification)


def _wanted(subscription: Any, attributes: Mapping[str, Mapping[str, Any]], text: str) -> bool:
    policy = subscription.attributes.get("FilterPolicy")
    scope = subscription.attributes.get("FilterPolicyScope", "MessageAttributes")
    return not policy or all(one.wants(policy, scope, attributes, text) for one in _hearers)


def _notification(
    subscription: Any, message: Message, text: str, message_id: str, number: str | None
) -> Notification:
    from moto.core.utils import iso_8601_datetime_with_milliseconds

    topic = subscription.topic
    site = f"https://sns.{topic.arn.split(':')[3]}.amazonaws.com"
    body: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": message_id,
        **({} if number is None else {"SequenceNumber": number}),
        "TopicArn": topic.arn,
        **({} if message.subject is None else {"Subject": message.subject}),
        "Message": text,
        "Timestamp": iso_8601_datetime_with_milliseconds(),
    }
    if number is None:  # AWS signs nothing of FIFO topics
        body |= _signed(body, str(getattr(topic, "signature_version", "") or "1"), site)
    body["UnsubscribeURL"] = f"{site}/?Action=Unsubscribe&SubscriptionArn={subscription.arn}"
    if message.attributes:
        body["MessageAttributes"] = dict(message.attributes)
    return Notification(
        subscription.arn,
        topic.arn,
        subscription.endpoint,
        sns_subscriptions.dead_letters_of(subscription),
        body,
        str(subscription.attributes.get("RawMessageDelivery")).lower() == "true",
        message.group,
        message.identity(topic),
    )


def _signed(body: dict[str, Any], version: str, site: str) -> dict[str, str]:
    return {
        "SignatureVersion": version,
        "Signature": sns_signatures.signature(body, version),
        "SigningCertURL": f"{site}/{sns_signatures.certificate_name()}",
    }


def _to_queue(notification: Notification) -> None:
    attributes = notification.body.get("MessageAttributes", {})
    if notification.raw and len(attributes) > _MOST_RAW_ATTRIBUTES:
        bury(notification)
        return
    try:
        _send(notification.endpoint, notification)
    except Exception:
        # Whatever is wrong with a queue is not the publisher's error.
        bury(notification)


def _send(arn: str, notification: Notification) -> None:
    from moto.sqs.models import sqs_backends

    region, account, name = arn.split(":")[3:6]
    attributes = notification.body.get("MessageAttributes", {})
    raw, fifo = notification.raw, name.endswith(".fifo")
    sqs_backends[account][region].send_message(
        name,
        notification.body["Message"] if raw else notification.text,
        message_attributes=_raw(attributes) if raw else None,
        # A standard queue behind a FIFO topic is told of neither.
        group_id=notification.group if fifo or notification.identity is None else None,
        deduplication_id=notification.identity if fifo else None,
        validate_group_id=False,
    )


def _raw(attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a message as those of a message in a queue."""
    found: dict[str, Any] = {}
    for name, one in attributes.items():
        binary, value = one["Type"].startswith("Binary"), one["Value"]
        told = {"BinaryValue": b64decode(value)} if binary else {"StringValue": str(value)}
        found[name] = {"DataType": one["Type"], **told}
    return found
