"""How long environments take to start on AWS, for a lab that is to look so.

A process starts here in a few milliseconds; a micro virtual machine with its runtime does not. The
difference is drawn from published ranges, by runtime, and waited for in platform time.
"""

from __future__ import annotations

import asyncio
from random import Random

from lambdalab import facts
from lambdalab.clock import LabClock
from lambdalab.execution.spec import SNAP_START, RuntimeSpec

__all__ = ["StartDelay", "StartLatency"]

_RESTORE = "restore"
_OS_ONLY = "os-only"


class StartLatency:
    """Draws the time of each start, in seconds."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def draw(self, spec: RuntimeSpec) -> float:
        """What INIT takes on AWS before the function's own code; for a snapshot, what RESTORE does.

        For a runtime without a published range, that of Python and Node.js.
        """
        kind = _RESTORE if spec.initialization == SNAP_START else _language(spec.runtime)
        shortest, longest = (
            facts.quota(f"start-latency.{kind}-{end}").seconds for end in ("shortest", "longest")
        )
        return self._random.uniform(shortest, longest)


class StartDelay:
    """Waits for one environment as long as its start takes; ``latency`` is None for not at all."""

    def __init__(self, clock: LabClock, latency: StartLatency | None) -> None:
        self._clock = clock
        self._latency = latency
        self._over: asyncio.Future[None] | None = None
        self._ended = False

    async def wait(self, spec: RuntimeSpec) -> float:
        """Gives the seconds of platform time that were waited for."""
        if self._latency is None or self._ended:
            return 0.0
        seconds = self._latency.draw(spec)
        self._over = asyncio.get_running_loop().create_future()
        self._clock.call_later(seconds, self._finish)
        await self._over
        return seconds

    def end(self) -> None:
        """The environment has ended: nobody waits any longer."""
        self._ended = True
        self._finish()

    def _finish(self) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_result(None)


def _language(runtime: str) -> str:
    names = {"java": "java", "dotnet": "dotnet", "provided": _OS_ONLY, "go": _OS_ONLY}
    return next((kind for name, kind in names.items() if runtime.startswith(name)), "scripted")
