"""Patterns and events as EventBridge compares them: by their fields, each with its path.

A path is the names of the steps to a field, with dots between them: ``state.status`` is a name of
its own, or ``status`` in ``state``. Fields of a pattern that stand in an array of objects are met
in the same object; one that must not exist is looked for where those before it, by the alphabet,
have been met, and in all objects where none has.
Source: https://github.com/aws/event-ruler
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, NamedTuple

from lambdalab import facts
from lambdalab.sources.filters import Test, leaf

__all__ = ["Pattern", "compiled", "is_choice", "matches"]

_MOST_WAYS = facts.quota("events.pattern-combinations").value
# Where a field stands: which element of which array, for all arrays around it.
_Place = frozenset[tuple[int, int]]


class _Wanted(NamedTuple):
    """A field of a pattern: what its value may be, and whether it may be absent."""

    path: str
    tests: tuple[Test, ...]
    absent: bool


class _Field(NamedTuple):
    """A field of an event."""

    value: Any
    place: _Place


# One of the ways in which a pattern can be met: its fields by the alphabet.
_Way = tuple[_Wanted, ...]
_Fields = Mapping[str, list[_Field]]


class Pattern(NamedTuple):
    """The ways in which a pattern can be met, and all steps on the paths of their fields."""

    ways: tuple[_Way, ...]
    steps: frozenset[str]


def is_choice(value: Any) -> bool:
    """Whether ``$or`` with this value is a choice; else it is a name like others."""
    return (
        isinstance(value, list) and len(value) > 1 and all(isinstance(one, dict) for one in value)
    )


def compiled(pattern: dict[str, Any]) -> Pattern:
    """A pattern that is known to be one; OverflowError where it can be met in too many ways."""
    ways = tuple(
        tuple(_wanted(path, rules) for path, rules in sorted(found.items()))
        for found in _expanded(pattern, None, [{}])
    )
    names = (wanted.path.split(".") for way in ways for wanted in way)
    steps = {".".join(path[:end]) for path in names for end in range(1, len(path) + 1)}
    return Pattern(ways, frozenset(steps))


def _expanded(
    pattern: dict[str, Any], path: str | None, found: list[dict[str, list[Any]]]
) -> list[dict[str, list[Any]]]:
    """The rules of each way by their paths; of rules for one path the last ones count."""
    for name, value in pattern.items():
        here = name if path is None else f"{path}.{name}"
        if name == "$or" and is_choice(value):
            # Each choice goes on from all that was found before.
            found = [way for one in value for way in _expanded(one, path, found)]
            if len(found) > _MOST_WAYS:
                raise OverflowError(f"a pattern has more than {_MOST_WAYS} ways")
        elif isinstance(value, dict):
            found = _expanded(value, here, found)
        else:
            found = [{**way, here: value} for way in found]
    return found


def _wanted(path: str, rules: list[Any]) -> _Wanted:
    exact = [
        rule["exactly"] if isinstance(rule, dict) and "exactly" in rule else rule for rule in rules
    ]
    absence = {"exists": False}
    present = tuple(leaf(rule) for rule in exact if rule != absence)
    return _Wanted(path, present, absence in exact)


def matches(pattern: Pattern, event: dict[str, Any]) -> bool:
    """Whether an event, whose numbers are as those of the pattern, meets it."""
    fields = _fields(event, pattern.steps)
    return any(_met(way, fields) for way in pattern.ways)


def _met(way: _Way, fields: _Fields) -> bool:
    places: set[_Place] = {frozenset()}
    for number, wanted in enumerate(way):
        # What no later field has to do with need not be told apart.
        arrays = _arrays(way[number + 1 :], fields)
        places = {
            frozenset(one for one in reached if one[0] in arrays)
            for place in places
            for reached in _reached(wanted, place, fields)
        }
        if not places:
            return False
    return True


def _arrays(way: _Way, fields: _Fields) -> set[int]:
    found = (field for wanted in way for field in fields.get(wanted.path, ()))
    return {array for field in found for array, _ in field.place}


def _reached(wanted: _Wanted, place: _Place, fields: _Fields) -> Iterator[_Place]:
    """The places that a field leads to, from one where those before it have been met."""
    known = dict(place)
    near = [
        field
        for field in fields.get(wanted.path, ())
        if all(known.get(array, index) == index for array, index in field.place)
    ]
    if wanted.absent and not near:
        yield place
    for field in near:
        if any(test(field.value) for test in wanted.tests):
            yield place | field.place


def _fields(event: dict[str, Any], steps: frozenset[str]) -> dict[str, list[_Field]]:
    """The fields of an event that can be reached by some steps, by their paths.

    Objects and arrays are no fields themselves.
    """
    found: dict[str, list[_Field]] = {}
    arrays = count()
    left: list[tuple[str | None, Any, _Place]] = [(None, event, frozenset())]
    while left:
        path, value, place = left.pop()
        if isinstance(value, dict):
            inside = ((name if path is None else f"{path}.{name}", value[name]) for name in value)
            left += [(here, inner, place) for here, inner in inside if here in steps]
        elif isinstance(value, list):
            array = next(arrays)
            left += [
                (path, inner, place | {(array, index)} if isinstance(inner, dict | list) else place)
                for index, inner in enumerate(value)
            ]
        else:
            found.setdefault(path or "", []).append(_Field(value, place))
    return found
