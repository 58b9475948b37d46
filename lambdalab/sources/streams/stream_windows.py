"""Tumbling windows: records of one span of time are aggregated in a state.

Windows begin at multiples of their length since the epoch; a record belongs to the window in which
it arrived. Source: https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html
"""

from __future__ import annotations

import json
from typing import Any

from lambdalab import facts
from lambdalab.sources.streams.stream_time import in_seconds

__all__ = ["Window", "start_of"]

_LARGEST_STATE = facts.quota("mapping.window-state").bytes


def start_of(time: float, length: float) -> float:
    """When the window began that a time belongs to, in seconds since the epoch."""
    return time // length * length


class Window:
    """One window of one lane of a shard, and what has been aggregated in it."""

    def __init__(self, start: float, length: float) -> None:
        self.start = start
        self.end = start + length
        self.state: Any = {}

    @property
    def too_large(self) -> bool:
        """Whether the state has grown so large that the window ends early."""
        text = json.dumps(self.state, separators=(",", ":"), ensure_ascii=False)
        return len(text.encode()) > _LARGEST_STATE

    def members(self, shard_id: str, arn: str, *, final: bool, early: bool) -> dict[str, Any]:
        """What an event holds beside its records."""
        return {
            "window": {"start": in_seconds(self.start), "end": in_seconds(self.end)},
            "state": self.state,
            "shardId": shard_id,
            "eventSourceARN": arn,
            "isFinalInvokeForWindow": final,
            "isWindowTerminatedEarly": early,
        }
