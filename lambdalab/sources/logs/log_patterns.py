"""Filter patterns of CloudWatch Logs: terms, JSON, and fields between blanks.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html, and
what AWS found when it was asked: testdata/aws/logs/filters.json of https://github.com/radkawar/stackd
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lambdalab import facts
from lambdalab.sources.logs.log_conditions import (
    Conditions,
    PatternError,
    UnreadableError,
    expression,
    not_a_term,
    refuse,
    split_outside,
)

__all__ = ["LogPattern", "PatternError", "UnreadableError", "pattern", "selected"]

_REMEMBERED = 256
_TERM = re.compile(r'(-\s*|\?)?("(?:[^"\\]|\\.)*"|%[^%]+%|[^\s"%]+)\s*')
_PLAIN = re.compile(r"\w*")
# What AWS takes in one pattern.
_EXPRESSIONS, _WILDCARDS = 2, 3
_EXPRESSION = re.compile(r'"(?:[^"\\]|\\.)*"|%[^%]*%')
# A field of a message: in quotes, in brackets, or up to the next blank.
_FIELD = re.compile(r'"((?:[^"\\]|\\.)*)"(?!\S)|\[([^\]]*)\](?!\S)|(\S+)')
_NAMED = re.compile(r"\s*([\w.-]+)\s*")
_ELLIPSIS = "..."
_BRACKETS = {"{": "}", "[": "]"}


class LogPattern:
    """One pattern; ``fields`` finds the fields of a message by name, and None without a match.

    A field without a name is called by its place, from 1. Patterns of terms and of JSON have none.
    """

    def __init__(self, fields: Callable[[str], dict[str, str] | None]) -> None:
        self.fields = fields

    def matches(self, message: str) -> bool:
        """Whether a message matches."""
        return self.fields(message) is not None


@lru_cache(_REMEMBERED)
def pattern(text: str) -> LogPattern:
    """Read a pattern; raises PatternError where it is none. The empty one matches everything."""
    bare = text.strip()
    begin, end = bare[:1], _BRACKETS.get(bare[:1], "")
    if not bare.endswith(end):
        raise PatternError(facts.message("logs.pattern-open").format(begin=begin, end=end))
    if sum(one.startswith("%") for one in _EXPRESSION.findall(bare)) > _EXPRESSIONS:
        raise PatternError(str(facts.message("logs.pattern-expressions")))
    if begin == "{":
        return _when(_json(bare[1:-1]))
    if begin == "[":
        return LogPattern(_delimited(bare[1:-1]))
    return _when(_terms(bare))


def _when(test: Callable[[str], bool]) -> LogPattern:
    return LogPattern(lambda message: {} if test(message) else None)


# Terms: all of them, one of those with a question mark, none of those with a minus.


def _terms(text: str) -> Callable[[str], bool]:
    wanted: dict[str, list[Callable[[str], bool]]] = {"": [], "?": [], "-": []}
    place = 0
    while place < len(text):
        found = _TERM.match(text, place)
        if found is None:
            raise not_a_term(text[place:])
        wanted[(found[1] or "").strip()].append(_term(found[2]))
        place = found.end()
    needed, any_of, without = wanted[""], wanted["?"], wanted["-"]
    # Beside terms that must be there, or must not, those that may be there say nothing.
    choice = any_of if not needed and not without else []

    def test(message: str) -> bool:
        return (
            all(one(message) for one in needed)
            and (not choice or any(one(message) for one in choice))
            and not any(one(message) for one in without)
        )

    return test


def _term(text: str) -> Callable[[str], bool]:
    if text.startswith("%"):
        wanted = expression(text[1:-1])
        return lambda message: wanted.search(message) is not None
    if text.startswith('"'):
        phrase = re.sub(r"\\(.)", r"\1", text[1:-1])
        return lambda message: phrase in message
    plain = _PLAIN.match(text)
    end = plain.end() if plain else 0
    if end < len(text):
        raise not_a_term(text[end])
    return lambda message: text in message


# JSON: conditions on what the message says, where it is JSON.


def _json(text: str) -> Callable[[str], bool]:
    wildcards = 0

    def select(path: str) -> Callable[[Any], list[Any]]:
        nonlocal wildcards
        wildcards += "*" in path
        if wildcards > _WILDCARDS:
            raise PatternError(str(facts.message("logs.pattern-wildcards")))
        return selected(path)

    conditions = Conditions(text, select)

    def test(message: str) -> bool:
        try:
            value = json.loads(message)
        except (ValueError, RecursionError):
            return False
        return isinstance(value, dict) and conditions.hold(value)

    return test


_STEP = re.compile(r"\.?([\w-]+|\*)|\.?\[(\d+|\*)\]|\.?\[[\"']([^\"']+)[\"']\]")


_STEP_START = re.compile(r"\.?\[\d*.?|\..?")


def selected(path: str) -> Callable[[Any], list[Any]]:
    """What a selector such as ``$.users[0].name`` finds in a value: nothing, or some values."""
    if not path.startswith("$"):
        refuse()
    steps, place = [], 1
    while place < len(path):
        found = _STEP.match(path, place)
        if found is None:
            raise _not_a_step(path, place)
        steps.append(found.groups())
        place = found.end()
    if not steps:
        refuse()
    if sum("*" in (name, index) for name, index, _ in steps) > 1:
        raise PatternError(str(facts.message("logs.pattern-selector-wildcards")))

    def select(value: Any) -> list[Any]:
        found = [value]
        for name, index, quoted in steps:
            any_name = name == "*"
            found = [
                inner
                for one in found
                for inner in (_members(one) if any_name else _step(one, name or quoted, index))
            ]
        return found

    return select


def _not_a_step(path: str, place: int) -> PatternError:
    """The start of a step, up to the sign that is none."""
    start = _STEP_START.match(path, place)
    return not_a_term(("$" if place == 1 else "") + (start[0] if start else path[place]))


def _members(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else []


def _step(value: Any, name: str | None, index: str | None) -> list[Any]:
    if index == "*" and isinstance(value, dict):
        return _members(value)
    if index and isinstance(value, list):
        return value if index == "*" else value[int(index) : int(index) + 1]
    if name and isinstance(value, dict) and name in value:
        return [value[name]]
    return []


# Fields between blanks: one condition for each, or only a name.


def _delimited(text: str) -> Callable[[str], dict[str, str] | None]:
    parts = [one.strip() for one in split_outside(text, ",")] if text.strip() else [_ELLIPSIS]
    columns = [None if part == _ELLIPSIS else _column(part) for part in parts]
    names = [_ELLIPSIS if column is None else column[0] for column in columns]
    for name in names:
        if name and names.count(name) > 1:
            raise PatternError(facts.message("logs.pattern-duplicate").format(name=name))

    def fields(message: str) -> dict[str, str] | None:
        found = list(_FIELD.finditer(message))
        values = [_field(one) for one in found]
        if None not in columns and len(found) > len(columns):
            # The last one takes all that is left, as it stands.
            last = len(columns) - 1
            values[last:] = [message[found[last].start() :].rstrip()]
        placed = _placed(columns, len(values))
        if placed is None:
            return None
        known: dict[str, str] = {}
        for place, ((name, conditions), value) in enumerate(zip(placed, values, strict=True), 1):
            known[name or str(place)] = value
            if conditions is not None and not conditions.hold(value):
                return None
        return known

    return fields


def _field(found: re.Match[str]) -> str:
    return next(group for group in found.groups() if group is not None)


# The name of a field, which may be missing, and what is asked of it.
_Column = tuple[str, "Conditions | None"]
_UNNAMED: _Column = ("", None)


def _column(text: str) -> _Column:
    """A field such as ``status``, ``status = 4* && status != 404``, or nothing."""
    if not text:
        return _UNNAMED
    named = _NAMED.match(text)
    if named is None:
        refuse()
    if named.end() == len(text):
        return named[1], None
    return named[1], Conditions(text, lambda _name: lambda value: [value], texts=True)


def _placed(columns: list[_Column | None], count: int) -> list[_Column] | None:
    """The column of each of so many fields; None where there are too few."""
    named = [column for column in columns if column is not None]
    spare = count - len(named)
    if spare < 0:
        return None
    before = columns.index(None) if None in columns else 0
    return named[:before] + [_UNNAMED] * spare + named[before:]
