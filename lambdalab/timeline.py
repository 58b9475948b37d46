"""What happened in the cloud, as one kind of record.

The engine writes records as things happen; tables, pictures and widgets only read them.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

__all__ = ["KINDS", "Record", "Timeline"]

KINDS = {
    "function": "a function was created, updated or deleted (detail: change)",
    "init": "an execution environment was made and ran its INIT phase",
    "restore": "an execution environment came back from its version's snapshot (detail: status)",
    "provisioned": "provisioned concurrency changed (detail: qualifier, status, requested, ready)",
    "scaled": "provisioned concurrency was scaled (detail: qualifier, from, to, reason)",
    "invoke": "an execution environment ran an invocation (detail: status, cold, memory_mb)",
    "reset": "an execution environment lost its processes and kept its /tmp (detail: reason)",
    "end": "an execution environment ended (detail: reason)",
    "throttle": "an invocation was refused for lack of concurrency (detail: reason)",
    "push": "a service called a function (detail: service, source, how)",
    "refused": "a service may not call a function, or cannot (detail: service, source, reason)",
    "shift": "a deployment moves an alias's traffic (detail: deployment, alias, weight, status)",
    "poll": "a mapping read a batch for its function (detail: mapping, source, records)",
    "split": "a batch of stream records was split after an error (detail: as for poll)",
    "deleted": "messages left their queue (detail: mapping, source, records, reason)",
    "returned": "messages wait to come back into their queue (detail: as for deleted)",
    "trouble": "a mapping cannot work (detail: mapping, source, reason)",
    "accepted": "an event was queued for asynchronous invocation",
    "retry": "an event or a batch waits for its next try (detail: reason, attempts, delay in s)",
    "dropped": "an event or a batch of stream records was given up (detail: condition, attempts)",
    "delivered": "a dead-letter queue or a destination took an event (detail: what, to)",
    "undelivered": "a dead-letter queue or a destination did not (detail: what, to, error)",
}

# Older records make room for newer ones: an open lab must not grow without end.
CAPACITY = 200_000


class Record(NamedTuple):
    """One thing that happened.

    ``time`` is platform time in seconds since the epoch at which it began; ``duration`` is in
    seconds, or None for a thing without length; ``kind`` is one of ``KINDS``.
    """

    time: float
    kind: str
    function: str
    environment: str | None = None
    request_id: str | None = None
    duration: float | None = None
    detail: dict[str, Any] = {}  # noqa: RUF012 - never written to


class Timeline:
    """The records of one cloud, oldest first."""

    def __init__(self) -> None:
        self._records: deque[Record] = deque(maxlen=CAPACITY)
        self._written = 0

    def add(self, record: Record) -> None:
        """Write one record."""
        self._records.append(record)
        self._written += 1

    def since(self, position: int) -> tuple[list[Record], int]:
        """The records written from ``position`` on, and the position after them."""
        oldest = self._written - len(self._records)
        skip = max(0, position - oldest)
        records = list(self._records)[skip:] if skip < len(self._records) else []
        return records, self._written

    def clear(self) -> None:
        """Forget everything; positions start at 0 again."""
        self._records.clear()
        self._written = 0
