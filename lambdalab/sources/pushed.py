"""How other services call functions: with leave, and seen on the timeline.

A service that calls as itself (S3, SNS, EventBridge, API Gateway) needs a statement in the
function's resource policy; one that takes a role of the customer's (Step Functions, Scheduler)
needs a role that trusts it. Whoever is refused starts nothing.
Source: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from lambdalab.access.statements import Asking, judge
from lambdalab.clock import LabClock
from lambdalab.errors import AwsError, aws_error
from lambdalab.execution.spec import Outcome
from lambdalab.functions.arns import FunctionId
from lambdalab.functions.lookup import Located
from lambdalab.functions.permissions import place_of
from lambdalab.invocation.service import InvocationService
from lambdalab.neighbours.identity import iam
from lambdalab.timeline import Record, Timeline

__all__ = ["INVOKE", "Pushes", "Sender", "within"]

INVOKE = "lambda:InvokeFunction"
# What the run itself writes into the timeline, as a throttle.
_TOLD_ALREADY = frozenset({"TooManyRequestsException", "RecursiveInvocationException"})

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Sender:
    """A service that calls, and for which resource of which account it does.

    ``more`` are further condition keys that it brings, such as ``lambda:EventSourceToken``.
    ``by_role`` says that it does not call as itself: a role of the customer's does, or whoever
    asked the service, and the function's resource policy is not asked.
    """

    principal: str
    arn: str | None = None
    account: str | None = None
    more: Mapping[str, str] = field(default_factory=dict)
    by_role: bool = False

    @property
    def context(self) -> dict[str, str]:
        """The condition keys of its calls."""
        given = {"aws:SourceArn": self.arn, "aws:SourceAccount": self.account, **self.more}
        return {key: value for key, value in given.items() if value is not None}


async def within(call: Awaitable[_Result], seconds: float) -> _Result | None:
    """What a call gives within so many real seconds; None after them.

    Nobody stops a function because its caller has gone: it runs on.
    """
    running = asyncio.ensure_future(call)
    done, _ = await asyncio.wait({running}, timeout=seconds)
    if done:
        return running.result()
    running.add_done_callback(lambda over: over.cancelled() or over.exception())
    return None


class Pushes:
    """Calls from the services of one cloud; to be made in its event loop.

    ``call`` and ``send`` are for that loop; those that end in ``_from_thread`` are for the threads
    in which moto runs, and block. All raise AwsError: ResourceNotFoundException where there is no
    such function, AccessDeniedException where the service may not call it, and what Invoke raises.
    Each refusal is on the timeline, throttles as such.
    """

    def __init__(
        self, functions: InvocationService, *, clock: LabClock, timeline: Timeline
    ) -> None:
        self._functions = functions
        self._clock = clock
        self._timeline = timeline
        self._loop = asyncio.get_running_loop()

    def may(self, function_arn: str, sender: Sender, action: str = INVOKE) -> bool:
        """Whether the function's resource policy lets a service call it; False without one."""
        try:
            return _allowed(self._functions.locate(function_arn), sender, action)
        except AwsError:
            return False

    @staticmethod
    def check_role(role_arn: str, service: str) -> None:
        """Refuse a role that does not exist, or that the service may not assume."""
        iam.check_trusted(role_arn, service)

    async def call(
        self,
        function_arn: str,
        payload: bytes,
        sender: Sender,
        *,
        trace: str | None = None,
    ) -> Outcome:
        """Invoke as RequestResponse, and wait for the answer; extensions may still be at work."""
        target = self._admitted(function_arn, sender)
        self._tell("push", target, sender, how="synchronous")
        try:
            return await self._functions.ask(target, payload, trace=trace)
        except AwsError as refusal:
            if refusal.code not in _TOLD_ALREADY:
                self._tell("refused", target, sender, reason=refusal.message)
            raise

    def send(
        self,
        function_arn: str,
        payload: bytes,
        sender: Sender,
        *,
        trace: str | None = None,
    ) -> str:
        """Invoke as Event: queued; gives the id of the request."""
        target = self._admitted(function_arn, sender)
        try:
            request_id = self._functions.send(target, payload, trace=trace)
        except AwsError as refusal:
            self._tell("refused", target, sender, reason=refusal.message)
            raise
        self._tell("push", target, sender, request_id, how="asynchronous")
        return request_id

    def call_from_thread(
        self, function_arn: str, payload: bytes, sender: Sender, *, trace: str | None = None
    ) -> Outcome:
        """``call`` from a thread of moto's."""
        return self._in_loop(lambda: self.call(function_arn, payload, sender, trace=trace))

    def send_from_thread(
        self, function_arn: str, payload: bytes, sender: Sender, *, trace: str | None = None
    ) -> str:
        """``send`` from a thread of moto's."""

        async def act() -> str:
            return self.send(function_arn, payload, sender, trace=trace)

        return self._in_loop(act)

    # The steps.

    def _in_loop(self, act: Callable[[], Awaitable[_Result]]) -> _Result:
        async def run() -> _Result:
            return await act()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def _admitted(self, function_arn: str, sender: Sender) -> Located:
        """The function, where the service may call it; a refusal is told."""
        try:
            target = self._functions.locate(function_arn)
            if not sender.by_role and not _allowed(target, sender, INVOKE):
                raise aws_error(
                    "policy.service-denied", service=sender.principal, action=INVOKE, arn=target.arn
                )
        except AwsError as refusal:
            self._tell_refused(function_arn, sender, refusal)
            raise
        return target

    def _tell_refused(self, function_arn: str, sender: Sender, refusal: AwsError) -> None:
        name = function_arn.split(":")[6] if function_arn.count(":") > 5 else function_arn
        self._write("refused", name, sender, None, reason=refusal.message)

    def _tell(
        self,
        kind: str,
        target: Located,
        sender: Sender,
        request_id: str | None = None,
        **detail: str,
    ) -> None:
        self._write(kind, target.function.id.name, sender, request_id, **detail)

    def _write(
        self, kind: str, name: str, sender: Sender, request_id: str | None, **detail: str
    ) -> None:
        told = {"service": sender.principal, "source": sender.arn, **detail}
        self._timeline.add(Record(self._clock.now(), kind, name, None, request_id, None, told))


def _allowed(target: Located, sender: Sender, action: str) -> bool:
    identity: FunctionId = target.function.id._replace(qualifier=target.qualifier)
    policy = place_of(target.function, identity).policy
    asking = Asking(frozenset({("Service", sender.principal)}), action, target.arn, sender.context)
    return policy is not None and judge(policy.statements, asking) == "Allow"
