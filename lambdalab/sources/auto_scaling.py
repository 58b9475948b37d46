"""Application Auto Scaling of provisioned concurrency: target tracking and scheduled actions.

Once a minute of platform time the lab looks at what CloudWatch holds. Three minutes in a row above
the target scale out, fifteen below nine tenths of it scale in, at most by half at a time. Without
traffic the utilization is 0 here; public reports say that AWS has no value for such minutes, and
then scales nothing in.
Source: https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

from __future__ import annotations

import contextlib
import math
from typing import Any

from lambdalab import facts
from lambdalab.clock import LabClock
from lambdalab.errors import AwsError
from lambdalab.functions.arns import FunctionId
from lambdalab.functions.capacity import PROVISIONED
from lambdalab.functions.lookup import Caller
from lambdalab.functions.provisioned import Provisioned, ProvisionedService
from lambdalab.functions.records import Registry
from lambdalab.invocation.metrics import Metrics
from lambdalab.neighbours import auto_scaling
from lambdalab.neighbours.auto_scaling import (
    HIGH_MINUTES,
    LOW_MINUTES,
    LOW_SHARE,
    Action,
    Policy,
    Target,
)
from lambdalab.neighbours.monitoring import cloudwatch
from lambdalab.sources.events.schedule_expressions import parse, zone_of
from lambdalab.timeline import Record, Timeline

__all__ = ["AutoScaling"]

MINUTE = 60
COOLDOWN = facts.quota("auto-scaling.cooldown").seconds
# A minute's values are whole a little after its end.
LATE = 1.0
_PREDEFINED: dict[str, Any] = {
    "Namespace": "AWS/Lambda",
    "MetricName": auto_scaling.UTILIZATION,
    "Statistic": "Average",
}


class AutoScaling:
    """Scales the provisioned concurrency of one cloud; rests for as long as no target is known."""

    def __init__(
        self,
        registry: Registry,
        provisioned: ProvisionedService,
        *,
        clock: LabClock,
        timeline: Timeline,
        metrics: Metrics,
    ) -> None:
        self._registry = registry
        self._provisioned = provisioned
        self._clock = clock
        self._timeline = timeline
        self._metrics = metrics
        self._awake = False
        self._looked = 0.0
        # When a target was scaled last: out, in.
        self._scaled: dict[tuple[str, str, str], list[float]] = {}
        # When actions are due next: reading a schedule each minute would slow down winding.
        self._due: dict[tuple[tuple[str, str, str], Action], float | None] = {}

    def wake(self) -> None:
        """Somebody calls Application Auto Scaling: there may be targets from now on."""
        auto_scaling.install(_readable)
        if not self._awake:
            self._awake = True
            self._looked = self._clock.now()
            self._arm()

    def clear(self) -> None:
        """Forget everything; the clock has forgotten what was waiting."""
        self._awake = False
        self._scaled.clear()
        self._due.clear()

    def _arm(self) -> None:
        delay = MINUTE - self._clock.now() % MINUTE + LATE
        self._clock.call_later(delay, self._look, background=True)

    def _look(self) -> None:
        targets = auto_scaling.targets()
        if not targets:
            self._awake = False
            return
        self._metrics.flush()
        since, now = self._looked, self._clock.now()
        self._looked = now
        for target in targets:
            if not target.suspended("ScheduledScalingSuspended"):
                for action in list(target.actions()):
                    self._schedule(target, action, since, now)
            policies = list(target.policies())
            if policies:
                self._track(target, policies, now)
        self._arm()

    # Scheduled actions.

    def _schedule(self, target: Target, action: Action, since: float, now: float) -> None:
        key = target.key, action
        due = self._due.get(key, -math.inf)
        if due is not None and due <= since:  # new, or it fell due while it was suspended
            due = self._due[key] = _next(action, since)
        if due is None or due > now:
            return
        del self._due[key]
        if due > (action.end or math.inf):
            return
        capacity, why = self._capacity(target), f"scheduled action {action.name}"
        least = target.least if action.least is None else action.least
        most = target.most if action.most is None else action.most
        if most < least:  # of one bound it says nothing, and the other one has changed since
            error = facts.message("auto-scaling.bounds").text
            self._tell(target, {"from": capacity, "to": capacity, "reason": why, "error": error})
            return
        target.bound(action.least, action.most)
        self._scale(target, capacity, min(max(capacity, least), most), why)

    # Target tracking.

    def _track(self, target: Target, policies: list[Policy], now: float) -> None:
        config = self._config(target)
        capacity = self._capacity(target)
        if config is not None and config.status == "IN_PROGRESS":
            return
        bounded = min(max(capacity, target.least), target.most)
        if bounded != capacity:
            self._scale(target, capacity, bounded, "bounds of the target")
            return
        # With several policies the one that wants most counts.
        wanted = [self._wanted(target, policy, capacity, now) for policy in policies]
        wish = min(max(max(wanted), target.least), target.most)
        self._scale(target, capacity, wish, f"target tracking {policies[0].name}")

    def _wanted(self, target: Target, policy: Policy, capacity: int, now: float) -> int:
        settings = policy.settings
        goal = float(settings.get("TargetValue") or 0)
        values = self._values(target, settings, now)
        if goal <= 0 or not values:
            return capacity
        high = _all(values, HIGH_MINUTES, lambda value: value > goal)
        low = _all(values, LOW_MINUTES, lambda value: value < goal * LOW_SHARE)
        for name, fires in zip(policy.alarms, (high, low), strict=False):
            target.alarm(name, "ALARM" if fires else "OK", f"the last values are {values[-3:]}")
        last = values[-1]
        if high and self._may(target, 0, settings.get("ScaleOutCooldown"), now):
            return capacity if self._rests(target, "Out") else math.ceil(capacity * last / goal)
        scales_in = not settings.get("DisableScaleIn") and not self._rests(target, "In")
        if low and scales_in and self._may(target, 1, settings.get("ScaleInCooldown"), now):
            return max(math.ceil(capacity * last / goal), capacity // 2)
        return capacity

    def _values(self, target: Target, settings: dict[str, Any], now: float) -> list[float]:
        """The metric that a policy follows, for the last minutes; the oldest comes first."""
        metric = settings.get("CustomizedMetricSpecification") or _PREDEFINED
        dimensions = {one["Name"]: one["Value"] for one in metric.get("Dimensions", [])}
        if metric is _PREDEFINED:
            resource = f"{target.function}:{target.qualifier}"
            dimensions = {"FunctionName": target.function, "Resource": resource}
        return cloudwatch.minutes(
            target.account,
            target.region,
            (metric["Namespace"], metric["MetricName"], metric["Statistic"]),
            dimensions,
            until=now - now % MINUTE,
            count=LOW_MINUTES,
        )

    @staticmethod
    def _rests(target: Target, side: str) -> bool:
        return target.suspended(f"DynamicScaling{side}Suspended")

    def _may(self, target: Target, side: int, cooldown: int | None, now: float) -> bool:
        """Whether the time to cool down is over."""
        rest = COOLDOWN if cooldown is None else cooldown
        return now - self._scaled.get(target.key, [-math.inf, -math.inf])[side] >= rest

    # Both.

    def _config(self, target: Target) -> Provisioned | None:
        place = FunctionId(target.account, target.region, target.function, None)
        function = self._registry.get(place)
        if function is None:
            return None
        config: Provisioned | None = function.attachments(PROVISIONED).get(target.qualifier)
        return config

    def _capacity(self, target: Target) -> int:
        config = self._config(target)
        return config.requested if config else 0

    def _scale(self, target: Target, before: int, wanted: int, why: str) -> None:
        if wanted == before:
            return
        caller = Caller(target.account, target.region)
        where = {"FunctionName": target.function, "Qualifier": target.qualifier}
        detail: dict[str, Any] = {"from": before, "to": wanted, "reason": why}
        try:
            if wanted:
                self._provisioned.put_provisioned_concurrency_config(
                    caller, where | {"ProvisionedConcurrentExecutions": wanted}
                )
            else:
                self._provisioned.delete_provisioned_concurrency_config(caller, where)
        except AwsError as refusal:
            detail["error"] = refusal.message
        else:
            times = self._scaled.setdefault(target.key, [-math.inf, -math.inf])
            times[0 if wanted > before else 1] = self._clock.now()
        self._tell(target, detail)

    def _tell(self, target: Target, detail: dict[str, Any]) -> None:
        detail = {"qualifier": target.qualifier, **detail}
        self._timeline.add(Record(self._clock.now(), "scaled", target.function, detail=detail))


def _next(action: Action, since: float) -> float | None:
    """When an action is due first after a time; None for never, and for what is no schedule."""
    with contextlib.suppress(ValueError):  # moto takes any text
        expression = parse(action.schedule, zone_of(action.timezone))
        begun = max(since, (action.start or 0) - 1, action.created)
        return expression.after(begun, action.created)
    return None


def _readable(schedule: str, timezone: str | None) -> object:
    return parse(schedule, zone_of(timezone or "UTC"))


def _all(values: list[float], count: int, holds: Any) -> bool:
    return len(values) >= count and all(holds(value) for value in values[-count:])
