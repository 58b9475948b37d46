"""What stands behind web addresses: a data plane answers the requests of one kind of them."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from lambdalab.wire import Request, Response

__all__ = ["DataPlane"]


class DataPlane(Protocol):
    """Answers the requests of one kind of web address."""

    def answer(self, request: Request, name: str, path: str) -> Response | Awaitable[Response]:
        """Answer one request; nothing has looked at its signature or its origin.

        ``name`` says which one is meant: the id of an API or of a function URL, a load balancer's
        DNS name, or by path its name; a port that is not the lab's own stands behind it (``:443``).
        ``path`` is the path as it is at AWS, percent-encoded as it was sent: of an API it begins
        with the stage.
        """
