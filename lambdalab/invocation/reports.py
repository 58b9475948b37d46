"""What is counted and written down of asynchronous invocations.

Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

from __future__ import annotations

from typing import Any

from lambdalab.clock import LabClock
from lambdalab.invocation.metrics import Metrics
from lambdalab.invocation.queued import QueuedEvent
from lambdalab.timeline import Record, Timeline

__all__ = ["QueueReports"]


class QueueReports:
    """Metrics and timeline of the queue."""

    def __init__(self, clock: LabClock, timeline: Timeline, metrics: Metrics) -> None:
        self._clock = clock
        self._timeline = timeline
        self._metrics = metrics

    def accepted(self, event: QueuedEvent) -> None:
        """An event was queued."""
        self._count(event, AsyncEventsReceived=1)
        self._write("accepted", event, {})

    def age(self, event: QueuedEvent, now: float) -> None:
        """An attempt begins: how long the event has been in the queue, in milliseconds."""
        self._count(event, AsyncEventAge=(now - event.accepted) * 1000)

    def retry(self, event: QueuedEvent, delay: float, reason: str) -> None:
        """An event went back into the queue for ``delay`` seconds."""
        detail = {"reason": reason, "attempts": event.attempts, "delay": round(delay, 3)}
        self._write("retry", event, detail)

    def dropped(self, event: QueuedEvent, condition: str) -> None:
        """An event was given up."""
        self._count(event, AsyncEventsDropped=1)
        self._write("dropped", event, {"condition": condition, "attempts": event.attempts})

    def delivered(self, event: QueuedEvent, what: str, to: str) -> None:
        """A dead-letter queue or a destination has taken an event, or its record."""
        self._write("delivered", event, {"what": what, "to": to})

    def undelivered(self, event: QueuedEvent, what: str, to: str, error: str) -> None:
        """A dead-letter queue or a destination has not taken it: it is lost there."""
        dead_letter = what == "dead letter"
        metric = "DeadLetterErrors" if dead_letter else "DestinationDeliveryFailures"
        self._count(event, **{metric: 1})
        self._write("undelivered", event, {"what": what, "to": to, "error": error})

    def _count(self, event: QueuedEvent, **values: float) -> None:
        identity = event.function.id._replace(qualifier=event.target.qualifier)
        self._metrics.add(identity, self._clock.now(), None, **values)

    def _write(self, kind: str, event: QueuedEvent, detail: dict[str, Any]) -> None:
        name, request_id = event.function.id.name, event.invocation.request_id
        self._timeline.add(Record(self._clock.now(), kind, name, None, request_id, None, detail))
