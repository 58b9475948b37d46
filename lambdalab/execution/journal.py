"""All that is written down of one environment: platform events, its function, its extensions.

Lines go to the log stream and to the tail of the invocation, in the function's format and from its
levels on; events go to those extensions that have subscribed to telemetry, whatever the levels.
The short way is that of text without subscribers: no event is made, only the line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from lambdalab.clock import LabClock
from lambdalab.execution import events, report
from lambdalab.execution.application_log import kept
from lambdalab.execution.events import Event
from lambdalab.execution.log_levels import at_least, level
from lambdalab.execution.log_tail import LogTail
from lambdalab.execution.logbook import LogBook, LogStream
from lambdalab.execution.spec import ON_DEMAND, Outcome, RuntimeSpec

__all__ = ["Journal", "Telemetry"]


class Telemetry(Protocol):
    """Who takes events beside the log."""

    @property
    def wanted(self) -> bool:
        """Whether anybody takes events."""

    def publish(self, event: Event) -> None:
        """Take an event."""


class Journal:
    """Writes down what happens in one environment.

    While it is ``muted`` nothing is written down: what happens then has happened on AWS before.
    """

    def __init__(
        self,
        spec: RuntimeSpec,
        stream: LogStream,
        *,
        clock: LabClock,
        logbook: LogBook,
        tail: LogTail,
    ) -> None:
        self._spec = spec
        self._stream = stream
        self._clock = clock
        self._logbook = logbook
        self._tail = tail
        self._kind = spec.initialization
        self.muted = False
        self._json = spec.log_level is not None
        self._telemetry: Telemetry | None = None
        self._begun: Event | None = None

    @property
    def telemetry(self) -> Telemetry | None:
        """Who takes events beside the log; from an INIT on that has begun it gets its begin too."""
        return self._telemetry

    @telemetry.setter
    def telemetry(self, telemetry: Telemetry | None) -> None:
        self._telemetry = telemetry
        if telemetry is not None and self._begun is not None:
            telemetry.publish(self._begun)
            self._begun = None

    # What the platform does.

    def init_start(self, phase: str = "init") -> None:
        """INIT begins; in the text of a log only the first one of an environment shows."""
        if self.muted:
            return
        line = (lambda: report.init_start(self._spec)) if phase == "init" else None
        event = events.init_start(
            self._clock.now(), self._spec, self._stream.stream, phase, self._kind
        )
        # Who takes events comes to be while INIT runs.
        self._begun = event if self._telemetry is None else None
        self._tell(line, lambda _: event)

    def init_runtime_done(self, failure: Outcome | None, phase: str = "init") -> None:
        """The runtime has initialized the function, or ``failure`` says why not."""
        self._tell(None, lambda now: events.init_runtime_done(now, failure, phase, self._kind))

    def init_report(self, duration: float, failure: Outcome | None, phase: str = "init") -> None:
        """INIT is over after ``duration`` seconds.

        In text only a failed one shows, and one that was made ahead.
        """
        shown = failure is not None or self._kind != ON_DEMAND
        line = (lambda: report.init_report(duration, phase, failure)) if shown else None
        self._tell(line, lambda now: events.init_report(now, duration, failure, phase, self._kind))

    def restore_start(self) -> None:
        """The environment comes back from its snapshot."""
        self._tell(
            lambda: report.restore_start(self._spec),
            lambda now: events.restore_start(now, self._spec, self._stream.stream),
        )

    def restore_report(self, duration: float, failure: Outcome | None) -> None:
        """RESTORE is over after ``duration`` seconds, its hooks have run."""
        self._tell(None, lambda now: events.restore_runtime_done(now, failure))
        self._tell(
            lambda: report.restore_report(duration, failure),
            lambda now: events.restore_report(now, duration, failure),
        )

    def start(self, request_id: str, trace: str = "") -> None:
        """An invocation begins; ``trace`` is its tracing header."""
        version = self._spec.version
        self._tell(
            lambda: report.start(request_id, version),
            lambda now: events.start(now, request_id, version, trace),
        )

    def runtime_done(
        self,
        request_id: str,
        outcome: Outcome,
        trace: str = "",
        *,
        responded: float | None = None,
        sending: float = 0.0,
    ) -> None:
        """The runtime has finished an invocation; seconds as of ``events.runtime_done``."""
        self._tell(
            None,
            lambda now: events.runtime_done(
                now, request_id, outcome, trace, responded=responded, sending=sending
            ),
        )

    def report(
        self, request_id: str, outcome: Outcome, trace: str = "", *, traced: bool = False
    ) -> None:
        """An invocation is over; its log goes with the outcome. ``traced``: X-Ray hears of it."""
        memory = self._spec.memory
        if not self._json:
            lines = report.report(request_id, outcome, memory, trace if traced else "")
            self._write([report.end(request_id), lines])
        self._tell(None, lambda now: events.report(now, request_id, outcome, memory, trace))
        outcome.log = self._tail.take()

    def forget_tail(self) -> None:
        """What was written until now belongs to no invocation."""
        self._tail.take()

    def extensions(self, records: Iterable[dict[str, Any]]) -> None:
        """What became of the extensions, as the record of platform.extension each."""
        for record in records:
            self._extension(record)

    def telemetry_subscribed(self, name: str, state: str, types: list[str]) -> None:
        """An extension has subscribed to telemetry."""
        self._tell(
            lambda: report.telemetry_subscription(name, state, types),
            lambda now: events.telemetry_subscription(now, name, state, types),
        )

    # What is written in the environment.

    def function(self, lines: list[str]) -> None:
        """Lines of the function, line breaks included."""
        if lines and not self.muted:
            wanted = self._spec.log_level
            self._write(lines if wanted is None else kept(lines, wanted))
            self._publish_lines("function", lines)

    def extension(self, lines: list[str]) -> None:
        """Lines of an extension: the function's levels are not theirs."""
        if lines and not self.muted:
            self._write(lines)
            self._publish_lines("extension", lines)

    # The steps.

    def _extension(self, record: dict[str, Any]) -> None:
        told = (record["name"], record["state"], record["events"], record.get("errorType"))
        self._tell(lambda: report.extension(*told), lambda now: events.extension(now, *told))

    def _tell(self, line: Callable[[], str] | None, make: Callable[[float], Event]) -> None:
        """Write a line of text, if there is one, or the event as JSON; publish the event."""
        if self.muted:
            return
        wanted = self.telemetry is not None and self.telemetry.wanted
        if line is not None and not self._json:
            self._write([line()])
        if not wanted and not self._json:
            return
        event = make(self._clock.now())
        if self._json and at_least(level(event), self._spec.system_log_level):
            self._write([events.as_json(event) + "\n"])
        if wanted and self.telemetry is not None:
            self.telemetry.publish(event)

    def _publish_lines(self, kind: str, lines: list[str]) -> None:
        if self.telemetry is not None and self.telemetry.wanted:
            now = self._clock.now()
            for line in lines:
                self.telemetry.publish(Event(now, kind, line))

    def _write(self, lines: list[str]) -> None:
        self._tail.add(lines)
        self._logbook.add(self._stream, self._clock.now(), lines)
