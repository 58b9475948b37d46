"""Which resource and method a request is for.

A part of the path that is written out goes before a variable, and both before ``{proxy+}``; a
resource without the method leaves the request to one that has it.
Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lambdalab.neighbours.api_gateway.rest_apis import Method, Resource
from lambdalab.sources.gateway.paths import shape_of

__all__ = ["ANY", "Found", "find"]

ANY = "ANY"


class Found(NamedTuple):
    """The method for a request, and what its path's variables are, as they were sent."""

    resource: Resource
    method: Method
    parameters: dict[str, str]


def find(resources: Iterable[Resource], verb: str, path: str) -> Found | None:
    """The method for a request; None where there is none."""
    asked = path.rstrip("/") or "/"
    fitting: list[tuple[tuple[int, ...], Found]] = []
    for resource in resources:
        method = resource.methods.get(verb) or resource.methods.get(ANY)
        shape = shape_of(resource.path)
        found = shape.pattern.fullmatch(asked) if method else None
        if method and found:
            fitting.append((shape.rank, Found(resource, method, shape.values(found))))
    return min(fitting, key=lambda one: one[0])[1] if fitting else None
