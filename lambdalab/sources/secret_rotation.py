"""Secrets Manager rotates secrets: it calls a function for each of four steps, one after another.

The function makes a new version, sets it where it is used, tests it, and lets it be the current
one. When a step fails, the rotation is taken up again later, from its first step.
Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any

from lambdalab import facts
from lambdalab.clock import Hold, LabClock, Scheduled
from lambdalab.errors import AwsError, aws_error
from lambdalab.functions.arns import is_function_arn
from lambdalab.neighbours import secret_rotation
from lambdalab.neighbours.secret_rotation import Rotation
from lambdalab.sources import secret_schedules
from lambdalab.sources.pushed import Pushes, Sender

__all__ = ["SecretRotations"]

SERVICE = "secretsmanager.amazonaws.com"


class SecretRotations:
    """The rotations of one cloud; to be made in its event loop."""

    def __init__(self, pushes: Pushes, clock: LabClock) -> None:
        self._pushes = pushes
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._alarms: dict[str, Scheduled] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # Calls of the service, from its threads.

    def check(self, function_arn: str, secret_arn: str, account: str) -> None:
        """Raise AwsError unless Secrets Manager may call the function for the secret."""
        sender = Sender(SERVICE, secret_arn, account)
        known = is_function_arn(function_arn)
        if not known or not self._pushes.may(function_arn, sender):
            raise aws_error("secret.not-allowed")

    @staticmethod
    def next_date(expression: str, now: float) -> float | None:
        """When a schedule is due next; raises ValueError where it is none."""
        return secret_schedules.next_date(expression, now)

    @staticmethod
    def check_rules(rules: Mapping[str, Any]) -> None:
        """Raise AwsError unless Secrets Manager takes such rules."""
        secret_schedules.check(rules)

    def begin(self, rotation: Rotation) -> None:
        """Lead a rotation."""
        self._soon(lambda: self._start(rotation, attempt=1))

    def plan(self, secret: Any) -> None:
        """A secret has another date for its next rotation, or none."""
        self._soon(lambda: self._arm(secret))

    def clear(self) -> None:
        """Forget all secrets."""
        for alarm in self._alarms.values():
            alarm.cancel()
        self._alarms.clear()
        for task in self._tasks:
            task.cancel()

    def _soon(self, act: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the cloud has ended
            self._loop.call_soon_threadsafe(act)

    # Schedules.

    def _arm(self, secret: Any) -> None:
        self._set_alarm(secret, secret.next_rotation_date, lambda: self._due(secret))

    def _set_alarm(self, secret: Any, due: float | None, act: Any) -> None:
        earlier = self._alarms.pop(secret.arn, None)
        if earlier is not None:
            earlier.cancel()
        if due is not None:
            delay = max(0.0, due - self._clock.now())
            self._alarms[secret.arn] = self._clock.call_later(delay, act, background=True)

    def _due(self, secret: Any) -> None:
        if secret.is_deleted() or not secret.rotation_enabled:
            return
        secret_rotation.plan_next(secret, self)
        self._start(secret_rotation.next_rotation(secret), attempt=1)

    # Rotations.

    def _start(self, rotation: Rotation, attempt: int) -> None:
        if not rotation.wanted:
            return
        task = self._loop.create_task(self._lead(rotation, attempt, self._clock.hold()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _lead(self, rotation: Rotation, attempt: int, hold: Hold) -> None:
        try:
            if await self._all_steps(rotation):
                rotation.succeeded(self._clock.now(), self)
            elif attempt < int(facts.quota("secret-rotation.attempts").value):
                wait = facts.quota("secret-rotation.wait").seconds
                self._clock.call_later(wait, lambda: self._start(rotation, attempt + 1))
        finally:
            hold.release()

    async def _all_steps(self, rotation: Rotation) -> bool:
        secret = rotation.secret
        sender = Sender(SERVICE, secret.arn, secret.account_id)
        for step in rotation.steps:
            event = {
                "Step": step,
                "SecretId": secret.arn,
                "ClientRequestToken": rotation.token,
            }
            try:
                outcome = await self._pushes.call(
                    secret.rotation_lambda_arn, json.dumps(event).encode(), sender
                )
            except AwsError:
                return False
            if outcome.failed:
                return False
        return True
