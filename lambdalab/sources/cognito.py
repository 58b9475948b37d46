"""Cognito user pools call functions: at sign-up, sign-in, for messages, tokens, challenges.

A trigger is called synchronously and must answer in five seconds. What goes wrong is told to the
client in Cognito's words.
Source: https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-identity-pools-working-with-aws-lambda-triggers.html
"""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import TimeoutError as LateError
from typing import Any

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error
from lambdalab.execution.spec import Outcome
from lambdalab.functions.arns import is_function_arn
from lambdalab.sources.pushed import Pushes, Sender

__all__ = ["UserPools"]

SERVICE = "cognito-idp.amazonaws.com"
Json = dict[str, Any]


class UserPools:
    """The triggers of the user pools of one cloud; to be made in its event loop."""

    def __init__(self, pushes: Pushes) -> None:
        self._pushes = pushes
        self._loop = asyncio.get_running_loop()

    def call(self, trigger: str, function_arn: str, pool: tuple[str, str], event: Json) -> Json:
        """Call a trigger, from a thread; gives the ``response`` of the event that comes back.

        ``pool`` is its ARN and account. Raises AwsError with Cognito's words.
        """
        if not is_function_arn(function_arn):
            raise aws_error("user-pool.refused", trigger=trigger, code="ResourceNotFoundException")
        sender = Sender(SERVICE, *pool)
        try:
            outcome = self._patiently(function_arn, json.dumps(event).encode(), sender)
        except AwsError as error:
            raise aws_error("user-pool.refused", trigger=trigger, code=error.code) from None
        if outcome is None:
            raise aws_error("user-pool.late", trigger=trigger)
        return _response(trigger, outcome)

    def _patiently(self, arn: str, payload: bytes, sender: Sender) -> Outcome | None:
        """Call as often as Cognito does; None where the function never answers in time."""
        patience = facts.quota("user-pool.trigger-timeout").seconds
        for _ in range(int(facts.quota("user-pool.trigger-attempts").value)):
            # The function goes on, though nobody waits for it any more.
            calling = asyncio.run_coroutine_threadsafe(
                self._pushes.call(arn, payload, sender), self._loop
            )
            try:
                return calling.result(patience)
            except LateError:
                calling.add_done_callback(lambda done: done.exception())
        return None


def _response(trigger: str, outcome: Outcome) -> Json:
    try:
        answer = json.loads(outcome.payload)
    except ValueError:
        answer = None
    if outcome.failed:
        text = answer.get("errorMessage", "") if isinstance(answer, dict) else ""
        raise aws_error("user-pool.failed", trigger=trigger, reason=text)
    response = answer.get("response") if isinstance(answer, dict) else None
    if not isinstance(response, dict):
        raise aws_error("user-pool.unreadable")
    return response
