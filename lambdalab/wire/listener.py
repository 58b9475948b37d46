"""A server on one loopback port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lambdalab.wire.connection import Connection
from lambdalab.wire.messages import Admit, Handler, Streams
from lambdalab.wire.streaming_connection import StreamingConnection

__all__ = ["LOOPBACK", "Listener", "listen"]

LOOPBACK = "127.0.0.1"


class Listener:
    """A server on one loopback port."""

    def __init__(self, server: asyncio.Server, connections: set[Connection]) -> None:
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
    date: Callable[[], bytes] = bytes,
) -> Listener:
    """Serve ``handler`` on 127.0.0.1; port 0 takes a free one. Raises OSError when it is taken.

    With ``streams`` bodies may be read as they come, and ``admit`` is asked about each connection:
    one that it does not admit is dropped. ``date`` gives the line with which each answer tells its
    time, or nothing.
    """
    connections: set[Connection] = set()

    def connect() -> Connection:
        if streams is None:
            return Connection(handler, connections, date)
        return StreamingConnection(handler, connections, date, streams, admit)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(connect, LOOPBACK, port, backlog=1024)
    return Listener(server, connections)
