"""Properties of a template as the members of a call, by the service model.

Names differ in the case of their first letter; texts stand for numbers and truths; a document is
written as an object where the call takes its text; tags are a list here and a map there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

__all__ = ["fitted", "member_of"]


def member_of(members: Any, name: str) -> str | None:
    """What a call calls a property; None where it has no such member."""
    wanted = name.lower()
    return next((member for member in members if member.lower() == wanted), None)


def fitted(shape: Any, value: Any) -> Any:
    """A value as a call takes it; what does not fit stays as it is, for the call to refuse."""
    kind = shape.type_name
    fit = _FITS.get(kind)
    return fit(shape, value) if fit is not None else value


def _structure(shape: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    found = {}
    for name, item in value.items():
        member = member_of(shape.members, name)
        found[member or name] = fitted(shape.members[member], item) if member else item
    return found


def _list(shape: Any, value: Any) -> Any:
    if isinstance(value, dict) and _is_tag(shape.member):
        value = [{"Key": key, "Value": item} for key, item in value.items()]
    if not isinstance(value, list):
        value = [value]
    return [fitted(shape.member, item) for item in value]


def _is_tag(shape: Any) -> bool:
    names = {name.lower() for name in getattr(shape, "members", {})}
    return names == {"key", "value"}


def _map(shape: Any, value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(one, dict) and "Key" in one for one in value):
        value = {one["Key"]: one.get("Value", "") for one in value}
    if not isinstance(value, dict):
        return value
    return {key: fitted(shape.value, item) for key, item in value.items()}


def _string(shape: Any, value: Any) -> Any:  # noqa: ARG001
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _blob(shape: Any, value: Any) -> Any:  # noqa: ARG001
    return json.dumps(value) if isinstance(value, dict | list) else value


def _boolean(shape: Any, value: Any) -> Any:  # noqa: ARG001
    return {"true": True, "false": False}.get(str(value).lower(), value)


def _integer(shape: Any, value: Any) -> Any:
    number = _number(shape, value)
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _number(shape: Any, value: Any) -> Any:  # noqa: ARG001
    try:
        return value if isinstance(value, bool | list | dict) else float(value)
    except ValueError:
        return value


_FITS: dict[str, Callable[[Any, Any], Any]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "blob": _blob,
    "boolean": _boolean,
    "integer": _integer,
    "long": _integer,
    "float": _number,
    "double": _number,
}
