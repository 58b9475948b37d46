"""moto's SNS, mended where it takes messages: checked first, and once only in FIFO topics.

moto looks for an endpoint where there is no topic, takes a batch apart where SNS refuses all of it,
numbers no message of a FIFO topic, and sends its copies on.
Source: https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any, NamedTuple

from lambdalab import facts
from lambdalab.imports import after_load
from lambdalab.neighbours.messages import (
    sns_deliveries,
    sns_messages,
    sns_subscriptions,
    sns_topics,
)
from lambdalab.neighbours.messages.sns_errors import refused
from lambdalab.neighbours.messages.sns_messages import Message

__all__ = ["install"]

_LARGEST = facts.quota("sns.message").bytes
_MOST_ENTRIES = facts.quota("sns.batch").value
_ENTRY_ID = re.compile(r"[\w-]{1,80}", re.ASCII)
_FIRST_NUMBER = 10**19
# One message after the other, so that those of a group reach each queue in the order of numbers.
_in_order = threading.RLock()


class _Sent(NamedTuple):
    """The id of a message, and its number where its topic has an order."""

    id: str
    number: str | None


def install() -> None:
    """Mend moto's SNS once it is loaded."""
    after_load("moto.sns.models", _mend_models)
    after_load("moto.sns.responses", _mend_responses)


def _mend_models(models: ModuleType) -> None:
    models.Topic.publish = lambda topic, message, *given, **named: (
        _send(topic, _message(message, *given, **named)).id
    )
    models.SNSBackend.publish = _to_topics(models.SNSBackend.publish)
    sns_topics.mend_models(models)
    sns_subscriptions.mend_models(models, sns_deliveries.objection)


def _mend_responses(responses: ModuleType) -> None:
    kind: Any = responses.SNSResponse
    kind._transform_message_attributes = lambda _, given: sns_messages.attributes(given)
    kind.publish = _publishing(kind.publish)
    kind.publish_batch = _publish_batch
    sns_topics.mend_responses(responses)
    sns_subscriptions.mend_responses(responses, sns_deliveries.objection)


# ---- one message


def _message(
    message: str,
    subject: str | None = None,
    message_attributes: dict[str, Any] | None = None,
    group_id: str | None = None,
    deduplication_id: str | None = None,
    message_structure: str | None = None,
) -> Message:
    """A message as moto's methods take it."""
    attributes = message_attributes or {}
    return Message(message, subject, attributes, group_id, deduplication_id, message_structure)


def _to_topics(publish: Callable[..., str]) -> Callable[..., str]:
    """SNSBackend.publish, by which other services publish; numbers and endpoints are moto's."""

    @wraps(publish)
    def published(
        backend: Any, message: str, arn: str | None, phone_number: str | None = None, **named: Any
    ) -> str:
        if phone_number is not None or arn in backend.platform_endpoints:
            return publish(backend, message, arn, phone_number=phone_number, **named)
        return _checked(backend.get_topic(arn), _message(message, **named)).id

    return published


def _publishing(publish: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Publish, which also tells a message's number."""

    @wraps(publish)
    def published(response: Any) -> Any:
        target, arn = response._get_param("TargetArn"), response._get_param("TopicArn")
        if response._get_param("PhoneNumber") or target in response.backend.platform_endpoints:
            return publish(response)
        if target is None and arn is None:
            raise refused("no-target")
        name, arn = ("TopicArn", arn) if target is None else ("TargetArn", target)
        topic = sns_topics.topic_of(response.backend, arn, name)
        attributes = response._parse_message_attributes()
        return _answer(_told(_checked(topic, _read(response._get_param, attributes))))

    return published


def _read(given: Callable[[str], Any], attributes: dict[str, Any]) -> Message:
    return Message(
        given("Message") or "",
        given("Subject"),
        attributes,
        given("MessageGroupId"),
        given("MessageDeduplicationId"),
        given("MessageStructure"),
    )


def _checked(topic: Any, message: Message) -> _Sent:
    sns_messages.check(topic, message)
    return _send(topic, message)


def _send(topic: Any, message: Message) -> _Sent:
    """Bring a message to the subscribers; a copy of one in a FIFO topic is known, and dropped."""
    from moto.moto_api._internal import mock_random

    if not topic.fifo_topic:
        sent = _Sent(str(mock_random.uuid4()), None)
        _deliver(topic, message, sent)
        return sent
    with _in_order:
        seen = _lately(topic)
        scope = getattr(topic, "fifo_throughput_scope", None)
        key = (message.group if scope == "MessageGroup" else None, message.identity(topic))
        if key not in seen:
            sent = _Sent(str(mock_random.uuid4()), _next_number(topic))
            seen[key] = (sns_topics.now(), sent)
            _deliver(topic, message, sent)
        return seen[key][1]


def _deliver(topic: Any, message: Message, sent: _Sent) -> None:
    for subscription in topic.sns_backend._get_topic_subscriptions(topic):
        sns_deliveries.deliver(subscription, message, sent.id, sent.number)


def _lately(topic: Any) -> dict[Any, tuple[float, _Sent]]:
    """What a topic knows copies of, by how they are known, the oldest first."""
    from moto.sqs.models import DEDUPLICATION_TIME_IN_SECONDS

    seen: dict[Any, tuple[float, _Sent]] = topic.__dict__.setdefault("_lately", {})
    oldest = sns_topics.now() - DEDUPLICATION_TIME_IN_SECONDS
    while seen and (first := next(iter(seen.items())))[1][0] <= oldest:
        del seen[first[0]]
    return seen


def _next_number(topic: Any) -> str:
    number: int = topic.__dict__.get("_number", _FIRST_NUMBER) + 1
    topic._number = number
    return str(number)


def _told(sent: _Sent) -> dict[str, str]:
    found = {"MessageId": sent.id, "SequenceNumber": sent.number}
    return {name: value for name, value in found.items() if value is not None}


def _answer(told: dict[str, Any]) -> Any:
    from moto.core.responses import ActionResult

    return ActionResult(told)


# ---- batches


def _publish_batch(response: Any) -> Any:
    """PublishBatch: what is wrong with one entry refuses all of them."""
    topic = response.backend.get_topic(response._get_param("TopicArn"))
    entries: list[dict[str, Any]] = response._get_param("PublishBatchRequestEntries") or []
    _check_entries(entries)
    messages = [
        _read(one.get, sns_messages.attributes(one.get("MessageAttributes") or {}))
        for one in entries
    ]
    if sum(map(sns_messages.size, messages)) > int(
        getattr(topic, "maximum_message_size", _LARGEST)
    ):
        raise refused("batch-too-long")
    for message in messages:
        sns_messages.check(topic, message)
    told = [
        {"Id": one["Id"], **_told(_send(topic, message))}
        for one, message in zip(entries, messages, strict=True)
    ]
    return _answer({"Successful": told, "Failed": []})


def _check_entries(entries: list[dict[str, Any]]) -> None:
    ids = [str(one.get("Id") or "") for one in entries]
    if not entries:
        raise refused("batch-empty")
    if len(entries) > _MOST_ENTRIES:
        raise refused("batch-too-many")
    if len(set(ids)) < len(ids):
        raise refused("batch-same-id")
    if not all(map(_ENTRY_ID.fullmatch, ids)):
        raise refused("batch-id")
