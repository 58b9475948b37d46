"""A response on its way from a runtime to a caller, part by part.

The runtime sends its body in chunks; a caller of InvokeWithResponseStream gets them as they come, a
caller of Invoke the whole. Source:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections import deque
from collections.abc import AsyncIterator

from lambdalab import facts

__all__ = [
    "LARGEST_RESPONSE",
    "LARGEST_STREAM",
    "ResponseSink",
    "StreamedAnswer",
    "broken",
    "error_of",
    "too_large",
]

LARGEST_RESPONSE = facts.quota("payload.synchronous-response-accepted").bytes
LARGEST_STREAM = facts.quota("payload.streamed-response").bytes
ERROR_TYPE = "lambda-runtime-function-error-type"
ERROR_BODY = "lambda-runtime-function-error-body"


class ResponseSink:
    """Where the parts of a streamed response wait for the caller, who may be slower.

    ``begun`` says whether the runtime streams at all, ``content_type`` what it says it sends.
    """

    def __init__(self) -> None:
        self.begun = False
        self.content_type = ""
        self._parts: deque[bytes] = deque()
        self._closed = False
        self._changed = asyncio.Event()

    def begin(self, content_type: str = "") -> None:
        """The runtime has begun to answer."""
        self.begun = True
        self.content_type = content_type
        self._changed.set()

    def put(self, part: bytes) -> None:
        """The next part."""
        self._parts.append(part)
        self._changed.set()

    def close(self) -> None:
        """Nothing more comes."""
        self._closed = True
        self._changed.set()

    async def wait(self) -> None:
        """Wait until the runtime begins to stream, or nothing comes any more."""
        while not (self.begun or self._closed):
            self._changed.clear()
            await self._changed.wait()

    def taken(self) -> bytes:
        """All that has come and nobody has taken yet."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken

    async def parts(self) -> AsyncIterator[bytes]:
        """The parts as they come, until there are no more."""
        while True:
            while self._parts:
                yield self._parts.popleft()
            if self._closed:
                return
            self._changed.clear()
            await self._changed.wait()


class StreamedAnswer:
    """The body of one streamed response: kept, or handed on to the caller's sink.

    What goes beyond the limit is read and dropped.
    """

    def __init__(self, sink: ResponseSink | None, content_type: str = "") -> None:
        self._sink = sink
        self._size = 0
        self._kept: list[bytes] = []
        self.limit = LARGEST_RESPONSE if sink is None else LARGEST_STREAM
        if sink is not None:
            sink.begin(content_type)

    @property
    def too_large(self) -> bool:
        """Whether more has come than a response may have."""
        return self._size > self.limit

    @property
    def body(self) -> bytes:
        """What was kept; nothing where the caller has it already."""
        return b"".join(self._kept)

    def add(self, part: bytes) -> None:
        """Take the next part."""
        room = self.limit - self._size
        self._size += len(part)
        part = part[: max(room, 0)]
        if self._sink is None:
            self._kept.append(part)
        elif part:
            self._sink.put(part)


def error_of(trailers: dict[str, str]) -> tuple[bytes, str] | None:
    """The error that ends a streamed response: its body and its type; None without one."""
    if ERROR_TYPE not in trailers and ERROR_BODY not in trailers:
        return None
    error_type = trailers.get(ERROR_TYPE, "")
    try:
        body = base64.b64decode(trailers.get(ERROR_BODY, ""), validate=True)
    except ValueError:
        body = b""
    return body or _shape("", error_type), error_type


def too_large(limit: int) -> tuple[bytes, str]:
    """The error of a response that is longer than it may be."""
    message = facts.message("stream.too-large")
    return _shape(message.format(limit=limit), message.code or ""), message.code or ""


def broken(name: str) -> tuple[bytes, str]:
    """The error of a response that the runtime sent wrongly, by the name of its message."""
    message = facts.message(f"stream.{name}")
    return _shape(message.text, message.code or ""), message.code or ""


def _shape(message: str, error_type: str) -> bytes:
    error = {"errorMessage": message, "errorType": error_type}
    return json.dumps(error, separators=(",", ":")).encode()
