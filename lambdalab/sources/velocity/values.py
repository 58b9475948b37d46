"""Values of templates: how they are shown, compared, and what can be asked of them.

They are Java's on AWS, and so are their methods.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

__all__ = ["JsonList", "Tool", "call", "member", "text_of", "true"]


# A list that grows longer does so without end.
_LONGEST = 1_000_000


class JsonList(list[Any]):
    """A list that was read from JSON: it is shown as JSON."""


class Tool:
    """An object whose methods a template may call: those that ``METHODS`` names."""

    METHODS: dict[str, Callable[..., Any]] = {}  # noqa: RUF012 - filled by each class

    def member(self, name: str) -> Any:  # noqa: ARG002 - most have none
        """A member of that name."""
        return None


def text_of(value: Any) -> str:
    """A value as a template shows it."""
    if isinstance(value, str):
        return str(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, JsonList):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(text_of, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={text_of(one)}" for name, one in value.items()) + "}"
    return str(value)


def true(value: Any) -> bool:
    """Whether a condition holds: all but null and false; an empty text is true."""
    return not (value is None or value is False)


def member(value: Any, name: str) -> Any:
    """What ``.name`` gives."""
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, Tool):
        return value.member(name)
    return None


def call(value: Any, name: str, given: list[Any]) -> Any:
    """What ``.name(...)`` gives; None where a value has no such method."""
    if isinstance(value, Tool):
        method = value.METHODS.get(name)
        return None if method is None else method(value, *given)
    for kind, methods in _METHODS:
        if isinstance(value, kind):
            found = methods.get(name) or _ALL.get(name)
            return None if found is None else found(value, *given)
    return None


# Java's methods.


def _regex(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(str(error)) from None


def _replacement(given: str) -> str:
    """A replacement of Java's: ``$1`` is a group, a backslash takes the next letter as it is."""
    parts = re.findall(r"\\(.)|\$(\d)|(.)", given, re.DOTALL)
    return "".join(
        f"\\g<{group}>" if group else (taken or plain).replace("\\", "\\\\")
        for taken, group, plain in parts
    )


def _split(text: str, pattern: str, limit: int = 0) -> list[str]:
    parts = _regex(pattern).split(text, max(0, limit - 1))
    while not limit and len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts


def _put(mapping: dict[str, Any], name: Any, value: Any) -> Any:
    before = mapping.get(name)
    mapping[name] = value
    return before


def _add(items: list[Any], *given: Any) -> bool:
    items.insert(int(given[0]), given[1]) if len(given) > 1 else items.append(given[0])
    return True


def _put_at(items: list[Any], index: Any, value: Any) -> Any:
    before, items[int(index)] = items[int(index)], value
    return before


def _remove(items: list[Any], index: Any) -> Any:
    if isinstance(index, int) and not isinstance(index, bool):
        return items.pop(index)
    found = index in items
    if found:
        items.remove(index)
    return found


def _entries(mapping: dict[str, Any]) -> list[Any]:
    return [_Entry(name, value) for name, value in mapping.items()]


def _extend(items: list[Any], more: list[Any]) -> bool:
    if len(items) + len(more) > _LONGEST:
        raise ValueError("the list is too long")
    items.extend(more)
    return True


class _Entry(Tool):
    """A pair of a mapping."""

    def __init__(self, key: str, value: Any) -> None:
        self._pair = {"key": key, "value": value}

    def member(self, name: str) -> Any:
        return self._pair.get(name)

    METHODS = {  # noqa: RUF012
        "getKey": lambda self: self.member("key"),
        "getValue": lambda self: self.member("value"),
    }


_ALL: dict[str, Callable[..., Any]] = {
    "toString": text_of,
    "equals": lambda value, other: value == other,
}
_STRING: dict[str, Callable[..., Any]] = {
    "length": len,
    "isEmpty": lambda text: not text,
    "contains": lambda text, part: part in text,
    "startsWith": lambda text, part: text.startswith(part),
    "endsWith": lambda text, part: text.endswith(part),
    "equalsIgnoreCase": lambda text, other: text.lower() == str(other).lower(),
    "indexOf": lambda text, part, start=0: text.find(part, start),
    "lastIndexOf": lambda text, part: text.rfind(part),
    "concat": lambda text, other: text + other,
    "substring": lambda text, start, end=None: text[start:end],
    "charAt": lambda text, index: text[index],
    "toLowerCase": lambda text: text.lower(),
    "toUpperCase": lambda text: text.upper(),
    "trim": lambda text: text.strip(),
    "replace": lambda text, old, new: text.replace(old, new),
    "replaceAll": lambda text, old, new: _regex(old).sub(_replacement(new), text),
    "replaceFirst": lambda text, old, new: _regex(old).sub(_replacement(new), text, count=1),
    "matches": lambda text, pattern: _regex(pattern).fullmatch(text) is not None,
    "split": _split,
    "compareTo": lambda text, other: (text > other) - (text < other),
    "hashCode": lambda text: hash(text) & 0x7FFFFFFF,
}
_LIST: dict[str, Callable[..., Any]] = {
    "size": len,
    "length": len,
    "isEmpty": lambda items: not items,
    "get": lambda items, index: items[int(index)],
    "contains": lambda items, value: value in items,
    "indexOf": lambda items, value: items.index(value) if value in items else -1,
    "add": _add,
    "addAll": _extend,
    "set": _put_at,
    "remove": _remove,
    "clear": lambda items: items.clear() or "",
    "subList": lambda items, start, end: items[start:end],
}
_MAPPING: dict[str, Callable[..., Any]] = {
    "size": len,
    "isEmpty": lambda mapping: not mapping,
    "get": lambda mapping, name: mapping.get(name),
    "getOrDefault": lambda mapping, name, other: mapping.get(name, other),
    "put": _put,
    "putAll": lambda mapping, other: mapping.update(other) or "",
    "remove": lambda mapping, name: mapping.pop(name, None),
    "containsKey": lambda mapping, name: name in mapping,
    "containsValue": lambda mapping, value: value in mapping.values(),
    "keySet": lambda mapping: list(mapping),
    "values": lambda mapping: list(mapping.values()),
    "entrySet": _entries,
}  # fmt: skip
_NUMBER: dict[str, Callable[..., Any]] = {
    "intValue": int,
    "longValue": int,
    "doubleValue": float,
    "compareTo": lambda value, other: (value > other) - (value < other),
}
_METHODS: tuple[tuple[type | tuple[type, ...], dict[str, Callable[..., Any]]], ...] = (
    (str, _STRING),
    (list, _LIST),
    (dict, _MAPPING),
    ((int, float), _NUMBER),
)
