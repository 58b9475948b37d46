"""Which route a request takes: the most specific that fits.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from lambdalab.neighbours.http_apis import Route

__all__ = ["DEFAULT", "Taken", "take"]

DEFAULT = "$default"
_VARIABLE = re.compile(r"\{([^{}+]+)(\+?)\}")


class Taken(NamedTuple):
    """The route of a request, and what its path's variables are, decoded."""

    route: Route
    parameters: dict[str, str]


def take(routes: Iterable[Route], method: str, path: str) -> Taken | None:
    """The route for a request; None where there is none, not even ``$default``."""
    fitting = []
    default = None
    for route in routes:
        if route.key == DEFAULT:
            default = Taken(route, {})
            continue
        shape = _shape(route.key)
        found = shape.pattern.fullmatch(path)
        if found and shape.method in (method, "ANY"):
            values = {name: unquote(found[index]) for index, name in enumerate(shape.names, 1)}
            fitting.append((shape.rank, Taken(route, values)))
    return min(fitting, key=lambda one: one[0])[1] if fitting else default


class _Shape(NamedTuple):
    method: str
    pattern: re.Pattern[str]
    names: tuple[str, ...]
    # The lower, the more specific: segment by segment, then the method.
    rank: tuple[tuple[int, ...], bool]


@lru_cache(maxsize=1024)
def _shape(key: str) -> _Shape:
    method, _, path = key.partition(" ")
    names: list[str] = []
    parts: list[str] = []
    ranks: list[int] = []
    for segment in path.split("/"):
        variable = _VARIABLE.fullmatch(segment)
        if variable is None:
            parts.append(re.escape(segment))
            ranks.append(0)
        else:
            names.append(variable[1])
            parts.append("(.+)" if variable[2] else "([^/]+)")
            ranks.append(2 if variable[2] else 1)
    pattern = re.compile("/".join(parts), re.DOTALL)
    return _Shape(method, pattern, tuple(names), (tuple(ranks), method == "ANY"))
