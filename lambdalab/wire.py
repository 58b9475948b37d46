"""HTTP/1.1 on loopback: requests in, responses out.

The endpoint that AWS clients talk to and the Runtime API of every execution environment stand on
this one server. Parsing is httptools'; a handler answers at once with a ``Response`` or later with
an awaitable of one, so the short way through costs no task.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qsl

import httptools

__all__ = [
    "LOOPBACK",
    "BodyReader",
    "Handler",
    "Request",
    "Response",
    "StreamedResponse",
    "Streams",
    "listen",
]

LOOPBACK = "127.0.0.1"
LARGEST_BODY = 1 << 30
_WITHOUT_BODY = {204, 304}
FIRST_REFUSAL = 400
_ENCODING = b"transfer-encoding"
_STATUS_LINES = {
    int(s): f"HTTP/1.1 {int(s)} {s.phrase}\r\n".encode() for s in HTTPStatus if int(s) >= 200
}


class Request:
    """One request. ``raw_headers`` keeps order and spelling, ``headers`` has lower-case names."""

    __slots__ = ("body", "headers", "method", "path", "query_string", "raw_headers")

    def __init__(
        self, method: str, target: bytes, raw_headers: list[tuple[bytes, bytes]], body: bytes
    ) -> None:
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
    """One answer; ``headers`` are (name, value) pairs, Content-Length is added where absent."""

    __slots__ = ("body", "headers", "status")

    def __init__(
        self, status: int, body: bytes = b"", headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.status = status
        self.body = body
        self.headers = headers

    def encode(self, *, head_only: bool) -> bytes:
        """The bytes on the wire."""
        parts = [_STATUS_LINES.get(self.status) or f"HTTP/1.1 {self.status} -\r\n".encode()]
        has_length = False
        for name, value in self.headers:
            parts.append(f"{name}: {value}\r\n".encode("latin-1", "replace"))
            has_length = has_length or name.lower() == "content-length"
        if not has_length and self.status not in _WITHOUT_BODY:
            parts.append(b"Content-Length: %d\r\n" % len(self.body))
        parts.append(b"\r\n")
        if not head_only and self.status not in _WITHOUT_BODY:
            parts.append(self.body)
        return b"".join(parts)


class StreamedResponse(Response):
    """An answer whose body is sent part by part, as it comes; empty parts are left out."""

    __slots__ = ("parts",)

    def __init__(
        self, status: int, parts: AsyncIterator[bytes], headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(status, b"", (*headers, ("Transfer-Encoding", "chunked")))
        self.parts = parts

    def encode(self, *, head_only: bool) -> bytes:  # noqa: ARG002 - the body comes later
        """The head; the parts follow."""
        head = _STATUS_LINES[self.status]
        lines = [
            f"{name}: {value}\r\n".encode("latin-1", "replace") for name, value in self.headers
        ]
        return b"".join([head, *lines, b"\r\n"])


class BodyReader(Protocol):
    """Takes the body of one request part by part, as it comes."""

    def data(self, part: bytes) -> None:
        """The next part."""

    def end(self, trailers: dict[str, str]) -> Response | Awaitable[Response]:
        """The body is complete; ``trailers`` are the headers behind it, in lower case."""

    def lost(self) -> None:
        """The connection ended before the body was complete."""


Handler = Callable[[Request], Response | Awaitable[Response]]
# Says for the head of a request who reads its body part by part; None: the handler gets it whole.
# Whether a connection, by the addresses of the client and of the server, is to be served.
Admit = Callable[[tuple[str, int], tuple[str, int]], bool]
Streams = Callable[[Request], BodyReader | None]


class _Connection(asyncio.Protocol):
    """One client connection: requests are answered in the order in which they came.

    Answers to pipelined requests go out together: what is answered while a later request of the
    same turn still waits goes out with its answer, and the client is woken once, not twice.
    """

    def __init__(self, handler: Handler, connections: set[_Connection]) -> None:
        self._handler = handler
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._answering: asyncio.Future[Any] | None = None
        self._transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] = []
        self._writable = asyncio.Event()
        self._writable.set()
        self._start()

    def _start(self) -> None:
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._size = 0

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._transport = None
        self._writable.set()
        self._connections.discard(self)
        self._waiting.clear()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
        except httptools.HttpParserError:
            self._refuse(400)
        if self._answering is None:
            self._flush()

    # What httptools tells.

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))
        if name.lower() == b"expect" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > LARGEST_BODY:
            self._refuse(413)
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if self._parser.should_upgrade():
            return  # it comes once more, without the offer
        method = self._parser.get_method().decode("latin-1")
        request = Request(method, self._target, self._headers, b"".join(self._body))
        keep_alive = self._parser.should_keep_alive()
        self._start()
        if self._answering is None:
            self._answer(request, keep_alive, self._handler)
        else:
            self._waiting.append((request, keep_alive))

    def _decline(self, rest: bytes) -> None:
        """Read a request, at which the parser stopped, without its offer of another protocol."""
        method, target = self._parser.get_method(), self._target
        headers = [header for header in self._headers if header[0].lower() != b"upgrade"]
        if method == b"CONNECT":
            self._refuse(400)
            return
        self._parser = httptools.HttpRequestParser(self)
        self._start()
        head = [b"%s %s HTTP/1.1" % (method, target), *(b"%s: %s" % header for header in headers)]
        self.data_received(b"\r\n".join([*head, b"", rest]))

    # Answering.

    def _answer(self, request: Request, keep_alive: bool, handler: Handler) -> None:
        try:
            outcome = handler(request)
        except Exception as error:
            self._failed(request, error)
            return
        if isinstance(outcome, Response):
            self._queue(request, keep_alive, outcome)
            return
        self._answering = asyncio.ensure_future(outcome)
        self._answering.add_done_callback(lambda done: self._answered(request, keep_alive, done))

    def _answered(self, request: Request, keep_alive: bool, done: asyncio.Future[Response]) -> None:
        self._answering = None
        if done.cancelled() or done.exception() is not None:
            self._failed(request, None if done.cancelled() else done.exception())
            return
        self._queue(request, keep_alive, done.result())
        self._answer_waiting()

    def _answer_waiting(self) -> None:
        while self._waiting and self._answering is None:
            self._answer(*self._waiting.popleft(), self._handler)
        if self._answering is None:
            self._flush()

    def _failed(self, request: Request, error: BaseException | None) -> None:
        """The handler broke: the client gets a 500, the log says why."""
        context = {"message": f"{request.method} {request.path} failed", "exception": error}
        asyncio.get_running_loop().call_exception_handler(context)
        self._refuse(500)

    def _queue(self, request: Request, keep_alive: bool, response: Response) -> None:
        self._outgoing.append(response.encode(head_only=request.method == "HEAD"))
        if isinstance(response, StreamedResponse):
            self._flush()
            self._answering = asyncio.ensure_future(self._send(response.parts))
            self._answering.add_done_callback(lambda done: self._sent(request, keep_alive, done))
        elif not keep_alive:
            self._flush(close=True)
        elif response.status >= FIRST_REFUSAL:
            # What follows in the same turn may not be meant any more.
            self._flush()

    async def _send(self, parts: AsyncIterator[bytes]) -> None:
        """Send the body of a streamed answer, no faster than the client reads it."""
        async for part in parts:
            if self._transport is None:
                return
            if part:
                self._transport.write(b"%x\r\n%b\r\n" % (len(part), part))
            await self._writable.wait()

    def _sent(self, request: Request, keep_alive: bool, done: asyncio.Future[None]) -> None:
        self._answering = None
        error = None if done.cancelled() else done.exception()
        if done.cancelled() or error is not None:
            # The head has gone: only a connection that breaks off tells the client.
            context = {"message": f"{request.method} {request.path} broke off", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
            self.drop()
            return
        self._outgoing.append(b"0\r\n\r\n")
        if not keep_alive:
            self._flush(close=True)
        self._answer_waiting()

    def _refuse(self, status: int) -> None:
        refusal = Response(status, headers=(("Connection", "close"),))
        self._outgoing.append(refusal.encode(head_only=False))
        self._flush(close=True)

    def _flush(self, *, close: bool = False) -> None:
        outgoing, self._outgoing = self._outgoing, []
        if self._transport is None or self._transport.is_closing():
            return
        if outgoing:
            self._transport.write(b"".join(outgoing))
        if close:
            self._transport.close()

    def drop(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()


class _StreamingConnection(_Connection):
    """One on which bodies may be read part by part, while nothing before them is unanswered."""

    def __init__(
        self,
        handler: Handler,
        connections: set[_Connection],
        streams: Streams,
        admit: Admit | None,
    ) -> None:
        super().__init__(handler, connections)
        self._streams = streams
        self._admit = admit
        self._reader: BodyReader | None = None
        self._read: Request | None = None
        self._head = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        ends = (transport.get_extra_info(name) for name in ("peername", "sockname"))
        if self._admit is not None and not self._admit(*ends):
            self.drop()

    def on_headers_complete(self) -> None:
        method = self._parser.get_method().decode("latin-1")
        # Of a body in one piece nothing can be had before its end.
        if method == "GET" or self._answering or not any(map(_is_chunked, self._headers)):
            return
        self._head = len(self._headers)
        self._read = Request(method, self._target, self._headers.copy(), b"")
        self._reader = self._streams(self._read)

    def on_body(self, body: bytes) -> None:
        if self._reader is None:
            super().on_body(body)
        else:
            self._reader.data(body)

    def on_message_complete(self) -> None:
        reader, request = self._reader, self._read
        if reader is None or request is None:
            super().on_message_complete()
            return
        self._reader = None
        behind = self._headers[self._head :]
        trailers = {n.decode("latin-1").lower(): v.decode("latin-1") for n, v in behind}
        keep_alive = self._parser.should_keep_alive()
        self._start()
        self._answer(request, keep_alive, lambda _: reader.end(trailers))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._reader is not None:
            self._reader.lost()
            self._reader = None


def _is_chunked(header: tuple[bytes, bytes]) -> bool:
    return len(header[0]) == len(_ENCODING) and header[0].lower() == _ENCODING


class Listener:
    """A server on one loopback port."""

    def __init__(self, server: asyncio.Server, connections: set[_Connection]) -> None:
        self._server = server
        self._connections = connections
        self.port: int = server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stop listening and drop every connection."""
        self._server.close()
        for connection in list(self._connections):
            connection.drop()


async def listen(
    handler: Handler,
    port: int = 0,
    streams: Streams | None = None,
    admit: Admit | None = None,
) -> Listener:
    """Serve ``handler`` on 127.0.0.1; port 0 takes a free one. Raises OSError when it is taken.

    With ``streams`` bodies may be read as they come, and ``admit`` is asked about each connection:
    one that it does not admit is dropped.
    """
    connections: set[_Connection] = set()

    def connect() -> _Connection:
        if streams is None:
            return _Connection(handler, connections)
        return _StreamingConnection(handler, connections, streams, admit)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(connect, LOOPBACK, port, backlog=1024)
    return Listener(server, connections)
