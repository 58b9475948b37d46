"""Conditions in filter patterns of CloudWatch Logs: comparisons joined by ``&&`` and ``||``.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html, and
what AWS found when it was asked: testdata/aws/logs/filters.json of https://github.com/radkawar/stackd
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from lambdalab import facts

__all__ = [
    "Conditions",
    "PatternError",
    "UnreadableError",
    "expression",
    "not_a_term",
    "refuse",
    "split_outside",
]

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
_SIGNS = frozenset({"=", "!=", *_ORDERS, "&&", "||", "(", ")"})
# What a regular expression may consist of; a blank is not on AWS's list, but in its examples.
_EXPRESSION = re.compile(r"[A-Za-z0-9 :_#=@/;,^$?\[\]{}|\\*+.-]*")


class PatternError(ValueError):
    """A text is no filter pattern; the message says it as CloudWatch Logs does."""


class UnreadableError(PatternError):
    """The words that go together make no pattern; which words AWS has for it differs."""


class Conditions:
    """Comparisons, read from a text; raises PatternError where it holds none.

    ``texts`` tells whether texts are compared as numbers, as those between blanks are.
    """

    def __init__(self, text: str, select: Select, *, texts: bool = False) -> None:
        self._select = select
        self._texts = texts
        self._tokens = list(_tokens(text))
        self._place = 0
        self._test = self._either()
        if self._place != len(self._tokens):
            refuse()

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
                refuse()
            return inner
        select = self._select(self._next())
        sign = self._next()
        if sign.upper() in ("IS", "NOT"):
            asked = self._next()
            if (sign.upper(), asked.upper()) == ("IS", "NOT"):
                raise UnreadableError(facts.message("logs.pattern-term").format(term=asked))
            return _state(select, f"{sign} {asked}".upper())
        return _comparison(select, sign, self._next(), texts=self._texts)

    def _accept(self, token: str) -> bool:
        if self._place < len(self._tokens) and self._tokens[self._place] == token:
            self._place += 1
            return True
        return False

    def _next(self) -> str:
        if self._place >= len(self._tokens):
            refuse()
        self._place += 1
        return self._tokens[self._place - 1]


def refuse() -> NoReturn:
    """Raise UnreadableError: this is no pattern."""
    raise UnreadableError(str(facts.message("logs.metric-pattern-invalid")))


def not_a_term(text: str) -> PatternError:
    """What is said of a sign that stands where none may: with what it belongs to, up to it."""
    return PatternError(facts.message("logs.pattern-term").format(term=text))


def expression(text: str) -> re.Pattern[str]:
    """A regular expression, without the signs around it; raises PatternError where it is none.

    AWS knows no groups, and few signs that stand for themselves.
    """
    fine = _EXPRESSION.match(text)
    if fine is None or fine.end() < len(text):
        raise not_a_term("%" + text[: (fine.end() if fine else 0) + 1])
    try:
        return re.compile(text)
    except re.error:
        raise PatternError(str(facts.message("logs.pattern-expression"))) from None


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
            left = text[place:].lstrip()
            raise not_a_term(left[:2] if left.startswith("!") else left)
        if found[1].startswith(":"):
            raise not_a_term(":")
        yield found[1]
        place = found.end()


def _state(select: Callable[[Any], list[Any]], asked: str) -> _Test:
    """``IS NULL``, ``IS TRUE``, ``IS FALSE``, ``NOT EXISTS``."""
    if asked == "NOT EXISTS":
        return lambda value: not select(value)
    wanted = {"IS NULL": None, "IS TRUE": True, "IS FALSE": False}
    if asked not in wanted:
        refuse()
    state = wanted[asked]
    if state is None:
        return lambda value: any(_is_null(one) for one in select(value))
    return lambda value: any(one is state for one in select(value))


def _is_null(value: Any) -> bool:
    """A list is null as well where something in it is."""
    return value is None or (isinstance(value, list) and None in value)


def _comparison(
    select: Callable[[Any], list[Any]], sign: str, operand: str, *, texts: bool
) -> _Test:
    """A value that is not there meets no comparison, and is not unequal either."""
    number_of = _number if texts else _real
    if sign in _ORDERS:
        order, bound = _ORDERS[sign], _number(operand)
        if bound is None and operand.startswith('"'):
            raise not_a_term(operand)
        if bound is None:
            refuse()
        return lambda value: any(
            number is not None and order(number, bound) for number in map(number_of, select(value))
        )
    if operand in _SIGNS or operand.upper() == "NULL":
        refuse()
    equal = _equal(operand, number_of)
    if sign == "=":
        return lambda value: any(equal(one) for one in select(value))
    if sign == "!=":
        return lambda value: any(not equal(one) for one in select(value) if _comparable(one))
    refuse()


def _comparable(value: Any) -> bool:
    """Texts and numbers; all else equals nothing, and is not unequal either."""
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _real(value: Any) -> float | None:
    """A number, but no text that looks like one."""
    return None if isinstance(value, str) else _number(value)


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _equal(operand: str, number_of: Callable[[Any], float | None]) -> _Test:
    """Equality with a number, a text with wildcards, or a regular expression."""
    if operand.startswith("%") and operand.endswith("%") and len(operand) > 1:
        wanted = expression(operand[1:-1])
        return lambda value: isinstance(value, str) and wanted.search(value) is not None
    quoted = operand.startswith('"')
    text = re.sub(r"\\(.)", r"\1", operand[1:-1]) if quoted else operand
    number = None if quoted else _number(text)
    whole = re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL)

    def equal(value: Any) -> bool:
        found = None if number is None else number_of(value)
        if found is not None:
            return found == number
        return _comparable(value) and bool(whole.fullmatch(str(value)))

    return equal
