"""What a shard reader asks of a kind of stream."""

from __future__ import annotations

from typing import Any, Protocol

from lambdalab.neighbours.streams.stream_hooks import Shard, StreamRecord

__all__ = ["StreamSource"]


class StreamSource(Protocol):
    """One stream, as an event source mapping names it."""

    # What failure records call the batch.
    batch_info: str
    # The stream's own ARN, and the one that events carry.
    arn: str
    shown_arn: str

    def find(self) -> object | None:
        """What tells the stream from another one of the same name; None where there is none."""

    def retention(self) -> float:
        """For how long the stream keeps its records, in seconds."""

    def shards(self) -> list[Shard]:
        """The shards, parents before their children."""

    def position(self, shard_id: str, start: str, timestamp: float | None) -> int:
        """The sequence number after which to read, for a StartingPosition."""

    def read(self, shard_id: str, after: int, limit: int) -> list[StreamRecord]:
        """The next records of a shard, oldest first."""

    def event(self, shard_id: str, record: StreamRecord, role: str) -> dict[str, Any]:
        """The record as the function gets it; ``role`` is its execution role."""

    def filtered(self, event: dict[str, Any]) -> dict[str, Any]:
        """The record as filters see it."""

    def date(self, time: float) -> str:
        """The arrival of a record as failure records tell it."""
