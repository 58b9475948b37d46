"""The control API of one cloud, as its owner calls it: timeline, clock, reset, test events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lambdalab.lab.errors import ArgumentError, CloudLostError

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.client import HTTPResponse

__all__ = ["Control"]

_TIMEOUT_SECONDS = 120.0
# Winding the clock runs all that falls due on the way before it answers, function after function.
_WINDING_SECONDS = 24 * 3600.0
# The longest that a function may run, and its cold start.
_INVOKING_SECONDS = 1020.0


class Control:
    """Calls to ``/_lambdalab/`` of the cloud at ``port`` on 127.0.0.1.

    ``token`` is what only the owner knows. ``check`` is called before each call and raises if the
    lab was stopped; ``last_words`` tells, when the cloud does not answer, what became of it.
    """

    def __init__(
        self, port: int, token: str, check: Callable[[], None], last_words: Callable[[], str]
    ) -> None:
        self._port = port
        self._token = token
        self._check = check
        self._last_words = last_words

    def timeline(self, since: int) -> tuple[list[list[Any]], int]:
        """Return the records from position ``since`` on, and the position after them."""
        answer = self._call("GET", f"timeline?since={since}")
        return answer["records"], answer["next"]

    def clock(self) -> dict[str, float]:
        """``now``, platform seconds since the epoch, and ``speed``."""
        return dict(self._call("GET", "clock"))

    def advance(self, seconds: float) -> dict[str, float]:
        """Wind the clock forward and answer as ``clock()``; ArgumentError if it cannot."""
        return dict(self._call("POST", "clock", {"advance": seconds}, _WINDING_SECONDS))

    def run_until_idle(self, limit: float) -> dict[str, float]:
        """Wind until nothing waits, by ``limit`` seconds at most; answers with ``idle`` too."""
        return dict(self._call("POST", "clock/idle", {"limit": limit}, _WINDING_SECONDS))

    def send_event(self, given: dict[str, Any]) -> dict[str, Any]:
        """Let a service call a function with a test event; answers as Invoke does."""
        return dict(self._call("POST", "event", given, _INVOKING_SECONDS))

    def reset(self) -> None:
        """Make the cloud empty again."""
        self._call("POST", "reset", {})

    def stop(self, timeout: float) -> None:
        """Ask the cloud to end, waiting for its answer for ``timeout`` seconds at most."""
        self._send("POST", "stop", {}, timeout)

    def _call(
        self, method: str, path: str, body: Any = None, timeout: float = _TIMEOUT_SECONDS
    ) -> Any:
        self._check()
        return self._send(method, path, body, timeout)

    def _send(self, method: str, path: str, body: Any, timeout: float) -> Any:
        # Imported here because start() needs no call: it takes a tenth of start()'s own time.
        from http.client import HTTPConnection, HTTPException

        connection = HTTPConnection("127.0.0.1", self._port, timeout=timeout)
        headers = {"X-Lambdalab-Token": self._token, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body)
        try:
            connection.request(method, f"/_lambdalab/{path}", data, headers)
            return _answer(connection.getresponse())
        except (OSError, HTTPException) as error:
            raise CloudLostError(
                f"the lab's cloud does not answer ({error}): {self._last_words()};"
                " start() makes a new one"
            ) from error
        finally:
            connection.close()


def _answer(response: HTTPResponse) -> Any:
    text = response.read()
    if response.status == 200:
        return json.loads(text)
    try:
        reason = json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        raise CloudLostError(
            f"the lab's cloud answered {response.status} to a call of its owner"
        ) from None
    raise ArgumentError(reason)
