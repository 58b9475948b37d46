"""Threads that wait on the platform's clock, for moto's interpreter of state machines.

The interpreter runs each state in a thread, and waits with Python's events, which count real time.
Those here count platform time: while one of these threads is at work, the clock is held, so winding
waits for it; while all of them wait, it is not. Whoever wakes a thread takes the hold for it, so
there is no moment between at which the platform seems to be idle.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable
from typing import Any

from lambdalab.clock import Hold, LabClock, Scheduled

__all__ = [
    "FOR_EVER",
    "Event",
    "Interrupted",
    "Thread",
    "connect",
    "count_in",
    "forget",
    "wait_for",
]

# What Step Functions takes for no limit, in seconds: nothing is scheduled for it.
FOR_EVER = 99_999_999.0

# One short decision at a time, for all threads and events.
_lock = threading.Lock()
_here = threading.local()


class Interrupted(BaseException):
    """What a thread waited in has been stopped: its work is over, and nothing is told of it."""


class _Platform:
    """The clock of the cloud, and how many threads keep it."""

    def __init__(self, clock: LabClock, loop: asyncio.AbstractEventLoop) -> None:
        self._clock = clock
        self._loop = loop
        self._count = 0
        self._hold: Hold | None = None

    def add(self) -> None:
        """One thread more is at work; whoever is in the event loop holds the clock at once."""
        self._count += 1
        if self._count == 1:
            self._soon(self._balance)

    def remove(self) -> None:
        """One thread fewer is at work."""
        self._count -= 1
        if self._count == 0:
            self._soon(self._balance)

    def alarm(self, waiter: _Waiter, seconds: float, *, background: bool) -> None:
        """Wake a waiter later."""
        self._soon(lambda: waiter.arm(self._clock, seconds, background=background))

    def forget(self) -> None:
        """The clock has dropped whatever held it."""
        self._hold = None
        self._balance()

    def _soon(self, act: Callable[[], None]) -> None:
        if _running_loop() is self._loop:
            act()
        else:
            with contextlib.suppress(RuntimeError):  # the cloud has ended
                self._loop.call_soon_threadsafe(act)

    def _balance(self) -> None:
        if self._count and self._hold is None:
            self._hold = self._clock.hold()
        elif not self._count and self._hold is not None:
            self._hold.release()
            self._hold = None


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


_platforms: list[_Platform] = []


def connect(clock: LabClock, loop: asyncio.AbstractEventLoop) -> None:
    """Wait on this clock, which belongs to this loop; the last caller's counts."""
    _platforms[:] = [_Platform(clock, loop)]


def forget() -> None:
    """The clock was restarted; called in its loop."""
    for platform in _platforms:
        platform.forget()


class _Waiter:
    """One thread that waits for events, or until its time is over."""

    def __init__(self) -> None:
        self.counted = getattr(_here, "counted", False)
        self.ready = threading.Event()
        self.woken = False
        self.by: Event | None = None
        self._alarm: Scheduled | None = None

    def wake(self, by: Event | None) -> None:
        """Let it go on; the first to wake it counts. Needs the lock."""
        if not self.woken:
            self.woken, self.by = True, by
            if self.counted:
                _platforms[0].add()
            self.ready.set()

    def arm(self, clock: LabClock, seconds: float, *, background: bool) -> None:
        """Wake it when so much time has passed; in the event loop."""
        if not self.woken:
            self._alarm = clock.call_later(seconds, self._ring, background=background)

    def disarm(self) -> None:
        """It waits no more; in the event loop."""
        if self._alarm is not None:
            self._alarm.cancel()

    def _ring(self) -> None:
        with _lock:
            self.wake(None)


class Event:
    """As ``threading.Event``, but its time is the platform's."""

    def __init__(self) -> None:
        self._set = False
        self.waiters: list[_Waiter] = []

    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._set

    def set(self) -> None:
        """Let all go on who wait for it."""
        with _lock:
            self._set = True
            waiters, self.waiters = self.waiters, []
            for waiter in waiters:
                waiter.wake(self)

    def clear(self) -> None:
        """As if it had not happened."""
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it happens, at most for so many platform seconds; gives whether it did."""
        return wait_for([self], timeout) is not None


class _Counted:
    """A thread of somebody else's that holds the clock, but for its waits, until it is released."""

    def __init__(self) -> None:
        self._here = not getattr(_here, "counted", False)
        if self._here:
            _here.counted = True
            with _lock:
                _platforms[0].add()

    def release(self) -> None:
        """It holds the clock no more; to be called in the same thread."""
        if self._here:
            self._here = _here.counted = False
            with _lock:
                _platforms[0].remove()


def count_in() -> _Counted:
    """Let this thread hold the clock, but for its waits, until what is given is released."""
    return _Counted()


def wait_for(
    events: Iterable[Event],
    seconds: float | None = None,
    *,
    background: bool = False,
    patience: float | None = None,
    then: Callable[[], None] = lambda: None,
) -> Event | None:
    """Wait for the first of several events; None where the time was over before.

    ``then`` is called once when ``patience`` real seconds have passed.
    """
    platform, events = _platforms[0], list(events)
    waiter = _Waiter()
    with _lock:
        for event in events:
            if event.is_set():
                return event
        for event in events:
            event.waiters.append(waiter)
    limited = seconds is not None and seconds < FOR_EVER
    if limited:
        platform.alarm(waiter, max(0.0, seconds or 0.0), background=background)
    if waiter.counted:
        with _lock:
            platform.remove()
    if not waiter.ready.wait(patience):
        then()
        waiter.ready.wait()
    with _lock:
        for event in events:
            if waiter in event.waiters:
                event.waiters.remove(waiter)
    if limited:
        platform._soon(waiter.disarm)
    return waiter.by


class Thread(threading.Thread):
    """A thread whose work holds the clock from its start to its end, but for its waits."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options | {"daemon": True})
        self.finished = Event()

    def start(self) -> None:
        """Begin to work."""
        with _lock:
            _platforms[0].add()
        super().start()

    def run(self) -> None:
        """The work, and its end."""
        _here.counted = True
        try:
            with contextlib.suppress(Interrupted):
                super().run()
        finally:
            self.finished.set()
            with _lock:
                _platforms[0].remove()

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end, at most for so many platform seconds."""
        self.finished.wait(timeout)

    def is_alive(self) -> bool:
        """Whether it still works."""
        return not self.finished.is_set()
