"""What moto's streams of Kinesis and DynamoDB have in common, and who hears of their changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

__all__ = ["Shard", "StreamRecord", "changed", "gathering", "listeners"]

# Called with the ARN of a stream of which something has changed, in the thread that changed it.
listeners: list[Callable[[str], None]] = []

# The streams that one request has changed so far: they are told of when it is through.
_gathered: ContextVar[set[str] | None] = ContextVar("gathered", default=None)


class Shard(NamedTuple):
    """A shard: its name, the shards that it has come from, and whether it still takes records."""

    shard_id: str
    parents: tuple[str, ...]
    is_open: bool


class StreamRecord(NamedTuple):
    """A record: ``key`` is what keeps its order, ``arrived`` platform time since the epoch.

    ``size`` is about that of its content, in bytes.
    """

    sequence: int
    key: str
    arrived: float
    size: int
    content: Any


def changed(arn: str) -> None:
    """Tell everybody that a stream has new records, new shards, or is gone."""
    gathered = _gathered.get()
    if gathered is not None:
        gathered.add(arn)
        return
    for hear in listeners:
        hear(arn)


@contextmanager
def gathering() -> Iterator[None]:
    """Tell of all changes within the block when it is over, each stream once."""
    if _gathered.get() is not None:
        yield
        return
    gathered: set[str] = set()
    token = _gathered.set(gathered)
    try:
        yield
    finally:
        _gathered.reset(token)
        for arn in sorted(gathered):
            changed(arn)
