"""Plain values as Python source that makes the same value again, of the same types."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

__all__ = ["literal"]

_SCALARS = {type(None), bool, int, str, bytes, complex, type(Ellipsis)}


def literal(value: Any) -> str:
    """Source text for ``value``, the same on every run; TypeError if it is not a plain value.

    Plain are numbers, text, bytes, None, and lists, tuples, dicts, sets and frozensets of these.
    A subclass is not plain: its literal would be of another type.
    """
    try:
        return _text(value)
    except RecursionError:
        raise TypeError("it holds itself, or is nested too deeply") from None


def _text(value: Any) -> str:
    kind = type(value)
    if kind in _SCALARS or (kind is float and math.isfinite(value)):
        return repr(value)
    if kind not in _CONTAINERS:
        raise TypeError(f"{kind.__name__} has no literal")
    return str(_CONTAINERS[kind](value))


def _joined(values: Iterable[Any]) -> str:
    return ", ".join(map(_text, values))


def _sorted(values: Iterable[Any]) -> str:
    # Sets have an order of their own on each run.
    return ", ".join(sorted(map(_text, values)))


def _tuple(value: tuple[Any, ...]) -> str:
    return f"({_joined(value)},)" if len(value) == 1 else f"({_joined(value)})"


def _dict(value: dict[Any, Any]) -> str:
    return "{" + ", ".join(f"{_text(key)}: {_text(item)}" for key, item in value.items()) + "}"


_CONTAINERS: dict[type, Any] = {
    list: lambda value: f"[{_joined(value)}]",
    tuple: _tuple,
    dict: _dict,
    set: lambda value: f"{{{_sorted(value)}}}" if value else "set()",
    frozenset: lambda value: f"frozenset({{{_sorted(value)}}})" if value else "frozenset()",
}
