"""Telemetry on its way to one subscriber: gathered in batches, sent one after another.

Delivery is at least once. While the environment is frozen nothing is sent; a subscriber that does
not listen yet, or answers with an error, gets its batch again. What is too much to keep is dropped,
and the subscriber is told how much.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from lambdalab.execution.telemetry_request import Destination, Subscription

__all__ = ["Subscriber"]

# The lab's own figures: AWS publishes none of them.
FIRST_PAUSE = 0.02
LONGEST_PAUSE = 1.0
MOST_ANSWERED = 5
MOST_BATCHES = 8


class Batch(NamedTuple):
    """Events in JSON, and their size in bytes."""

    events: list[bytes]
    size: int


class Sender(Protocol):
    """A way to a destination."""

    async def send(self, batch: Batch) -> bool:
        """Deliver; False where the other side answers with an error, OSError where none is."""

    def close(self) -> None:
        """End the connection, if there is one."""


class Subscriber:
    """Buffers and sends events; ``dropped(bytes, records)`` is told once there is room again."""

    def __init__(
        self, subscription: Subscription, host: str, dropped: Callable[[int, int], None]
    ) -> None:
        self.subscription = subscription
        self._dropped = dropped
        self._events: list[bytes] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._batches: deque[Batch] = deque()
        self._lost = [0, 0]
        self._sender = _sender(subscription.destination, host)
        self._awake = asyncio.Event()
        self._awake.set()
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def add(self, event: bytes) -> None:
        """Take an event."""
        if self._events and self._size + len(event) > self.subscription.bytes:
            self.flush()
        self._events.append(event)
        self._size += len(event)
        if len(self._events) >= self.subscription.items or self._size >= self.subscription.bytes:
            self.flush()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self.subscription.timeout, self.flush)

    def flush(self) -> None:
        """Send what is there, full or not."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._events:
            return
        batch = Batch(self._events, self._size)
        self._events, self._size = [], 0
        if len(self._batches) >= MOST_BATCHES:
            self._lose(batch)
            return
        self._batches.append(batch)
        self._idle.clear()
        self._work.set()

    def freeze(self) -> None:
        """Begin no delivery from now on."""
        self._awake.clear()

    def thaw(self) -> None:
        """Deliver again."""
        self._awake.set()

    async def delivered(self) -> None:
        """Wait until everything that was flushed has been delivered, or dropped."""
        await self._idle.wait()

    def close(self) -> None:
        """Forget what is there, and end the connection."""
        self._task.cancel()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._events.clear()
        self._batches.clear()
        self._sender.close()

    async def _run(self) -> None:
        while True:
            await self._work.wait()
            while self._batches:
                arrived = await self._deliver(self._batches[0])
                self._batches.popleft()
                if arrived:
                    self._tell_losses()
            self._work.clear()
            self._idle.set()

    async def _deliver(self, batch: Batch) -> bool:
        """Send until it is taken, or refused too often."""
        pause, refused = FIRST_PAUSE, 0
        while True:
            await self._awake.wait()
            try:
                if await self._sender.send(batch):
                    return True
                refused += 1
            except (OSError, EOFError, ValueError):
                self._sender.close()
            if refused >= MOST_ANSWERED:
                self._lose(batch)
                return False
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _lose(self, batch: Batch) -> None:
        self._lost[0] += batch.size
        self._lost[1] += len(batch.events)

    def _tell_losses(self) -> None:
        size, records = self._lost
        if records:
            self._lost = [0, 0]
            self._dropped(size, records)


def _sender(destination: Destination, host: str) -> Sender:
    kinds: dict[str, Callable[[Destination, str], Sender]] = {"HTTP": _Http, "TCP": _Tcp}
    return kinds[destination.protocol](destination, host)


class _Http:
    """A request for each batch, an array of events in JSON; the connection is kept."""

    def __init__(self, destination: Destination, host: str) -> None:
        self._destination = destination
        self._host = host
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, batch: Batch) -> bool:
        kept = self._streams is not None
        try:
            return await self._post(batch)
        except (OSError, EOFError):
            self.close()
            if not kept:
                raise
            return await self._post(batch)  # the listener closed the kept connection meanwhile

    async def _post(self, batch: Batch) -> bool:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._destination.port)
        reader, writer = self._streams
        body = b"[" + b",".join(batch.events) + b"]"
        head = (
            f"POST {self._destination.path} HTTP/1.1\r\n"
            f"Host: sandbox.localdomain:{self._destination.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode("ascii") + body)
        await writer.drain()
        return await self._answered(reader)

    async def _answered(self, reader: asyncio.StreamReader) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.strip().lower(): value.strip().lower()
            for name, _, value in (line.partition(":") for line in lines[1:] if line)
        }
        length = headers.get("content-length", "")
        if length.isdigit():
            await reader.readexactly(int(length))
        kept = headers.get("connection") != "close" and lines[0].startswith("HTTP/1.1")
        if not length.isdigit() or not kept:
            self.close()
        return int(lines[0].split(" ", 2)[1]) < 400

    def close(self) -> None:
        if self._streams is not None:
            with contextlib.suppress(RuntimeError):  # its loop may be closed by now
                self._streams[1].close()
            self._streams = None


class _Tcp:
    """One connection, a line of JSON for each event."""

    def __init__(self, destination: Destination, host: str) -> None:
        self._port = destination.port
        self._host = host
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, batch: Batch) -> bool:
        if self._writer is None:
            _, self._writer = await asyncio.open_connection(self._host, self._port)
        self._writer.write(b"\n".join(batch.events) + b"\n")
        await self._writer.drain()
        return True

    def close(self) -> None:
        if self._writer is not None:
            with contextlib.suppress(RuntimeError):
                self._writer.close()
            self._writer = None
