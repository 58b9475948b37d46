"""Schedule rules: EventBridge rules that send an event of their own at a rate or at set times.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

from lambdalab.clock import LabClock, Scheduled
from lambdalab.draws import identifier
from lambdalab.neighbours.events.eventbridge_rules import Event, Rule, find
from lambdalab.sources.events.event_deliveries import Deliveries
from lambdalab.sources.events.schedule_expressions import Expression, parse

__all__ = ["ScheduleRules"]


class ScheduleRules:
    """The alarms of the rules of one cloud.

    ``send`` sends an event to the targets of a rule, in a thread.
    """

    def __init__(
        self,
        clock: LabClock,
        deliveries: Deliveries,
        random: Random,
        send: Callable[[Rule, Event], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._clock = clock
        self._deliveries = deliveries
        self._random = random
        self._send = send
        self._loop = loop
        self._alarms: dict[str, Scheduled] = {}

    def changed(self, rule_arn: str) -> None:
        """A rule was stored, enabled, disabled or deleted; may be called in any thread."""
        with contextlib.suppress(RuntimeError):  # the cloud has ended
            self._loop.call_soon_threadsafe(self._renew, rule_arn)

    def clear(self) -> None:
        """Forget all rules."""
        for alarm in self._alarms.values():
            alarm.cancel()
        self._alarms.clear()

    def _renew(self, rule_arn: str) -> None:
        """A rule's rate counts from when it was stored or enabled."""
        alarm = self._alarms.pop(rule_arn, None)
        if alarm is not None:
            alarm.cancel()
        rule = find(rule_arn)
        if rule is not None and rule.enabled and rule.schedule:
            now = self._clock.now()
            expression = parse(rule.schedule)
            self._set(rule_arn, expression, now, expression.after(now, now))

    def _set(self, arn: str, expression: Expression, anchor: float, due: float | None) -> None:
        if due is None:
            return

        def ring() -> None:
            self._set(arn, expression, anchor, expression.after(due, anchor))
            self._deliveries.later(lambda: self._fire(arn, due))

        delay = max(0.0, due - self._clock.now())
        # In the background: it goes on for ever.
        self._alarms[arn] = self._clock.call_later(delay, ring, background=True)

    def _fire(self, arn: str, due: float) -> None:
        rule = find(arn)
        if rule is not None and rule.enabled:
            time = f"{datetime.fromtimestamp(due, UTC):%Y-%m-%dT%H:%M:%SZ}"
            value = {
                "version": "0",
                "id": identifier(self._random),
                "detail-type": "Scheduled Event",
                "source": "aws.events",
                "account": rule.account,
                "time": time,
                "region": rule.region,
                "resources": [rule.arn],
                "detail": {},
            }
            self._send(rule, Event(value, time, None))
