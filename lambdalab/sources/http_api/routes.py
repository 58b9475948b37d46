"""Which route a request takes: the most specific that fits.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote

from lambdalab.neighbours.api_gateway.http_apis import Route
from lambdalab.sources.gateway.paths import shape_of

__all__ = ["DEFAULT", "Taken", "take"]

DEFAULT = "$default"
ANY = "ANY"


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
        verb, _, wanted = route.key.partition(" ")
        shape = shape_of(wanted)
        found = shape.pattern.fullmatch(path)
        if found and verb in (method, ANY):
            values = {name: unquote(value) for name, value in shape.values(found).items()}
            # The path decides first, then whether the method is named.
            fitting.append(((shape.rank, verb == ANY), Taken(route, values)))
    return min(fitting, key=lambda one: one[0])[1] if fitting else default
