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
    """Timeline, clock, reset and stop."""

    def __init__(
        self,
        token: str,
        *,
        clock: LabClock,
        timeline: Timeline,
        reset: Callable[[], Awaitable[None]],
        stop: Callable[[], None],
    ) -> None:
        self._token = token
        self._clock = clock
        self._timeline = timeline
        self._reset = reset
        self._stop = stop
        self._calls: dict[tuple[str, str], Callable[[Request], dict[str, Any]]] = {
            ("GET", "timeline"): self._read_timeline,
            ("GET", "clock"): self._read_clock,
            ("POST", "clock"): self._advance,
            ("POST", "stop"): self._end,
        }

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Answer one call."""
        given = request.headers.get("x-lambdalab-token", "")
        if not self._token or not hmac.compare_digest(given.encode(), self._token.encode()):
            return _answer(403, {"error": "this call needs the token of the lab"})
        if (request.method, request.path) == ("POST", f"{PREFIX}reset"):
            return self._empty()
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

    def _advance(self, request: Request) -> dict[str, Any]:
        self._clock.advance(float(json.loads(request.body)["advance"]))
        return self._read_clock(request)

    async def _empty(self) -> Response:
        await self._reset()
        return _answer(200, {})

    def _end(self, _: Request) -> dict[str, Any]:
        self._stop()
        return {}


def _answer(status: int, document: dict[str, Any]) -> Response:
    return Response(status, json.dumps(document).encode(), _JSON)
