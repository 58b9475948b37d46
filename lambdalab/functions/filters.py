"""Filter criteria of event source mappings: patterns as EventBridge has them.

A pattern is a JSON object. A field's value is an object with further fields, or a list of values of
which one must match; a value may be an object with one operator. ``$or`` holds a list of patterns.
Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

__all__ = ["is_pattern"]

_COMPARISONS = ("=", "<", "<=", ">", ">=")


def is_pattern(text: str) -> bool:
    """Whether a text is a filter pattern that AWS accepts."""
    try:
        return _is_object(json.loads(text))
    except (ValueError, RecursionError):
        return False


def _is_object(pattern: Any) -> bool:
    return (
        isinstance(pattern, dict)
        and bool(pattern)
        and all(_is_field(name, value) for name, value in pattern.items())
    )


def _is_field(name: str, value: Any) -> bool:
    if name == "$or" and isinstance(value, list):
        return len(value) > 1 and all(_is_object(one) for one in value)
    if isinstance(value, dict):
        return _is_object(value)
    return isinstance(value, list) and bool(value) and all(_is_value(one) for one in value)


def _is_value(value: Any) -> bool:
    if isinstance(value, list):
        return False
    if not isinstance(value, dict):
        return True
    return len(value) == 1 and all(
        name in _OPERATORS and _OPERATORS[name](operand) for name, operand in value.items()
    )


def _is_text(operand: Any) -> bool:
    return isinstance(operand, str)


def _is_affix(operand: Any) -> bool:
    """What prefix and suffix take: a text, or one whose case does not count."""
    if isinstance(operand, dict):
        return list(operand) == ["equals-ignore-case"] and _is_text(operand["equals-ignore-case"])
    return _is_text(operand)


def _is_number(operand: Any) -> bool:
    return isinstance(operand, int | float) and not isinstance(operand, bool)


def _is_range(operand: Any) -> bool:
    """One comparison with a number, or a lower and an upper one."""
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        return False
    pairs = list(zip(operand[::2], operand[1::2], strict=True))
    return all(
        isinstance(sign, str) and sign in _COMPARISONS and _is_number(value)
        for sign, value in pairs
    ) and (len(pairs) == 1 or (pairs[0][0][0] == ">" and pairs[1][0][0] == "<"))


def _is_excluded(operand: Any) -> bool:
    """What anything-but takes: values, or one operator on texts."""
    if isinstance(operand, dict):
        return len(operand) == 1 and all(
            name in ("prefix", "suffix", "equals-ignore-case") and _is_text(value)
            for name, value in operand.items()
        )
    values = operand if isinstance(operand, list) else [operand]
    return bool(values) and all(_is_text(one) or _is_number(one) for one in values)


_OPERATORS: dict[str, Callable[[Any], bool]] = {
    "anything-but": _is_excluded,
    "equals-ignore-case": _is_text,
    "exists": lambda operand: isinstance(operand, bool),
    "numeric": _is_range,
    "prefix": _is_affix,
    "suffix": _is_affix,
}
