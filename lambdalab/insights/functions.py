"""The functions that expressions of a query may call, each with how many values it takes.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
"""

from __future__ import annotations

import math
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from lambdalab.insights.values import Moment, as_number, compare, text

__all__ = ["FUNCTIONS", "SPANS", "Function", "floor_to"]

# How long the units of a period are, in milliseconds.
SPANS = {
    "ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000,
    "w": 604_800_000, "mo": 2_592_000_000, "q": 7_776_000_000, "y": 31_536_000_000,
}  # fmt: skip


class Function(NamedTuple):
    """What it does, and how many values it takes, at least and at most (None: any number)."""

    act: Callable[..., Any]
    least: int
    most: int | None


def floor_to(moment: Any, span: float) -> Moment | None:
    """The begin of the period of ``span`` milliseconds in which a moment lies."""
    number = as_number(moment)
    return None if number is None or span <= 0 else Moment(number // span * span)


def _ceil_to(moment: Any, span: float) -> Moment | None:
    number = as_number(moment)
    return None if number is None or span <= 0 else Moment(-(-number // span) * span)


def _numeric(act: Callable[..., float]) -> Callable[..., float | None]:
    """Of numbers; None where one of the values is none, or there is no result."""

    def of(*values: Any) -> float | None:
        numbers = [as_number(value) for value in values]
        known = [number for number in numbers if number is not None]
        if len(known) < len(numbers):
            return None
        try:
            return float(act(*known))
        except (ValueError, OverflowError, ZeroDivisionError):
            return None

    return of


def _texts(act: Callable[..., Any]) -> Callable[..., Any]:
    """Of texts; None where the first is missing."""
    return lambda first, *rest: None if first is None else act(text(first), *rest)


def _substr(value: str, start: Any, length: Any = None) -> str:
    begin = int(as_number(start) or 0)
    return value[begin:] if length is None else value[begin : begin + int(as_number(length) or 0)]


def _best(sign: int) -> Callable[..., Any]:
    def of(*values: Any) -> Any:
        found = None
        for value in values:
            if value is not None and (found is None or (compare(value, found) or 0) * sign > 0):
                found = value
        return found

    return of


def _trim(side: str) -> Callable[..., Any]:
    return _texts(lambda value, chars=None: getattr(value, side)(chars))


def _address(*versions: int) -> Callable[[Any], bool]:
    def of(value: Any) -> bool:
        try:
            return ip_address(text(value)).version in versions
        except ValueError:
            return False

    return of


def _in_subnet(*versions: int) -> Callable[[Any, Any], bool]:
    valid = _address(*versions)

    def of(value: Any, subnet: Any) -> bool:
        try:
            return valid(value) and ip_address(text(value)) in ip_network(
                text(subnet), strict=False
            )
        except (TypeError, ValueError):
            return False

    return of


_FOUR, _SIX = 4, 6
FUNCTIONS: dict[str, Function] = {
    "abs": Function(_numeric(abs), 1, 1),
    "ceil": Function(_numeric(math.ceil), 1, 1),
    "floor": Function(_numeric(math.floor), 1, 1),
    "log": Function(_numeric(math.log), 1, 1),
    "sqrt": Function(_numeric(math.sqrt), 1, 1),
    "greatest": Function(_best(1), 1, None),
    "least": Function(_best(-1), 1, None),
    "coalesce": Function(lambda *all_: next((v for v in all_ if v is not None), None), 1, None),
    "ispresent": Function(lambda value: value is not None, 1, 1),
    "isempty": Function(lambda value: value is None or text(value) == "", 1, 1),
    "isblank": Function(lambda value: value is None or not text(value).strip(), 1, 1),
    "concat": Function(lambda *all_: "".join(map(text, all_)), 1, None),
    "strlen": Function(_texts(len), 1, 1),
    "tolower": Function(_texts(str.lower), 1, 1),
    "toupper": Function(_texts(str.upper), 1, 1),
    "trim": Function(_trim("strip"), 1, 2),
    "ltrim": Function(_trim("lstrip"), 1, 2),
    "rtrim": Function(_trim("rstrip"), 1, 2),
    "substr": Function(_texts(_substr), 2, 3),
    "replace": Function(_texts(lambda value, a, b: value.replace(text(a), text(b))), 3, 3),
    "strcontains": Function(_texts(lambda value, part: int(text(part) in value)), 2, 2),
    "datefloor": Function(floor_to, 2, 2),
    "dateceil": Function(_ceil_to, 2, 2),
    "frommillis": Function(
        lambda value: None if as_number(value) is None else Moment(as_number(value) or 0), 1, 1
    ),
    "tomillis": Function(as_number, 1, 1),
    "isvalidip": Function(_address(_FOUR, _SIX), 1, 1),
    "isvalidipv4": Function(_address(_FOUR), 1, 1),
    "isvalidipv6": Function(_address(_SIX), 1, 1),
    "isipinsubnet": Function(_in_subnet(_FOUR, _SIX), 2, 2),
    "isipv4insubnet": Function(_in_subnet(_FOUR), 2, 2),
    "isipv6insubnet": Function(_in_subnet(_SIX), 2, 2),
}
