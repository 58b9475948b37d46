"""What the operators of event patterns take, and how AWS says that they do not take something.

The words are those of AWS's recorded answers and of its library, without the place in the text that
AWS adds to some.
Source: https://github.com/aws/event-ruler
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from lambdalab import facts
from lambdalab.sources.filters import Number

__all__ = ["MOST_VALUE", "Large", "check_operator"]

# Numbers beyond this, above or below zero, AWS compares by their text alone.
MOST_VALUE = facts.quota("events.pattern-number").value
_ONE_KEY = "Only one key allowed in match expression"
_TOO_MANY = "Too many elements in numeric expression"
_NOT_EXCLUDABLE = "Value of anything-but must be an array or single string/number value."
_TOO_COMPLEX = (
    "Rule is too complex - try using fewer wildcard characters or fewer repeating character "
    "sequences after a wildcard character"
)
_MIXED = (
    "Inside anything but list, either all values are number or string, mixed type is not supported"
)
_TOO_LARGE = f"Value must be between -{MOST_VALUE / 1e9}E9 and {MOST_VALUE / 1e9}E9, inclusive"
# The lab's own figure: AWS weighs what repeats after wildcards, and has refused a pattern with six.
_MOST_WILDCARDS = 5
# What AWS takes for an address before it looks closer.
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+|[0-9a-fA-F:]*:[0-9a-fA-F:]*", re.ASCII)
_MOST_BITS = {4: 31, 6: 127}


class Large(NamedTuple):
    """A number, as it was written, that is too large to be compared."""

    text: str


def check_operator(rule: dict[str, Any]) -> str:
    """What is wrong with an object in a list of values; empty if nothing is.

    Its numbers are ``Number`` or ``Large``.
    """
    if not rule:
        return "Match expression name not found"
    name, operand = next(iter(rule.items()))
    check = _OPERATORS.get(name)
    if check is None:
        return f"Unrecognized match type {name}"
    more = _TOO_MANY if name in ("anything-but", "numeric") else _ONE_KEY
    return check(operand) or (more if len(rule) > 1 else "")


def _text(name: str) -> Callable[[Any], str]:
    words = f"{name} match pattern must be a string"
    return lambda operand: "" if isinstance(operand, str) else words


def _affix(name: str) -> Callable[[Any], str]:
    """A prefix or a suffix: a text, or one whose case does not count."""

    def check(operand: Any) -> str:
        if not isinstance(operand, dict):
            return _text(name)(operand)
        if not operand:
            return f"{name.capitalize()} expression name not found"
        inner, given = next(iter(operand.items()))
        if inner != "equals-ignore-case":
            return f"Unsupported {name} pattern: {inner}"
        return _text(inner)(given) or (_ONE_KEY if len(operand) > 1 else "")

    return check


def _exists(operand: Any) -> str:
    return "" if isinstance(operand, bool) else "exists match pattern must be either true or false."


def _wildcard(operand: Any) -> str:
    if not isinstance(operand, str):
        return _text("wildcard")(operand)
    # AWS counts bytes, and the quotation mark before the text.
    plain = '"' + operand.replace("\\\\", "xx").replace("\\*", "xx")
    found = re.search(r"\\|\*\*", plain)
    if found is None:
        return _TOO_COMPLEX if plain.count("*") > _MOST_WILDCARDS else ""
    what = "Invalid escape character" if found[0] == "\\" else "Consecutive wildcard characters"
    return f"{what} at pos {len(plain[: found.start()].encode())}"


def _cidr(operand: Any) -> str:
    if not isinstance(operand, str):
        return _text("prefix")(operand)
    address, slash, mask = operand.partition("/")
    if not slash or not mask or "/" in mask:
        return "Malformed CIDR, one '/' required"
    if not re.fullmatch(r"[+-]?\d+", mask, re.ASCII):
        return "Malformed CIDR, mask bits must be an integer"
    if int(mask) < 0:
        return "Malformed CIDR, mask bits must not be negative"
    if not _ADDRESS.fullmatch(address):
        return f"Nonstandard IP address: {address}"
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return f"Invalid IP address: {address}"
    most = _MOST_BITS[version]
    return f"IPv{version} mask bits must be < {most + 1}" if int(mask) > most else ""


def _numeric(operand: Any) -> str:
    """One comparison with a number, or a lower and an upper one."""
    if not isinstance(operand, list):
        return "Value of numeric must be an array."
    sign, value = [*operand, None, None][:2]
    if not isinstance(sign, str):
        return f"Invalid member in numeric match: {_shown(sign) if operand else ']'}"
    if sign not in ("=", "<", "<=", ">", ">="):
        return f"Unrecognized numeric range operator: {sign}"
    wrong = _numeric_value("equals" if sign == "=" else sign, value)
    if wrong or len(operand) < 3:
        return wrong
    return _TOO_MANY if sign[0] != ">" else _upper(value, operand[2:])


def _upper(lower: Number, operand: list[Any]) -> str:
    """The upper bound of a range, which has a lower one."""
    sign, value = [*operand, None][:2]
    if not isinstance(sign, str):
        return f"Bad value in numeric range: {_shown(sign)}"
    if sign not in ("<", "<="):
        return f"Bad numeric range operator: {sign}"
    wrong = _numeric_value(sign, value)
    if wrong or len(operand) > 2:
        return wrong or "Too many terms in numeric range expression"
    return "" if Decimal(lower.text) < Decimal(value.text) else "Bottom must be less than top"


def _numeric_value(sign: str, value: Any) -> str:
    if isinstance(value, Large):
        return _TOO_LARGE
    return "" if isinstance(value, Number) else f"Value of {sign} must be numeric"


def _shown(value: Any) -> str:
    """A value as AWS says what it has come upon: objects and arrays only begin."""
    if isinstance(value, Number):
        return format(Decimal(value.text), "f")
    if isinstance(value, Large):
        return value.text
    return json.dumps(value)[:1] if isinstance(value, dict | list) else json.dumps(value)


def _anything_but(operand: Any) -> str:
    if isinstance(operand, dict):
        return _anything_but_operator(operand)
    if not isinstance(operand, str | list | Number | Large):
        return _NOT_EXCLUDABLE
    values = operand if isinstance(operand, list) else [operand]
    if any(isinstance(one, Large) for one in values):
        return _TOO_LARGE
    if any(not isinstance(one, str | Number) for one in values):
        return "Inside anything but list, start|null|boolean is not supported."
    return "" if len({type(one) for one in values}) == 1 else _MIXED


def _anything_but_operator(operand: dict[str, Any]) -> str:
    """Anything but what another operator takes, one text or several."""
    if not operand:
        return "Anything-But expression name not found"
    name, given = next(iter(operand.items()))
    if name not in _EXCLUDING:
        return f"Unsupported anything-but pattern: {name}"
    if not isinstance(given, str | list | Number | Large):
        return _NOT_EXCLUDABLE
    for one in given if isinstance(given, list) else [given]:
        if not isinstance(one, str):
            return _EXCLUDING[name]
        if name in ("prefix", "suffix") and not one:
            return "Null prefix/suffix not allowed"
        wrong = _wildcard(one) if name == "wildcard" else ""
        if wrong:
            return wrong
    return _TOO_MANY if len(operand) > 1 else ""


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
    "exactly": _text("exact"),
    "exists": _exists,
    "numeric": _numeric,
    "prefix": _affix("prefix"),
    "suffix": _affix("suffix"),
    "wildcard": _wildcard,
}
