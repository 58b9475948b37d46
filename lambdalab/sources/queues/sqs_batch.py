"""Messages on their way into one event."""

from __future__ import annotations

from lambdalab import facts
from lambdalab.neighbours.messages.sqs import Received
from lambdalab.sources.queues.sqs_events import ENVELOPE

__all__ = ["Batch"]

_LARGEST = facts.quota("payload.synchronous-request").bytes


class Batch:
    """Up to ``most`` messages, and what one event can hold of them.

    ``opened`` is when the first came, in platform time; ``handles`` has a handle for each id.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes = ENVELOPE
        self._refused = False
        self._records: dict[str, str] = {}
        self.handles: dict[str, str] = {}
        self.opened = 0.0
        self.trace: str | None = None

    @property
    def records(self) -> list[str]:
        """The records as JSON texts, in the order in which their messages came first."""
        return list(self._records.values())

    @property
    def room(self) -> int:
        """How many messages it takes still."""
        return 0 if self._refused else self._most - len(self._records)

    def add(self, message: Received, record: str, now: float) -> bool:
        """Take a message whose record is that JSON text; False where the event would be too large.

        A batch is full once it has refused one. A message that comes up again, because the window
        is longer than the queue's visibility timeout, takes the place that it has.
        """
        size = len(record.encode()) + 1 - len(self._records.get(message.id, "").encode())
        if self._records and self._bytes + size > _LARGEST:
            self._refused = True
            return False
        if not self._records:
            self.opened = now
            self.trace = message.attributes.get("AWSTraceHeader")
        self._bytes += size
        self._records[message.id] = record
        self.handles[message.id] = message.handle
        return True
