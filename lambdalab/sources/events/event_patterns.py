"""EventBridge's event patterns: what is one, and which events it matches.

A dot in a name stands for a step down, in patterns and in events: ``state.status`` is ``status`` in
``state``. Numbers compare by value (300 is 300.0), as recorded answers of AWS show; the guide says
that they compare by their text, and filters of event source mappings do.
Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from lambdalab.errors import AwsError, aws_error
from lambdalab.sources.events.event_operators import check_operator
from lambdalab.sources.filters import Number, Test, compiled

__all__ = ["check", "matches", "read_event"]

# What a rule or a client writes again and again is compiled once.
_REMEMBERED = 1024


def check(text: str) -> None:
    """Refuse what is no pattern: InvalidEventPatternException."""
    _test(text)


def matches(pattern: str, event: Mapping[str, Any]) -> bool:
    """Whether a pattern, as JSON text, matches an event; raises as ``check`` does."""
    return _test(pattern)(_stepwise(_read(json.dumps(event))))


def read_event(text: str) -> dict[str, Any]:
    """An event that was given as JSON text; raises ValidationException where it is none."""
    try:
        event = _read(text)
    except (ValueError, ArithmeticError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise aws_error("events.event-invalid")
    found: dict[str, Any] = json.loads(text)
    return found


@lru_cache(_REMEMBERED)
def _test(text: str) -> Test:
    try:
        pattern = _read(text)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise _invalid(f"Invalid JSON: {error}") from None
    if not isinstance(pattern, dict):
        raise _invalid("Filter is not an object")
    if not pattern:
        raise _invalid("Empty objects are not allowed")
    _check_object(pattern)
    return compiled(_stepwise(pattern))


def _read(text: str) -> Any:
    return json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_refuse)


def _number(text: str) -> Number:
    """A number in a form that is the same for all that have its value."""
    return Number(format(Decimal(text).normalize(), "E"))


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _stepwise(value: Any) -> Any:
    """The same with each dotted name as the steps that it stands for."""
    if isinstance(value, list):
        return [_stepwise(one) for one in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for name, member in value.items():
        inner = _stepwise(member)
        first, *others = name.split(".")
        for step in reversed(others):
            inner = {step: inner}
        known = found.get(first)
        both = isinstance(known, dict) and isinstance(inner, dict)
        found[first] = {**known, **inner} if both and known else inner
    return found


def _check_object(pattern: dict[str, Any]) -> None:
    for name, value in pattern.items():
        if name == "$or" and _is_choice(value):
            for one in value:
                _check_object(one)
        elif isinstance(value, dict):
            if not value:
                raise _invalid("Empty objects are not allowed")
            _check_object(value)
        elif isinstance(value, list):
            _check_values(value)
        else:
            raise _invalid(f'"{name}" must be an object or an array')


def _is_choice(value: Any) -> bool:
    return (
        isinstance(value, list) and len(value) > 1 and all(isinstance(one, dict) for one in value)
    )


def _check_values(values: list[Any]) -> None:
    if not values:
        raise _invalid("Empty arrays are not allowed")
    for one in values:
        if isinstance(one, list):
            raise _invalid("Match value must be String, number, true, false, or null")
        if isinstance(one, dict):
            _check_operator(one)


def _check_operator(rule: dict[str, Any]) -> None:
    if len(rule) != 1:
        raise _invalid(
            "Only one key allowed in match expression" if rule else "Empty objects are not allowed"
        )
    ((name, operand),) = rule.items()
    wrong = check_operator(name, operand)
    if wrong:
        raise _invalid(wrong)


def _invalid(reason: str) -> AwsError:
    return aws_error("events.pattern-invalid", reason=reason)
