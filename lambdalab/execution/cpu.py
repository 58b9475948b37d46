"""CPU in proportion to memory: a running function is stopped for as long as it has overdrawn.

At 1,769 MB a function has one vCPU, below it a share of one. INIT is not held back.
Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable

from lambdalab import facts
from lambdalab.clock import stopwatch
from lambdalab.execution.zygote_client import signal_group

__all__ = ["CpuShare"]

ONE_VCPU = facts.quota("memory.per-vcpu").value
# How often a running function's use is read, in seconds; also the most that it may save up.
CHECK = 0.01


class CpuShare:
    """Holds one process to its share of a CPU while it runs an invocation.

    Reads the process's CPU clock, all threads together. Where a system has no such clock (other
    than Linux), nothing is held back.
    """

    def __init__(self, pid: int, memory: int) -> None:
        self._pid = pid
        self._share = memory / ONE_VCPU
        # The kernel's number for the CPU clock of another process: see clock_getcpuclockid(3).
        self._clock = (~pid << 3) | 2
        self._timer: asyncio.TimerHandle | None = None
        self._read_at = 0.0
        self._used = 0.0
        self._debt = 0.0
        self._stopped = False

    def begin(self) -> None:
        """The function starts to run."""
        if self._share < 1 and self._read():
            self._debt = 0.0
            self._arm(CHECK, self._check)

    def end(self) -> None:
        """The function does not run any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._stopped:  # just when it was done
            self._continue()

    def _check(self) -> None:
        used, at = self._used, self._read_at
        if not self._read():
            return
        earned = (self._read_at - at) * self._share
        self._debt = max(self._debt + (self._used - used) - earned, -CHECK * self._share)
        if self._debt <= 0:
            self._arm(CHECK, self._check)
            return
        signal_group(self._pid, signal.SIGSTOP)
        self._stopped = True
        self._arm(self._debt / self._share, self._resume)

    def _continue(self) -> None:
        self._stopped = False
        signal_group(self._pid, signal.SIGCONT)

    def _resume(self) -> None:
        self._continue()
        self._arm(CHECK, self._check)

    def _arm(self, delay: float, then: Callable[[], None]) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay, then)

    def _read(self) -> bool:
        """Take a reading; False when the process or its clock is not there."""
        try:
            self._used = time.clock_gettime(self._clock)
        except (OSError, OverflowError, AttributeError):
            return False
        self._read_at = stopwatch()
        return True
