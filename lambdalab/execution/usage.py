"""How much memory an environment uses: what was read last, and the most there was."""

from __future__ import annotations

import math
from collections.abc import Iterable

from lambdalab.execution.memory import MB, MemoryReader, resident
from lambdalab.execution.spec import Outcome

__all__ = ["MemoryUse"]

# An invocation longer than this has its peak read from the kernel, not only its present memory.
LONG = 0.005


class MemoryUse:
    """The memory of one environment, in MB; ``size`` is what its function has."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._peak = 0
        self._used = 0.0
        self._reader: MemoryReader | None = None

    @property
    def left(self) -> float:
        """What is left under the function's memory size, as last read."""
        return self._size - self._used

    def follow(self, pid: int) -> None:
        """Read the runtime's process from now on."""
        self._reader = MemoryReader(pid)

    def forget(self) -> None:
        """The runtime's process is gone."""
        if self._reader is not None:
            self._reader.close()
            self._reader, self._used = None, 0.0

    def look(self, pids: Iterable[int]) -> float:
        """Read all processes; gives what is left."""
        self._note(resident([*pids], self._size * MB) / MB)
        return self.left

    def measure(self, outcome: Outcome) -> None:
        """Write down what an invocation used."""
        if self._reader is not None:
            long = outcome.duration > LONG
            self._note((self._reader.peak() if long else self._reader.own()) / MB)
        outcome.memory_used = min(self._peak, self._size)
        if outcome.status == "out-of-memory":
            outcome.memory_used = self._size

    def _note(self, used: float) -> None:
        self._used = used
        self._peak = max(self._peak, math.ceil(used))
