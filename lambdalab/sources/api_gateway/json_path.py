"""JSONPath, as mapping templates use it: ``$.a.b[0]``, ``$..name``, ``$.list[?(@.x == 1)]``.

A path that can mean one thing only gives that thing, any other a list.
Source: https://github.com/json-path/JsonPath
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

__all__ = ["MISSING", "found"]

MISSING = object()

_STEP = re.compile(
    r"""(?P<deep>\.\.)(?:(?P<deepname>[\w-]+)|(?P<deepall>\*)|(?=\[))
    |\.(?P<name>[\w$@-]+)|\.(?P<all>\*)
    |\[\s*(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*\]
    |\[\s*(?P<index>-?\d+)\s*\]|\[\s*(?P<every>\*)\s*\]
    |\[\s*(?P<slice>-?\d*:-?\d*)\s*\]
    |\[\?\(\s*(?P<filter>.*?)\s*\)\]""",
    re.VERBOSE,
)
_TEST = re.compile(r"@(?P<path>[^\s=!<>]*)\s*(?:(?P<operator>==|!=|<=|>=|<|>)\s*(?P<value>.+))?")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}

_Walk = Callable[[Any], Iterator[Any]]


class _Path(NamedTuple):
    steps: tuple[_Walk, ...]
    definite: bool


def found(value: Any, path: str) -> Any:
    """What a path means in a value; MISSING where there is nothing; ValueError for no path."""
    compiled = _compiled(path)
    here = [value]
    for step in compiled.steps:
        here = [one for item in here for one in step(item)]
    if compiled.definite:
        return here[0] if here else MISSING
    return here


@lru_cache(maxsize=512)
def _compiled(path: str) -> _Path:
    text = path.strip()
    if not text.startswith("$"):
        text = f"$.{text}"
    at, steps, definite = 1, [], True
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            raise ValueError(f"{path!r} is no JSON path")
        at = step.end()
        steps.append(_walk(step))
        definite = definite and step.lastgroup in ("name", "quoted", "index")
    return _Path(tuple(steps), definite)


def _walk(step: re.Match[str]) -> _Walk:
    kind = step.lastgroup
    if step["deep"]:
        name = step["deepname"]
        return lambda value: _deep(value, name)
    if kind == "name":
        return _named(step["name"])
    if kind == "quoted":
        return _named(re.sub(r"\\(.)", r"\1", step["quoted"][1:-1]))
    if kind == "index":
        return _at(int(step["index"]))
    if kind == "slice":
        return _sliced(step["slice"])
    if kind == "filter":
        return _filtered(step["filter"])
    return _children


def _named(name: str) -> _Walk:
    def walk(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return walk


def _at(index: int) -> _Walk:
    def walk(value: Any) -> Iterator[Any]:
        if isinstance(value, list) and -len(value) <= index < len(value):
            yield value[index]

    return walk


def _sliced(text: str) -> _Walk:
    first, _, last = text.partition(":")

    def walk(value: Any) -> Iterator[Any]:
        if isinstance(value, list):
            yield from value[int(first) if first else None : int(last) if last else None]

    return walk


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _deep(value: Any, name: str | None) -> Iterator[Any]:
    """Everything below, or what has that name there; the value itself where neither is asked."""
    if name is None:
        yield value
    elif isinstance(value, dict) and name in value:
        yield value[name]
    for child in _children(value):
        yield from _deep(child, name)


def _filtered(text: str) -> _Walk:
    test = _TEST.fullmatch(text)
    if test is None:
        raise ValueError(f"{text!r} is no filter")
    path = f"${test['path']}"
    compare, wanted = _COMPARE.get(test["operator"] or ""), _literal(test["value"])

    def holds(item: Any) -> bool:
        value = found(item, path)
        if compare is None or value is MISSING:
            return compare is None and value is not MISSING
        try:
            return compare(value, wanted)
        except TypeError:
            return False

    return lambda value: (item for item in _children(value) if holds(item))


def _literal(text: str | None) -> Any:
    if text is None:
        return None
    if text.startswith("'"):
        return text.strip("'")
    try:
        return json.loads(text)
    except ValueError:
        return text
