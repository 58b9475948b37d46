"""Values of fields: texts and numbers, and how they are compared and shown.

A field that an event does not have is None. A text that reads as a number counts as one wherever a
number is wanted.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

__all__ = ["Moment", "as_number", "compare", "order", "shown", "text", "true"]

# To so many places behind the point numbers are shown; a figure seen, which AWS does not publish.
_PLACES = 4


class Moment(float):
    """A time in milliseconds since the epoch, which is shown as a date."""


def as_number(value: Any) -> float | None:
    """A value as a number; None where it is none."""
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def text(value: Any) -> str:
    """A value as a text; an empty one where the field is missing."""
    return "" if value is None else shown(value)


def compare(one: Any, other: Any) -> int | None:
    """Less than 0, 0 or more than 0, as numbers where both are; None where one is missing."""
    if one is None or other is None:
        return None
    first, second = as_number(one), as_number(other)
    if first is not None and second is not None:
        return (first > second) - (first < second)
    left, right = text(one), text(other)
    return (left > right) - (left < right)


def true(value: Any) -> bool:
    """Whether a value counts as true: a number but 0, a text that is not empty."""
    number = as_number(value)
    return bool(value) if number is None else number != 0


def order(value: Any) -> tuple[int, float, str]:
    """A key to sort by: missing values, then numbers, then texts."""
    if value is None:
        return (0, 0.0, "")
    number = as_number(value)
    return (2, 0.0, text(value)) if number is None else (1, number, "")


def shown(value: Any) -> str:
    """A value as an answer shows it."""
    if isinstance(value, Moment):
        when = datetime.fromtimestamp(value / 1000, UTC)
        return f"{when:%Y-%m-%d %H:%M:%S}.{round(value % 1000) % 1000:03d}"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return f"{value:.{_PLACES}f}".rstrip("0").rstrip(".")
    return str(value)
