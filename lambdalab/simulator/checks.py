"""What a setting may be: one line that says what was wrong."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["above", "at_least", "between", "whole"]


def at_least(least: float, **values: Any) -> None:
    """Refuse what is no finite number, or below ``least``."""
    for name, value in values.items():
        if not is_number(value) or value < least:
            raise ValueError(f"{name} is {value!r}: it must be a number, {least:g} or more")


def above(least: float, **values: Any) -> None:
    """Refuse what is no finite number, or not above ``least``."""
    for name, value in values.items():
        if not is_number(value) or value <= least:
            raise ValueError(f"{name} is {value!r}: it must be a number, more than {least:g}")


def between(least: float, most: float, **values: Any) -> None:
    """Refuse numbers outside of two bounds."""
    for name, value in values.items():
        if not is_number(value) or not least <= value <= most:
            raise ValueError(f"{name} is {value!r}: it must be between {least:g} and {most:g}")


def whole(least: int, **values: Any) -> None:
    """Refuse what is not a whole number of at least ``least``."""
    for name, value in values.items():
        if not is_number(value) or value != int(value) or value < least:
            raise ValueError(f"{name} is {value!r}: it must be a whole number, {least} or more")


def is_number(value: Any) -> bool:
    """Whether it is a finite number; what numpy makes of one is one too."""
    try:
        return not isinstance(value, bool | str) and math.isfinite(value)
    except TypeError:
        return False
