"""Log events on their way to CloudWatch Logs: gathered, and written in batches."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from lambdalab.neighbours import logs

__all__ = ["LogBook", "LogStream"]

# How long an event may wait, in real seconds; whoever asks CloudWatch Logs gets everything at once.
LONGEST_WAIT = 0.25
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

    def __init__(self) -> None:
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
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LONGEST_WAIT, self.flush)

    def flush(self) -> None:
        """Write everything."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting, self._size = self._waiting, {}, 0
        for stream, events in waiting.items():
            logs.put_events(*stream, events)

    def clear(self) -> None:
        """Forget everything that waits."""
        self._waiting.clear()
        self._size = 0
