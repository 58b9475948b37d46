"""A request on its way through an API."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from random import Random
from typing import Self
from urllib.parse import parse_qsl

from lambdalab.draws import identifier
from lambdalab.invocation.tracing import trace_header
from lambdalab.wire import Request

__all__ = ["SOURCE_IP", "Call", "Place", "arrived"]

# All clients of the lab are on this machine.
SOURCE_IP = "127.0.0.1"
_TRACE = "x-amzn-trace-id"
# What a proxy on the way keeps for itself.
_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", _TRACE}


@dataclass(frozen=True)
class Place:
    """Which stage of which API, and whose.

    ``flushes`` counts how often the stage was told to forget what authorizers have said.
    """

    api: str
    account: str
    region: str
    stage: str
    variables: Mapping[str, str]
    deployment: str | None = None
    flushes: int = 0

    @property
    def domain(self) -> str:
        """The host name of the API at AWS."""
        return f"{self.api}.execute-api.{self.region}.amazonaws.com"

    @property
    def arn(self) -> str:
        """The stage as policies name it."""
        return f"arn:aws:execute-api:{self.region}:{self.account}:{self.api}/{self.stage}"


@dataclass(frozen=True)
class Call:
    """One request.

    ``path`` is what follows the stage, as it was sent; ``sent_path`` has what the client sent;
    ``headers`` are those of the client and those that the API adds, in their order and spelling;
    ``time`` is platform time in seconds; ``request`` is what arrived.
    """

    method: str
    path: str
    sent_path: str
    raw_query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    time: float
    request_id: str
    extended_id: str
    trace: str
    request: Request

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """The values of each parameter of the query string, decoded."""
        return gathered(parse_qsl(self.raw_query, keep_blank_values=True))

    def header(self, name: str) -> str | None:
        """The value of a header, of a repeated one the last; names have no case."""
        found = [value for one, value in self.headers if one.lower() == name.lower()]
        return found[-1] if found else None

    @property
    def when(self) -> str:
        """The time as access logs write it."""
        return f"{datetime.fromtimestamp(self.time, UTC):%d/%b/%Y:%H:%M:%S} +0000"

    @property
    def milliseconds(self) -> int:
        """The time in milliseconds since the epoch."""
        return int(self.time * 1000)

    def below(self, path: str) -> Self:
        """The same request, with another path behind the stage."""
        return replace(self, path=path)


def gathered(pairs: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
    """The values of each name, in their order."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def arrived(request: Request, path: str, domain: str, now: float, random: Random) -> Call:
    """A request as an API takes it: with what AWS's front adds to its headers."""
    trace = trace_header(request.headers.get(_TRACE), now, random)
    given = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers
    ]
    return Call(
        method=request.method,
        path=path,
        sent_path=path,
        raw_query=request.query_string,
        headers=_with_forwarding(
            given, domain, request.headers.get(_TRACE) or trace.partition(";")[0]
        ),
        body=request.body,
        time=now,
        request_id=identifier(random),
        extended_id=urlsafe_b64encode(random.randbytes(11)).decode(),
        trace=trace,
        request=request,
    )


def _with_forwarding(
    given: list[tuple[str, str]], domain: str, trace: str
) -> tuple[tuple[str, str], ...]:
    named = {name.lower(): value for name, value in given}
    before = named.get("x-forwarded-for")
    added = [
        ("X-Amzn-Trace-Id", trace),
        ("X-Forwarded-For", f"{before}, {SOURCE_IP}" if before else SOURCE_IP),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"),
    ]
    ours = {name.lower() for name, _ in added} | _HOP | {"host"}
    kept = [(name, value) for name, value in given if name.lower() not in ours]
    return (*kept, ("Host", domain), *added)
