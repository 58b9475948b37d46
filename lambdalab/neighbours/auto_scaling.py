"""What moto's Application Auto Scaling keeps for Lambda: moto records it and does nothing about it.

Only provisioned concurrency of Lambda is read here. ``install`` gives a target tracking policy the
two alarms that AWS makes for it, and which moto makes for other services only; it refuses step
scaling, which AWS does not offer for Lambda, and whatever ``scaling_requests`` finds wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from lambdalab import facts
from lambdalab.neighbours.scaling_requests import DIMENSION, Readable, install_checks

__all__ = ["Action", "Policy", "Target", "install", "targets"]

UTILIZATION = "ProvisionedConcurrencyUtilization"
_DESCRIPTION = "DO NOT EDIT OR DELETE. For TargetTrackingScaling policy"
# How many minutes in a row an alarm looks at, and what part of the target is low.
HIGH_MINUTES = int(facts.quota("auto-scaling.scale-out-after").value)
LOW_MINUTES = int(facts.quota("auto-scaling.scale-in-after").value)
LOW_SHARE: float = facts.quota("auto-scaling.low-share").value / 100


@dataclass(frozen=True)
class Policy:
    """A target tracking policy: its settings by the API's names, and its two alarms."""

    name: str
    settings: dict[str, Any]
    alarms: tuple[str, ...]


@dataclass(frozen=True)
class Action:
    """A scheduled action; ``created``, ``start`` and ``end`` are seconds since the epoch."""

    name: str
    schedule: str
    timezone: str
    created: float
    start: float | None
    end: float | None
    least: int | None
    most: int | None


class Target:
    """The version or alias of a function whose provisioned concurrency is scaled."""

    def __init__(self, account: str, region: str, backend: Any, kept: Any) -> None:
        self.account = account
        self.region = region
        self._backend = backend
        self._kept = kept
        _, self.function, self.qualifier = kept.resource_id.split(":")

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from others."""
        return self.account, self.region, self._kept.resource_id

    @property
    def least(self) -> int:
        """The least that is provisioned."""
        return int(self._kept.min_capacity or 0)

    @property
    def most(self) -> int:
        """The most that is provisioned."""
        return int(self._kept.max_capacity or 0)

    def suspended(self, what: str) -> bool:
        """Whether a kind of scaling rests, by the API's name for it."""
        return bool((self._kept.suspended_state or {}).get(what))

    def bound(self, least: int | None, most: int | None) -> None:
        """Give it other bounds; None leaves one as it is."""
        self._kept.update(least, most, None)

    def policies(self) -> Iterator[Policy]:
        """Its target tracking policies."""
        for policy in self._backend.policies.values():
            settings = policy.target_tracking_scaling_policy_configuration
            if self._is_of(policy) and settings:
                names = tuple(alarm.name for alarm in policy.alarms)
                yield Policy(policy.policy_name, settings, names)

    def actions(self) -> Iterator[Action]:
        """Its scheduled actions."""
        for action in self._backend.scheduled_actions:
            if self._is_of(action):
                bounds = action.scalable_target_action or {}
                yield Action(
                    action.scheduled_action_name,
                    action.schedule,
                    action.timezone or "UTC",
                    action.creation_time,
                    action.start_time,
                    action.end_time,
                    bounds.get("MinCapacity"),
                    bounds.get("MaxCapacity"),
                )

    def alarm(self, name: str, state: str, reason: str) -> None:
        """Put one of its alarms into a state; one that somebody has deleted is left alone."""
        from moto.cloudwatch.models import cloudwatch_backends

        backend = cloudwatch_backends[self.account][self.region]
        kept = backend.alarms.get(name)
        if kept is not None and kept.state_value != state:
            backend.set_alarm_state(name, reason, "{}", state)

    def _is_of(self, kept: Any) -> bool:
        return (kept.resource_id, kept.scalable_dimension) == (self._kept.resource_id, DIMENSION)


def targets() -> list[Target]:
    """All targets of all accounts and Regions."""
    if "moto.applicationautoscaling.models" not in sys.modules:
        return []
    from moto.applicationautoscaling.models import applicationautoscaling_backends as backends

    return [
        Target(account, region, backend, kept)
        for account, region, backend in list(backends.iter_backends())
        for kept in list(backend.targets.get(DIMENSION, {}).values())
    ]


@cache
def install(readable: Readable) -> None:
    """Make the alarms of target tracking policies on Lambda; refuse what makes no sense.

    ``readable`` raises ValueError for a schedule, or a time zone, that is none.
    """
    install_checks(readable)
    from moto.applicationautoscaling.exceptions import AWSValidationException
    from moto.applicationautoscaling.models import FakeApplicationAutoscalingPolicy as Kept

    make = Kept.create_alarms

    def create_alarms(policy: Any) -> None:
        make(policy)
        if policy.scalable_dimension == DIMENSION:
            if policy.policy_type != "TargetTrackingScaling":
                raise AWSValidationException(facts.message("auto-scaling.no-steps").text)
            policy.alarms.extend(_alarms(policy))

    Kept.create_alarms = create_alarms


def _alarms(policy: Any) -> Iterator[Any]:
    from moto.cloudwatch.models import cloudwatch_backends

    backend = cloudwatch_backends[policy.account_id][policy.region_name]
    target = policy.target_tracking_scaling_policy_configuration.get("TargetValue", 0.0)
    _, function, qualifier = policy.resource_id.split(":")
    for side, comparison, periods, threshold in (
        ("High", "GreaterThanThreshold", HIGH_MINUTES, target),
        ("Low", "LessThanThreshold", LOW_MINUTES, round(target * LOW_SHARE, 6)),
    ):
        yield backend.put_metric_alarm(
            name=f"TargetTracking-{policy.resource_id}-Alarm{side}-{policy._guid}",
            namespace="AWS/Lambda",
            metric_name=UTILIZATION,
            metric_data_queries=[],
            comparison_operator=comparison,
            evaluation_periods=periods,
            period=60,
            threshold=threshold,
            statistic="Average",
            description=f"{_DESCRIPTION} {policy.policy_arn}",
            dimensions=[
                {"Name": "FunctionName", "Value": function},
                {"Name": "Resource", "Value": f"{function}:{qualifier}"},
            ],
            alarm_actions=[policy.policy_arn],
        )
