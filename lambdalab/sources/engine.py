"""The pollers of a cloud: each mapping that is enabled has one.

A mapping says when its state changes. Kinds of sources without a maker here (MSK, self-managed
Kafka, Amazon MQ, DocumentDB) have no broker behind them in the lab: their mappings are recorded and
pass through AWS's states, and nothing is read.
"""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakSet

from lambdalab.functions.mapping import EventSourceMapping
from lambdalab.sources.platform import Poller

__all__ = ["MappingEngine"]

# A mapping that is being updated reads on, with the settings that it had.
_STOPPED = ("Disabling", "Disabled", "Deleting")


class MappingEngine:
    """Starts and stops pollers.

    ``makers`` makes one by the name of the kind of source; ``unread`` hears of each mapping whose
    kind has none.
    """

    def __init__(
        self,
        makers: dict[str, Callable[[EventSourceMapping], Poller]],
        unread: Callable[[EventSourceMapping], None],
    ) -> None:
        self._makers = makers
        self._unread = unread
        self._running: dict[str, Poller] = {}
        # Stopped, and perhaps still at work: their work keeps them.
        self._stopped: WeakSet[Poller] = WeakSet()

    def changed(self, mapping: EventSourceMapping) -> None:
        """A mapping has come into another state."""
        if mapping.state == "Enabled":
            self._stop(mapping.uuid)
            self._start(mapping)
        elif mapping.state in _STOPPED:
            self._stop(mapping.uuid)

    def stop(self) -> None:
        """Stop all pollers."""
        for uuid in list(self._running):
            self._stop(uuid)

    async def drained(self) -> None:
        """Wait until no poller that was stopped is at work."""
        for poller in list(self._stopped):
            await poller.drained()

    def _start(self, mapping: EventSourceMapping) -> None:
        maker = self._makers.get(mapping.kind.name)
        if maker is None:
            self._unread(mapping)
        else:
            poller = self._running[mapping.uuid] = maker(mapping)
            poller.start()

    def _stop(self, uuid: str) -> None:
        poller = self._running.pop(uuid, None)
        if poller is not None:
            poller.stop()
            self._stopped.add(poller)
