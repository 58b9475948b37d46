"""Invoke: from a checked request to a function's answer.

A caller waits (RequestResponse), leaves the event behind (Event), or only asks whether it could
call (DryRun). Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lambdalab import facts
from lambdalab.clock import LabClock
from lambdalab.draws import Draws, identifier
from lambdalab.errors import AwsError, aws_error
from lambdalab.execution import runtimes
from lambdalab.execution.pool import EnvironmentPool
from lambdalab.execution.spec import Invocation, Outcome
from lambdalab.execution.streaming import ResponseSink
from lambdalab.functions.arns import is_function_arn
from lambdalab.functions.lookup import Caller, Directory, Located
from lambdalab.functions.records import Function, Version
from lambdalab.invocation import answers, event, event_stream
from lambdalab.invocation.admission import Admission
from lambdalab.invocation.delivery import Delivery
from lambdalab.invocation.metrics import Metrics
from lambdalab.invocation.provisioning import Provisioning
from lambdalab.invocation.queue import EventQueue
from lambdalab.invocation.queued import Attempt
from lambdalab.invocation.recursion import followed, looping
from lambdalab.invocation.reports import QueueReports
from lambdalab.invocation.routing import route
from lambdalab.invocation.runner import Runner
from lambdalab.invocation.snapshots import Snapshots
from lambdalab.invocation.specs import lane_of
from lambdalab.invocation.tracing import Sampler, trace_header
from lambdalab.timeline import Timeline

__all__ = ["InvocationService"]


class InvocationService:
    """Runs the functions of one cloud."""

    def __init__(
        self,
        directory: Directory,
        pool: EnvironmentPool,
        *,
        clock: LabClock,
        timeline: Timeline,
        metrics: Metrics,
        draws: Draws,
        endpoint_url: str,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._traces = draws.stream("traces")
        self._sampler = Sampler(self._traces)
        self._attempts = draws.stream("attempts")
        self._routes = draws.stream("routes")
        self._requests = draws.stream("inner invocations")
        admission = Admission(
            directory.registry, lambda target: pool.idle(lane_of(target.version.deployed))
        )
        self.provisioning = Provisioning(
            directory.registry,
            pool,
            admission,
            clock=clock,
            timeline=timeline,
            metrics=metrics,
            endpoint_url=endpoint_url,
        )
        self.snapshots = Snapshots(pool, clock, endpoint_url)
        self._runner = Runner(
            directory.registry,
            pool,
            admission,
            clock=clock,
            timeline=timeline,
            metrics=metrics,
            draw=self._traces,
            endpoint_url=endpoint_url,
        )
        reports = QueueReports(clock, timeline, metrics)
        delivery = Delivery(
            self._send_on, clock=clock, reports=reports, random=draws.stream("object keys")
        )
        self._queue = EventQueue(
            self._attempt,
            delivery.go_on,
            clock=clock,
            reports=reports,
            random=draws.stream("backoff"),
        )

    async def invoke(
        self, caller: Caller, given: dict[str, Any], request_id: str, trace: str | None
    ) -> dict[str, Any]:
        """The operation Invoke."""
        kind = given.get("InvocationType") or "RequestResponse"
        target, invocation = self._prepare(caller, given, request_id, trace)
        if kind == "DryRun":
            return {"StatusCode": 204}
        if kind == "Event":
            self._queue.put(target, invocation)
            return {"StatusCode": 202}
        tail = given.get("LogType") == "Tail"
        if tail:
            outcome = await self._run(target, invocation)
        else:
            outcome = await self._first_answer(target, invocation)
        return answers.answer(target, outcome, tail=tail)

    async def invoke_with_response_stream(
        self, caller: Caller, given: dict[str, Any], request_id: str, trace: str | None
    ) -> dict[str, Any]:
        """The operation InvokeWithResponseStream: answers when the function begins to answer."""
        target, invocation = self._prepare(caller, given, request_id, trace)
        if given.get("InvocationType") == "DryRun":
            return {"StatusCode": 204}
        sink = ResponseSink()
        running = asyncio.ensure_future(self._run(target, replace(invocation, sink=sink)))
        running.add_done_callback(lambda _: sink.close())
        await sink.wait()
        if running.done():
            running.result()  # raises what refuses the invocation
        tail = (
            (lambda outcome: answers.tail_of(outcome.log))
            if given.get("LogType") == "Tail"
            else None
        )
        return {
            "StatusCode": 200,
            "ExecutedVersion": target.version.deployed.version,
            "ResponseStreamContentType": event_stream.CONTENT_TYPE,
            "EventStream": event_stream.messages(sink, running, tail),
        }

    def locate(self, function_arn: str) -> Located:
        """The function and the version that a (qualified) ARN names; AwsError where there is none.

        With ``call`` and ``send`` this is the way in for services of the same cloud.
        """
        if not is_function_arn(function_arn):
            raise aws_error("function.missing", arn=function_arn)
        region, account = function_arn.split(":")[3:5]
        return self._directory.locate(Caller(account, region), {"FunctionName": function_arn})

    async def call(
        self,
        target: Located,
        payload: bytes,
        *,
        request_id: str | None = None,
        trace: str | None = None,
        sink: ResponseSink | None = None,
        answered: Callable[[Outcome], None] | None = None,
        is_json: bool = False,
    ) -> Outcome:
        """Invoke as RequestResponse; raises AwsError where the function may not run now.

        A function that streams its response sends it to ``sink``. ``answered`` hears the outcome as
        soon as the function has answered, when its extensions may still be at work and nothing is
        written down yet. ``is_json`` says that nobody need look whether the payload is JSON.
        """
        invocation = self._invocation(
            target, payload, request_id, trace, sink=sink, answered=answered, is_json=is_json
        )
        return await self._run(route(target, self._routes), invocation)

    async def ask(self, target: Located, payload: bytes, *, trace: str | None = None) -> Outcome:
        """As ``call``, for whoever waits for the answer only: extensions may still be at work."""
        invocation = self._invocation(target, payload, None, trace)
        return await self._first_answer(route(target, self._routes), invocation)

    def send(
        self,
        target: Located,
        payload: bytes,
        *,
        request_id: str | None = None,
        trace: str | None = None,
    ) -> str:
        """Invoke as Event: queued; gives the request's id. Raises AwsError as Invoke does."""
        invocation = self._invocation(target, payload, request_id, trace, kind="Event")
        self._queue.put(target, invocation)
        return invocation.request_id

    def stop(self) -> None:
        """Make no environments ahead any more, and take no snapshots."""
        self.provisioning.clear()
        self.snapshots.clear()

    async def empty(self) -> None:
        """Drop what is queued, and wait until what was running has come to its end."""
        self._queue.clear()
        await self._runner.none()
        self._sampler.clear()

    # The steps.

    async def _first_answer(self, target: Located, invocation: Invocation) -> Outcome:
        """The function's answer as soon as it is there: its extensions may work on.

        Extensions come in layers; all other functions are spared the task. (AWS does not say when
        it answers who asks for the log as well: here that is when the log is whole.)
        """
        if not target.version.deployed.layers:
            return await self._run(target, invocation)
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        running = asyncio.ensure_future(
            self._run(target, replace(invocation, answered=answered.set_result))
        )
        running.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait({answered, running}, return_when=asyncio.FIRST_COMPLETED)
        return answered.result() if answered.done() else running.result()

    def _prepare(
        self, caller: Caller, given: dict[str, Any], request_id: str, trace: str | None
    ) -> tuple[Located, Invocation]:
        """Which version shall run, with what; raises what refuses the request."""
        target = route(self._directory.locate(caller, given), self._routes)
        if given.get("TenantId") or given.get("DurableExecutionName"):
            raise _not_such_a_function()
        kind = given.get("InvocationType") or "RequestResponse"
        body = given.get("Payload") or b""
        invocation = self._invocation(target, body, request_id, trace, kind=kind)
        return target, replace(invocation, client_context=event.client_context(given))

    def _invocation(
        self,
        target: Located,
        payload: bytes,
        request_id: str | None,
        trace: str | None,
        *,
        kind: str = "RequestResponse",
        sink: ResponseSink | None = None,
        answered: Callable[[Outcome], None] | None = None,
        is_json: bool = False,
    ) -> Invocation:
        body = event.checked(payload, kind, is_json=is_json)
        self._check_invocable(target.function, target.version)
        header = trace_header(trace, self._clock.now(), self._traces)
        header, earlier = followed(header, target.function, fresh="Lineage=" not in (trace or ""))
        upstream, traced = "", target.version.deployed.traced
        if traced:
            now = self._clock.now()
            header, upstream = self._sampler.sampled(header, trace, target.function.arn, now)
        return Invocation(
            request_id=request_id or identifier(self._requests),
            event=body,
            arn=target.arn,
            trace_id=header,
            invocation_id=identifier(self._attempts),
            earlier=earlier,
            sink=sink,
            answered=answered,
            queued=kind == "Event",
            traced=traced and "Sampled=1" in header,
            upstream=upstream,
        )

    def _check_invocable(self, function: Function, version: Version) -> None:
        if version.deployed.snapshot:
            self.snapshots.use(function, version)
        if version.state in ("Pending", "Failed"):
            raise aws_error("state.pending", state=version.state)
        reason = runtimes.unsupported(version.deployed.runtime)
        if reason:
            message = facts.message("unsupported.runtime")
            raise AwsError(message.code or "", reason, message.status or 502)

    async def _run(self, target: Located, invocation: Invocation) -> Outcome:
        if looping(target.function, invocation.earlier):
            self._runner.stopped(target, invocation)
            raise aws_error("recursion.stopped")
        return await self._runner.run(target, invocation)

    def _send_on(self, function_arn: str, payload: bytes, trace: str) -> None:
        """An invocation record goes to a function."""
        self.send(self.locate(function_arn), payload, trace=trace)

    async def _attempt(self, target: Located, invocation: Invocation) -> Attempt:
        """One attempt of a queued event, at what its qualifier means now."""
        version = target.function.version(target.qualifier)
        if version is None:
            raise aws_error("function.missing", arn=target.arn)
        current = route(target._replace(version=version), self._routes)
        self._check_invocable(target.function, version)
        attempt = replace(invocation, invocation_id=identifier(self._attempts))
        executed = current.version.deployed.version
        return Attempt(await self._run(current, attempt), executed)


def _not_such_a_function() -> AwsError:
    return AwsError(
        "InvalidParameterValueException",
        "The function has neither tenant isolation nor a durable configuration.",
    )
