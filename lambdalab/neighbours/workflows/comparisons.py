"""What choices and waits read: instants of any offset, and patterns with nothing but stars.

moto knows whole seconds of UTC, and matches patterns as file names are matched.
Source: https://states-language.net/spec.html#choice-state
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

__all__ = ["install", "instant"]

_OPERATORS = (
    "moto.stepfunctions.parser.asl.component.state.choice.comparison.operator.implementations"
)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_PIECE = re.compile(r"\\(.)|(\*)|(.)", re.DOTALL)


def install() -> None:
    """Let choices and waits read as Step Functions does."""
    from moto.stepfunctions.parser.asl.component.state.wait.wait_function import timestamp

    is_operator, string_operators, timestamp_operators = (
        importlib.import_module(f"{_OPERATORS}.{name}")
        for name in ("is_operator", "string_operators", "timestamp_operators")
    )
    timestamp.Timestamp._from_timestamp_string = staticmethod(_second)
    kinds: Any = vars(timestamp_operators)
    is_operator.IsTimestamp.string_to_timestamp = staticmethod(instant)
    string_operators.StringMatches._compare = staticmethod(_matches)
    for name, kind in list(kinds.items()):
        if name.startswith("Timestamp") and "_compare" in vars(kind):
            kind._compare = staticmethod(_comparable(kind._compare))


def instant(text: Any) -> datetime | None:
    """The instant that a text names; None where it names none."""
    if not isinstance(text, str) or not _INSTANT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _second(timestamp: Any) -> datetime | None:
    """When a wait ends: it counts whole seconds, of UTC."""
    found = instant(timestamp)
    return found and found.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def _comparable(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """What is no instant is neither before nor after, nor the same."""

    def run(variable: Any, value: Any) -> bool:
        return instant(value) is not None and compare(variable, value)

    return run


def _matches(variable: Any, pattern: str) -> bool:
    if not isinstance(variable, str):
        return False
    parts = (
        ".*" if found[2] else re.escape(found[1] or found[3]) for found in _PIECE.finditer(pattern)
    )
    return re.fullmatch("".join(parts), variable, re.DOTALL) is not None
