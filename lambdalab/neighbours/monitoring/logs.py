"""Log events into moto's CloudWatch Logs."""

from __future__ import annotations

from typing import Any

__all__ = ["put_events"]

# The lab's own figures: moto keeps every event as an object of this weight in bytes, beside its
# text, and nothing ends what a function may write. A stream keeps its newest events.
EVENT_WEIGHT = 500
MOST_OF_A_STREAM = 64_000_000


def put_events(
    account: str, region: str, group: str, stream: str, events: list[tuple[int, str]]
) -> None:
    """Append (time in ms, message) events, oldest first; makes group and stream where missing."""
    from moto.logs.models import LogEvent, logs_backends

    backend = logs_backends[account][region]
    backend.ensure_log_group(group)
    backend.ensure_log_stream(group, stream)
    backend.groups[group].put_log_events(
        stream, [{"timestamp": time, "message": message} for time, message in events]
    )
    # For its dashboard moto keeps every object of each model for ever; the lab has no use for it.
    LogEvent.instances_tracked.clear()
    _forget_the_oldest(backend.groups[group].streams[stream])


def _forget_the_oldest(stream: Any) -> None:
    """Keep what a stream may hold, and drop a tenth more, so that it is done seldom."""
    if stream.stored_bytes + EVENT_WEIGHT * len(stream.events) <= MOST_OF_A_STREAM:
        return
    size = kept = 0
    for event in reversed(stream.events):
        size += len(event.message) + EVENT_WEIGHT
        if size > MOST_OF_A_STREAM * 0.9:
            break
        kept += 1
    del stream.events[: len(stream.events) - kept]
    stream.stored_bytes = sum(len(event.message) for event in stream.events)
