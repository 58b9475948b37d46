"""The newest log lines of a function."""

from __future__ import annotations

import html
from typing import Any

from lambdalab.lab.errors import ArgumentError

__all__ = ["Tail", "read_tail"]

# The most that one call describes.
_STREAMS = 50


class Tail:
    """Log lines that show as they are: ``lines`` as a list, ``str(...)`` as text."""

    def __init__(self, group: str, lines: list[str]) -> None:
        self.group = group
        self.lines = lines

    def __repr__(self) -> str:
        return "\n".join(self.lines) if self.lines else f"(nothing in {self.group} yet)"

    def _repr_html_(self) -> str:
        label = html.escape(f"Log lines of {self.group}", quote=True)
        text = html.escape(repr(self))
        return f'<pre role="region" aria-label="{label}" tabindex="0">{text}</pre>'


def read_tail(logs: Any, name: str, lines: int) -> Tail:
    """Return the newest ``lines`` lines of the log group of function ``name``, oldest first."""
    if lines < 1:
        raise ArgumentError(f"lines is 1 or more, not {lines}")
    group = f"/aws/lambda/{name}"
    try:
        found = logs.describe_log_streams(
            logGroupName=group,
            orderBy="LastEventTime",
            descending=True,
            limit=min(lines, _STREAMS),  # each environment has one: the newest N lines lie in N
        )
    except logs.exceptions.ResourceNotFoundException:
        return Tail(group, [])
    events = []
    for stream in found["logStreams"]:
        events += _newest(logs, group, stream["logStreamName"], lines)
    events.sort(key=lambda event: event["timestamp"])
    text = "\n".join(event["message"].rstrip("\n") for event in events)
    return Tail(group, text.splitlines()[-lines:])


def _newest(logs: Any, group: str, stream: str, count: int) -> list[dict[str, Any]]:
    page = logs.get_log_events(
        logGroupName=group, logStreamName=stream, limit=min(count, 10_000), startFromHead=False
    )
    return list(page["events"])
