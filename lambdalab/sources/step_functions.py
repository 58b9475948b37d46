"""Step Functions calls functions: as a task that waits, or with a token that somebody sends back.

It calls with the role of the state machine. Names, ARNs and partial ARNs are read as Invoke reads
them, with a qualifier of their own or beside them.
Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lambdalab.errors import AwsError, aws_error
from lambdalab.functions.arns import resolve
from lambdalab.invocation.service import InvocationService
from lambdalab.sources.pushed import Pushes, Sender

__all__ = ["Answer", "StepFunctions"]

SERVICE = "states.amazonaws.com"
_SENDER = Sender(SERVICE, by_role=True)


@dataclass(frozen=True)
class Answer:
    """What Invoke answers: its HTTP status, the payload, whether the function failed."""

    status: int
    payload: bytes = b""
    failed: bool = False
    version: str = "$LATEST"
    request_id: str = ""


class StepFunctions:
    """The functions of one cloud, as the tasks of its state machines call them."""

    def __init__(
        self, pushes: Pushes, functions: InvocationService, identifier: Callable[[], str]
    ) -> None:
        self._pushes = pushes
        self._identifier = identifier
        self._functions = functions

    def check_role(self, role_arn: str) -> None:
        """Raise AwsError unless Step Functions may assume the role."""
        try:
            self._pushes.check_role(role_arn, SERVICE)
        except AwsError:
            raise aws_error("workflow.role") from None

    def invoke(self, caller: Any, parameters: dict[str, Any], trace: str | None) -> Answer:
        """Invoke, from a thread; ``caller`` has account, region and role_arn. Raises AwsError."""
        self.check_role(caller.role_arn)
        named = resolve(
            parameters["FunctionName"], caller.account, caller.region, parameters.get("Qualifier")
        )
        arn = f"{named.arn}:{named.qualifier}" if named.qualifier else named.arn
        payload = parameters.get("Payload") or b"{}"
        if parameters.get("InvocationType") == "Event":
            request_id = self._pushes.send_from_thread(arn, payload, _SENDER, trace=trace)
            return Answer(202, request_id=request_id)
        outcome = self._pushes.call_from_thread(arn, payload, _SENDER, trace=trace)
        version = self._functions.locate(arn).version.deployed.version
        return Answer(200, outcome.payload, outcome.failed, version, self._identifier())
