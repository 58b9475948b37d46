"""EventBridge Scheduler: invokes a target at a rate, at set times in a time zone, or once.

It calls with a role of the customer's, so the function needs no resource policy for it.
Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

from lambdalab.clock import LabClock, Scheduled
from lambdalab.draws import identifier
from lambdalab.errors import AwsError, aws_error
from lambdalab.neighbours.events import event_targets
from lambdalab.neighbours.events import scheduler as neighbour
from lambdalab.neighbours.events.scheduler import Schedule
from lambdalab.sources.events.event_deliveries import Deliveries, Delivery, RetryPolicy
from lambdalab.sources.events.event_inputs import text_of
from lambdalab.sources.events.schedule_expressions import Expression, parse, zone_of
from lambdalab.sources.events.universal_targets import Call, call_of, message_of, operation_of
from lambdalab.sources.pushed import Pushes, Sender

__all__ = ["Scheduler"]

PRINCIPAL = "scheduler.amazonaws.com"


@dataclass
class _Running:
    """A schedule with an alarm: when it is due next, and the alarm of that."""

    expression: Expression
    anchor: float
    alarm: Scheduled | None = None


class Scheduler:
    """The schedules of one cloud, whose event loop is ``loop``."""

    def __init__(
        self,
        pushes: Pushes,
        deliveries: Deliveries,
        clock: LabClock,
        random: Random,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._pushes = pushes
        self._deliveries = deliveries
        self._clock = clock
        self._random = random
        self._loop = loop
        self._running: dict[str, _Running] = {}
        self._known: set[str] = set()

    # What moto asks, in its threads.

    def check(self, wanted: Mapping[str, Any]) -> None:
        """Refuse what AWS does not store."""
        text = wanted["schedule_expression"]
        zone = wanted.get("schedule_expression_timezone") or "UTC"
        try:
            place = zone_of(zone)
        except ValueError:
            raise aws_error("scheduler.zone-invalid", zone=zone) from None
        try:
            parse(text, place)
        except ValueError:
            raise aws_error("scheduler.expression-invalid", expression=text) from None
        _check_window(wanted.get("flexible_time_window") or {})
        start, end = wanted.get("start_date"), wanted.get("end_date")
        if start is not None and end is not None and float(end) <= float(start):
            raise aws_error("scheduler.dates-invalid")
        try:
            self._pushes.check_role(wanted["target"]["RoleArn"], PRINCIPAL)
        except AwsError:
            raise aws_error("scheduler.role-not-assumable") from None

    def changed(self, arn: str) -> None:
        """A schedule was stored or deleted."""
        with contextlib.suppress(RuntimeError):  # the cloud has ended
            self._loop.call_soon_threadsafe(self._renew, arn)

    def clear(self) -> None:
        """Forget all schedules."""
        for running in self._running.values():
            if running.alarm is not None:
                running.alarm.cancel()
        self._running.clear()
        self._known.clear()

    # The alarms.

    def _renew(self, arn: str) -> None:
        running = self._running.pop(arn, None)
        if running is not None and running.alarm is not None:
            running.alarm.cancel()
        schedule = neighbour.find(arn)
        new = schedule is not None and arn not in self._known
        (self._known.discard if schedule is None else self._known.add)(arn)
        if schedule is None or not schedule.enabled:
            return
        expression = parse(schedule.expression, zone_of(schedule.zone))
        anchor = schedule.created if schedule.start is None else schedule.start
        running = self._running[arn] = _Running(expression, anchor)
        # A rate begins when it is made, or at its start; when it is changed it goes on.
        begins = new and schedule.start is None
        self._next(arn, schedule, running, anchor - 1 if begins else self._clock.now())

    def _next(self, arn: str, schedule: Schedule, running: _Running, after: float) -> None:
        """Wait for the next time; after the last one the schedule is over."""
        once = running.expression.once
        due = running.expression.after(after, -1.0 if once else running.anchor)
        if due is None or (not once and schedule.end is not None and due > schedule.end):
            if schedule.deleted_after:
                self._deliveries.later(lambda: neighbour.delete(arn))
            return
        late = self._random.random() * schedule.window * 60
        delay = max(0.0, due + late - self._clock.now())
        # A schedule without an end is in the background: it goes on for ever.
        running.alarm = self._clock.call_later(
            delay, lambda: self._ring(arn, running, due), background=not once
        )

    def _ring(self, arn: str, running: _Running, due: float) -> None:
        schedule = neighbour.find(arn)
        if schedule is None or self._running.get(arn) is not running:
            return
        self._deliveries.later(lambda: self._send(schedule, due))
        self._next(arn, schedule, running, due)

    # The calls, in threads.

    def _send(self, schedule: Schedule, due: float) -> None:
        """Call the target; what goes wrong is tried again, or buried."""
        target, moment = schedule.target, _stamp(due)
        execution = f"{self._random.getrandbits(64):016x}"
        given = str(target.get("Input") or text_of(self._event(schedule, moment)))
        known = {
            "<aws.scheduler.schedule-arn>": schedule.arn,
            "<aws.scheduler.scheduled-time>": moment,
            "<aws.scheduler.execution-id>": execution,
            "<aws.scheduler.attempt-number>": "1",
        }
        for name, value in known.items():
            given = given.replace(name, value)
        operation, request = operation_of(target["Arn"], given, schedule.account, schedule.region)
        delivery = Delivery(
            target["Arn"],
            self._act(schedule, given),
            RetryPolicy.of(target.get("RetryPolicy")),
            (target.get("DeadLetterConfig") or {}).get("Arn"),
            request,
            {
                "TARGET_ARN": operation,
                "SCHEDULE_ARN": schedule.arn,
                "SCHEDULED_TIME": moment,
                "EXECUTION_ID": execution,
                "IS_PAYLOAD_TRUNCATED": "false",
            },
            own_codes=True,
        )
        self._deliveries.start(delivery)

    def _act(self, schedule: Schedule, text: str) -> Callable[[], object]:
        target = schedule.target

        def act() -> None:
            self._pushes.check_role(target["RoleArn"], PRINCIPAL)
            call = call_of(target["Arn"], text, schedule.account, schedule.region)
            if call is not None:
                self._invoke(call, Sender(PRINCIPAL, schedule.arn, by_role=True))
            else:
                message = message_of(target, text, schedule.region)
                event_targets.deliver(message.target, message.text, message.settings, {})

        return act

    def _invoke(self, call: Call, sender: Sender) -> None:
        if call.waits:
            self._pushes.call_from_thread(call.function, call.payload, sender)
        else:
            self._pushes.send_from_thread(call.function, call.payload, sender)

    def _event(self, schedule: Schedule, moment: str) -> dict[str, Any]:
        """What a function gets where nothing else is asked for."""
        return {
            "version": "0",
            "id": identifier(self._random),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": schedule.account,
            "time": moment,
            "region": schedule.region,
            "resources": [schedule.arn],
            "detail": "{}",
        }


def _stamp(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _check_window(window: Mapping[str, Any]) -> None:
    """A flexible window has a length, and no other has one."""
    flexible, length = window.get("Mode") == "FLEXIBLE", window.get("MaximumWindowInMinutes")
    if flexible and length is None:
        raise aws_error("scheduler.window-missing")
    if not flexible and length is not None:
        raise aws_error("scheduler.window-unasked")
