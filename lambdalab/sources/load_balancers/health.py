"""Health checks of functions: calls that a load balancer makes at set times.

What they find is only told: a target group has one function, and with no healthy target all get
requests. Source:
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

from lambdalab.clock import LabClock, Scheduled
from lambdalab.errors import AwsError
from lambdalab.execution.spec import Outcome
from lambdalab.neighbours.load_balancers import elbv2
from lambdalab.neighbours.load_balancers.elbv2 import TargetGroup
from lambdalab.neighbours.load_balancers.elbv2_changes import Health
from lambdalab.sources.load_balancers import answers
from lambdalab.sources.load_balancers.events import checking
from lambdalab.sources.pushed import Pushes, Sender

__all__ = ["Checks", "sender"]

_PRINCIPAL = "elasticloadbalancing.amazonaws.com"
_GONE = Health("unused", "Target.NotRegistered", "Target is not registered to the target group")
_UNUSED = Health(
    "unused", "Target.NotInUse",
    "Target group is not configured to receive traffic from the load balancer",
)  # fmt: skip
_DISABLED = Health(
    "unavailable", "Target.HealthCheckDisabled", "Health checks are disabled for this target"
)
_INITIAL = Health("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
_TIMEOUT = Health("unhealthy", "Target.Timeout", "Request timed out")
_FAILED = Health("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
_BAD_GATEWAY = 502


def sender(group: TargetGroup) -> Sender:
    """As whom a load balancer calls the function of a target group."""
    return Sender(_PRINCIPAL, group.arn, group.account)


@dataclass
class _Watched:
    """One target group and what its checks have found; ``good`` and ``bad`` count in a row."""

    group: TargetGroup
    health: Health = _INITIAL
    good: int = 0
    bad: int = 0
    alarm: Scheduled | None = field(default=None)

    def found(self, failure: Health | None) -> None:
        """Take in the result of a check: None for a good one.

        The first good one is enough for a target that has not been checked before.
        """
        check = self.group.check
        if failure is None:
            self.good, self.bad = self.good + 1, 0
            if self.health.state == "initial" or self.good >= check.healthy:
                self.health = Health("healthy")
        else:
            self.good, self.bad = 0, self.bad + 1
            if self.health.state == "unhealthy" or self.bad >= check.unhealthy:
                self.health = failure


class Checks:
    """The health checks of one cloud; to be made in its event loop."""

    def __init__(self, pushes: Pushes, clock: LabClock) -> None:
        self._pushes = pushes
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._watched: dict[str, _Watched] = {}
        self._running: set[asyncio.Task[None]] = set()

    # In moto's threads.

    def may_call(self, function_arn: str, group_arn: str, account: str) -> bool:
        """Whether load balancers may call a function for a target group."""
        return self._pushes.may(function_arn, Sender(_PRINCIPAL, group_arn, account))

    def health(self, group_arn: str) -> Health:
        """How the target of a group is."""
        group, watched = elbv2.target_group(group_arn), self._watched.get(group_arn)
        if group is None or group.function is None:
            return _GONE
        if not group.in_use:
            return _UNUSED
        if not group.check.enabled:
            return _DISABLED
        return watched.health if watched else _INITIAL

    def changed(self) -> None:
        """Balancers or target groups have changed."""
        with contextlib.suppress(RuntimeError):  # the cloud has ended
            self._loop.call_soon_threadsafe(self._renew)

    # In the event loop.

    def clear(self) -> None:
        """Forget all target groups."""
        for arn in list(self._watched):
            self._forget(arn)

    async def drained(self) -> None:
        """Wait until no check is under way."""
        while self._running:
            await asyncio.wait(self._running)

    def _renew(self) -> None:
        """Check what is new or has other settings from now on; leave the others as they are."""
        groups = {group.arn: group for group in elbv2.function_groups() if _is_checked(group)}
        for arn, watched in list(self._watched.items()):
            if groups.get(arn) != watched.group:
                self._forget(arn)
        for arn, group in groups.items():
            if arn not in self._watched:
                self._watched[arn] = watched = _Watched(group)
                self._set(watched, 0)

    def _forget(self, arn: str) -> None:
        watched = self._watched.pop(arn)
        if watched.alarm is not None:
            watched.alarm.cancel()

    def _set(self, watched: _Watched, delay: float) -> None:
        # In the background: it goes on for ever.
        watched.alarm = self._clock.call_later(delay, lambda: self._start(watched), background=True)

    def _start(self, watched: _Watched) -> None:
        self._set(watched, watched.group.check.interval)
        hold = self._clock.hold()
        running = self._loop.create_task(self._check(watched))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        running.add_done_callback(lambda _: hold.release())

    async def _check(self, watched: _Watched) -> None:
        group = watched.group
        call = self._pushes.call(group.function or "", checking(group), sender(group))
        try:
            # While a function runs, platform time is real time.
            outcome = await asyncio.wait_for(call, group.check.timeout)
        except TimeoutError:
            watched.found(_TIMEOUT)
        except AwsError:
            watched.found(_FAILED)
        else:
            watched.found(_failure(group, outcome))


def _is_checked(group: TargetGroup) -> bool:
    return group.check.enabled and group.in_use and group.function is not None


def _failure(group: TargetGroup, outcome: Outcome) -> Health | None:
    """What is wrong with what a function returned to a check; None where nothing is."""
    answer = answers.returned(outcome, multi_value=group.multi_value)
    status = answer.status if answer else _BAD_GATEWAY
    if any(low <= status <= high for low, high in _codes(group.check.codes)):
        return None
    text = f"Health checks failed with these codes: [{status}]"
    return Health("unhealthy", "Target.ResponseCodeMismatch", text)


def _codes(text: str) -> list[tuple[int, int]]:
    """The ranges of status codes in such as ``200,300-399``."""
    parts = (part.partition("-") for part in text.split(",") if part.strip())
    return [(int(low), int(high or low)) for low, _, high in parts]
