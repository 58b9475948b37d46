"""Batches of stream records on their way through a function."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lambdalab.neighbours.streams.stream_hooks import StreamRecord

__all__ = ["Batch", "Item"]


class Item(NamedTuple):
    """A record, and the text of its event."""

    record: StreamRecord
    text: str


@dataclass(eq=False)
class Batch:
    """Records that a function gets together.

    ``attempts`` counts how often it has run with them, ``retries`` which of these count against
    MaximumRetryAttempts, ``refusals`` how often in a row it could not run. ``request_id`` and
    ``response`` are those of the last attempt. ``ends_window`` is "final" or "early" where the
    batch has no records, but ends a tumbling window.
    """

    items: list[Item]
    attempts: int = 0
    retries: int = 0
    refusals: int = 0
    request_id: str = ""
    response: dict[str, Any] | None = None
    ends_window: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def sequences(self) -> list[str]:
        """The sequence numbers, as events tell them."""
        return [str(item.record.sequence) for item in self.items]

    @property
    def event(self) -> str:
        """The event as JSON."""
        records = ",".join(item.text for item in self.items)
        rest = json.dumps(self.extra, separators=(",", ":"), ensure_ascii=False)[1:-1]
        return f'{{"Records":[{records}]{"," if rest else ""}{rest}}}'

    def first(self, count: int) -> Batch:
        """The first records as a batch with the same past."""
        return Batch(
            self.items[:count], self.attempts, self.retries, 0, self.request_id, self.response
        )

    def halves(self) -> list[Batch]:
        """Two batches of the same retries: to split a batch costs none."""
        middle = (len(self.items) + 1) // 2
        return [
            Batch(part, retries=self.retries) for part in (self.items[:middle], self.items[middle:])
        ]
