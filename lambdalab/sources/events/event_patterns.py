"""EventBridge's event patterns: what is one, and which events it matches.

Numbers compare by value (300 is 300.0), as recorded answers of AWS show; the guide says that they
compare by their text, and filters of event source mappings do.
Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from lambdalab.errors import AwsError, aws_error
from lambdalab.sources.events import event_fields
from lambdalab.sources.events.event_fields import Pattern, is_choice
from lambdalab.sources.events.event_operators import MOST_VALUE, Large, check_operator
from lambdalab.sources.filters import Number

__all__ = ["check", "matches", "read_event"]

# What a rule or a client writes again and again is compiled once.
_REMEMBERED = 1024
# What an event has to say of itself before it can be tested.
_MANDATORY = ("id", "account", "source", "time", "region", "detail-type")


def check(text: str) -> None:
    """Refuse what is no pattern: InvalidEventPatternException."""
    _compiled(text)


def matches(pattern: str, event: Mapping[str, Any]) -> bool:
    """Whether a pattern, as JSON text, matches an event; raises as ``check`` does."""
    return event_fields.matches(_compiled(pattern), _read(json.dumps(event)))


def read_event(text: str) -> dict[str, Any]:
    """An event that was given as JSON text; raises ValidationException where it is none."""
    try:
        event = _read(text)
    except (ValueError, ArithmeticError, RecursionError):
        event = None
    if not isinstance(event, dict) or any(name not in event for name in _MANDATORY):
        raise aws_error("events.event-invalid")
    found: dict[str, Any] = json.loads(text)
    return found


@lru_cache(_REMEMBERED)
def _compiled(text: str) -> Pattern:
    try:
        pattern = _read(text)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise _invalid(f"Invalid JSON: {error}") from None
    if not isinstance(pattern, dict):
        raise _invalid("Filter is not an object")
    if not pattern:
        raise _invalid("Empty objects are not allowed")
    _check_object(pattern)
    try:
        return event_fields.compiled(pattern)
    except OverflowError:
        raise _invalid("Rule is too complex - try using fewer OR combinations") from None


def _read(text: str) -> Any:
    return json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_refuse)


def _number(text: str) -> Number | Large:
    """A number in a form that is the same for all that have its value.

    What is too large for AWS to compare is itself alone.
    """
    value = Decimal(text)
    return Large(text) if abs(value) > MOST_VALUE else Number(format(value.normalize(), "E"))


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _check_object(pattern: dict[str, Any]) -> None:
    for name, value in pattern.items():
        if name == "$or" and is_choice(value):
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


def _check_values(values: list[Any]) -> None:
    if not values:
        raise _invalid("Empty arrays are not allowed")
    for one in values:
        if isinstance(one, list):
            raise _invalid("Match value must be String, number, true, false, or null")
        wrong = check_operator(one) if isinstance(one, dict) else ""
        if wrong:
            raise _invalid(wrong)


def _invalid(reason: str) -> AwsError:
    return aws_error("events.pattern-invalid", reason=reason)
