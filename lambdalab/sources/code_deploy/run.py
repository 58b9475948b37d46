"""A deployment on its way: asks its hooks, moves the weights on the clock, watches its alarms.

Source: https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from lambdalab import facts
from lambdalab.clock import Hold, LabClock, Scheduled
from lambdalab.errors import AwsError
from lambdalab.functions.lookup import Caller
from lambdalab.sources.code_deploy.app_spec import AFTER, BEFORE
from lambdalab.sources.code_deploy.deployment import Deployment, FailedError, LifecycleEvent
from lambdalab.sources.pushed import Pushes, Sender
from lambdalab.timeline import Record, Timeline

__all__ = ["Run", "World"]

_SENDER = Sender("codedeploy.amazonaws.com", by_role=True)
_HOOK_TIME = facts.quota("deployment.hook").seconds
_ALARM_POLL = facts.quota("deployment.alarm-poll").seconds


class Aliases(Protocol):
    """Lambda's operations on aliases."""

    def get_alias(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """GetAlias."""

    def update_alias(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """UpdateAlias."""


class World:
    """What deployments work with."""

    def __init__(
        self,
        pushes: Pushes,
        aliases: Aliases,
        clock: LabClock,
        timeline: Timeline,
        in_alarm: Callable[[str, str, list[str]], list[str]],
    ) -> None:
        self.pushes = pushes
        self.aliases = aliases
        self.clock = clock
        self.timeline = timeline
        self.in_alarm = in_alarm


class Run:
    """Takes one deployment from its start to its end; lives in the event loop."""

    def __init__(self, deployment: Deployment, world: World, execution_id: str) -> None:
        self.deployment = deployment
        self.execution_id = execution_id
        self._world = world
        self._hold: Hold | None = world.clock.hold()
        self._waiting: asyncio.Future[str] | None = None
        self._alarm: Scheduled | None = None
        self._asked = ""

    async def __call__(self) -> None:
        """Run; what goes wrong is told in the deployment."""
        deployment = self.deployment
        try:
            await self._go()
            deployment.status = "Succeeded"
        except FailedError as error:
            deployment.status, deployment.error = error.status, error
            self._skip_the_rest()
        finally:
            deployment.completed = deployment.changed = self._world.clock.now()
            self._tell()

    def release(self) -> None:
        """The work is over, and what follows from it has begun."""
        if self._hold is not None:
            self._hold.release()
            self._hold = None

    def stop(self, error: FailedError) -> None:
        """End a wait; the deployment ends with it."""
        if self._waiting is not None and not self._waiting.done():
            self._go_on()
            self._waiting.set_exception(error)

    def answer(self, status: str) -> bool:
        """What a hook has found: Succeeded or Failed; gives whether anybody has asked."""
        waiting = self._waiting
        if not self._asked or waiting is None or waiting.done():
            return False
        self._go_on()
        waiting.set_result(status)
        return True

    # The steps.

    async def _go(self) -> None:
        deployment = self.deployment
        deployment.status = "InProgress"
        deployment.started = deployment.changed = self._world.clock.now()
        with self._event("Start"):
            if not deployment.is_rollback:
                self._check()
        await self._ask(BEFORE)
        with self._event("AllowTraffic"):
            await self._move()
        await self._ask(AFTER)
        with self._event("End"):
            pass

    def _check(self) -> None:
        """Whether the role may be assumed, and the alias is what the specification says."""
        deployment, spec = self.deployment, self.deployment.spec
        try:
            self._world.pushes.check_role(deployment.role, "codedeploy.amazonaws.com")
        except AwsError as error:
            raise FailedError("IAM_ROLE_PERMISSIONS", error.message) from error
        alias = self._alias("get_alias", {})
        if alias["FunctionVersion"] != spec.current:
            text = facts.message("deployment.other-version")
            raise FailedError(
                "INVALID_LAMBDA_CONFIGURATION",
                text.format(
                    alias=spec.alias, version=alias["FunctionVersion"], current=spec.current
                ),
            )
        self._watch()

    async def _move(self) -> None:
        for share, seconds in self.deployment.routing.steps():
            self._shift(share)
            await self._pause(seconds)
        self._shift(1.0)

    def _shift(self, share: float) -> None:
        """Give the new version a share of the invocations; with all of it the alias is its own."""
        spec = self.deployment.spec
        version, weights = spec.current, {spec.target: share}
        if share >= 1.0:
            version, weights = spec.target, {}
        self._alias(
            "update_alias",
            {
                "FunctionVersion": version,
                "RoutingConfig": {"AdditionalVersionWeights": weights},
            },
        )
        self.deployment.weight = share
        self.deployment.changed = self._world.clock.now()
        self._tell(version=spec.target, weight=share)

    def _alias(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        deployment, spec = self.deployment, self.deployment.spec
        caller = Caller(deployment.account, deployment.region)
        act = getattr(self._world.aliases, operation)
        try:
            answer: dict[str, Any] = act(
                caller, {"FunctionName": spec.function, "Name": spec.alias, **given}
            )
        except AwsError as error:
            raise FailedError("INVALID_LAMBDA_CONFIGURATION", error.message) from error
        return answer

    async def _ask(self, hook: str) -> None:
        """Let a function say whether the deployment may go on; it has an hour to do so."""
        named = self.deployment.spec.hooks.get(hook)
        if not named:
            self.deployment.events[hook].status = "Skipped"
            return
        with self._event(hook):
            self._asked = hook
            try:
                self._send(named)
                answer = await self._wait(_HOOK_TIME)
            finally:
                self._asked = ""
            if answer != "Succeeded":
                raise FailedError(
                    "HOOK_EXECUTION_FAILURE",
                    facts.message("deployment.hook-failed").format(hook=hook),
                )

    def _send(self, named: str) -> None:
        event = {
            "DeploymentId": self.deployment.id,
            "LifecycleEventHookExecutionId": self.execution_id,
        }
        try:
            self._world.pushes.send(self.deployment.arn(named), json.dumps(event).encode(), _SENDER)
        except AwsError as error:
            raise FailedError("HOOK_EXECUTION_FAILURE", error.message) from error

    # Waiting, and watching meanwhile.

    async def _pause(self, seconds: float) -> None:
        end = self._world.clock.now() + seconds
        while (left := end - self._world.clock.now()) > 0:
            await self._wait(min(left, _ALARM_POLL) if self.deployment.alarms else left)
            self._watch()

    def _watch(self) -> None:
        deployment = self.deployment
        if not deployment.alarms:
            return
        try:
            active = self._world.in_alarm(deployment.account, deployment.region, deployment.alarms)
        except AwsError as error:
            if deployment.ignore_alarm_failure:
                return
            raise FailedError("ALARM_ACTIVE", error.message, "Stopped") from error
        if active:
            text = facts.message("deployment.alarms").format(alarms=f"<{', '.join(active)}>")
            raise FailedError("ALARM_ACTIVE", text, "Stopped")

    async def _wait(self, seconds: float) -> str:
        """Wait on the clock; gives an answer that came before, or none."""
        waiting: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def ring() -> None:
            if not waiting.done():
                self._go_on()
                waiting.set_result("")

        self._waiting = waiting
        self._alarm = self._world.clock.call_later(seconds, ring)
        self.release()
        return await waiting

    def _go_on(self) -> None:
        """The deployment works again; the clock waits for it."""
        if self._hold is None:
            self._hold = self._world.clock.hold()
        if self._alarm is not None:
            self._alarm.cancel()

    # Telling.

    @contextmanager
    def _event(self, name: str) -> Iterator[None]:
        event, clock = self.deployment.events[name], self._world.clock
        event.status, event.start = "InProgress", clock.now()
        try:
            yield
            event.status = "Succeeded"
        except FailedError as error:
            event.status, event.message = "Failed", error.message
            raise
        finally:
            event.end = self.deployment.changed = clock.now()

    def _skip_the_rest(self) -> None:
        for event in self.deployment.events.values():
            if event.status == "Pending":
                _skip(event)

    def _tell(self, **detail: object) -> None:
        deployment = self.deployment
        told = {
            "deployment": deployment.id,
            "alias": deployment.spec.alias,
            "status": deployment.status,
            **detail,
        }
        name = deployment.spec.function.rpartition(":")[2]
        self._world.timeline.add(
            Record(self._world.clock.now(), "shift", name, None, None, None, told)
        )


def _skip(event: LifecycleEvent) -> None:
    event.status = "Skipped"
