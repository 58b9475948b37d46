"""The platform's time.

Everything that waits on the platform waits here, and nothing else in the package reads the time of
day. The clock winds waiting, never work: while a handler runs, platform time passes at real speed,
so nothing on the platform can run out under a running function because the clock was wound.
Events due at one time happen in the order (time, priority, counter).
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

__all__ = ["LabClock", "Scheduled", "stopwatch", "wall_time"]

# How long work is measured: a monotonic counter in seconds, the same whatever the clock shows.
stopwatch = time.perf_counter
# The end of what a calendar date can tell.
_LAST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()


def wall_time() -> float:
    """Real time in seconds since the epoch: for deadlines that another process compares itself."""
    return time.time()


class Scheduled:
    """One callback that waits on the clock; ``cancel()`` forgets it."""

    __slots__ = ("callback", "cancelled", "due", "order")

    def __init__(self, due: float, order: tuple[int, int], callback: Callable[[], None]) -> None:
        self.due = due
        self.order = order
        self.callback = callback
        self.cancelled = False

    def __lt__(self, other: Scheduled) -> bool:
        return (self.due, self.order) < (other.due, other.order)

    def cancel(self) -> None:
        """Forget the callback; harmless when it has already run."""
        self.cancelled = True


class LabClock:
    """Platform time, in seconds since the epoch.

    ``speed`` says how many platform seconds pass in a real one while no handler runs (default 1).
    Belongs to one event loop: only that loop's thread schedules or advances.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._working = 0
        self._real = stopwatch()
        self._platform = wall_time()
        self._waiting: list[Scheduled] = []
        self._counter = itertools.count()
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def _rate(self) -> float:
        return 1.0 if self._working else self.speed

    def now(self) -> float:
        """Platform time now."""
        return self._platform + (stopwatch() - self._real) * self._rate

    def utc(self) -> datetime:
        """Platform time now as an aware UTC datetime."""
        return datetime.fromtimestamp(self.now(), UTC)

    def stamp(self) -> str:
        """Platform time now as the Lambda API writes it: ISO 8601 with milliseconds and +0000."""
        now = self.utc()
        return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}+0000"

    def call_later(
        self, delay: float, callback: Callable[[], None], priority: int = 0
    ) -> Scheduled:
        """Call ``callback`` after ``delay`` platform seconds; a lower priority goes first."""
        scheduled = Scheduled(self.now() + delay, (priority, next(self._counter)), callback)
        heapq.heappush(self._waiting, scheduled)
        self._rearm()
        return scheduled

    def advance(self, seconds: float) -> None:
        """Wind the clock forward: everything due on the way happens, each at its own time."""
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"the clock winds forward by 0 or more seconds, not by {seconds}")
        target = self.now() + seconds
        if target > _LAST:
            raise ValueError("the clock does not go beyond the year 9999")
        while self._waiting and self._waiting[0].due <= target:
            self._set(max(self.now(), self._waiting[0].due))
            self._run_next()
        self._set(max(self.now(), target))
        self._rearm()

    @contextmanager
    def working(self) -> Iterator[None]:
        """While a handler runs, platform time passes at real speed."""
        self.begin_work()
        try:
            yield
        finally:
            self.end_work()

    def begin_work(self) -> None:
        """A handler starts to run."""
        self._change_work(+1)

    def end_work(self) -> None:
        """A handler has ended."""
        self._change_work(-1)

    def restart(self) -> None:
        """Show real time again and drop everything that waits: the cloud is being emptied."""
        self._waiting.clear()
        self._set(wall_time())
        self._rearm()

    def _change_work(self, step: int) -> None:
        if self.speed == 1.0:
            self._working += step
            return
        now = self.now()
        self._working += step
        self._set(now)
        self._rearm()

    def _set(self, now: float) -> None:
        self._platform, self._real = now, stopwatch()

    def _run_next(self) -> None:
        scheduled = heapq.heappop(self._waiting)
        if not scheduled.cancelled:
            scheduled.callback()

    def _ring(self) -> None:
        self._alarm = None
        while self._waiting and self._waiting[0].due <= self.now():
            self._run_next()
        self._rearm()

    def _rearm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._waiting:
            delay = max(0.0, (self._waiting[0].due - self.now()) / self._rate)
            self._alarm = asyncio.get_running_loop().call_later(delay, self._ring)
