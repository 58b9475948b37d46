"""The newest log lines of a function."""

from __future__ import annotations

import html
from typing import Any

from lambdalab.lab.errors import ArgumentError

__all__ = ["Tail", "read_tail"]

# The most environments that are looked at.
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


def read_tail(logs: Any, lam: Any, name: str, lines: int) -> Tail:
    """Return the newest ``lines`` log lines of function ``name``, oldest first.

    Of a log group that functions share, only the streams of this one are read.
    """
    if lines < 1:
        raise ArgumentError(f"lines is 1 or more, not {lines}")
    group = _log_group(lam, name)
    own = f"/{name}[" if group != f"/aws/lambda/{name}" else "/["
    events: list[dict[str, Any]] = []
    for stream in _streams(logs, group, own, lines):
        events += _newest(logs, group, stream, lines)
    events.sort(key=lambda event: event["timestamp"])
    text = "\n".join(event["message"].rstrip("\n") for event in events)
    return Tail(group, text.splitlines()[-lines:])


def _log_group(lam: Any, name: str) -> str:
    """Where the function logs; of one that is gone, where it would by default."""
    try:
        group: str = lam.get_function_configuration(FunctionName=name)["LoggingConfig"]["LogGroup"]
    except lam.exceptions.ResourceNotFoundException:
        return f"/aws/lambda/{name}"
    return group


def _streams(logs: Any, group: str, own: str, lines: int) -> list[str]:
    """The streams that were written last: each environment has one, so N lines lie in N."""
    pages = logs.get_paginator("describe_log_streams").paginate(
        logGroupName=group, orderBy="LastEventTime", descending=True
    )
    found: list[str] = []
    try:
        for page in pages:
            names = [stream["logStreamName"] for stream in page["logStreams"]]
            found += [stream for stream in names if own in stream]
            if len(found) >= min(lines, _STREAMS):
                break
    except logs.exceptions.ResourceNotFoundException:
        return []
    return found[: min(lines, _STREAMS)]


def _newest(logs: Any, group: str, stream: str, count: int) -> list[dict[str, Any]]:
    page = logs.get_log_events(
        logGroupName=group, logStreamName=stream, limit=min(count, 10_000), startFromHead=False
    )
    return list(page["events"])
