"""What pollers share: how they call functions, wait, and tell what they do."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Protocol

from lambdalab.clock import LabClock
from lambdalab.draws import identifier
from lambdalab.functions.mapping import EventSourceMapping
from lambdalab.invocation.metrics import Metrics
from lambdalab.invocation.service import InvocationService
from lambdalab.timeline import Record, Timeline

__all__ = ["Platform", "Poller"]


class Poller(Protocol):
    """Reads one source for one mapping, from ``start`` to ``stop``."""

    def start(self) -> None:
        """Begin to read."""

    def stop(self) -> None:
        """Read no more; what has been read is still worked on."""

    async def drained(self) -> None:
        """Wait until nothing of what was read is worked on."""


@dataclass(frozen=True)
class Platform:
    """The parts of the cloud that pollers work with."""

    clock: LabClock
    timeline: Timeline
    metrics: Metrics
    functions: InvocationService
    random: Random

    def identifier(self) -> str:
        """The identifier of a new invocation."""
        return identifier(self.random)

    def tell(
        self,
        kind: str,
        mapping: EventSourceMapping,
        request_id: str | None = None,
        **detail: object,
    ) -> None:
        """Write into the timeline what happens to a mapping; counts may be zero, and are told."""
        told = {"mapping": mapping.uuid, **detail}
        now, name = self.clock.now(), mapping.function.name
        self.timeline.add(Record(now, kind, name, None, request_id, None, told))
