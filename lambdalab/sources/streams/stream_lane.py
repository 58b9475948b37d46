"""One lane of a shard: the records of some partition keys, one batch after the other.

A batch that fails is tried again, split, or given up; until then it blocks the lane. So the order
of each partition key is kept. Without ParallelizationFactor a shard has one lane.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from lambdalab import facts
from lambdalab.clock import Scheduled
from lambdalab.neighbours.streams.stream_hooks import StreamRecord
from lambdalab.sources.streams.stream_batch import Batch, Item
from lambdalab.sources.streams.stream_windows import Window, start_of

if TYPE_CHECKING:
    from lambdalab.sources.streams.stream_shard import ShardReader

__all__ = ["Lane"]

# The least wait, in seconds: what is due a rounding error later is not asked for again and again.
_SOON = 0.001
_LARGEST_EVENT = facts.quota("payload.synchronous-request").bytes
# What an event holds beside its records, at most: brackets, window, ARN.
_AROUND = 2048
_LARGEST_STATE = facts.quota("mapping.window-state").bytes


class Lane:
    """Forms batches when they are due; the shard's reader runs them."""

    def __init__(self, reader: ShardReader) -> None:
        self._reader = reader
        self._clock = reader.platform.clock
        self.pending: deque[StreamRecord] = deque()
        self.batches: deque[Batch] = deque()
        self.window: Window | None = None
        self.running = False
        self._bytes = 0
        # Since when the oldest pending record waits, and until when nothing is tried.
        self._since = 0.0
        self._not_before = 0.0
        self._timer: Scheduled | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do, not even a window to end."""
        return not (self.running or self.pending or self.batches or self.window)

    @property
    def waiting(self) -> list[StreamRecord]:
        """All records that are not yet done, in their order."""
        return [
            *(item.record for batch in self.batches for item in batch.items),
            *self.pending,
        ]

    def give(self, record: StreamRecord) -> None:
        """Put a record at the end."""
        if not self.pending:
            self._since = self._clock.now()
        self.pending.append(record)
        self._bytes += record.size

    def delay(self, seconds: float) -> None:
        """Try nothing for a while."""
        self._not_before = self._clock.now() + seconds

    def rest(self) -> None:
        """Wait for nothing: the reader has been stopped."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def wake(self) -> None:
        """Start what is due, or wait until something is."""
        self.rest()
        if self.running or self._reader.paused:
            return
        now = self._clock.now()
        if self._not_before > now:
            self._wake_at(self._not_before)
            return
        batch = self._next(now)
        if batch is not None:
            self.running = True
            self._reader.run(self, batch)
        else:
            due = self._due()
            if due is not None:
                self._wake_at(due)

    def _wake_at(self, time: float) -> None:
        delay = max(_SOON, time - self._clock.now())
        self._timer = self._clock.call_later(delay, self.wake)

    # What is next.

    def _next(self, now: float) -> Batch | None:
        while not self.batches:
            due = self._due()
            if due is None or due > now:
                return None
            batch = self._end_of_window() if self._window_is_over() else self._form()
            if batch is not None:
                self.batches.append(batch)
        return self.batches[0]

    def _due(self) -> float | None:
        """When the next batch is to be formed; None where there is nothing to wait for."""
        if self.window is not None and self._window_is_over():
            return self.window.end
        if not self.pending:
            return None
        full = len(self.pending) >= self._setting("BatchSize") or self._bytes >= _LARGEST_EVENT
        if full or self._closed_by_window():
            return 0.0
        due = self._since + self._setting("MaximumBatchingWindowInSeconds")
        return due if self.window is None else min(due, self.window.end)

    def _setting(self, name: str) -> int:
        value: int = self._reader.setting(name)
        return value

    def _closed_by_window(self) -> bool:
        """Whether a later record of another window already waits."""
        length = self._setting("TumblingWindowInSeconds")
        if not length:
            return False
        return start_of(self.pending[0].arrived, length) < start_of(
            self.pending[-1].arrived, length
        )

    def _window_is_over(self) -> bool:
        """Whether a window is open that gets no more of the pending records."""
        window = self.window
        return window is not None and not (self.pending and self.pending[0].arrived < window.end)

    def _end_of_window(self) -> Batch:
        return Batch([], ends_window="final")

    def _form(self) -> Batch | None:
        """The next batch; None where the filters let none of its records pass."""
        window = self._open_window()
        items: list[Item] = []
        size = _AROUND + (_LARGEST_STATE if window else 0)
        while self.pending and len(items) < self._setting("BatchSize"):
            record = self.pending[0]
            if window is not None and record.arrived >= window.end:
                break
            text = self._reader.text(record)
            if text is not None:
                size += len(text.encode()) + 1
                if items and size > _LARGEST_EVENT:
                    break
                items.append(Item(record, text))
            self._bytes -= self.pending.popleft().size
        self._since = self._clock.now()
        if items and self.window is None:
            self.window = window
        return Batch(items) if items else None

    def _open_window(self) -> Window | None:
        length = self._setting("TumblingWindowInSeconds")
        if not length:
            return None
        return self.window or Window(start_of(self.pending[0].arrived, length), length)
