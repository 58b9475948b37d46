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
        self._debt = 0.0
        self._stopped = False

    def begin(self, pid: int) -> None:
        """The function starts to run; ``pid`` is its runtime.

        Only the runtime is read here, for this is on the way of every invocation: other processes
        have used little before the first check.
        """
        if self._share < PROCESSORS:
            self._used[pid] = _used_by(pid)
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
        read_at, self._read_at = self._read_at, stopwatch()
        return used, self._read_at - read_at


def _used_by(pid: int) -> float:
    """CPU time of a process, in seconds; 0 when it is gone, or the system has no such clock."""
    try:
        # The kernel's number for the CPU clock of another process: see clock_getcpuclockid(3).
        return time.clock_gettime((~pid << 3) | 2)
    except (OSError, OverflowError, AttributeError):
        return 0.0
