"""What authorizers have said, remembered for as long as they may be believed."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from lambdalab.clock import LabClock

__all__ = ["Memory"]

_Value = TypeVar("_Value")
# As many answers are remembered; a client can think of any number of tokens.
_MOST = 10_000


class Memory(Generic[_Value]):
    """Answers by key, each until its time is over on the lab's clock."""

    def __init__(self, clock: LabClock) -> None:
        self._clock = clock
        self._known: dict[Hashable, tuple[float, _Value]] = {}

    def get(self, key: Hashable) -> _Value | None:
        """What is known and may still be believed."""
        end, value = self._known.get(key, (0.0, None))
        return value if self._clock.now() < end else None

    def put(self, key: Hashable, value: _Value, seconds: float) -> None:
        """Remember for so many seconds; 0 is not at all."""
        if seconds > 0:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = (self._clock.now() + seconds, value)

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()
