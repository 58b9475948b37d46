"""Filter patterns of CloudWatch Logs: terms, JSON, and fields between blanks.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lambdalab.sources.logs.log_conditions import Conditions, PatternError, split_outside

__all__ = ["LogPattern", "PatternError", "pattern"]

_REMEMBERED = 256
_TERM = re.compile(r'(-|\?)?("(?:[^"\\]|\\.)*"|%[^%]+%|[^\s"%]+)\s*')
_PLAIN = re.compile(r"[\w*]+")
# A field of a message: in quotes, in brackets, or up to the next blank.
_FIELD = re.compile(r'"((?:[^"\\]|\\.)*)"(?!\S)|\[([^\]]*)\](?!\S)|(\S+)')
_NAMED = re.compile(r"\s*([\w.-]+)\s*")
_ELLIPSIS = "..."


class LogPattern:
    """One pattern; ``fields`` finds what it calls by name in a message, and None without a match.

    Patterns of terms and of JSON name nothing.
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
    if bare.startswith("{") and bare.endswith("}"):
        return _when(_json(bare[1:-1]))
    if bare.startswith("[") and bare.endswith("]"):
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
            raise PatternError(f"Invalid character(s) in term '{text[place:]}'")
        wanted[found[1] or ""].append(_term(found[2]))
        place = found.end()
    needed, any_of, without = wanted[""], wanted["?"], wanted["-"]
    # Beside terms that must be there, those that may be there say nothing.
    choice = any_of if not needed else []

    def test(message: str) -> bool:
        return (
            all(one(message) for one in needed)
            and (not choice or any(one(message) for one in choice))
            and not any(one(message) for one in without)
        )

    return test


def _term(text: str) -> Callable[[str], bool]:
    if text.startswith("%"):
        expression = _expression(text[1:-1])
        return lambda message: expression.search(message) is not None
    if text.startswith('"'):
        phrase = re.sub(r"\\(.)", r"\1", text[1:-1])
        return lambda message: phrase in message
    if not _PLAIN.fullmatch(text):
        raise PatternError(f"Invalid character(s) in term '{text}'")
    return lambda message: text in message


def _expression(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error:
        raise PatternError("Invalid regular expression in filter pattern") from None


# JSON: conditions on what the message says, where it is JSON.


def _json(text: str) -> Callable[[str], bool]:
    conditions = Conditions(text, _selected)

    def test(message: str) -> bool:
        try:
            value = json.loads(message)
        except (ValueError, RecursionError):
            return False
        return conditions.hold(value)

    return test


_STEP = re.compile(r"\.?([\w-]+)|\.?\[(\d+|\*)\]|\.?\[[\"']([^\"']+)[\"']\]")


def _selected(path: str) -> Callable[[Any], list[Any]]:
    """What a selector such as ``$.users[0].name`` finds in a value: nothing, or some values."""
    steps, place = [], 1
    while place < len(path):
        found = _STEP.match(path, place)
        if found is None:
            raise PatternError("Invalid filter pattern")
        steps.append(found.groups())
        place = found.end()
    if not path.startswith("$") or not steps:
        raise PatternError("Invalid filter pattern")

    def select(value: Any) -> list[Any]:
        found = [value]
        for name, index, quoted in steps:
            found = [inner for one in found for inner in _step(one, name or quoted, index)]
        return found

    return select


def _step(value: Any, name: str | None, index: str | None) -> list[Any]:
    if index and isinstance(value, list):
        return value if index == "*" else value[int(index) : int(index) + 1]
    if name and isinstance(value, dict) and name in value:
        return [value[name]]
    return []


# Fields between blanks: one condition for each, or only a name.


def _delimited(text: str) -> Callable[[str], dict[str, str] | None]:
    parts = [one.strip() for one in split_outside(text, ",")] if text.strip() else [_ELLIPSIS]
    if parts.count(_ELLIPSIS) > 1:
        raise PatternError("Invalid filter pattern")
    columns = [None if part == _ELLIPSIS else _column(part, at) for at, part in enumerate(parts, 1)]

    def fields(message: str) -> dict[str, str] | None:
        values = _placed(columns, [_field(found) for found in _FIELD.finditer(message)])
        if values is None:
            return None
        known: dict[str, str] = {}
        for column, value in values:
            name, conditions = column
            known[name] = value
            if conditions is not None and not conditions.hold(value):
                return None
        return known

    return fields


def _field(found: re.Match[str]) -> str:
    return next(group for group in found.groups() if group is not None)


_Column = tuple[str, "Conditions | None"]


def _column(text: str, place: int) -> _Column:
    """The name of a field, and what is asked of it; ``status = 4* && status != 404``."""
    named = _NAMED.match(text)
    if named is None:
        raise PatternError("Invalid filter pattern")
    if named.end() == len(text):
        return named[1] or str(place), None
    return named[1], Conditions(text, lambda _name: lambda value: [value])


def _placed(columns: list[_Column | None], values: list[str]) -> list[tuple[_Column, str]] | None:
    """Each column with its value; None where there are too many or too few values."""
    named = [column for column in columns if column is not None]
    if None not in columns:
        return list(zip(named, values, strict=True)) if len(named) == len(values) else None
    if len(values) < len(named):
        return None
    before = columns.index(None)
    after = len(named) - before
    chosen = values[:before] + (values[-after:] if after else [])
    return list(zip(named, chosen, strict=True))
