"""CPU in proportion to memory: a running function is stopped for as long as it has overdrawn.

At 1,769 MB a function has one vCPU, below it a share of one. INIT is not held back.
Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

from lambdalab import facts
from lambdalab.clock import stopwatch
from lambdalab.execution.sandbox import Sandbox

__all__ = ["CpuShare"]

ONE_VCPU = facts.quota("memory.per-vcpu").value
TICKS = os.sysconf("SC_CLK_TCK")
PROCESSORS = os.cpu_count() or 1
# How often a running function's use is read, in seconds; also the most that it may save up.
CHECK = 0.01


class CpuShare:
    """Holds the processes of an environment to their share of CPU while they run an invocation.

    Reads the processes' CPU clocks, all threads together. Where a system has no such clocks (other
    than Linux), nothing is held back.
    """

    def __init__(self, sandbox: Sandbox, memory: int) -> None:
        self._sandbox = sandbox
        self._share = memory / ONE_VCPU
        self._timer: asyncio.TimerHandle | None = None
        self._read_at = 0.0
        self._used: dict[int, float] = {}
        self._inherited: float | None = None
        self._debt = 0.0
        self._stopped = False

    def begin(self, pid: int) -> None:
        """The function starts to run; ``pid`` is its runtime.

        Only the runtime is read here, for this is on the way of every invocation: other processes
        have used little before the first check.
        """
        if self._share < PROCESSORS:
            self._used, self._inherited = {pid: _used_by(pid)}, None
            self._read_at, self._debt = stopwatch(), 0.0
            self._arm(CHECK, self._check)

    def end(self) -> None:
        """The function does not run any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._stopped:  # just when it was done
            self._continue()

    def _check(self) -> None:
        used, seconds = self._read()
        earned = seconds * self._share
        self._debt = max(self._debt + used - earned, -CHECK * self._share)
        if self._debt <= 0:
            self._arm(CHECK, self._check)
            return
        self._sandbox.stop()
        self._stopped = True
        self._arm(self._debt / self._share, self._resume)

    def _continue(self) -> None:
        self._stopped = False
        self._sandbox.resume()

    def _resume(self) -> None:
        self._continue()
        self._arm(CHECK, self._check)

    def _arm(self, delay: float, then: Callable[[], None]) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay, then)

    def _read(self) -> tuple[float, float]:
        """CPU seconds that all processes have used since the last reading, and real seconds."""
        before, self._used = self._used, {pid: _used_by(pid) for pid in self._sandbox.pids()}
        used = sum(max(now - before.get(pid, 0.0), 0.0) for pid, now in self._used.items())
        counted = sum(then for pid, then in before.items() if pid not in self._used)
        used += self._used_by_the_gone(counted)
        read_at, self._read_at = self._read_at, stopwatch()
        return used, self._read_at - read_at

    def _used_by_the_gone(self, counted: float) -> float:
        """What processes have used that are gone; ``counted`` of it was seen while they ran.

        What is gone by the first check is forgiven: it may be of an earlier invocation.
        """
        before, now = self._inherited, sum(map(_inherited, self._sandbox.keepers()))
        self._inherited = now
        return 0.0 if before is None else max(now - before - counted, 0.0)


def _used_by(pid: int) -> float:
    """CPU time of a process, in seconds; 0 when it is gone, or the system has no such clock."""
    try:
        # The kernel's number for the CPU clock of another process: see clock_getcpuclockid(3).
        return time.clock_gettime((~pid << 3) | 2)
    except (OSError, OverflowError, AttributeError):
        return 0.0


def _inherited(pid: int) -> float:
    """CPU time of those children of a process that have ended, in seconds."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:  # noqa: PTH123
            # After the name, which may have blanks and brackets in it.
            fields = stat.read().rpartition(b")")[2].split()
        return (int(fields[13]) + int(fields[14])) / TICKS
    except (OSError, IndexError, ValueError):
        return 0.0
