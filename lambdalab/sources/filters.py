"""Filter criteria at work: which records of a source a function gets.

The rules are EventBridge's. A record passes where one of the filters matches; a filter matches
where all its fields do. Numbers compare by their text, so 300 is not 300.0 (EventBridge's own rules
read them by value); ``numeric`` compares their values. An array matches where one of its elements
does. Operators that mappings do not have (``cidr``, ``wildcard``) are EventBridge's.
Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

from __future__ import annotations

import ipaddress
import json
import operator
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

__all__ = ["Data", "Filters", "Number", "Test", "compiled", "data", "flat", "leaf", "read"]

Test = Callable[[Any], bool]
_ABSENT = object()


class Number(NamedTuple):
    """A number of a JSON text, as it was written."""

    text: str


class Data(NamedTuple):
    """What a record carries: its text, and what that says as JSON, None where it says nothing.

    A pattern that is an object wants JSON, one that is a list wants plain text; where they do not
    fit, the record does not match.
    """

    text: str
    json: dict[str, Any] | list[Any] | None


class Filters:
    """The filter criteria of a mapping: patterns of which one must match; none lets all pass."""

    def __init__(self, criteria: dict[str, Any] | None) -> None:
        filters = (criteria or {}).get("Filters") or []
        self._tests = [compiled(read(one.get("Pattern", "{}"))) for one in filters]

    def __bool__(self) -> bool:
        return bool(self._tests)

    def match(self, record: dict[str, Any]) -> bool:
        """Whether a record passes.

        Its numbers are ``Number``, as ``read`` gives them; the member that holds what the record
        carries (``body``, ``data``, ``value``) is ``data``'s, where it may be JSON or not.
        """
        return not self._tests or any(test(record) for test in self._tests)


def read(text: str | bytes) -> Any:
    """A JSON text with its numbers as they are written; raises ValueError where it is none."""
    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_refused)


def data(text: str) -> Data:
    """What a record carries: JSON is what holds an object or a list, all else is plain text."""
    try:
        found = read(text)
    except (ValueError, RecursionError):
        found = None
    return Data(text, found if isinstance(found, dict | list) else None)


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


# From a pattern to a test of a value.


def compiled(pattern: dict[str, Any]) -> Test:
    """A test of values by a pattern that is known to be one; numbers in both are ``Number``."""
    tests = [_member(name, value) for name, value in pattern.items()]

    def fits(value: Any) -> bool:
        if isinstance(value, Data):
            return value.json is not None and fits(value.json)
        if isinstance(value, list):
            found = [one for one in flat(value) if isinstance(one, dict)]
            # The fields of one pattern must be found in one element.
            return any(all(test(one) for test in tests) for one in found or [{}])
        members = value if isinstance(value, dict) else {}
        return all(test(members) for test in tests)

    return fits


def _member(name: str, value: Any) -> Callable[[dict[str, Any]], bool]:
    if name == "$or" and isinstance(value, list):
        choices = [compiled(one) for one in value]
        return lambda members: any(choice(members) for choice in choices)
    test = compiled(value) if isinstance(value, dict) else _values(value)
    return lambda members: test(members.get(name, _ABSENT))


def _values(rules: list[Any]) -> Test:
    """A field matches where one of its values meets one of the rules; some ask for no value."""
    tests = [leaf(rule) for rule in rules]
    absent = {"exists": False} in rules

    def fits(value: Any) -> bool:
        if isinstance(value, Data):
            return value.json is None and any(test(value.text) for test in tests)
        found = list(_leaves(value))
        return any(test(one) for test in tests for one in found) if found else absent

    return fits


def _leaves(value: Any) -> Iterator[Any]:
    """The values of a field: those of an array one by one; objects are no values."""
    for one in flat(value) if isinstance(value, list) else [value]:
        if one is not _ABSENT and not isinstance(one, dict):
            yield one


def flat(values: list[Any]) -> Iterator[Any]:
    """The members of an array, and those of the arrays in it, one by one."""
    for one in values:
        if isinstance(one, list):
            yield from flat(one)
        else:
            yield one


def leaf(rule: Any) -> Test:
    """A test of one value by one rule: a value, or an operator."""
    if not isinstance(rule, dict):
        return lambda value: _same(value, rule)
    ((name, operand),) = rule.items()
    return _OPERATORS[name](operand)


def _same(one: Any, other: Any) -> bool:
    """JSON's equality: true is not 1, and "1" is not 1."""
    return type(one) is type(other) and bool(one == other)


def _exists(wanted: bool) -> Test:
    return lambda _: wanted


def _equals_ignore_case(wanted: str) -> Test:
    lowered = wanted.lower()
    return lambda value: isinstance(value, str) and value.lower() == lowered


def _affix(method: Callable[[str, str], bool]) -> Callable[[Any], Test]:
    def of(operand: Any) -> Test:
        if isinstance(operand, dict):
            lowered = operand["equals-ignore-case"].lower()
            return lambda value: isinstance(value, str) and method(value.lower(), lowered)
        return lambda value: isinstance(value, str) and method(value, operand)

    return of


def _anything_but(operand: Any) -> Test:
    if isinstance(operand, dict):
        ((name, given),) = operand.items()
        excluded = [leaf({name: one}) for one in (given if isinstance(given, list) else [given])]
        return lambda value: not any(test(value) for test in excluded)
    values = operand if isinstance(operand, list) else [operand]
    return lambda value: not any(_same(value, one) for one in values)


def _numeric(operand: list[Any]) -> Test:
    bounds = [
        (_COMPARISONS[sign], float(bound.text))
        for sign, bound in zip(operand[::2], operand[1::2], strict=True)
    ]
    return lambda value: (
        isinstance(value, Number)
        and all(holds(float(value.text), bound) for holds, bound in bounds)
    )


def _cidr(operand: str) -> Test:
    network = ipaddress.ip_network(operand, strict=False)

    def inside(value: Any) -> bool:
        try:
            return isinstance(value, str) and ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return inside


def _wildcard(operand: str) -> Test:
    """``*`` stands for any text; a backslash takes its meaning from it, and from itself."""
    pieces = [""]
    for part in re.findall(r"\\[*\\]|.", operand, re.DOTALL):
        if part == "*":
            pieces.append("")
        else:
            pieces[-1] += part[-1]
    first, *others = pieces

    def fits(value: Any) -> bool:
        if not others or not isinstance(value, str):
            return bool(value == first)
        *inner, last = others
        place, end = len(first), len(value) - len(last)
        for piece in inner:
            found = value.find(piece, place, max(place, end))
            if found < 0:
                return False
            place = found + len(piece)
        return value.startswith(first) and value.endswith(last) and place <= end

    return fits


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_OPERATORS: dict[str, Callable[[Any], Test]] = {
    "anything-but": _anything_but,
    "cidr": _cidr,
    "equals-ignore-case": _equals_ignore_case,
    "exists": _exists,
    "numeric": _numeric,
    "prefix": _affix(str.startswith),
    "suffix": _affix(str.endswith),
    "wildcard": _wildcard,
}
