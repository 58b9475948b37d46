"""Values of properties that are not of the kind that AWS's schemas say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lambdalab.neighbours.stacks.templates import types

__all__ = ["misfits"]

Json = dict[str, Any]

_KINDS: dict[str, tuple[type, str]] = {"array": (list, "JSONArray"), "object": (dict, "JSONObject")}
_FOUND = {bool: "Boolean", dict: "JSONObject", float: "Double", int: "Integer", list: "JSONArray"}


def misfits(kind: str, properties: Json) -> Iterator[str]:
    """What CloudFormation says of each: an object or a list where something else should stand.

    Texts, numbers and truths stand for each other.
    """
    for name, value in properties.items():
        yield from _of(kind, types.shape(kind, name), value, f"#/{name}")


def _of(kind: str, shape: Json, value: Any, path: str) -> Iterator[str]:
    shape = types.definition(kind, shape)
    wanted = shape.get("type")
    if not isinstance(wanted, str) or wanted not in _KINDS:
        return
    python, name = _KINDS[wanted]
    if not isinstance(value, python):
        yield f"{path}: expected type: {name}, found: {_FOUND.get(type(value), 'String')}"
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _of(kind, shape.get("items", {}), one, f"{path}/{number}")
    elif isinstance(value, dict):
        known = shape.get("properties", {})
        for member, one in value.items():
            yield from _of(kind, known.get(member, {}), one, f"{path}/{member}")
