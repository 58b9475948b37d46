"""What the operators of event patterns take, and how AWS says that they do not take something.

The words are those of AWS's recorded answers, without the place in the text that AWS adds to some.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from lambdalab.sources.filters import Number

__all__ = ["check_operator"]

_SIGNS = ("=", "<", "<=", ">", ">=")
_NOT_EXCLUDABLE = "Value of anything-but must be an array or single string/number value."
_TOO_COMPLEX = (
    "Rule is too complex - try using fewer wildcard characters or fewer repeating character "
    "sequences after a wildcard character"
)
_MIXED = (
    "Inside anything but list, either all values are number or string, mixed type is not supported"
)
# The lab's own figure: AWS weighs what repeats after wildcards, and has refused a pattern with six.
_MOST_WILDCARDS = 5


def check_operator(name: str, operand: Any) -> str:
    """What is wrong with an operator; empty if nothing is. Its numbers are ``Number``."""
    check = _OPERATORS.get(name)
    return f"Unrecognized match type {name}" if check is None else check(operand)


def _text(name: str) -> Callable[[Any], str]:
    words = f"{name} match pattern must be a string"
    return lambda operand: "" if isinstance(operand, str) else words


def _affix(name: str) -> Callable[[Any], str]:
    """A prefix or a suffix: a text, or one whose case does not count."""

    def check(operand: Any) -> str:
        if isinstance(operand, dict) and list(operand) == ["equals-ignore-case"]:
            operand = operand["equals-ignore-case"]
        return _text(name)(operand)

    return check


def _exists(operand: Any) -> str:
    return "" if isinstance(operand, bool) else "exists match pattern must be either true or false."


def _wildcard(operand: Any) -> str:
    if not isinstance(operand, str):
        return _text("wildcard")(operand)
    plain = operand.replace("\\\\", "xx").replace("\\*", "xx")
    if "\\" in plain:
        return f"Invalid escape character at pos {plain.index(chr(92))}"
    if "**" in plain:
        return f"Consecutive wildcard characters at pos {plain.index('**')}"
    return _TOO_COMPLEX if plain.count("*") > _MOST_WILDCARDS else ""


def _cidr(operand: Any) -> str:
    if not isinstance(operand, str):
        return _text("prefix")(operand)
    address, slash, mask = operand.partition("/")
    if not slash or "/" in mask:
        return "Malformed CIDR, one '/' required"
    if not mask.isdecimal():
        return "Malformed CIDR, mask bits must be an integer"
    try:
        most = ipaddress.ip_address(address).max_prefixlen
    except ValueError:
        return f"Nonstandard IP address: {address}"
    return "" if int(mask) <= most else f"Malformed CIDR, mask bits must be between 0 and {most}"


def _numeric(operand: Any) -> str:
    """One comparison with a number, or a lower and an upper one."""
    if not isinstance(operand, list):
        return "Value of numeric must be an array."
    pairs = list(zip(operand[::2], [*operand[1::2], None], strict=False))
    if not pairs:
        return "Invalid member in numeric match: ]"
    for place, (sign, value) in enumerate(pairs):
        if not isinstance(sign, str) or sign not in _SIGNS:
            shown = sign.text if isinstance(sign, Number) else sign
            return f"Unrecognized numeric range operator: {shown}"
        if place and (sign[0] != "<" or pairs[0][0][0] != ">"):
            return f"Bad numeric range operator: {sign}"
        if not isinstance(value, Number):
            return f"Value of {sign} must be numeric"
    return "" if len(pairs) <= 2 else "Too many terms in numeric range expression"


def _anything_but(operand: Any) -> str:
    if isinstance(operand, dict):
        return _anything_but_operator(operand)
    if not isinstance(operand, list):
        return "" if isinstance(operand, str | Number) else _NOT_EXCLUDABLE
    if not operand:
        return "Empty arrays are not allowed"
    if any(not isinstance(one, str | Number) for one in operand):
        return "Inside anything but list, start|null|boolean is not supported."
    return "" if len({type(one) for one in operand}) == 1 else _MIXED


def _anything_but_operator(operand: dict[str, Any]) -> str:
    """Anything but what another operator takes, one text or several."""
    if len(operand) != 1 or next(iter(operand)) not in _EXCLUDING:
        return f"Unsupported anything-but pattern: {next(iter(operand), '')}"
    ((name, given),) = operand.items()
    if isinstance(given, dict):
        return _NOT_EXCLUDABLE
    values = given if isinstance(given, list) else [given]
    if not values:
        return "Empty arrays are not allowed"
    if any(not isinstance(one, str) for one in values):
        return _EXCLUDING[name]
    if name in ("prefix", "suffix") and "" in values:
        return "Null prefix/suffix not allowed"
    return (
        next((wrong for one in values if (wrong := _wildcard(one))), "")
        if name == "wildcard"
        else ""
    )


_AFFIX_WORDS = "prefix/suffix match pattern must be a string"
# The operators that anything-but takes, and how each refuses what is no text.
_EXCLUDING = {
    "prefix": _AFFIX_WORDS,
    "suffix": _AFFIX_WORDS,
    "wildcard": "wildcard match pattern must be a string",
    "equals-ignore-case": (
        "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
    ),
}
_OPERATORS: dict[str, Callable[[Any], str]] = {
    "anything-but": _anything_but,
    "cidr": _cidr,
    "equals-ignore-case": _text("equals-ignore-case"),
    "exists": _exists,
    "numeric": _numeric,
    "prefix": _affix("prefix"),
    "suffix": _affix("suffix"),
    "wildcard": _wildcard,
}
