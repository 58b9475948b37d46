"""Which lines of a function with logs in JSON are kept, by their level.

A line that is a JSON object with a level and a valid time has that level; all else, plain text
among it, counts as INFO. The text is never changed.
Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from lambdalab.execution.log_levels import LEVELS, at_least

__all__ = ["kept", "level_of", "parsed"]

_UNKNOWN = "INFO"
# Python's names for levels that AWS names otherwise.
_ALSO = {"WARNING": "WARN", "CRITICAL": "FATAL"}
# The names under which runtimes and their usual libraries write the time.
_TIMES = ("timestamp", "time", "@timestamp", "ts")
_RFC_3339 = re.compile(
    r"\d{4}-(0\d|1[0-2])-([0-2]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
    r"([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)"
)


def kept(lines: list[str], wanted: str) -> list[str]:
    """The lines of level ``wanted`` and above."""
    return [line for line in lines if at_least(level_of(line), wanted)]


def level_of(line: str) -> str:
    """The level of one line."""
    if '"level"' not in line:
        return _UNKNOWN
    record = parsed(line)
    if record is None or not any(_is_time(record.get(name)) for name in _TIMES):
        return _UNKNOWN
    named = str(record.get("level")).upper()
    named = _ALSO.get(named, named)
    return named if named in LEVELS else _UNKNOWN


def parsed(line: str) -> dict[str, Any] | None:
    """The line as a JSON object, None where it is none."""
    if not line.startswith("{"):
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _is_time(value: object) -> bool:
    return isinstance(value, str) and _RFC_3339.fullmatch(value) is not None
