"""Which filter policies SNS takes for a subscription, and what it says to others.

SNS adds to what it says where in the text it stopped reading; that is left out here.
Source: https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network
from typing import Any

from lambdalab import facts
from lambdalab.sources.topics.sns_filters import BODY

__all__ = ["objection"]

_MOST_KEYS = facts.quota("sns.filter-keys").value
_MOST_COMBINATIONS = facts.quota("sns.filter-combinations").value
_COMPARISONS = ("=", "<", "<=", ">", ">=")


class _ObjectionError(Exception):
    """The policy is not taken; the text says why."""


def objection(text: str, scope: str) -> str | None:
    """What SNS says against a policy, after ``Invalid parameter: ``; None where it takes it."""
    try:
        _check(text, scope)
    except _ObjectionError as reason:
        return str(reason)
    return None


def _check(text: str, scope: str) -> None:
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError):
        raise _says("unparsed") from None
    if not isinstance(policy, dict):
        raise _says("no-object")
    _check_object(policy)
    if scope != BODY and any(isinstance(value, dict) for value in policy.values()):
        raise _ObjectionError(facts.message("sns.filter-nested").text)
    if len(policy) > _MOST_KEYS:
        raise _says("too-many-keys", count=_MOST_KEYS)
    if _combinations(policy, 1) > _MOST_COMBINATIONS:
        raise _says("too-complex")


def _combinations(policy: Mapping[str, Any], depth: int) -> int:
    total = 1
    for name, value in policy.items():
        if isinstance(value, dict):
            total *= _combinations(value, depth + 1)
        elif name == "$or" and _is_or(value):
            total *= sum(_combinations(one, depth) for one in value)
        else:
            total *= max(1, len(value)) * depth
    return total


def _is_or(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 1 and all(isinstance(o, dict) for o in value)


def _check_object(policy: Mapping[str, Any]) -> None:
    for name, value in policy.items():
        if isinstance(value, dict):
            if not value:
                raise _says("empty-object")
            _check_object(value)
        elif not isinstance(value, list):
            raise _says("no-rules", name=name)
        elif name == "$or" and _is_or(value):
            for one in value:
                _check_object(one)
        elif not value:
            raise _says("empty")
        else:
            for rule in value:
                _check_rule(rule)


def _check_rule(rule: Any) -> None:
    if isinstance(rule, list):
        raise _says("match-value")
    if not isinstance(rule, dict):
        return
    if not rule:
        raise _says("no-name")
    for number, (name, operand) in enumerate(rule.items()):
        if name not in _CHECKS:
            raise _says("match-type", name=name)
        if number:
            raise _says("one-key")
        _CHECKS[name](name, operand)


def _check_text(name: str, operand: Any) -> None:
    if not isinstance(operand, str):
        raise _says("text-needed", name=name)


def _check_exists(_: str, operand: Any) -> None:
    if not isinstance(operand, bool):
        raise _says("truth-needed")


def _check_cidr(_: str, operand: Any) -> None:
    try:
        if not isinstance(operand, str) or "/" not in operand:
            raise ValueError(operand)
        ip_network(operand, strict=False)
    except ValueError:
        raise _says("cidr") from None


def _check_anything_but(_: str, operand: Any) -> None:
    if isinstance(operand, dict):
        for name, inner in operand.items():
            if name != "prefix":
                raise _says("anything-but", name=name)
            _check_text(name, inner)
        if len(operand) == 1:
            return
    values = operand if isinstance(operand, list) else [operand]
    if not values or any(isinstance(one, list | dict | bool | None) for one in values):
        raise _says("anything-but-list")


def _check_numeric(_: str, operand: Any) -> None:
    given = iter(operand if isinstance(operand, list) else [operand])
    sign = next(given, "]")
    if not isinstance(sign, str) or sign == "]":
        raise _says("numeric-member", value=sign)
    if sign not in _COMPARISONS:
        raise _says("numeric-operator", sign=sign)
    bottom = _bound(sign, given)
    further = next(given, None)
    if further is None:
        return
    if sign not in (">", ">="):
        raise _says("numeric-too-many")
    if not isinstance(further, str):
        raise _says("numeric-range-value", value=further)
    if further not in ("<", "<="):
        raise _says("numeric-range-operator", sign=further)
    if _bound(further, given) <= bottom:
        raise _says("numeric-order")
    if next(given, None) is not None:
        raise _says("numeric-terms")


def _bound(sign: str, given: Iterator[Any]) -> float:
    value = next(given, None)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _says("numeric-value", sign="equals" if sign == "=" else sign)
    return value


def _says(name: str, /, **fields: object) -> _ObjectionError:
    return _ObjectionError("FilterPolicy: " + facts.message(f"sns-filter.{name}").format(**fields))


_CHECKS: dict[str, Callable[[str, Any], None]] = {
    "anything-but": _check_anything_but,
    "cidr": _check_cidr,
    "equals-ignore-case": _check_text,
    "exists": _check_exists,
    "numeric": _check_numeric,
    "prefix": _check_text,
    "suffix": _check_text,
}
