"""The platform's time.

Everything that waits on the platform waits here, and nothing else in the package reads the time of
day. The clock winds waiting, never work: while a handler runs, platform time passes at real speed,
so nothing on the platform can run out under a running function because the clock was wound.
Events due at one time happen in the order (time, priority, counter), and each is over before the
next begins: winding waits for whatever holds the clock.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from lambdalab.spans import History, Span

__all__ = ["Hold", "LabClock", "Scheduled", "stopwatch", "wall_time"]

# How long work is measured: a monotonic counter in seconds, the same whatever the clock shows.
stopwatch = time.perf_counter
# The end of what a calendar date can tell.
_LAST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()


def wall_time() -> float:
    """Real time in seconds since the epoch: for deadlines that another process compares itself."""
    return time.time()


class Scheduled:
    """One callback that waits on the clock; ``cancel()`` forgets it."""

    __slots__ = ("background", "callback", "cancelled", "due", "forget", "order")

    def __init__(
        self, due: float, order: tuple[int, int], callback: Callable[[], None], *, background: bool
    ) -> None:
        self.due = due
        self.order = order
        self.callback = callback
        self.background = background
        self.cancelled = False
        self.forget: Callable[[], None] | None = None

    def __lt__(self, other: Scheduled) -> bool:
        return (self.due, self.order) < (other.due, other.order)

    def cancel(self) -> None:
        """Forget the callback; harmless when it has already run."""
        self.cancelled = True
        self.settle()

    def settle(self) -> None:
        """It waits no more."""
        forget, self.forget = self.forget, None
        if forget is not None:
            forget()


class Hold:
    """Work that the platform has started; winding waits until it is released."""

    __slots__ = ("_let_go",)

    def __init__(self, let_go: Callable[[Hold], None]) -> None:
        self._let_go = let_go

    def release(self) -> None:
        """The work is over; harmless when it was already."""
        self._let_go(self)


class LabClock:
    """Platform time, in seconds since the epoch.

    ``speed`` says how many platform seconds pass in a real one while no handler runs (default 1).
    Belongs to one event loop: only that loop's thread schedules or advances; all may read.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._working = 0
        # One object, replaced as a whole: other threads read it while it changes.
        self._span = Span(stopwatch(), wall_time(), speed)
        self._history = History(self._of_day())
        self._waiting: list[Scheduled] = []
        self._foreground = 0
        self._counter = itertools.count()
        self._alarm: asyncio.TimerHandle | None = None
        self._holds: set[Hold] = set()
        self._calm = asyncio.Event()
        self._calm.set()
        self._winding = asyncio.Lock()
        self._restarts = 0

    @property
    def _rate(self) -> float:
        return 1.0 if self._working else self.speed

    def now(self) -> float:
        """Platform time now."""
        return self._span.at(stopwatch())

    def utc(self) -> datetime:
        """Platform time now as an aware UTC datetime."""
        return datetime.fromtimestamp(self.now(), UTC)

    def stamp(self) -> str:
        """Platform time now as the Lambda API writes it: ISO 8601 with milliseconds and +0000."""
        now = self.utc()
        return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}+0000"

    def platform_at(self, real: float) -> float:
        """The platform time that the clock showed at a real time, in seconds since the epoch.

        What a client dates by its own clock (signatures, presigned URLs) is so put in platform
        time. Before the clock began, and in the future, time passes at real speed.
        """
        return self._history.at(real, wall_time())

    def call_later(
        self,
        delay: float,
        callback: Callable[[], None],
        priority: int = 0,
        *,
        background: bool = False,
    ) -> Scheduled:
        """Call ``callback`` after ``delay`` platform seconds; a lower priority goes first.

        ``background`` marks what goes on for ever, or is nobody's business (periodic looks, idle
        reclaim): a cloud where nothing else waits is idle. A callback that starts work which takes
        its time holds the clock before it returns (``hold``).
        """
        order = (priority, next(self._counter))
        scheduled = Scheduled(self.now() + delay, order, callback, background=background)
        if not background:
            self._foreground += 1
            scheduled.forget = self._one_less
        heapq.heappush(self._waiting, scheduled)
        self._rearm()
        return scheduled

    def hold(self) -> Hold:
        """Work that the platform starts by itself begins: winding waits until it is released."""
        hold = Hold(self._release)
        self._holds.add(hold)
        self._calm.clear()
        return hold

    @contextmanager
    def holding(self) -> Iterator[None]:
        """``hold`` and ``release`` around a block."""
        hold = self.hold()
        try:
            yield
        finally:
            hold.release()

    async def advance(self, seconds: float) -> None:
        """Wind the clock forward: everything due on the way happens, each at its own time.

        Each is over before the next: work that holds the clock is waited for, at real speed.
        """
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"the clock winds forward by 0 or more seconds, not by {seconds}")
        async with self._winding:
            target, restarts = self.now() + seconds, self._restarts
            if target > _LAST:
                raise ValueError("the clock does not go beyond the year 9999")
            while restarts == self._restarts and await self._step(target):
                pass
            if restarts == self._restarts:
                self._set(max(self.now(), target))
                self._rearm()

    async def run_until_idle(self, limit: float) -> bool:
        """Wind until nothing waits but what is in the background; gives whether it came to that.

        Winds by ``limit`` seconds at most.
        """
        async with self._winding:
            end = min(self.now() + limit, _LAST)
            await self._until_calm()
            while self._foreground:
                if not await self._step(end):
                    return False
                await self._until_calm()
            return True

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
        self._restarts += 1
        for scheduled in self._waiting:
            scheduled.forget = None
        self._waiting.clear()
        self._foreground = 0
        self._holds.clear()
        self._calm.set()
        self._set(wall_time())
        self._history = History(self._of_day())
        self._rearm()

    def _change_work(self, step: int) -> None:
        if self.speed == 1.0:
            self._working += step
            return
        now = self.now()
        self._working += step
        self._set(now)
        self._rearm()

    def _of_day(self) -> Span:
        """The span as it is now, told by the time of day."""
        return Span(wall_time(), self._span.platform, self._span.rate)

    def _set(self, now: float) -> None:
        self._span = Span(stopwatch(), now, self._rate)
        self._history.add(self._of_day())

    def _one_less(self) -> None:
        self._foreground -= 1

    def _release(self, hold: Hold) -> None:
        self._holds.discard(hold)
        if not self._holds:
            self._calm.set()

    async def _until_calm(self) -> None:
        """Wait until nothing holds the clock; what has just been started may do so first."""
        await asyncio.sleep(0)
        while self._holds:
            await self._calm.wait()
            await asyncio.sleep(0)

    async def _step(self, target: float) -> bool:
        """Let the next thing happen that is due up to then; gives whether there was one."""
        await self._until_calm()
        self._drop_cancelled()
        if not self._waiting or self._waiting[0].due > target:
            return False
        self._set(max(self.now(), self._waiting[0].due))
        self._run_next()
        self._rearm()
        return True

    def _drop_cancelled(self) -> None:
        while self._waiting and self._waiting[0].cancelled:
            heapq.heappop(self._waiting)

    def _run_next(self) -> None:
        scheduled = heapq.heappop(self._waiting)
        if not scheduled.cancelled:
            scheduled.settle()
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
