"""The operators of templates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lambdalab.sources.velocity.scope import Scope, Value
from lambdalab.sources.velocity.values import text_of, true

__all__ = ["LEVELS", "negation", "negative"]

# Longer numbers only come of loops that do not end.
_BITS = 4096
_Act = Callable[[Scope, Value, Value], Any]


def _of_values(act: Callable[[Any, Any], Any]) -> _Act:
    return lambda scope, left, right: act(left.value(scope), right.value(scope))


def _either(scope: Scope, left: Value, right: Value) -> bool:
    return true(left.value(scope)) or true(right.value(scope))


def _both(scope: Scope, left: Value, right: Value) -> bool:
    return true(left.value(scope)) and true(right.value(scope))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(left: Any, right: Any) -> bool:
    """Values of one kind are compared as such, others by their text."""
    if _is_number(left) and _is_number(right):
        return bool(left == right)
    if left is None or right is None:
        return left is right
    return (type(left) is type(right) and left == right) or text_of(left) == text_of(right)


def _compare(act: Callable[[Any, Any], bool]) -> _Act:
    return _of_values(
        lambda left, right: _is_number(left) and _is_number(right) and act(left, right)
    )


def _plus(left: Any, right: Any) -> Any:
    if _is_number(left) and _is_number(right):
        return _bounded(left + right)
    if left is None or right is None:
        return None
    return text_of(left) + text_of(right)


def _numbers(act: Callable[[Any, Any], Any]) -> _Act:
    return _of_values(
        lambda left, right: (
            _bounded(act(left, right)) if _is_number(left) and _is_number(right) else None
        )
    )


def _bounded(value: Any) -> Any:
    if isinstance(value, int) and value.bit_length() > _BITS:
        raise OverflowError("a number is too large")
    return value


def _divide(left: Any, right: Any) -> Any:
    """Integers give an integer, towards zero; nothing can be divided by zero."""
    if right == 0:
        return None
    if isinstance(left, int) and isinstance(right, int):
        return int(left / right)
    return left / right


def _rest(left: Any, right: Any) -> Any:
    return None if right == 0 else left - right * int(left / right)


def negation(scope: Scope, given: Value) -> bool:
    """``!``."""
    return not true(given.value(scope))


def negative(scope: Scope, given: Value) -> Any:
    """A minus sign."""
    value = given.value(scope)
    return -value if _is_number(value) else None


# From the weakest to the strongest; of one level, from left to right. Longer names come first.
LEVELS: tuple[dict[str, _Act], ...] = (
    {"||": _either, "or": _either},
    {"&&": _both, "and": _both},
    {
        "==": _of_values(_equal),
        "eq": _of_values(_equal),
        "!=": _of_values(lambda left, right: not _equal(left, right)),
        "ne": _of_values(lambda left, right: not _equal(left, right)),
    },
    {
        "<=": _compare(lambda left, right: left <= right),
        "le": _compare(lambda left, right: left <= right),
        ">=": _compare(lambda left, right: left >= right),
        "ge": _compare(lambda left, right: left >= right),
        "<": _compare(lambda left, right: left < right),
        "lt": _compare(lambda left, right: left < right),
        ">": _compare(lambda left, right: left > right),
        "gt": _compare(lambda left, right: left > right),
    },
    {"+": _of_values(_plus), "-": _numbers(lambda left, right: left - right)},
    {
        "*": _numbers(lambda left, right: left * right),
        "/": _numbers(_divide),
        "%": _numbers(_rest),
    },
)
