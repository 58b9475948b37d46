"""Paths with variables in them, such as ``/books/{isbn}`` and ``/{proxy+}``, as APIs write them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["PathShape", "shape_of"]

_VARIABLE = re.compile(r"\{([^{}+]+)(\+?)\}")


class PathShape(NamedTuple):
    """What fits a path: a pattern with a group for each variable, and the variables' names.

    ``rank`` is the lower, the more specific, part by part: what is written out goes before a
    variable, and both before one that takes the rest.
    """

    pattern: re.Pattern[str]
    names: tuple[str, ...]
    rank: tuple[int, ...]

    def values(self, found: re.Match[str]) -> dict[str, str]:
        """What the variables are, as they were sent."""
        return {name: found[index] for index, name in enumerate(self.names, 1)}


@lru_cache(maxsize=1024)
def shape_of(path: str) -> PathShape:
    """The shape of a path."""
    variables = [_VARIABLE.fullmatch(part) for part in path.split("/")]
    parts = [
        re.escape(part) if variable is None else "(.+)" if variable[2] else "([^/]+)"
        for part, variable in zip(path.split("/"), variables, strict=True)
    ]
    rank = [0 if variable is None else 2 if variable[2] else 1 for variable in variables]
    names = [variable[1] for variable in variables if variable is not None]
    return PathShape(re.compile("/".join(parts), re.DOTALL), tuple(names), tuple(rank))
