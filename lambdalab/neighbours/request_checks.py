"""Requests checked by botocore's service models before moto acts on them.

moto trusts that a client has checked its request, and answers 500 where none has. AWS refuses what
has another type than the model says (SerializationException), and then all that is missing, too
long, too large or not one of the values that there are (ValidationException, or what the service
calls it).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error, validation_error

__all__ = ["checked", "refuse", "violations"]

# What JSON values are called, and which ones a kind of shape may be.
_KINDS = {dict: "START_OBJECT", list: "START_ARRAY", str: "STRING_VALUE", bool: "BOOLEAN_VALUE"}
_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str),
}
# Services that call it otherwise when a value is out of bounds.
_CODES = {"logs": "InvalidParameterException"}
# Shapes whose pattern AWS does not hold its callers to: a colon in a namespace is taken.
_ANY_PATTERN = frozenset({"MetricNamespace"})


def checked(handler: Any, service: str, operations: Mapping[str, str]) -> None:
    """Let a class of moto's check requests first; ``operations`` by the names of its methods."""
    for method, operation in operations.items():
        setattr(handler, method, _checking(getattr(handler, method), service, operation))


def _checking(original: Callable[..., Any], service: str, operation: str) -> Callable[..., Any]:
    def act(self: Any) -> Any:
        refuse(service, operation, self.body)
        return original(self)

    return act


def refuse(service: str, operation: str, body: str | bytes, *, bounds: bool = True) -> None:
    """``check`` with an error of moto's."""
    from moto.core.exceptions import JsonRESTError

    try:
        check(service, operation, body, bounds=bounds)
    except AwsError as error:
        raise JsonRESTError(error.code, error.message) from None


def check(service: str, operation: str, body: str | bytes, *, bounds: bool = True) -> None:
    """Refuse a request that is not as the model says; members that stand in the path are left out.

    Without ``bounds`` only the types count: the operation itself speaks of all else.
    Raises AwsError: SerializationException, or what the service calls a value out of bounds.
    """
    try:
        given = json.loads(body or "{}")
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise aws_error("serialization.no-object")
    shape = _model(service).operation_model(operation).input_shape
    _check_types(shape, given)
    found = list(_violations(shape, given, "")) if bounds else []
    if found:
        error = validation_error(found)
        raise AwsError(_CODES.get(service, error.code), error.message)


def violations(service: str, operation: str, given: Mapping[str, Any]) -> list[str]:
    """All that is wrong with the members of a request, which have the right types."""
    shape = _model(service).operation_model(operation).input_shape
    return list(_violations(shape, given, ""))


@cache
def _model(service: str) -> Any:
    from botocore.session import get_session

    return get_session().get_service_model(service)


def _members(shape: Any) -> Iterator[tuple[str, Any]]:
    """The members of a structure that stand in the body."""
    for name, member in shape.members.items():
        if member.serialization.get("location") in (None, "body"):
            yield name, member


def _check_types(shape: Any, value: Any) -> None:
    wanted = _TYPES.get(shape.type_name)
    if wanted is None:
        return
    fits = isinstance(value, wanted) and (shape.type_name == "boolean" or type(value) is not bool)
    if not fits:
        found = _KINDS.get(type(value), "NUMBER_VALUE")
        kind = shape.type_name.capitalize()
        raise aws_error("serialization.wrong-type", found=found, wanted=kind)
    for inner, one in _inside(shape, value):
        if one is not None:
            _check_types(inner, one)


def _inside(shape: Any, value: Any) -> Iterator[tuple[Any, Any]]:
    if shape.type_name == "structure":
        yield from ((inner, value.get(name)) for name, inner in _members(shape))
    elif shape.type_name == "list":
        yield from ((shape.member, one) for one in value)
    elif shape.type_name == "map":
        yield from ((shape.value, one) for one in value.values())


def _violations(shape: Any, value: Any, path: str) -> Iterator[str]:
    """All that is wrong with a value of the right type."""
    yield from _bounds(shape, value, path)
    if shape.type_name == "structure":
        for name, inner in _members(shape):
            here = f"{path}.{name[0].lower()}{name[1:]}".lstrip(".")
            if value.get(name) is not None:
                yield from _violations(inner, value[name], here)
            elif name in shape.required_members:
                yield facts.message("validation.null").format(path=here)
    for inner, one, here in _elements(shape, value, path):
        if one is None:
            yield facts.message("validation.null").format(path=here)
        else:
            yield from _violations(inner, one, here)


def _elements(shape: Any, value: Any, path: str) -> Iterator[tuple[Any, Any, str]]:
    """The elements of a list, and those of a map that are nothing, each with its place."""
    if shape.type_name == "list":
        for number, one in enumerate(value, 1):
            yield shape.member, one, f"{path}.{number}.member"
    elif shape.type_name == "map":
        for key, one in value.items():
            if one is None:
                yield shape.value, one, f"{path}.{key}.member"


def _bounds(shape: Any, value: Any, path: str) -> Iterator[str]:
    """What is wrong with a value by itself: not one of those there are, too small, too large."""
    metadata = shape.metadata
    enum, pattern = metadata.get("enum"), metadata.get("pattern")
    if enum and value not in enum:
        values = ", ".join(enum)
        yield _violation(value, path, facts.message("validation.enum").format(values=values))
    sized = shape.type_name in ("string", "list")
    if sized or shape.type_name in ("integer", "long"):
        measure, kind = (len(value), "length-") if sized else (value, "")
        if measure < metadata.get("min", measure):
            message = facts.message(f"validation.{kind}at-least")
            yield _violation(value, path, message.format(bound=metadata["min"]))
        if measure > metadata.get("max", measure):
            message = facts.message(f"validation.{kind}at-most")
            yield _violation(value, path, message.format(bound=metadata["max"]))
    patterned = pattern and shape.type_name == "string" and shape.name not in _ANY_PATTERN
    if patterned and not _matches(pattern, value):
        yield _violation(value, path, facts.message("validation.pattern").format(pattern=pattern))


def _matches(pattern: str, value: str) -> bool:
    """Whether a text matches a pattern of Java's; what Python cannot read is let pass."""
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:
        return True


def _violation(value: Any, path: str, constraint: str) -> str:
    shown = value if isinstance(value, str | int) else json.dumps(value)
    return facts.message("validation.value").format(value=shown, path=path, constraint=constraint)
