"""The Telemetry API of one execution environment, version 2022-07-01.

Extensions subscribe while INIT runs; what happened in it before is kept for them. Later every
event goes to those who asked for its kind.
Source: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from lambdalab import facts
from lambdalab.clock import LabClock
from lambdalab.execution.application_log import parsed
from lambdalab.execution.events import Event, as_json, logs_dropped
from lambdalab.execution.extension_requests import JSON, Refused, identifier_of, refusal
from lambdalab.execution.telemetry_delivery import Subscriber
from lambdalab.execution.telemetry_request import RefusedError, Subscription, read
from lambdalab.wire import LOOPBACK, Request, Response

__all__ = ["LOGS_API", "TELEMETRY_API", "TelemetryApi", "TelemetryEvents"]

TELEMETRY_API = "/2022-07-01/telemetry"
LOGS_API = "/2020-08-15/logs"
# How much of INIT is kept for those who subscribe later, in bytes; the lab's own figure.
_MOST_HISTORY = facts.quota("telemetry.bytes-maximum").bytes


class TelemetryEvents(Protocol):
    """What an execution environment hears from its subscribers."""

    def telemetry_subscribed(self, name: str, state: str, types: list[str]) -> None:
        """An extension has subscribed."""


class TelemetryApi:
    """Answers extensions that subscribe, and sends them events.

    ``known`` gives the name of the extension that has an identifier, None if there is none.
    ``json_lines``: the function logs in JSON, so its lines may be objects. ``host`` is the address
    that stands for the sandbox.
    """

    def __init__(
        self,
        events: TelemetryEvents,
        known: Callable[[str], str | None],
        clock: LabClock,
        *,
        json_lines: bool = False,
        host: str = LOOPBACK,
    ) -> None:
        self._events = events
        self._known = known
        self._clock = clock
        self._json_lines = json_lines
        self._host = host
        self._subscribers: dict[str, Subscriber] = {}
        self._history: list[Event] = []
        self._history_size = 0
        self._open = True

    # Orders of the environment.

    @property
    def wanted(self) -> bool:
        """Whether anybody takes events, or still may come to."""
        return self._open or bool(self._subscribers)

    def publish(self, event: Event) -> None:
        """Send an event to those who asked for its kind.

        A finished invocation is told at once: extensions wait for it before they let it end.
        """
        if self._open:
            self._keep(event)
        for subscriber in self._subscribers.values():
            self._offer(subscriber, event)
            if event.type == "platform.runtimeDone":
                subscriber.flush()

    def close_subscriptions(self) -> None:
        """INIT is over: nobody can subscribe any more."""
        self._open = False
        self._history.clear()

    def freeze(self) -> None:
        """The environment is frozen: nothing is sent."""
        for subscriber in self._subscribers.values():
            subscriber.freeze()

    def thaw(self) -> None:
        """The environment runs again."""
        for subscriber in self._subscribers.values():
            subscriber.thaw()

    def flush(self) -> None:
        """Send what is buffered, whether or not its time has come."""
        for subscriber in self._subscribers.values():
            subscriber.flush()

    async def delivered(self, seconds: float) -> bool:
        """Wait until what was flushed has arrived; False where it has not, after real seconds."""
        waiting = [subscriber.delivered() for subscriber in self._subscribers.values()]
        try:
            await asyncio.wait_for(asyncio.gather(*waiting), seconds)
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """The environment has ended: what was not delivered is lost."""
        self._open = False
        self._history.clear()
        for subscriber in self._subscribers.values():
            subscriber.close()
        self._subscribers.clear()

    # Requests of the extensions.

    def handle(self, request: Request) -> Response:
        """Answer a request of an extension."""
        path = request.path.rstrip("/")
        if path == LOGS_API and request.method == "PUT":
            # As AWS's emulator answers, so that an extension which also asks here lives on.
            return _refusal(202, "Logs.NotSupported", "logs-api")
        if path != TELEMETRY_API:
            return refusal(404, "InvalidPath", "No such resource of the Telemetry API.")
        if request.method != "PUT":
            return Response(405, headers=(("Allow", "PUT"),))
        try:
            return self._subscribe(self._name(identifier_of(request)), request.body)
        except Refused as refused:
            return refused.response
        except RefusedError as wrong:
            return refusal(wrong.status, wrong.error_type, str(wrong))

    def _name(self, identifier: str) -> str:
        name = self._known(identifier)
        if name is None:
            raise Refused("unknown", identifier=identifier)
        return name

    def _subscribe(self, name: str, body: bytes) -> Response:
        if not self._open:
            return _refusal(403, "Telemetry.SubscriptionClosed", "closed")
        subscription = read(body)
        before = self._subscribers.get(name)
        if before is not None and before.subscription == subscription:
            self._events.telemetry_subscribed(name, "Already subscribed", list(subscription.types))
            return Response(200, b'"AlreadySubscribed"', (JSON,))
        if before is not None:
            before.close()
        self._add(name, subscription)
        self._events.telemetry_subscribed(name, "Subscribed", list(subscription.types))
        return Response(200, b'"OK"', (JSON,))

    def _add(self, name: str, subscription: Subscription) -> None:
        subscriber = Subscriber(subscription, self._host, lambda *lost: self._dropped(name, *lost))
        self._subscribers[name] = subscriber
        for event in self._history:
            self._offer(subscriber, event)

    # The steps.

    def _keep(self, event: Event) -> None:
        self._history_size += len(event.record) if isinstance(event.record, str) else 500
        if self._history_size <= _MOST_HISTORY:
            self._history.append(event)

    def _offer(self, subscriber: Subscriber, event: Event) -> None:
        if event.category not in subscriber.subscription.types:
            return
        if self._json_lines and isinstance(event.record, str):
            record = parsed(event.record) if subscriber.subscription.parses_lines else None
            event = event if record is None else event._replace(record=record)
        subscriber.add(as_json(event).encode("utf-8", "replace"))

    def _dropped(self, name: str, size: int, records: int) -> None:
        """Tell a subscriber what it has missed."""
        reason = facts.message("telemetry.behind").text
        subscriber = self._subscribers.get(name)
        if subscriber is not None:
            self._offer(subscriber, logs_dropped(self._clock.now(), size, records, reason))


def _refusal(status: int, kind: str, name: str) -> Response:
    return refusal(status, kind, facts.message(f"telemetry.{name}").text)
