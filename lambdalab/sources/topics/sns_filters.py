"""Filter policies of SNS subscriptions: which messages a subscriber gets.

The rules are EventBridge's, with numbers compared by value. A policy looks at the attributes of a
message or at its body; a body is matched by paths: ``{"a": {"b": 1}}`` and ``{"a.b": 1}`` are one.
Sources: https://docs.aws.amazon.com/sns/latest/dg/string-value-matching.html
and https://docs.aws.amazon.com/sns/latest/dg/attribute-key-matching.html
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from lambdalab.sources.filters import flat

__all__ = ["BODY", "wants"]

BODY = "MessageBody"
_Test = Callable[[Any], bool]
# SNS compares numbers to the sixth digit after the point.
_NEAR = 5e-7


def wants(
    policy: Mapping[str, Any], scope: str, attributes: Mapping[str, Mapping[str, Any]], message: str
) -> bool:
    """Whether a message passes; ``attributes`` are {"Type": ..., "Value": ...} by name."""
    if scope != BODY:
        given = {name: _values(one) for name, one in attributes.items()}
        known = {name: value for name, value in given.items() if value is not None}
        # A message without attributes passes no policy, not even one that wants none.
        return bool(attributes) and _fits(policy, known, every=True)
    try:
        body = json.loads(message)
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and _fits(_nested(policy), _nested(body))


def _values(attribute: Mapping[str, Any]) -> list[Any] | None:
    """What an attribute says; None for bytes, by which nothing is filtered."""
    kind, value = str(attribute["Type"]), attribute["Value"]
    if kind.startswith("Binary"):
        return None
    if not kind.startswith("Number") and kind != "String.Array":
        return [value]
    try:
        found = float(value) if kind.startswith("Number") else json.loads(value)
    except (ValueError, RecursionError):
        return [value]
    return found if isinstance(found, list) else [found]


def _nested(value: Any) -> Any:
    """The same, with every dot in a name as a step down."""
    if isinstance(value, list):
        return [_nested(one) for one in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for name, one in value.items():
        *path, last = name.split(".") if name != "$or" else [name]
        place = found
        for step in path:
            inner = place.get(step)
            place[step] = inner if isinstance(inner, dict) else {}
            place = place[step]
        _merge(place, last, _nested(one))
    return found


def _merge(place: dict[str, Any], name: str, value: Any) -> None:
    known = place.get(name)
    if isinstance(known, dict) and isinstance(value, dict):
        for inner, one in value.items():
            _merge(known, inner, one)
    else:
        place[name] = value


def _fits(policy: Mapping[str, Any], value: Any, *, every: bool = False) -> bool:
    """Whether an object, or one of those in an array, meets all fields of a policy.

    ``every`` says that anything-but is about all members of an array, as it is in attributes.
    """
    if isinstance(value, list):
        objects = [one for one in flat(value) if isinstance(one, dict)]
        return any(_fits(policy, one) for one in objects or [{}])
    members = value if isinstance(value, dict) else {}
    return all(_field(name, wanted, members, every) for name, wanted in policy.items())


def _field(name: str, wanted: Any, members: Mapping[str, Any], every: bool) -> bool:
    if name == "$or" and isinstance(wanted, list) and all(isinstance(o, dict) for o in wanted):
        return any(_fits(one, members, every=every) for one in wanted)
    if isinstance(wanted, dict):
        return _fits(wanted, members.get(name))
    given = flat([members[name]]) if name in members else ()
    found = [one for one in given if not isinstance(one, dict)]
    if not found:
        return {"exists": False} in wanted
    return any(_passes(rule, found, every) for rule in wanted)


def _passes(rule: Any, found: list[Any], every: bool) -> bool:
    enough = all if every and isinstance(rule, dict) and "anything-but" in rule else any
    return enough(map(_leaf(rule), found))


def _leaf(rule: Any) -> _Test:
    if not isinstance(rule, dict):
        return lambda value: _same(value, rule)
    ((name, operand),) = rule.items()
    return _OPERATORS[name](operand)


def _same(one: Any, other: Any) -> bool:
    if _is_number(one) and _is_number(other):
        return bool(abs(one - other) < _NEAR)
    return type(one) is type(other) and bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(test: Callable[[str, str], bool]) -> Callable[[Any], _Test]:
    return lambda operand: lambda value: isinstance(value, str) and test(value, operand)


def _anything_but(operand: Any) -> _Test:
    rules = operand if isinstance(operand, list) else [operand]
    tests = [_leaf(rule) for rule in rules]
    return lambda value: not any(test(value) for test in tests)


def _numeric(operand: list[Any]) -> _Test:
    bounds = list(zip(operand[::2], operand[1::2], strict=True))
    return lambda value: (
        _is_number(value) and all(_COMPARISONS[sign](value, bound) for sign, bound in bounds)
    )


def _cidr(operand: str) -> _Test:
    network = ip_network(operand, strict=False)

    def inside(value: Any) -> bool:
        try:
            return isinstance(value, str) and ip_address(value) in network
        except ValueError:
            return False

    return inside


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": _same,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_OPERATORS: dict[str, Callable[[Any], _Test]] = {
    "anything-but": _anything_but,
    "cidr": _cidr,
    "equals-ignore-case": _text(lambda value, wanted: value.lower() == wanted.lower()),
    # What is there must have a value that is neither null nor empty.
    "exists": lambda wanted: lambda value: bool(wanted) and value is not None and value != "",
    "numeric": _numeric,
    "prefix": _text(str.startswith),
    "suffix": _text(str.endswith),
}
