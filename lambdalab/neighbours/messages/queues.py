"""moto's queues, mended.

moto looks at every message of a queue for each receive, delete and count, keeps every message and
receipt handle that there ever was, and forgets what it has seen of deduplication ids with the
message: with some thousands of messages a call takes longer than a function, and memory grows
without end. Here a queue keeps its messages in a ``Line``, and tells whoever watches it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

from moto.sqs import models

from lambdalab.neighbours.messages import queue_traces
from lambdalab.neighbours.messages.queue_handles import handle_of, message_of
from lambdalab.neighbours.messages.queue_line import Line, Verdict
from lambdalab.neighbours.messages.sqs import find, milliseconds, notify

__all__ = ["LabQueue", "install"]

# AWS's sequence numbers have 20 digits and grow.
_FIRST_SEQUENCE = 18_849_496_460_467_696_128
_SEQUENCE_STEP = 256


class LabQueue(models.Queue):  # type: ignore[misc]
    """A queue of moto's whose messages stand in a line."""

    @property
    def line(self) -> Line:
        """The messages."""
        found: Line = self.__dict__.setdefault("_line", Line())
        return found

    @property
    def _messages(self) -> list[Any]:
        return list(self.line.messages())

    @_messages.setter
    def _messages(self, messages: list[Any]) -> None:
        # moto empties a queue this way, and begins with it.
        self._line = Line()
        for message in messages:
            self._enter(message)

    @property
    def messages(self) -> list[Any]:
        """The messages that are neither delayed nor in flight."""
        with self._messages_lock:
            self.line.mature(milliseconds())
            return [one for one in self.line.messages() if one.visible and not one.delayed]

    @property
    def approximate_number_of_messages(self) -> int:
        """How many are neither delayed nor in flight."""
        return self._count("free")

    @property
    def approximate_number_of_messages_delayed(self) -> int:
        """How many are delayed."""
        return self._count("delayed")

    @property
    def approximate_number_of_messages_not_visible(self) -> int:
        """How many are in flight."""
        return self._count("in_flight")

    def _count(self, which: str) -> int:
        with self._messages_lock:
            self.line.mature(milliseconds())
            return int(getattr(self.line, which))

    def add_message(self, message: Any) -> None:
        """Put a message that was sent into the line; a copy of one in a FIFO queue is dropped."""
        with self._messages_lock:
            if not self.fifo_queue:
                message.sequence_number = None
            elif not self._sequence(message):
                return
            self._enter(message)
            self._messages_lock.notify_all()
        notify(self.queue_arn)

    def _enter(self, message: Any) -> None:
        due = int(message.delayed_until)
        group = message.group_id if self.fifo_queue else message.id
        self.line.add(message.id, group or message.id, message, due)

    def _sequence(self, message: Any) -> bool:
        """Give a message its number; False where it is a copy of one sent in five minutes."""
        seen = self.__dict__.setdefault("_seen", {})
        now = message.sent_timestamp
        oldest = now - models.DEDUPLICATION_TIME_IN_SECONDS * 1000
        while seen and (first := next(iter(seen.items())))[1][0] <= oldest:
            del seen[first[0]]
        scope = message.group_id if self.deduplication_scope == "messageGroup" else None
        key = (scope, message.deduplication_id)
        if message.deduplication_id is not None and key in seen:
            # The sender hears of the message that is there already.
            _, message.id, message.sequence_number = seen[key]
            return False
        number = self.__dict__.get("_sequence_number", _FIRST_SEQUENCE) + _SEQUENCE_STEP
        self._sequence_number = number
        message.sequence_number = str(number)
        if message.deduplication_id is not None:
            seen[key] = (now, message.id, message.sequence_number)
        return True

    def receive(self, wanted: Callable[[Any], bool], visibility: int | None) -> None:
        """Offer what can be received; what is wanted is in flight for ``visibility`` s."""
        now = milliseconds()
        due = now + int(visibility or 0) * 1000
        oldest = now - int(self.message_retention_period) * 1000
        dead: list[Any] = []

        def judge(message: Any) -> Verdict:
            if message.sent_timestamp <= oldest:
                return Verdict.DROP
            if self._is_dead(message):
                dead.append(message)
                return Verdict.DROP
            if not wanted(message):
                return Verdict.STOP
            message.approximate_receive_count += 1
            message.approximate_first_receive_timestamp = (
                message.approximate_first_receive_timestamp or now
            )
            message.visible_at = due if due > now else 0.0
            count = message.approximate_receive_count
            message.receipt_handle = handle_of(self.queue_arn, message.id, count)
            return Verdict.TAKE

        with self._messages_lock:
            self.line.receive(now, due, judge)
        for message in dead:
            self.dead_letter_queue.bury(message)

    def _is_dead(self, message: Any) -> bool:
        """Whether a message has been received as often as the queue allows."""
        policy, grave = self.redrive_policy, self.dead_letter_queue
        # A queue that has been deleted since is none.
        return (
            bool(policy)
            and grave is not None
            and message.approximate_receive_count >= policy["maxReceiveCount"]
            and find(grave.queue_arn) is grave
        )

    def bury(self, message: Any) -> None:
        """Take a message of another queue over, as a dead-letter queue does."""
        message.visible_at = message.delayed_until = 0.0
        with self._messages_lock:
            self._enter(message)
            self._messages_lock.notify_all()
        notify(self.queue_arn)

    def delete_message(self, receipt_handle: str) -> None:
        """Delete the message that a handle names, if it is still there."""
        key = message_of(self.queue_arn, receipt_handle)
        if key is None:
            raise models.ReceiptHandleIsInvalid
        with self._messages_lock:
            self.line.remove(key)
        if self.fifo_queue:
            # The group may go on.
            notify(self.queue_arn)

    def wait_for_messages(self, timeout: int) -> None:
        """Wait up to ``timeout`` real seconds for one that can be received."""
        with self._messages_lock:
            self._messages_lock.wait_for(lambda: self.line.free, timeout=timeout)


def install() -> None:
    """Let moto make queues of this kind, and call them."""
    if models.Queue is LabQueue:
        return
    models.Queue = LabQueue
    # Every message would be kept for moto's dashboard.
    models.Message.__new__ = staticmethod(lambda cls, *_, **__: object.__new__(cls))
    # moto spells out all attributes of a queue to find one of them, for each message.
    models.camelcase_to_underscores = cache(models.camelcase_to_underscores)
    for method in (receive_message, change_message_visibility):
        setattr(models.SQSBackend, method.__name__, method)
    queue_traces.install(models.SQSBackend)
    models.SQSBackend.send_message_batch = _together(models.SQSBackend.send_message_batch)
    for name in ("create_queue", "delete_queue", "set_queue_attributes"):
        setattr(models.SQSBackend, name, _telling(getattr(models.SQSBackend, name)))


def _telling(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of the backend, after which the watchers of the queue that it names hear of it."""

    def told(backend: Any, *given: Any, **named: Any) -> Any:
        name = given[0] if given else named.get("name", named.get("queue_name"))
        try:
            return method(backend, *given, **named)
        finally:
            notify(f"arn:{backend.partition}:sqs:{backend.region_name}:{backend.account_id}:{name}")

    return told


def _together(method: Callable[..., Any]) -> Callable[..., Any]:
    """SendMessageBatch, after which all of its messages are there at once.

    Whoever reads could else get the first ones alone, and with them, after an error, other batches
    at each run.
    """

    def sent(backend: Any, queue_name: str, entries: Any) -> Any:
        with backend.get_queue(queue_name)._messages_lock:
            return method(backend, queue_name, entries)

    return sent


def receive_message(
    backend: Any,
    queue_name: str,
    count: int,
    wait_seconds_timeout: int,
    visibility_timeout: int,
    message_attribute_names: list[str] | None = None,
) -> list[Any]:
    """ReceiveMessage of moto's backend."""
    queue = backend.get_queue(queue_name)
    until = models.unix_time() + wait_seconds_timeout
    while True:
        taken: list[Any] = []
        queue.receive(lambda message, t=taken: _collect(t, message, count), visibility_timeout)
        if taken or models.unix_time() >= until or not wait_seconds_timeout:
            return [_shown(message, message_attribute_names or []) for message in taken]
        queue.wait_for_messages(1)


def _collect(taken: list[Any], message: Any, most: int) -> bool:
    if len(taken) == most:
        return False
    taken.append(message)
    return True


def _shown(message: Any, names: list[str]) -> Any:
    """A copy that shows only the message attributes that were asked for."""
    shown = copy.copy(message)
    models._filter_message_attributes(shown, names)
    return shown


def change_message_visibility(
    backend: Any, queue_name: str, receipt_handle: str, visibility_timeout: int
) -> None:
    """ChangeMessageVisibility of moto's backend."""
    queue = backend.get_queue(queue_name)
    key = message_of(queue.queue_arn, receipt_handle)
    message = queue.line.get(key) if key else None
    if message is None:
        raise models.ReceiptHandleIsInvalid
    now = milliseconds()
    due = now + int(visibility_timeout) * 1000
    if due - message.sent_timestamp > models.MAXIMUM_VISIBILITY_TIMEOUT * 1000:
        raise models.InvalidParameterValue(
            f"Value {visibility_timeout} for parameter VisibilityTimeout is invalid. Reason: Total "
            "VisibilityTimeout for the message is beyond the limit [43200 seconds]"
        )
    with queue._messages_lock:
        if key in queue.line:
            queue.line.change(key, now, due)
            queue._messages_lock.notify_all()
    notify(queue.queue_arn)
