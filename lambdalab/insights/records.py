"""Log events as queries see them: with the fields that Logs Insights discovers.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from lambdalab.insights.values import Moment

__all__ = ["Event", "Row", "row_of"]

Row = dict[str, Any]

_LINE = re.compile(r"(START|END|REPORT|INIT_START|INIT_REPORT|RESTORE_REPORT) ?")
_REQUEST = re.compile(r"RequestId: ([0-9a-f-]{36})")
# The lines of AWS's runtimes: [LEVEL] or nothing, time, request id, text.
_LOGGED = re.compile(r"(?:\[[A-Z]+\]\t)?\d{4}-\d\d-\d\dT[\d:.]+Z\t([0-9a-f-]{36})\t")
_FIGURE = re.compile(r"\t(?P<name>[A-Z][A-Za-z ]+): (?P<value>[\d.]+) (?P<unit>ms|MB)")
_FIELDS = {
    "Duration": "@duration",
    "Billed Duration": "@billedDuration",
    "Memory Size": "@memorySize",
    "Max Memory Used": "@maxMemoryUsed",
    "Init Duration": "@initDuration",
    "Restore Duration": "@restoreDuration",
    "Billed Restore Duration": "@billedRestoreDuration",
}
_TRACE = {"XRAY TraceId": "@xrayTraceId", "SegmentId": "@xraySegmentId"}
_TRACED = re.compile(r"(XRAY TraceId|SegmentId): (\S+)")
# Memory is told in bytes, of which a megabyte has a million here.
_SCALES = {"ms": 1.0, "MB": 1_000_000.0}
_MOST_FIELDS = 200


class Event(NamedTuple):
    """One log event: times in ms, ``log`` is ``account:group``, ``ptr`` finds it again."""

    ptr: str
    timestamp: int
    ingestion: int
    message: str
    stream: str
    log: str


def row_of(event: Event) -> Row:
    """An event with the fields that every event has, and those that its text tells."""
    row: Row = {
        "@ptr": event.ptr,
        "@timestamp": Moment(event.timestamp),
        "@ingestionTime": Moment(event.ingestion),
        "@message": event.message.rstrip("\n"),
        "@logStream": event.stream,
        "@log": event.log,
    }
    line = _LINE.match(event.message)
    if line:
        row.update(_of_platform(line[1], event.message))
    elif logged := _LOGGED.match(event.message):
        row["@requestId"] = logged[1]
    if not line and "{" in event.message:
        row.update(_of_json(event.message))
    return row


def _of_platform(kind: str, message: str) -> Iterator[tuple[str, Any]]:
    """What a line of the platform tells."""
    yield "@type", kind
    if request := _REQUEST.search(message):
        yield "@requestId", request[1]
    if kind != "REPORT":
        return
    for figure in _FIGURE.finditer(message):
        if field := _FIELDS.get(figure["name"]):
            yield field, float(figure["value"]) * _SCALES[figure["unit"]]
    for name, value in _TRACED.findall(message):
        yield _TRACE[name], value


def _of_json(message: str) -> Iterator[tuple[str, Any]]:
    """The members of the first JSON object in a text, those inside others by dotted names."""
    try:
        found, _ = json.JSONDecoder().raw_decode(message, message.index("{"))
    except (ValueError, RecursionError):
        return
    for number, (name, value) in enumerate(_flat(found, "")):
        if number == _MOST_FIELDS:
            return
        yield name, value


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    members: Any = ()
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    else:
        yield name, value
    for key, inner in members:
        yield from _flat(inner, f"{name}.{key}" if name else str(key))
