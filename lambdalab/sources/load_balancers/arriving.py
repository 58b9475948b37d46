"""A request as a load balancer sees it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lambdalab.neighbours.load_balancers.elbv2 import Balancer, Listener
from lambdalab.sources.http_messages import fields_of
from lambdalab.wire import Request

__all__ = ["ASKED_HOST", "Arrival"]

# Which host a client asked a load balancer for, where its Host header only brings it here.
ASKED_HOST = "x-lambdalab-host"


@dataclass(frozen=True)
class Arrival:
    """A request, the balancer and the listener that it came to, and its path there."""

    request: Request
    balancer: Balancer
    listener: Listener
    path: str

    @cached_property
    def host(self) -> str:
        """The host that the client named, without a port; else the balancer's DNS name."""
        asked = self.request.headers.get(ASKED_HOST, "").partition(":")[0]
        return asked or self.balancer.dns_name

    @cached_property
    def fields(self) -> list[tuple[str, str]]:
        """The header fields, names in lower case."""
        return [field for field in fields_of(self.request.raw_headers) if field[0] != ASKED_HOST]

    @cached_property
    def parameters(self) -> list[tuple[str, str]]:
        """The query parameters as they were sent: a balancer does not decode them."""
        parts = [one for one in self.request.query_string.split("&") if one]
        return [(name, value) for name, _, value in (one.partition("=") for one in parts)]
