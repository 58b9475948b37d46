"""The answer of InvokeWithResponseStream: messages in the binary form of AWS event streams.

A message is its length, the length of its headers and a checksum of both, then headers, body and a
checksum of all. Source: https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from zlib import crc32

from lambdalab.execution.spec import Outcome
from lambdalab.execution.streaming import ResponseSink

__all__ = ["CONTENT_TYPE", "messages"]

CONTENT_TYPE = "application/vnd.amazon.eventstream"
# A message carries at most this much; longer parts are cut.
LARGEST_PART = 1 << 17
_STRING = 7


async def messages(
    sink: ResponseSink, running: asyncio.Future[Outcome], tail: Callable[[Outcome], str] | None
) -> AsyncIterator[bytes]:
    """What the function sends, as it comes, and how it ended.

    ``tail`` gives the end of the log where the caller wants it.
    """
    async for part in sink.parts():
        for message in _chunks(part):
            yield message
    outcome = await running
    if not outcome.failed:
        # Of a handler that does not stream, the whole result; of one that does, nothing more.
        for message in _chunks(outcome.payload):
            yield message
    complete: dict[str, Any] = {}
    if outcome.failed:
        details = outcome.payload.decode("utf-8", "replace")
        complete = {"ErrorCode": "Unhandled", "ErrorDetails": details}
    if tail is not None:
        complete["LogResult"] = tail(outcome)
    yield _message("InvokeComplete", "application/json", json.dumps(complete).encode())


def _chunks(part: bytes) -> Iterator[bytes]:
    for start in range(0, len(part), LARGEST_PART):
        piece = part[start : start + LARGEST_PART]
        yield _message("PayloadChunk", "application/octet-stream", piece)


def _message(event: str, content_type: str, body: bytes) -> bytes:
    headers = b"".join(
        _header(name, value)
        for name, value in (
            (":event-type", event),
            (":content-type", content_type),
            (":message-type", "event"),
        )
    )
    head = struct.pack(">II", 16 + len(headers) + len(body), len(headers))
    message = head + struct.pack(">I", crc32(head)) + headers + body
    return message + struct.pack(">I", crc32(message))


def _header(name: str, value: str) -> bytes:
    encoded = value.encode()
    return b"%c%b%c%b%b" % (
        len(name), name.encode(), _STRING, struct.pack(">H", len(encoded)), encoded,
    )  # fmt: skip
