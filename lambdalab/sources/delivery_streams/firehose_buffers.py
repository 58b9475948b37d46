"""What Amazon Data Firehose gathers, until it is enough or has waited long enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from lambdalab.clock import LabClock, Scheduled

__all__ = ["Buffer"]

_Item = TypeVar("_Item")


class Buffer(Generic[_Item]):
    """Gathers items until there are enough, or the first has waited long enough."""

    def __init__(
        self, clock: LabClock, size: int, interval: float, flush: Callable[[list[_Item]], None]
    ) -> None:
        self._clock = clock
        self._most = size
        self._interval = interval
        self._flush = flush
        self._items: list[_Item] = []
        self._size = 0
        self._alarm: Scheduled | None = None

    def add(self, item: _Item, size: int) -> None:
        """Gather one more, of ``size`` bytes."""
        self._items.append(item)
        self._size += size
        if self._size >= self._most:
            self._ring()
        elif self._alarm is None:
            self._alarm = self._clock.call_later(self._interval, self._ring)

    def clear(self) -> None:
        """Forget what was gathered."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._items, self._size, self._alarm = [], 0, None

    def _ring(self) -> None:
        items = self._items
        self.clear()
        self._flush(items)
