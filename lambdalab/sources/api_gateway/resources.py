"""Which resource and method a request is for.

A part of the path that is written out goes before a variable, and both before ``{proxy+}``; a
resource without the method leaves the request to one that has it.
Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from lambdalab.neighbours.rest_apis import Method, Resource

__all__ = ["ANY", "Found", "find"]

ANY = "ANY"
_VARIABLE = re.compile(r"\{([^{}+]+)(\+?)\}")


class Found(NamedTuple):
    """The method for a request, and what its path's variables are, as they were sent."""

    resource: Resource
    method: Method
    parameters: dict[str, str]


def find(resources: Iterable[Resource], verb: str, path: str) -> Found | None:
    """The method for a request; None where there is none."""
    asked = re.sub(r"/{2,}", "/", path)
    asked = asked.rstrip("/") or "/"
    fitting: list[tuple[tuple[int, ...], Found]] = []
    for resource in resources:
        method = resource.methods.get(verb) or resource.methods.get(ANY)
        shape = _shape(resource.path)
        found = shape.pattern.fullmatch(asked) if method else None
        if method and found:
            values = {name: found[index] for index, name in enumerate(shape.names, 1)}
            fitting.append((shape.rank, Found(resource, method, values)))
    return min(fitting, key=lambda one: one[0])[1] if fitting else None


class _Shape(NamedTuple):
    pattern: re.Pattern[str]
    names: tuple[str, ...]
    # The lower, the more specific, part by part.
    rank: tuple[int, ...]


@lru_cache(maxsize=1024)
def _shape(path: str) -> _Shape:
    names: list[str] = []
    parts: list[str] = []
    rank: list[int] = []
    for part in path.split("/"):
        variable = _VARIABLE.fullmatch(part)
        if variable is None:
            parts.append(re.escape(part))
            rank.append(0)
        else:
            names.append(variable[1])
            parts.append("(.+)" if variable[2] else "([^/]+)")
            rank.append(2 if variable[2] else 1)
    return _Shape(re.compile("/".join(parts), re.DOTALL), tuple(names), tuple(rank))
