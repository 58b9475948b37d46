"""The answer of a function URL that streams: it begins when the function begins to answer.

Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from lambdalab.execution.spec import Outcome
from lambdalab.execution.streaming import ResponseSink
from lambdalab.sources.function_urls.answers import (
    FAILED,
    INTEGRATION,
    OCTETS,
    PRELUDE_END,
    Answer,
    from_prelude,
    unstreamed,
)

__all__ = ["Streams"]

# Status and headers that are longer than this are none.
_LONGEST_PRELUDE = 1 << 20
# The loop itself would forget a call whose client has gone.
_Running = set[asyncio.Task[Outcome]]


class Streams:
    """Calls whose answers are sent as they come."""

    def __init__(self) -> None:
        self._running: _Running = set()

    async def begun(
        self, call: Coroutine[Any, Any, Outcome], sink: ResponseSink
    ) -> tuple[Answer, AsyncIterator[bytes] | None]:
        """Start a call; gives its answer, and the parts of the body where it is streamed.

        A client that leaves does not stop the function.
        """
        running = asyncio.ensure_future(call)
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        running.add_done_callback(lambda done: done.cancelled() or done.exception())
        running.add_done_callback(lambda _: sink.close())
        await sink.wait()
        if not sink.begun:
            return unstreamed(await running), None
        parts = sink.parts()
        if sink.content_type != INTEGRATION:
            first = await anext(parts, b"")
            answer = Answer().typed(sink.content_type if first and sink.content_type else OCTETS)
            return answer, _with(first, parts)
        prelude, rest = await _split(parts)
        if not prelude:
            return Answer().typed(OCTETS), _with(b"", parts)
        begun = from_prelude(prelude)
        return (FAILED, None) if begun is None else (begun.typed(OCTETS), _with(rest, parts))


async def _split(parts: AsyncIterator[bytes]) -> tuple[bytes, bytes]:
    """What comes before the end of the prelude, and what has come behind it."""
    gathered = b""
    async for part in parts:
        gathered += part
        if PRELUDE_END in gathered or len(gathered) > _LONGEST_PRELUDE:
            break
    prelude, _, rest = gathered.partition(PRELUDE_END)
    return prelude, rest


async def _with(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in rest:
        yield part
