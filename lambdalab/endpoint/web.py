"""The way from web addresses to what functions stand behind: URLs, APIs and load balancers.

A request arrives by AWS's host name in its Host header, on the lab's own port, or by a path that
says the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import NamedTuple

from lambdalab.addresses import KINDS, PREFIX, named
from lambdalab.sources.data_plane import DataPlane
from lambdalab.wire import Request, Response

__all__ = ["DataPlane", "Web"]


class _Route(NamedTuple):
    kind: str
    name: str
    path: str


class Web:
    """Finds the data plane that a request is for.

    ``planes`` are the data planes by the kind of their addresses, ``port`` is the lab's own.
    """

    def __init__(self, planes: Mapping[str, DataPlane], port: int) -> None:
        self._planes = planes
        self._port = port

    def route(self, request: Request) -> _Route | None:
        """Where a request goes; None for one that is for no data plane."""
        address = named(request.headers.get("host", ""))
        if address is not None:
            own = address.port in (None, self._port)
            name = address.name if own else f"{address.name}:{address.port}"
            return _Route(address.kind, name, request.path)
        if request.path.startswith(PREFIX):
            kind, _, rest = request.path[len(PREFIX) :].partition("/")
            name, _, path = rest.partition("/")
            return _Route(kind, name.lower(), f"/{path}")
        return None

    def answer(self, request: Request, route: _Route) -> Response | Awaitable[Response]:
        """Answer a request that has a route."""
        plane = self._planes.get(route.kind)
        if plane is None:
            return _not_found(request.path)
        return plane.answer(request, route.name, route.path)


def _not_found(path: str) -> Response:
    known = ", ".join(f"{PREFIX}{kind}/" for kind in KINDS)
    text = f"Lambda Lab has nothing at {path[:100]}: web addresses begin with one of {known}\n"
    return Response(404, text.encode(), (("Content-Type", "text/plain; charset=utf-8"),))
