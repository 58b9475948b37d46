"""The conditions of a policy's statements.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

__all__ = ["holds", "like", "listed"]

_Test = Callable[[str, str], bool]


def holds(conditions: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """Whether all conditions of a statement hold; the keys of ``context`` are in lower case.

    An operator that is not known holds never.
    """
    return all(
        _one_holds(operator, [str_of(value) for value in listed(wanted)], context.get(key.lower()))
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def like(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern in which ``*`` stands for any letters and ``?`` for one."""
    return _pattern(pattern).fullmatch(text) is not None


def listed(value: Any) -> list[Any]:
    """A member of a policy that may be one value or a list of them."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def str_of(value: Any) -> str:
    """A value of a condition as text: JSON's true is ``true``."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _one_holds(operator: str, wanted: list[str], found: str | None) -> bool:
    name, optional = operator.removesuffix("IfExists"), operator.endswith("IfExists")
    if name == "Null":
        return any((found is None) == (value.lower() == "true") for value in wanted)
    negated = _NEGATED.get(name)
    if found is None:
        # What is not there is not equal to anything.
        return optional or negated is not None
    if negated is not None:
        return not _any(_TESTS[negated], wanted, found)
    return name in _TESTS and _any(_TESTS[name], wanted, found)


def _any(test: _Test, wanted: Iterable[str], found: str) -> bool:
    return any(test(value, found) for value in wanted)


@lru_cache(maxsize=1024)
def _pattern(pattern: str) -> re.Pattern[str]:
    parts = (".*" if one == "*" else "." if one == "?" else re.escape(one) for one in pattern)
    return re.compile("".join(parts), re.DOTALL)


def _arn_like(pattern: str, text: str) -> bool:
    """Part by part: a star does not reach over a colon, but for the resource at the end."""
    patterns, parts = pattern.split(":", 5), text.split(":", 5)
    if len(patterns) < len(parts):
        return pattern == "*"
    return len(patterns) == len(parts) and all(map(like, patterns, parts))


def _number(compare: Callable[[float, float], bool]) -> _Test:
    def test(wanted: str, found: str) -> bool:
        try:
            return compare(float(found), float(wanted))
        except ValueError:
            return False

    return test


def _in_network(wanted: str, found: str) -> bool:
    try:
        return ip_address(found) in ip_network(wanted, strict=False)
    except ValueError:
        return False


_TESTS: dict[str, _Test] = {
    "StringEquals": lambda wanted, found: wanted == found,
    "StringEqualsIgnoreCase": lambda wanted, found: wanted.lower() == found.lower(),
    "StringLike": like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda wanted, found: wanted.lower() == found.lower(),
    "IpAddress": _in_network,
    "NumericEquals": _number(lambda found, wanted: found == wanted),
    "NumericLessThan": _number(lambda found, wanted: found < wanted),
    "NumericLessThanEquals": _number(lambda found, wanted: found <= wanted),
    "NumericGreaterThan": _number(lambda found, wanted: found > wanted),
    "NumericGreaterThanEquals": _number(lambda found, wanted: found >= wanted),
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
}
