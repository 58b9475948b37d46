"""What a setting may be: one line that says what was wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

__all__ = ["above", "at_least", "between", "counted", "is_a", "one_of", "whole"]


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


def counted(settings: Any, least: int, *names: str) -> None:
    """Refuse fields of a frozen dataclass that are no whole numbers; None is none to be refused.

    What is written as 1e6, or comes from numpy, becomes an int.
    """
    for name in names:
        value = getattr(settings, name)
        if value is not None:
            whole(least, **{name: value})
            object.__setattr__(settings, name, int(value))


def one_of(names: Iterable[str], **values: Any) -> None:
    """Refuse what is none of the names."""
    for name, value in values.items():
        if value not in names:
            raise ValueError(f"{name} is {value!r}: it must be one of {', '.join(names)}")


def is_a(kinds: type | tuple[type, ...], told: str, **values: Any) -> None:
    """Refuse what is not of such a kind; ``told`` says in words what it must be."""
    for name, value in values.items():
        if isinstance(value, type) or not isinstance(value, kinds):
            raise ValueError(f"{name} is {value!r}: it must be {told}")


def is_number(value: Any) -> bool:
    """Whether it is a finite number; what numpy makes of one is one too."""
    try:
        return not isinstance(value, bool | str) and math.isfinite(value)
    except TypeError:
        return False
