"""Conditions in filter patterns of CloudWatch Logs: comparisons joined by ``&&`` and ``||``.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Conditions", "PatternError", "split_outside"]

# What is compared: gives the values that a selector finds.
Select = Callable[[str], Callable[[Any], list[Any]]]
_Test = Callable[[Any], bool]

_TOKEN = re.compile(
    r"""\s*(&&|\|\||[()]|!=|<=|>=|=|<|>|"(?:[^"\\]|\\.)*"|%(?:[^%\\]|\\.)*%|(?:\[["'][^"']*["']\]|[^\s()=!<>&|"])+)"""
)
_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_INVALID = "Invalid filter pattern"


class PatternError(ValueError):
    """A text is no filter pattern; the message says it as CloudWatch Logs does."""


class Conditions:
    """Comparisons, read from a text; raises PatternError where it holds none."""

    def __init__(self, text: str, select: Select) -> None:
        self._select = select
        self._tokens = list(_tokens(text))
        self._place = 0
        self._test = self._either()
        if self._place != len(self._tokens):
            raise PatternError(_INVALID)

    def hold(self, value: Any) -> bool:
        """Whether they hold for a value."""
        return self._test(value)

    # Reading: || binds less than &&.

    def _either(self) -> _Test:
        tests = [self._both()]
        while self._accept("||"):
            tests.append(self._both())
        return lambda value: any(test(value) for test in tests)

    def _both(self) -> _Test:
        tests = [self._one()]
        while self._accept("&&"):
            tests.append(self._one())
        return lambda value: all(test(value) for test in tests)

    def _one(self) -> _Test:
        if self._accept("("):
            inner = self._either()
            if not self._accept(")"):
                raise PatternError(_INVALID)
            return inner
        select = self._select(self._next())
        sign = self._next()
        if sign.upper() in ("IS", "NOT"):
            return _state(select, f"{sign} {self._next()}".upper())
        return _comparison(select, sign, self._next())

    def _accept(self, token: str) -> bool:
        if self._place < len(self._tokens) and self._tokens[self._place] == token:
            self._place += 1
            return True
        return False

    def _next(self) -> str:
        if self._place >= len(self._tokens):
            raise PatternError(_INVALID)
        self._place += 1
        return self._tokens[self._place - 1]


def split_outside(text: str, mark: str) -> list[str]:
    """Split a text at a mark, but not within quotes or a regular expression."""
    parts, inside = [""], ""
    for character in text:
        if character in ('"', "%") and inside in ("", character):
            inside = "" if inside else character
        if character == mark and not inside:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _tokens(text: str) -> Iterator[str]:
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if found is None:
            raise PatternError(_INVALID)
        yield found[1]
        place = found.end()


def _state(select: Callable[[Any], list[Any]], asked: str) -> _Test:
    """``IS NULL``, ``IS TRUE``, ``IS FALSE``, ``NOT EXISTS``."""
    if asked == "NOT EXISTS":
        return lambda value: not select(value)
    wanted = {"IS NULL": None, "IS TRUE": True, "IS FALSE": False}
    if asked not in wanted:
        raise PatternError(_INVALID)
    state = wanted[asked]
    return lambda value: any(one is state for one in select(value))


def _comparison(select: Callable[[Any], list[Any]], sign: str, operand: str) -> _Test:
    """A value that is not there meets no comparison, and is not unequal either."""
    if sign in _ORDERS:
        order, bound = _ORDERS[sign], _number(operand)
        if bound is None:
            raise PatternError(_INVALID)
        return lambda value: any(
            number is not None and order(number, bound) for number in map(_number, select(value))
        )
    equal = _equal(operand)
    if sign == "=":
        return lambda value: any(equal(one) for one in select(value))
    if sign == "!=":
        return lambda value: any(not equal(one) for one in select(value))
    raise PatternError(_INVALID)


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _equal(operand: str) -> _Test:
    """Equality with a number, a text with wildcards, or a regular expression."""
    if operand.startswith("%") and operand.endswith("%") and len(operand) > 1:
        try:
            expression = re.compile(operand[1:-1])
        except re.error:
            raise PatternError("Invalid regular expression in filter pattern") from None
        return lambda value: isinstance(value, str) and expression.search(value) is not None
    quoted = operand.startswith('"')
    text = re.sub(r"\\(.)", r"\1", operand[1:-1]) if quoted else operand
    number = None if quoted else _number(text)
    whole = re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL)

    def equal(value: Any) -> bool:
        found = None if number is None else _number(value)
        if found is not None:
            return found == number
        return isinstance(value, str | int | float) and bool(whole.fullmatch(_text(value)))

    return equal


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
