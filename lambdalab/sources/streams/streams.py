"""Which poller reads which stream, and who tells them of something new."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from lambdalab.functions.mapping import EventSourceMapping
from lambdalab.neighbours.streams import stream_hooks
from lambdalab.sources.platform import Platform
from lambdalab.sources.streams.dynamodb import DynamoDbSource
from lambdalab.sources.streams.kinesis import KinesisSource
from lambdalab.sources.streams.stream_poller import StreamPoller
from lambdalab.sources.streams.stream_source import StreamSource

__all__ = ["Streams"]


class Streams:
    """The pollers of streams of one cloud."""

    def __init__(self, platform: Platform, loop: asyncio.AbstractEventLoop) -> None:
        self._platform = platform
        self._loop = loop
        self._pollers: dict[str, StreamPoller] = {}
        self._news: set[str] = set()
        stream_hooks.listeners[:] = [self._hear]

    def makers(self) -> dict[str, Callable[[EventSourceMapping], StreamPoller]]:
        """What makes pollers, by the name of the kind of source."""
        return {
            "kinesis": lambda mapping: self._poller(mapping, KinesisSource),
            "dynamodb": lambda mapping: self._poller(mapping, DynamoDbSource),
        }

    def clear(self) -> None:
        """Forget where mappings have come to: the cloud is being emptied."""
        self._pollers.clear()

    def _poller(
        self, mapping: EventSourceMapping, source: Callable[[str], StreamSource]
    ) -> StreamPoller:
        """The poller of a mapping: the one that it had before, if any, for that knows the way."""
        self._forget_the_deleted()
        known = self._pollers.get(mapping.uuid)
        if known is None or known.mapping is not mapping:
            arn = mapping.settings["EventSourceArn"]
            known = StreamPoller(mapping, source(arn), self._platform)
            self._pollers[mapping.uuid] = known
        return known

    def _forget_the_deleted(self) -> None:
        for uuid, poller in list(self._pollers.items()):
            if poller.mapping.state == "Deleting":
                del self._pollers[uuid]

    def _hear(self, arn: str) -> None:
        """A stream has changed; called in the thread that has changed it."""
        if arn not in self._news:
            self._news.add(arn)
            with contextlib.suppress(RuntimeError):  # the cloud has ended
                self._loop.call_soon_threadsafe(self._look, arn)

    def _look(self, arn: str) -> None:
        self._news.discard(arn)
        for poller in list(self._pollers.values()):
            if poller.source.arn == arn:
                poller.look()
