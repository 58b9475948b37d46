"""The lab's own small API on the same port: what the ``Lab`` object asks of its cloud.

Every call carries the token that the lab gave its cloud at the start, so neither a function nor
another user of the machine can wind the clock or empty the cloud.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any

from lambdalab.clock import LabClock
from lambdalab.timeline import Timeline
from lambdalab.wire import Request, Response

__all__ = ["PREFIX", "ControlApi"]

PREFIX = "/_lambdalab/"
_JSON = (("Content-Type", "application/json"),)


class ControlApi:
    """Timeline, clock, reset, stop and test events."""

    def __init__(
        self,
        token: str,
        *,
        clock: LabClock,
        timeline: Timeline,
        reset: Callable[[], Awaitable[None]],
        stop: Callable[[], None],
        send: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]],
    ) -> None:
        self._token = token
        self._clock = clock
        self._timeline = timeline
        self._reset = reset
        self._stop = stop
        self._send = send
        self._calls: dict[tuple[str, str], Callable[[Request], dict[str, Any]]] = {
            ("GET", "timeline"): self._read_timeline,
            ("GET", "clock"): self._read_clock,
            ("POST", "stop"): self._end,
        }
        self._long: dict[tuple[str, str], Callable[[Request], Awaitable[dict[str, Any]]]] = {
            ("POST", "reset"): self._empty,
            ("POST", "clock"): self._advance,
            ("POST", "event"): self._send_event,
            ("POST", "clock/idle"): self._run_until_idle,
        }

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Answer one call."""
        given = request.headers.get("x-lambdalab-token", "")
        if not self._token or not hmac.compare_digest(given.encode(), self._token.encode()):
            return _answer(403, {"error": "this call needs the token of the lab"})
        long = self._long.get((request.method, request.path[len(PREFIX) :]))
        if long is not None:
            return _later(long(request))
        call = self._calls.get((request.method, request.path[len(PREFIX) :]))
        if call is None:
            return _answer(404, {"error": f"no such call: {request.method} {request.path}"})
        try:
            return _answer(200, call(request))
        except (ValueError, TypeError, KeyError) as error:
            return _answer(400, {"error": str(error)})

    def _read_timeline(self, request: Request) -> dict[str, Any]:
        records, position = self._timeline.since(int(request.query.get("since", "0")))
        return {"records": records, "next": position}

    def _read_clock(self, _: Request) -> dict[str, Any]:
        return {"now": self._clock.now(), "speed": self._clock.speed}

    async def _advance(self, request: Request) -> dict[str, Any]:
        await self._clock.advance(float(json.loads(request.body)["advance"]))
        return self._read_clock(request)

    async def _run_until_idle(self, request: Request) -> dict[str, Any]:
        limit = float(json.loads(request.body)["limit"])
        idle = await self._clock.run_until_idle(limit)
        return {**self._read_clock(request), "idle": idle}

    async def _send_event(self, request: Request) -> dict[str, Any]:
        return await self._send(json.loads(request.body))

    async def _empty(self, _: Request) -> dict[str, Any]:
        await self._reset()
        return {}

    def _end(self, _: Request) -> dict[str, Any]:
        self._stop()
        return {}


async def _later(result: Awaitable[dict[str, Any]]) -> Response:
    try:
        return _answer(200, await result)
    except (ValueError, TypeError, KeyError) as error:
        return _answer(400, {"error": str(error)})


def _answer(status: int, document: dict[str, Any]) -> Response:
    return Response(status, json.dumps(document).encode(), _JSON)
