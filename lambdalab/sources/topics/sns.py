"""Amazon SNS calls functions: one record for each message, asynchronously.

What a function's queue has taken is Lambda's to retry. A function that is gone, or that does not
let the topic call it, is not tried again: the message goes to the subscription's dead-letter queue.
Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from lambdalab.clock import LabClock
from lambdalab.errors import AwsError
from lambdalab.neighbours.asking import carrying, trace
from lambdalab.neighbours.messages import sns_deliveries
from lambdalab.neighbours.messages.sns_deliveries import Notification
from lambdalab.sources.patience import later
from lambdalab.sources.pushed import Pushes, Sender
from lambdalab.sources.topics import sns_filters, sns_policies

__all__ = ["Subscribers"]

PRINCIPAL = "sns.amazonaws.com"
# The order in which SNS writes a record's members, and what a queue's text calls them.
_MEMBERS = (
    ("Type", "Type"),
    ("MessageId", "MessageId"),
    ("TopicArn", "TopicArn"),
    ("Subject", "Subject"),
    ("Message", "Message"),
    ("Timestamp", "Timestamp"),
    ("SignatureVersion", "SignatureVersion"),
    ("Signature", "Signature"),
    ("SigningCertUrl", "SigningCertURL"),
    ("UnsubscribeUrl", "UnsubscribeURL"),
)


class Subscribers:
    """The functions that subscribe to topics; to be made in the event loop."""

    def __init__(self, pushes: Pushes, clock: LabClock) -> None:
        self._pushes = pushes
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        sns_deliveries.hear(self)

    # What moto's SNS asks and tells, in its threads.

    def wants(
        self,
        policy: str,
        scope: str,
        attributes: Mapping[str, Mapping[str, Any]],
        message: str,
    ) -> bool:
        """Whether a message passes a filter policy."""
        return sns_filters.wants(_read(policy), scope, attributes, message)

    def objection(self, policy: str, scope: str) -> str | None:
        """Why a filter policy is not taken."""
        return sns_policies.objection(policy, scope)

    def deliver(self, notification: Notification) -> None:
        """Send a message to a function."""
        with contextlib.suppress(RuntimeError):  # the cloud has ended
            self._loop.call_soon_threadsafe(self._push, notification, trace())

    # The steps.

    def _push(self, notification: Notification, header: str | None) -> None:
        account = notification.topic.split(":")[4]
        sender = Sender(PRINCIPAL, arn=notification.topic, account=account)
        try:
            self._pushes.send(notification.endpoint, _event(notification), sender, trace=header)
        except AwsError as refusal:
            if not later(self._clock, refusal, lambda: self._push(notification, header)):
                with carrying(header):
                    sns_deliveries.bury(notification)


def _event(notification: Notification) -> bytes:
    body = notification.body
    told: dict[str, Any] = {name: body.get(member) for name, member in _MEMBERS}
    # SNS tells functions of version 1, whatever the topic signs with.
    told |= {"SignatureVersion": "1", "MessageAttributes": body.get("MessageAttributes", {})}
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": notification.subscription,
        "Sns": told,
    }
    return json.dumps({"Records": [record]}, separators=(",", ":"), ensure_ascii=False).encode()


@lru_cache(maxsize=256)
def _read(policy: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(policy)
    return found
