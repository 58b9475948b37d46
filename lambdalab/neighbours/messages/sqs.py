"""Queues in moto's SQS, as the lab reads from them.

Whoever watches a queue hears when something in it may have become available; nobody has to ask
again and again. What is mended in moto's queues stands in ``queues.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from lambdalab.neighbours.messages.queue_handles import handle_of

__all__ = [
    "QueueGoneError",
    "Received",
    "delete",
    "find",
    "install",
    "milliseconds",
    "next_due",
    "notify",
    "now",
    "policy_of",
    "send",
    "take",
    "visibility_timeout",
    "waiting",
    "watch",
]

_watchers: dict[str, set[Callable[[], None]]] = {}


class QueueGoneError(Exception):
    """There is no such queue (any more)."""


class Received(NamedTuple):
    """A message as it was received; attributes by SQS's names."""

    id: str
    handle: str
    body: str
    md5_of_body: str
    attributes: dict[str, str]
    message_attributes: dict[str, dict[str, Any]]
    md5_of_attributes: str | None


def install() -> None:
    """Mend moto's queues; harmless when they are."""
    from lambdalab.neighbours.messages import queues

    queues.install()


def visibility_timeout(arn: str) -> int | None:
    """The visibility timeout of a queue in seconds, or None where there is no such queue."""
    queue = find(arn)
    return None if queue is None else int(queue.visibility_timeout)


def watch(arn: str, heard: Callable[[], None]) -> Callable[[], None]:
    """Call ``heard`` whenever messages of a queue may have become available; gives the way to stop.

    It is called in whatever thread moto runs in, also when the queue is made, changed or deleted.
    """
    watchers = _watchers.setdefault(arn, set())
    watchers.add(heard)

    def stop() -> None:
        watchers.discard(heard)
        if not watchers:
            _watchers.pop(arn, None)

    return stop


def take(arn: str, most: int, fits: Callable[[Received], bool]) -> list[Received]:
    """Receive up to ``most`` messages: they are hidden for the queue's visibility timeout.

    ``fits`` may end it before a message, which then stays. Messages that have been received too
    often go to the queue's dead-letter queue instead. Raises QueueGoneError.
    """
    queue = find(arn)
    if queue is None:
        raise QueueGoneError(arn)
    taken: list[Received] = []

    def wanted(message: Any) -> bool:
        if len(taken) == most:
            return False
        received = _received(message, queue, message.approximate_receive_count + 1)
        if not fits(received):
            return False
        taken.append(received)
        return True

    queue.receive(wanted, int(queue.visibility_timeout))
    return taken


def send(arn: str, body: str, attributes: dict[str, tuple[str, str]], trace: str | None) -> None:
    """Send a message; ``attributes`` are (data type, value) by name. Raises moto's errors.

    ``trace`` goes along as the system attribute by which AWS follows a chain of calls.
    """
    from moto.sqs.models import sqs_backends

    region, account, name = arn.split(":")[3:6]
    typed: dict[str, Any] = {
        attribute: {"DataType": kind, "StringValue": value}
        for attribute, (kind, value) in attributes.items()
    }
    system = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}} if trace else None
    sqs_backends[account][region].send_message(
        name, body, message_attributes=typed, system_attributes=system
    )


def policy_of(arn: str) -> list[dict[str, Any]] | None:
    """The statements of a queue's policy; None where there is no such queue."""
    queue = find(arn)
    if queue is None:
        return None
    statements: list[dict[str, Any]] = queue._policy_json.get("Statement", [])
    return statements


def delete(arn: str, handles: Iterable[str]) -> None:
    """Delete messages by the handles that they were received with."""
    queue = find(arn)
    if queue is not None:
        for handle in handles:
            queue.delete_message(handle)


def waiting(arn: str) -> int:
    """How many messages could be received, but for those that wait for others of their group."""
    queue = find(arn)
    return 0 if queue is None else int(queue.approximate_number_of_messages)


def next_due(arn: str) -> float | None:
    """When the next hidden or delayed message comes up, in seconds since the epoch, or None."""
    queue = find(arn)
    if queue is None:
        return None
    with queue._messages_lock:
        due: int | None = queue.line.next_due()
    return None if due is None else due / 1000


def now() -> float:
    """The time that queues go by, in seconds since the epoch."""
    from moto.sqs import models

    return float(models.unix_time())


def find(arn: str) -> Any | None:
    """The queue in moto of that ARN, or None."""
    from moto.sqs.models import sqs_backends

    region, account, name = arn.split(":")[3:6]
    if region not in sqs_backends[account]:
        return None
    return sqs_backends[account][region].queues.get(name)


def notify(arn: str) -> None:
    """Tell whoever watches a queue that something about it has changed."""
    for heard in list(_watchers.get(arn, ())):
        heard()


def milliseconds() -> int:
    """The time that queues go by, in milliseconds since the epoch."""
    from moto.sqs import models

    # Up to the next one: what was to be at a time is due when the clock stands at it.
    return int(models.unix_time_millis() + 0.999)


def _received(message: Any, queue: Any, count: int) -> Received:
    """A message as it is received for the ``count``-th time."""
    attributes = {
        "ApproximateReceiveCount": str(count),
        "AWSTraceHeader": (message.system_attributes.get("AWSTraceHeader") or {}).get(
            "StringValue"
        ),
        "SentTimestamp": str(message.sent_timestamp),
        "SequenceNumber": message.sequence_number,
        "MessageGroupId": message.group_id,
        "SenderId": message.sender_id,
        "MessageDeduplicationId": message.deduplication_id,
        "ApproximateFirstReceiveTimestamp": str(
            message.approximate_first_receive_timestamp or milliseconds()
        ),
    }
    return Received(
        message.id,
        handle_of(queue.queue_arn, message.id, count),
        message.body,
        message.body_md5,
        {name: value for name, value in attributes.items() if value is not None},
        message.message_attributes,
        message.attribute_md5 if message.message_attributes else None,
    )
