"""Memory of execution environments: how much each uses, and the end of those that use too much.

Reading costs microseconds, so each running environment is read only as often as it could fill the
room it has left: polled every 2 ms, a hundred environments would take more than a core.
"""

from __future__ import annotations

import asyncio
import os
from typing import Protocol

__all__ = ["MemoryReader", "MemoryWatch", "Watched", "resident"]

MB = 1 << 20
PAGE = os.sysconf("SC_PAGE_SIZE")
# The fastest that a process was seen to fill memory, in MB a second, with room to spare.
FASTEST_GROWTH = 4_000.0
# Of so many processes the memory that they share is looked at in detail.
SAMPLE = 16
SHORTEST_POLL = 0.002
LONGEST_POLL = 0.05


class MemoryReader:
    """Reads the resident memory of one process; knows nothing where there is no /proc."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        try:
            self._statm = os.open(f"/proc/{pid}/statm", os.O_RDONLY)
        except OSError:
            self._statm = -1

    def own(self) -> int:
        """Resident bytes of the process itself."""
        if self._statm < 0:
            return 0
        try:
            return int(os.pread(self._statm, 64, 0).split(b" ", 2)[1]) * PAGE
        except (OSError, IndexError):
            return 0

    def peak(self) -> int:
        """The most that the process itself has ever had resident, in bytes."""
        try:
            with open(f"/proc/{self._pid}/status", "rb") as status:  # noqa: PTH123
                text = status.read()
            return int(text.split(b"VmHWM:", 1)[1].split(None, 1)[0]) * 1024
        except (OSError, IndexError):
            return self.own()

    def close(self) -> None:
        """Stop reading."""
        if self._statm >= 0:
            os.close(self._statm)
            self._statm = -1


def resident(pids: list[int], limit: int) -> int:
    """Resident bytes of several processes together.

    What they share is counted once: that is dear to find out, so it is done only when the sum is
    beyond ``limit``, and of many processes for some.
    """
    total = sum(_resident(pid) for pid in pids)
    if total <= limit or len(pids) < 2:
        return total
    some = pids[:: -(-len(pids) // SAMPLE)]
    shares = [_proportional(pid) for pid in some]
    return min(total, sum(shares) * len(pids) // len(some))


def _proportional(pid: int) -> int:
    """Resident bytes of a process, of shared ones its share."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as rollup:  # noqa: PTH123
            return int(rollup.read().split(b"\nPss:", 1)[1].split(None, 1)[0]) * 1024
    except (OSError, IndexError):
        return _resident(pid)


def _resident(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", "rb") as statm:  # noqa: PTH123
            return int(statm.read().split(b" ", 2)[1]) * PAGE
    except (OSError, IndexError):
        return 0


class Watched(Protocol):
    """An environment under watch."""

    @property
    def memory_left(self) -> float:
        """MB left until its limit, as last read."""

    def memory_room(self) -> float:
        """MB left until its limit, by a fresh reading; 0 or less ends it."""


class MemoryWatch:
    """Polls the environments that are running."""

    def __init__(self) -> None:
        self._running: set[Watched] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, environment: Watched) -> None:
        """Watch an environment while it runs."""
        self._running.add(environment)
        self._look_after(_pause(environment.memory_left))

    def discard(self, environment: Watched) -> None:
        """The environment does not run any more."""
        self._running.discard(environment)

    def _poll(self) -> None:
        self._timer = None
        room = [environment.memory_room() for environment in list(self._running)]
        if room:
            self._look_after(_pause(min(room)))

    def _look_after(self, pause: float) -> None:
        """Look after so many seconds, or before."""
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            if self._timer.when() <= loop.time() + pause:
                return
            self._timer.cancel()
        self._timer = loop.call_later(pause, self._poll)


def _pause(room: float) -> float:
    """The seconds in which so much room, in MB, cannot be filled."""
    return min(max(room / FASTEST_GROWTH, SHORTEST_POLL), LONGEST_POLL)
