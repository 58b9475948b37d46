"""When the processes of an environment run, and how much: freeze, thaw, and the share of a CPU.

Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lambdalab.execution.cpu import CpuShare
from lambdalab.execution.sandbox import Sandbox

__all__ = ["Pace"]

# How long an environment stays awake after an invocation, in real seconds.
FREEZE_AFTER = 0.005


class Pace:
    """Lets the processes of a sandbox run, and stops them.

    ``memory`` is the function's in MB, None where CPU is not held back; ``frozen`` is called when
    everything stands still.
    """

    def __init__(self, sandbox: Sandbox, memory: int | None, frozen: Callable[[], None]) -> None:
        self._sandbox = sandbox
        self._cpu = None if memory is None else CpuShare(sandbox, memory)
        self._on_frozen = frozen
        self._freezing: asyncio.TimerHandle | None = None
        self._frozen = False

    def run(self, pid: int) -> None:
        """An invocation begins; ``pid`` is the runtime's."""
        self.wake()
        if self._cpu is not None:
            self._cpu.begin(pid)

    def wake(self) -> None:
        """Let run on what is frozen, without counting what it uses."""
        if self._freezing is not None:
            self._freezing.cancel()
            self._freezing = None
        if self._frozen:
            self._frozen = False
            self._sandbox.resume()

    def rest(self) -> None:
        """A phase is over: freeze soon, so that who follows closely spares stop and start."""
        if self._cpu is not None:
            self._cpu.end()
        self._freezing = asyncio.get_running_loop().call_later(FREEZE_AFTER, self._freeze)

    def end(self) -> None:
        """Nothing is stopped any more."""
        if self._freezing is not None:
            self._freezing.cancel()
            self._freezing = None
        if self._cpu is not None:
            self._cpu.end()

    def _freeze(self) -> None:
        self._freezing = None
        self._frozen = True
        self._on_frozen()
        self._sandbox.stop()
