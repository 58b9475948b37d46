"""The event sources of one cloud, put together."""

from __future__ import annotations

import asyncio

from lambdalab import facts
from lambdalab.clock import LabClock
from lambdalab.draws import Draws
from lambdalab.functions.mappings import MappingService
from lambdalab.invocation.metrics import Metrics
from lambdalab.invocation.service import InvocationService
from lambdalab.sources.engine import MappingEngine
from lambdalab.sources.platform import Platform
from lambdalab.sources.sqs import QueuePoller
from lambdalab.sources.streams import Streams
from lambdalab.timeline import Timeline

__all__ = ["Sources"]

_NO_BROKER = facts.message("poll.no-broker").text


class Sources:
    """Reads for the mappings of one cloud; to be made in its event loop."""

    def __init__(
        self,
        mappings: MappingService,
        functions: InvocationService,
        *,
        clock: LabClock,
        timeline: Timeline,
        metrics: Metrics,
        draws: Draws,
    ) -> None:
        platform = Platform(clock, timeline, metrics, functions, draws.stream("pollers"))
        self._streams = Streams(platform, asyncio.get_running_loop())
        self._engine = MappingEngine(
            {"sqs": lambda mapping: QueuePoller(mapping, platform), **self._streams.makers()},
            lambda mapping: platform.tell("trouble", mapping, reason=_NO_BROKER),
        )
        mappings.on_change.append(self._engine.changed)

    def stop(self) -> None:
        """Read no more, from any source."""
        self._engine.stop()

    async def empty(self) -> None:
        """Wait until nothing of what was read is worked on, and forget the positions."""
        await self._engine.drained()
        self._streams.clear()
