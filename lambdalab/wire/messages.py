"""Requests and responses, and who takes them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qsl

__all__ = [
    "Admit",
    "BodyReader",
    "Handler",
    "Request",
    "Response",
    "StreamedResponse",
    "Streams",
]

_WITHOUT_BODY = {204, 304}
_ORIGIN = re.compile(rb"https?://[^/?]*/?", re.IGNORECASE)
_STATUS_LINES = {
    int(s): f"HTTP/1.1 {int(s)} {s.phrase}\r\n".encode() for s in HTTPStatus if int(s) >= 200
}


class Request:
    """One request. ``raw_headers`` keeps order and spelling, ``headers`` has lower-case names.

    A target with a scheme and a host, as clients send it to proxies, stands for what follows them.
    """

    __slots__ = ("body", "headers", "method", "path", "query_string", "raw_headers")

    def __init__(
        self, method: str, target: bytes, raw_headers: list[tuple[bytes, bytes]], body: bytes
    ) -> None:
        if not target.startswith(b"/"):
            target = _ORIGIN.sub(b"/", target, count=1)
        path, _, query = target.partition(b"?")
        self.method = method
        self.path = path.decode("latin-1")
        self.query_string = query.decode("latin-1")
        self.raw_headers = raw_headers
        self.headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw_headers
        }
        self.body = body

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the query string; of a repeated one the last."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))


class Response:
    """One answer; ``headers`` are (name, value) pairs, Content-Length is added where absent.

    So is the ``date`` that ``encode`` is given, a line with its end.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(
        self, status: int, body: bytes = b"", headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.status = status
        self.body = body
        self.headers = headers

    def encode(self, *, head_only: bool, date: bytes = b"") -> bytes:
        """The bytes on the wire."""
        parts = self._head(date)
        has_length = any(name.lower() == "content-length" for name, _ in self.headers)
        if not has_length and self.status not in _WITHOUT_BODY:
            parts.append(b"Content-Length: %d\r\n" % len(self.body))
        parts.append(b"\r\n")
        if not head_only and self.status not in _WITHOUT_BODY:
            parts.append(self.body)
        return b"".join(parts)

    def _head(self, date: bytes) -> list[bytes]:
        """The status line and the header's lines, without the empty one behind them."""
        has_date = not date or any(name.lower() == "date" for name, _ in self.headers)
        parts = [_status_line(self.status)] if has_date else [_status_line(self.status), date]
        for name, value in self.headers:
            parts.append(f"{name}: {value}\r\n".encode("latin-1", "replace"))
        return parts


class StreamedResponse(Response):
    """An answer whose body is sent part by part, as it comes; empty parts are left out."""

    __slots__ = ("parts",)

    def __init__(
        self, status: int, parts: AsyncIterator[bytes], headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(status, b"", (*headers, ("Transfer-Encoding", "chunked")))
        self.parts = parts

    def encode(self, *, head_only: bool, date: bytes = b"") -> bytes:  # noqa: ARG002 - as above
        """The head; the parts follow."""
        return b"".join([*self._head(date), b"\r\n"])


def _status_line(status: int) -> bytes:
    return _STATUS_LINES.get(status) or f"HTTP/1.1 {status} -\r\n".encode()


class BodyReader(Protocol):
    """Takes the body of one request part by part, as it comes."""

    def data(self, part: bytes) -> None:
        """The next part."""

    def end(self, trailers: dict[str, str]) -> Response | Awaitable[Response]:
        """The body is complete; ``trailers`` are the headers behind it, in lower case."""

    def lost(self) -> None:
        """The connection ended before the body was complete."""


Handler = Callable[[Request], Response | Awaitable[Response]]
# Whether a connection, by the addresses of the client and of the server, is to be served.
Admit = Callable[[tuple[str, int], tuple[str, int]], bool]
# Says for the head of a request who reads its body part by part; None: the handler gets it whole.
Streams = Callable[[Request], BodyReader | None]
