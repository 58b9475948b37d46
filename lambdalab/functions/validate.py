"""The generic constraints of the service model, checked and worded as AWS's front layer does.

All violations of a request come back together, before anything else is looked at. Printed values:
lists as ``[a, b]``, maps as ``{k=v}``; a sensitive value is not printed at all.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.model import OperationModel, Shape

from lambdalab.errors import validation_error

__all__ = ["check"]

# Java's Unicode categories as Python writes them inside a set of characters.
_JAVA_CATEGORIES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\d",
    r"\p{Z}": " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
}
_SIZED = {"string", "blob", "list", "map"}
# Lists of which AWS does not say that their items must be there.
_NULLS_ALLOWED = {"CompatibleArchitectures"}


def check(model: OperationModel, found: dict[str, Any]) -> None:
    """Raise one ValidationException with every generic constraint that ``found`` violates."""
    shape = model.input_shape
    if shape is not None:
        violations = list(_structure(shape, found, ""))
        if violations:
            raise validation_error(violations)


def _structure(shape: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    for name, member in shape.members.items():
        here = f"{path}{name[0].lower()}{name[1:]}"
        if name in value:
            yield from _value(member, value[name], here)
        elif name in shape.required_members:
            yield f"Value null at '{here}' failed to satisfy constraint: Member must not be null"


def _value(shape: Any, value: Any, path: str) -> Iterator[str]:
    for constraint in _broken(shape, value):
        yield _violation(shape, value, path, constraint)
    if shape.type_name == "structure":
        yield from _structure(shape, value, f"{path}.")
    elif shape.type_name == "list":
        yield from _items(shape, value, path)
    elif shape.type_name == "map":
        yield from _entries(shape, value, path)


def _items(shape: Any, value: list[Any], path: str) -> Iterator[str]:
    if shape.member.type_name == "structure":
        for number, item in enumerate(value, 1):
            yield from _structure(shape.member, item, f"{path}.{number}.member.")
    elif any(any(_broken(shape.member, item)) for item in value):
        describe = _all_constraints if shape.name in _NULLS_ALLOWED else _element_constraints
        constraint = f"Member must satisfy constraint: [{describe(shape.member)}]"
        yield _violation(shape, value, path, constraint)


def _entries(shape: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    if any(any(_broken(shape.key, key)) for key in value):
        constraint = f"Map keys must satisfy constraint: [{_element_constraints(shape.key)}]"
        yield _violation(shape, value, path, constraint)
    if any(any(_deeply_broken(shape.value, item)) for item in value.values()):
        constraint = f"Map value must satisfy constraint: [{_element_constraints(shape.value)}]"
        yield _violation(shape, value, path, constraint)


def _violation(shape: Shape, value: Any, path: str, constraint: str) -> str:
    sensitive = shape.metadata.get("sensitive") or shape.type_name == "blob"
    shown = "Value" if sensitive else f"Value '{_printed(value)}'"
    return f"{shown} at '{path}' failed to satisfy constraint: {constraint}"


def _broken(shape: Shape, value: Any) -> Iterator[str]:
    """The constraints of a shape itself that a value breaks, in AWS's words."""
    measured = len(value) if shape.type_name in _SIZED else value
    limits = shape.metadata
    if shape.type_name != "structure" and shape.type_name != "boolean":
        if "max" in limits and measured > limits["max"]:
            yield _most(shape)
        if "min" in limits and measured < limits["min"]:
            yield _least(shape)
    if "pattern" in limits and not _pattern(limits["pattern"]).fullmatch(value):
        yield _matches(shape)
    if "enum" in limits and not _listed(value) <= set(limits["enum"]):
        yield _one_of(shape)


def _deeply_broken(shape: Any, value: Any) -> Iterator[str]:
    """What a value in a map breaks, itself or in its items."""
    yield from _broken(shape, value)
    for item in value if shape.type_name == "list" else ():
        yield from _broken(shape.member, item)


def _listed(value: Any) -> set[Any]:
    """What an enum speaks of: a value, or each of a list where the list has the enum."""
    return set(value) if isinstance(value, list) else {value}


def _all_constraints(shape: Any) -> str:
    texts = {"max": _most, "min": _least, "pattern": _matches, "enum": _one_of}
    own = [describe(shape) for name, describe in texts.items() if name in shape.metadata]
    if shape.type_name == "list":
        own.append(f"Member must satisfy constraint: [{_element_constraints(shape.member)}]")
    return ", ".join(own)


def _element_constraints(shape: Shape) -> str:
    described = _all_constraints(shape)
    return f"{described}, Member must not be null" if described else "Member must not be null"


def _most(shape: Shape) -> str:
    return f"Member must have {_measure(shape)} less than or equal to {shape.metadata['max']}"


def _least(shape: Shape) -> str:
    return f"Member must have {_measure(shape)} greater than or equal to {shape.metadata['min']}"


def _measure(shape: Shape) -> str:
    return "length" if shape.type_name in _SIZED else "value"


def _matches(shape: Shape) -> str:
    return f"Member must satisfy regular expression pattern: {shape.metadata['pattern']}"


def _one_of(shape: Shape) -> str:
    return f"Member must satisfy enum value set: [{', '.join(shape.metadata['enum'])}]"


def _printed(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_printed(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_printed(item)}" for key, item in value.items()) + "}"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    # Java's own \d, \s and \w know ASCII alone.
    flags = re.NOFLAG if r"\p" in text else re.ASCII
    for java, python in _JAVA_CATEGORIES.items():
        text = text.replace(java, python)
    with warnings.catch_warnings():
        # The model's patterns are Java's: ``[a-zA-Z0-9-_]`` is well defined in both languages.
        warnings.simplefilter("ignore", FutureWarning)
        return re.compile(text, flags)
