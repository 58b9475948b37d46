"""The services that send events of their own accord, made when the first of them is asked for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from lambdalab.clock import LabClock
from lambdalab.draws import Draws
from lambdalab.invocation.service import InvocationService
from lambdalab.neighbours.events import eventbridge_rules, scheduler
from lambdalab.neighbours.monitoring import logs_subscriptions
from lambdalab.neighbours.streams import firehose
from lambdalab.sources.pushed import Pushes
from lambdalab.timeline import Timeline

if TYPE_CHECKING:
    from lambdalab.sources.events.event_parts import EventParts

__all__ = ["EventServices"]


class EventServices:
    """What stands in ``event_parts``; to be made in the event loop of its cloud."""

    def __init__(
        self,
        pushes: Pushes,
        functions: InvocationService,
        *,
        clock: LabClock,
        timeline: Timeline,
        draws: Draws,
    ) -> None:
        loop = asyncio.get_running_loop()

        def make() -> EventParts:
            # Imported here: it takes a tenth of the cloud's start, and many labs never need it.
            from lambdalab.sources.events.event_parts import EventParts

            return EventParts(
                pushes, functions, clock=clock, timeline=timeline, draws=draws, loop=loop
            )

        self._make: Callable[[], EventParts] = make
        self._made: EventParts | None = None
        self._lock = threading.Lock()
        eventbridge_rules.install(lambda: self._parts().rules)
        scheduler.install(lambda: self._parts().scheduler)
        logs_subscriptions.install(lambda: self._parts().logs)
        firehose.install(lambda: self._parts().firehose)

    def stop(self) -> None:
        """Send nothing more, and forget what waits."""
        logs_subscriptions.subscribed.clear()
        if self._made is not None:
            self._made.clear()

    async def empty(self) -> None:
        """Wait until nothing is being delivered."""
        if self._made is not None:
            await self._made.drained()
            self._made.clear()

    def _parts(self) -> EventParts:
        with self._lock:
            if self._made is None:
                self._made = self._make()
        return self._made
