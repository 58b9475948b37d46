"""EventBridge rules: events that match a rule go to its targets, asynchronously to functions.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-cloudwatchevents.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from lambdalab import facts
from lambdalab.errors import aws_error, validation_error
from lambdalab.neighbours.events import event_targets
from lambdalab.neighbours.events.eventbridge_rules import Event, Rule
from lambdalab.sources.events import event_patterns
from lambdalab.sources.events.event_deliveries import Deliveries, Delivery, RetryPolicy
from lambdalab.sources.events.event_inputs import check_target, input_of, text_of
from lambdalab.sources.events.schedule_expressions import is_rule_schedule
from lambdalab.sources.pushed import Pushes, Sender

__all__ = ["EventBridge"]

PRINCIPAL = "events.amazonaws.com"
_MOST_TARGETS = facts.quota("events.targets-per-rule").value
# Lambda stops loops through queues, topics and buckets; it does not see those through EventBridge.
_LINEAGE = re.compile(r";?\s*Lineage=[^;]*")
# The bounds of a target's retry policy.
_BOUNDS = {
    "MaximumRetryAttempts": (0, facts.quota("events.retries-default").value),
    "MaximumEventAgeInSeconds": (
        int(facts.quota("events.age-minimum").seconds),
        int(facts.quota("events.age-default").seconds),
    ),
}


class EventBridge:
    """The bridge of one cloud (``neighbours.eventbridge_rules``).

    ``schedule_changed`` hears the ARN of each rule that was changed.
    """

    def __init__(
        self, pushes: Pushes, deliveries: Deliveries, schedule_changed: Callable[[str], None]
    ) -> None:
        self._pushes = pushes
        self._deliveries = deliveries
        self._schedule_changed = schedule_changed

    # What moto asks.

    def check_rule(self, pattern: str | None, schedule: str | None) -> None:
        """Refuse a pattern or a schedule that AWS does not take."""
        if pattern:
            event_patterns.check(pattern)
        if schedule and not is_rule_schedule(schedule):
            raise aws_error("events.schedule-invalid")

    def check_targets(self, targets: list[dict[str, Any]], already: list[dict[str, Any]]) -> None:
        """Refuse targets that cannot get their input, and more than a rule may have."""
        violations = []
        for number, target in enumerate(targets, 1):
            check_target(target)
            violations += _policy_violations(number, target.get("RetryPolicy") or {})
        if violations:
            raise validation_error(violations)
        if len({one["Id"] for one in [*targets, *already]}) > _MOST_TARGETS:
            raise aws_error("events.too-many-targets")

    def test(self, pattern: str, event: str) -> bool:
        """Whether a pattern matches an event, both given as JSON text."""
        given = event_patterns.read_event(event)
        return event_patterns.matches(pattern, given)

    def arrived(self, rule: Rule, event: Event) -> None:
        """Send an event to the targets of a rule, if the rule is for it."""
        if rule.enabled and rule.pattern and event_patterns.matches(rule.pattern, event.value):
            self.send(rule, event)

    def changed(self, rule_arn: str) -> None:
        """A rule may have another schedule, or none."""
        self._schedule_changed(rule_arn)

    # What is done.

    def send(self, rule: Rule, event: Event) -> None:
        """Send an event to all targets of a rule; blocks until each was tried once."""
        for target in rule.targets:
            arn: str = target["Arn"]
            text = input_of(target, event.value, rule, event.ingested)
            delivery = Delivery(
                arn,
                self._act(rule, target, text, event),
                RetryPolicy.of(target.get("RetryPolicy")),
                (target.get("DeadLetterConfig") or {}).get("Arn"),
                text_of(event.value),
                {"RULE_ARN": rule.arn},
            )
            self._deliveries.start(delivery)

    def _act(
        self, rule: Rule, target: Mapping[str, Any], text: str, event: Event
    ) -> Callable[[], object]:
        arn: str = target["Arn"]
        if ":lambda:" in arn:
            sender = Sender(PRINCIPAL, rule.arn, rule.account)
            trace = None if event.trace is None else _LINEAGE.sub("", event.trace)
            return lambda: self._pushes.send_from_thread(arn, text.encode(), sender, trace=trace)
        return lambda: event_targets.deliver(arn, text, target, event.value)


def _policy_violations(number: int, policy: Mapping[str, Any]) -> list[str]:
    """What is out of bounds in the retry policy of the target of that number."""
    found = []
    for name, (least, most) in _BOUNDS.items():
        value = policy.get(name)
        if value is None or least <= value <= most:
            continue
        member = f"targets.{number}.member.retryPolicy.{name[0].lower()}{name[1:]}"
        bound = (
            facts.message("validation.at-least").format(bound=least)
            if value < least
            else facts.message("validation.at-most").format(bound=most)
        )
        found.append(
            facts.message("validation.value").format(value=value, path=member, constraint=bound)
        )
    return found
