"""Log events on their way to CloudWatch Logs: gathered, and written in batches."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from lambdalab.clock import Hold, LabClock
from lambdalab.neighbours.monitoring import logs, logs_subscriptions

__all__ = ["LogBook", "LogStream"]

# How long an event may wait, in real seconds; whoever asks CloudWatch Logs gets everything at once.
LONGEST_WAIT = 0.25
# How long where a subscription hears of events: winding the clock waits for them.
SHORT_WAIT = 0.02
# How much may wait, in characters.
MOST_WAITING = 4_000_000


class LogStream(NamedTuple):
    """Where an environment's events go."""

    account: str
    region: str
    group: str
    stream: str


class LogBook:
    """The log events of one cloud that are not yet written."""

    def __init__(self, clock: LabClock) -> None:
        self._clock = clock
        self._hold: Hold | None = None
        self._waiting: dict[LogStream, list[tuple[int, str]]] = {}
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, stream: LogStream, time: float, messages: list[str]) -> None:
        """Keep events of one moment (``time`` in platform seconds) for a stream."""
        stamp = int(time * 1000)
        waiting = self._waiting.setdefault(stream, [])
        for message in messages:
            waiting.append((stamp, message))
            self._size += len(message)
        if self._size > MOST_WAITING:
            self.flush()
        elif stream[:3] in logs_subscriptions.subscribed and self._hold is None:
            self._hold = self._clock.hold()
            self._set_timer(SHORT_WAIT)
        elif self._timer is None:
            self._set_timer(LONGEST_WAIT)

    def flush(self) -> None:
        """Write everything."""
        self._stop_timer()
        waiting, self._waiting, self._size = self._waiting, {}, 0
        try:
            for stream, events in waiting.items():
                logs.put_events(*stream, events)
        finally:
            self._let_go()

    def clear(self) -> None:
        """Forget everything that waits."""
        self._waiting.clear()
        self._size = 0
        self._let_go()

    def _set_timer(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.flush)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _let_go(self) -> None:
        hold, self._hold = self._hold, None
        if hold is not None:
            hold.release()
