"""A connection on which the body of a request may be read as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lambdalab.wire.connection import Connection
from lambdalab.wire.messages import Admit, BodyReader, Handler, Request, Streams

__all__ = ["StreamingConnection"]

_ENCODING = b"transfer-encoding"


class StreamingConnection(Connection):
    """One on which bodies may be read part by part, while nothing before them is unanswered."""

    def __init__(
        self,
        handler: Handler,
        connections: set[Connection],
        date: Callable[[], bytes],
        streams: Streams,
        admit: Admit | None,
    ) -> None:
        super().__init__(handler, connections, date)
        self._streams = streams
        self._admit = admit
        self._reader: BodyReader | None = None
        self._read: Request | None = None
        self._head = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a client: one that is not admitted is dropped."""
        super().connection_made(transport)
        ends = (transport.get_extra_info(name) for name in ("peername", "sockname"))
        if self._admit is not None and not self._admit(*ends):
            self.drop()

    def eof_received(self) -> bool:
        """A process that sends no more is gone: nothing waits for it."""
        return False

    def on_headers_complete(self) -> None:
        """The head is complete: somebody may want the body as it comes."""
        method = self._parser.get_method().decode("latin-1")
        # Of a body in one piece nothing can be had before its end.
        if method == "GET" or self._answering or not any(map(_is_chunked, self._headers)):
            return
        self._head = len(self._headers)
        self._read = Request(method, self._target, self._headers.copy(), b"")
        self._reader = self._streams(self._read)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if self._reader is None:
            super().on_body(body)
        else:
            self._reader.data(body)

    def on_message_complete(self) -> None:
        """A request is complete; who has read its body answers it."""
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
        """The client is gone, perhaps in the middle of a body."""
        super().connection_lost(exc)
        if self._reader is not None:
            self._reader.lost()
            self._reader = None


def _is_chunked(header: tuple[bytes, bytes]) -> bool:
    return len(header[0]) == len(_ENCODING) and header[0].lower() == _ENCODING
