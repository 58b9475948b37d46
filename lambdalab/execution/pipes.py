"""What the processes of an environment write, read as it comes."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable

from lambdalab.execution.output import LogEvents
from lambdalab.execution.paths import Paths

__all__ = ["OutputPipe"]

# One turn reads at least what a pipe holds, so nothing written before an answer comes after it.
READ = 1 << 16
READS = 16


class OutputPipe:
    """Standard output and error of a process; ``write`` gets the log events in them.

    ``inlet`` is the descriptor that the process writes to: to be closed once it has it.
    """

    def __init__(self, paths: Paths, write: Callable[[list[str]], None]) -> None:
        self._events = LogEvents(paths)
        self._write = write
        self._outlet, self.inlet = os.pipe()
        os.set_blocking(self._outlet, False)
        asyncio.get_running_loop().add_reader(self._outlet, self.drain)

    def drain(self, *, to_the_end: bool = False) -> None:
        """Read what has been written so far; at the end of a phase also a part of a line.

        Never reads on for ever: a function may write faster than it is read.
        """
        written: list[str] = []
        with contextlib.suppress(BlockingIOError):
            for _ in range(READS):
                if self._outlet < 0:
                    break
                data = os.read(self._outlet, READ)
                if not data:
                    self._shut()
                written += self._events.feed(data)
        if to_the_end:
            written += self._events.finish()
        if written:
            self._write(written)

    def close_inlet(self) -> None:
        """The process has it."""
        if self.inlet >= 0:
            os.close(self.inlet)
            self.inlet = -1

    def close(self) -> None:
        """Read what is left, and no more."""
        self.close_inlet()
        self.drain(to_the_end=True)
        self._shut()

    def _shut(self) -> None:
        if self._outlet >= 0:
            asyncio.get_running_loop().remove_reader(self._outlet)
            os.close(self._outlet)
            self._outlet = -1
