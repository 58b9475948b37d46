"""Expressions of a query: read from its words, then asked of one row after another."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any

from lambdalab import facts
from lambdalab.insights.aggregates import AGGREGATES
from lambdalab.insights.functions import FUNCTIONS, SPANS, floor_to
from lambdalab.insights.records import Row
from lambdalab.insights.tokens import QueryError, Words
from lambdalab.insights.values import as_number, compare, text, true

__all__ = ["Expression", "condition", "expression", "regex", "span"]

Expression = Callable[[Row], Any]

_COMPARISONS: dict[str, Callable[[int], bool]] = {
    "=": lambda found: found == 0,
    "<": lambda found: found < 0,
    "<=": lambda found: found <= 0,
    ">": lambda found: found > 0,
    ">=": lambda found: found >= 0,
}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": math.fmod,
    "^": operator.pow,
}
# What binds less stands first.
_LEVELS = (("+", "-"), ("*", "/", "%"), ("^",))
_DEEPEST = 60
_FLAGS = re.compile(r"\(\?([imsx]+)\)")
_NAMED_GROUP = re.compile(r"\(\?<(?![=!])")


def condition(words: Words, depth: int = 0) -> Expression:
    """Comparisons joined by ``and``, ``or`` and ``not``; a value where nothing is compared."""
    either = [_both(words, depth)]
    while words.accept("or"):
        either.append(_both(words, depth))
    return either[0] if len(either) == 1 else lambda row: any(true(test(row)) for test in either)


def expression(words: Words, depth: int = 0, level: int = 0) -> Expression:
    """Fields, values and functions, joined by arithmetic."""
    if depth > _DEEPEST:
        words.refuse()
    if level == len(_LEVELS):
        return _value(words, depth)
    left = expression(words, depth, level + 1)
    while sign := words.accept(*_LEVELS[level]):
        left = _calculated(_ARITHMETIC[sign], left, expression(words, depth, level + 1))
    return left


def regex(words: Words) -> re.Pattern[str]:
    """A regular expression between slashes; named groups as ``(?<name>...)``."""
    token = words.next
    pattern, _, flags = words.of_kind("regex").text[1:].rpartition("/")
    # Flags may stand anywhere in Java, and in Python at the begin only.
    within = "".join(sorted({*flags, *"".join(_FLAGS.findall(pattern))}))
    pattern = (f"(?{within})" if within else "") + _FLAGS.sub("", pattern)
    try:
        return re.compile(_NAMED_GROUP.sub("(?P<", pattern))
    except re.error as error:
        raise QueryError(
            facts.message("insights.regex").format(reason=error), token.place
        ) from None


def span(words: Words) -> float:
    """A period such as ``5m``, in milliseconds."""
    token = words.of_kind("span")
    number = re.match(r"\d+", token.text)
    size = int(number[0]) if number else 0
    if not size:
        raise QueryError(facts.message("insights.period").format(period=token.text), token.place)
    return float(size * SPANS[token.text[len(number[0]) if number else 0 :]])


# Conditions.


def _both(words: Words, depth: int) -> Expression:
    tests = [_one(words, depth)]
    while words.accept("and"):
        tests.append(_one(words, depth))
    return tests[0] if len(tests) == 1 else lambda row: all(true(test(row)) for test in tests)


def _one(words: Words, depth: int) -> Expression:
    if depth > _DEEPEST:
        words.refuse()
    if words.accept("not"):
        inner = _one(words, depth + 1)
        return lambda row: not true(inner(row))
    left = expression(words, depth + 1)
    return _tested(words, left, depth)


def _tested(words: Words, left: Expression, depth: int) -> Expression:
    """What a value is compared with, if it is."""
    if words.accept("not"):
        inner = _tested(words, left, depth)
        return lambda row: not true(inner(row))
    if words.accept("like", "=~"):
        return _like(words, left)
    if words.accept("in"):
        members = _members(words, depth)
        return lambda row: any(compare(left(row), member(row)) == 0 for member in members)
    if words.accept("!="):
        other = expression(words, depth + 1)
        return lambda row: compare(left(row), other(row)) != 0
    sign = words.accept(*_COMPARISONS)
    if sign is None:
        return left
    holds, right = _COMPARISONS[sign], expression(words, depth + 1)

    def test(row: Row) -> bool:
        found = compare(left(row), right(row))
        return found is not None and holds(found)

    return test


def _like(words: Words, left: Expression) -> Expression:
    if words.next.kind == "regex":
        pattern = regex(words)
        return lambda row: pattern.search(text(left(row))) is not None
    part = words.of_kind("string").value
    return lambda row: part in text(left(row))


def _members(words: Words, depth: int) -> list[Expression]:
    words.expect("[")
    members = [expression(words, depth + 1)]
    while words.accept(","):
        members.append(expression(words, depth + 1))
    words.expect("]")
    return members


# Values.


def _calculated(
    act: Callable[[float, float], float], left: Expression, right: Expression
) -> Expression:
    def calculate(row: Row) -> float | None:
        one, other = as_number(left(row)), as_number(right(row))
        if one is None or other is None:
            return None
        try:
            found = act(one, other)
        except (ArithmeticError, ValueError):
            return None
        return found if isinstance(found, float) and math.isfinite(found) else None

    return calculate


def _value(words: Words, depth: int) -> Expression:
    special = words.special and words.special()
    if special:
        return special
    if words.accept("("):
        inner = condition(words, depth + 1)
        words.expect(")")
        return inner
    if words.accept("-"):
        return _calculated(operator.sub, lambda _: 0.0, _value(words, depth + 1))
    token = words.of_kind("name", "number", "string")
    if token.kind == "number":
        number = float(token.text)
        return lambda _: number
    if token.kind == "string":
        value = token.value
        return lambda _: value
    if not token.text.startswith("`") and words.next.text == "(":
        return _called(words, token.text.lower(), token.place, depth)
    name = token.value
    return lambda row: row.get(name)


def _called(words: Words, name: str, place: int, depth: int) -> Expression:
    words.expect("(")
    if name == "bin":
        size = span(words)
        words.expect(")")
        made = words.since(place)
        # Behind stats the rows have no time any more, but what was made of it.
        return lambda row: row.get(made) or floor_to(row.get("@timestamp"), size)
    function = FUNCTIONS.get(name)
    if function is None and name in AGGREGATES:
        return _made_before(words, place)
    if function is None:
        raise _not_called(name, place)
    given: list[Expression] = []
    while not words.accept(")"):
        if given:
            words.expect(",")
        given.append(_argument(words, depth))
    if len(given) < function.least or len(given) > (function.most or math.inf):
        raise _not_called(name, place)
    act = function.act
    return lambda row: act(*(one(row) for one in given))


def _made_before(words: Words, place: int) -> Expression:
    """What stats has made and given no other name, such as ``count(*)``."""
    depth = 1
    while depth:
        if words.next.kind == "end":
            words.refuse()
        depth += {"(": 1, ")": -1}.get(words.take().text, 0)
    made = words.since(place)
    return lambda row: row.get(made)


def _not_called(name: str, place: int) -> QueryError:
    return QueryError(facts.message("insights.function").format(function=name), place)


def _argument(words: Words, depth: int) -> Expression:
    if words.next.kind == "span":
        size = span(words)
        return lambda _: size
    return expression(words, depth + 1)
