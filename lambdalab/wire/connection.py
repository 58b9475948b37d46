"""One client connection: from bytes to requests, and from responses to bytes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import httptools

from lambdalab.wire.messages import (
    Handler,
    Request,
    Response,
    StreamedResponse,
)
from lambdalab.wire.prompt import Prompt

__all__ = ["Connection"]

LARGEST_BODY = 1 << 30
FIRST_REFUSAL = 400


class Connection(asyncio.Protocol):
    """One client connection: requests are answered in the order in which they came.

    Answers to pipelined requests go out together: what is answered while a later request of the
    same turn still waits goes out with its answer, and the client is woken once, not twice.
    """

    def __init__(
        self, handler: Handler, connections: set[Connection], date: Callable[[], bytes]
    ) -> None:
        self._handler = handler
        self._date = date
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._answering: asyncio.Future[Any] | None = None
        self._transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] = []
        self._writable = asyncio.Event()
        self._writable.set()
        self._ended = False
        self._start()

    def _start(self) -> None:
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._size = 0

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a client."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The client is gone."""
        self._transport = None
        self._writable.set()
        self._connections.discard(self)
        self._waiting.clear()

    def eof_received(self) -> bool:
        """The client sends no more; what it has asked for it still gets."""
        self._ended = True
        return self._answering is not None

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
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
        """A part of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or behind a chunked body one trailer."""
        self._headers.append((name, value))
        if name.lower() == b"expect" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._size += len(body)
        if self._size > LARGEST_BODY:
            self._refuse(413)
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """A request is complete: it is answered when those before it are."""
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
        self._answering = answering = asyncio.ensure_future(outcome)
        if isinstance(answering, Prompt):
            answering.tell(lambda: self._answered_at_once(request, keep_alive, answering))
            return
        answering.add_done_callback(lambda done: self._answered(request, keep_alive, done))

    def _answered_at_once(
        self, request: Request, keep_alive: bool, done: asyncio.Future[Response]
    ) -> None:
        """Send an answer amid what has made it, unless that would begin something new."""
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._answered, request, keep_alive, done)
        else:
            self._answered(request, keep_alive, done)

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
            self._flush(close=self._ended)

    def _failed(self, request: Request, error: BaseException | None) -> None:
        """The handler broke: the client gets a 500, the log says why."""
        context = {"message": f"{request.method} {request.path} failed", "exception": error}
        asyncio.get_running_loop().call_exception_handler(context)
        self._refuse(500)

    def _queue(self, request: Request, keep_alive: bool, response: Response) -> None:
        head_only = request.method == "HEAD"
        self._outgoing.append(response.encode(head_only=head_only, date=self._date()))
        if isinstance(response, StreamedResponse):
            self._flush()
            sent = self._send(response.parts, head_only=head_only)
            self._answering = asyncio.ensure_future(sent)
            self._answering.add_done_callback(lambda done: self._sent(request, keep_alive, done))
        elif not keep_alive:
            self._flush(close=True)
        elif response.status >= FIRST_REFUSAL:
            # What follows in the same turn may not be meant any more.
            self._flush()

    async def _send(self, parts: AsyncIterator[bytes], *, head_only: bool) -> None:
        """Send the body of a streamed answer, no faster than the client reads it."""
        async for part in parts:
            if self._transport is None:
                return
            if part and not head_only:
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
        if request.method != "HEAD":
            self._outgoing.append(b"0\r\n\r\n")
        if not keep_alive:
            self._flush(close=True)
        self._answer_waiting()

    def _refuse(self, status: int) -> None:
        refusal = Response(status, headers=(("Connection", "close"),))
        self._outgoing.append(refusal.encode(head_only=False, date=self._date()))
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
