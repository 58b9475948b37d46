"""Invoke: from a checked request to a function's answer.

A caller waits (RequestResponse), leaves the event behind (Event), or only asks whether it could
call (DryRun). Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from lambdalab import facts
from lambdalab.clock import LabClock
from lambdalab.draws import Draws, identifier
from lambdalab.errors import AwsError, aws_error
from lambdalab.execution import runtimes
from lambdalab.execution.environment import Environment
from lambdalab.execution.pool import EnvironmentPool
from lambdalab.execution.sandbox import SandboxGoneError
from lambdalab.execution.spec import Invocation, Outcome, RuntimeSpec
from lambdalab.execution.streaming import ResponseSink
from lambdalab.functions import shown
from lambdalab.functions.lookup import Caller, Directory, Located
from lambdalab.functions.records import Configuration, Version
from lambdalab.invocation import answers, event, event_stream
from lambdalab.invocation.admission import Concurrency
from lambdalab.invocation.metrics import Metrics
from lambdalab.invocation.routing import route, shared
from lambdalab.invocation.tracing import trace_header
from lambdalab.neighbours import sts
from lambdalab.timeline import Record, Timeline

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
        self._pool = pool
        self._clock = clock
        self._timeline = timeline
        self._metrics = metrics
        self._traces = draws.stream("traces")
        self._attempts = draws.stream("attempts")
        self._routes = draws.stream("routes")
        self._endpoint_url = endpoint_url
        self._concurrency = Concurrency()
        self._queued: set[asyncio.Task[Any]] = set()

    async def invoke(
        self, caller: Caller, given: dict[str, Any], request_id: str, trace: str | None
    ) -> dict[str, Any]:
        """The operation Invoke."""
        kind = given.get("InvocationType") or "RequestResponse"
        target, invocation = self._prepare(caller, given, request_id, trace)
        if kind == "DryRun":
            return {"StatusCode": 204}
        if kind == "Event":
            return self._leave_behind(target, invocation)
        tail = given.get("LogType") == "Tail"
        if target.version.deployed.layers and not tail:
            outcome = await self._first_answer(target, invocation)
        else:
            outcome = await self._run(target, invocation)
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

    async def empty(self) -> None:
        """Drop what is queued, and wait until what was running has come to its end."""
        for task in list(self._queued):
            task.cancel()
        await self._concurrency.none()

    # The steps.

    async def _first_answer(self, target: Located, invocation: Invocation) -> Outcome:
        """The function's answer as soon as it is there: its extensions may work on.

        Extensions come in layers; all other functions are spared the task. (AWS does not say when
        it answers who asks for the log as well: here that is when the log is whole.)
        """
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        running = asyncio.ensure_future(
            self._run(target, replace(invocation, answered=answered.set_result))
        )
        running.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait({answered, running}, return_when=asyncio.FIRST_COMPLETED)
        return answered.result() if answered.done() else running.result()

    def _locate(self, caller: Caller, given: dict[str, Any]) -> Located:
        return self._directory.locate(caller, given)

    def _prepare(
        self, caller: Caller, given: dict[str, Any], request_id: str, trace: str | None
    ) -> tuple[Located, Invocation]:
        """Which version shall run, with what; raises what refuses the request."""
        kind = given.get("InvocationType") or "RequestResponse"
        target = route(self._locate(caller, given), self._routes)
        if given.get("TenantId") or given.get("DurableExecutionName"):
            raise _not_such_a_function()
        body = event.checked(given.get("Payload") or b"", kind)
        _check_invocable(target.version)
        return target, Invocation(
            request_id=request_id,
            event=body,
            arn=target.arn,
            trace_id=trace_header(trace, self._clock.now(), self._traces),
            client_context=event.client_context(given),
            invocation_id=identifier(self._attempts),
        )

    def _leave_behind(self, target: Located, invocation: Invocation) -> dict[str, Any]:
        """Queue an event; it is delivered once, and nobody waits for the result."""
        name = target.function.id.name
        now = self._clock.now()
        self._timeline.add(Record(now, "accepted", name, None, invocation.request_id))
        self._start(self._deliver(target, invocation))
        return {"StatusCode": 202}

    async def _deliver(self, target: Located, invocation: Invocation) -> None:
        try:
            await self._run(target, invocation)
        except AwsError:
            # Throttled or gone meanwhile: nobody is there to hear of it.
            return

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._queued.add(task)
        task.add_done_callback(self._queued.discard)

    async def _run(self, target: Located, invocation: Invocation) -> Outcome:
        function = target.function
        started = self._clock.now()
        try:
            reserved = self._directory.registry.reserved(function.id)
            running, unreserved = self._concurrency.enter(function, reserved)
        except AwsError as refusal:
            self._throttled(target, invocation, started, refusal)
            raise
        try:
            environment, outcome = await self._execute(target.version.deployed, invocation)
        except SandboxGoneError as lost:
            raise AwsError("ServiceException", f"No environment could start. {lost}", 500) from lost
        finally:
            self._concurrency.leave(function, unreserved=unreserved)
        self._metrics.add(
            function.id._replace(qualifier=target.qualifier),
            started,
            shared(target),
            Invocations=1,
            Errors=int(outcome.failed),
            Duration=outcome.duration * 1000,
            Throttles=0,
            ConcurrentExecutions=running,
        )
        self._record(function.id.name, invocation, environment, outcome)
        return outcome

    async def _execute(
        self, deployed: Configuration, invocation: Invocation
    ) -> tuple[Environment, Outcome]:
        """Run in a warm environment, or in a new one."""
        key = deployed.arn
        environment = self._pool.take(key)
        cold, init_duration = environment is None, None
        if environment is None:
            spec = self._spec(deployed)
            environment, init_duration = await self._pool.make(key, spec, invocation.request_id)
        outcome = await environment.run(invocation)
        outcome.cold, outcome.init_duration = cold, init_duration
        environment.journal.report(invocation.request_id, outcome, invocation.trace_id)
        self._pool.give_back(key, environment)
        return environment, outcome

    def _spec(self, deployed: Configuration) -> RuntimeSpec:
        identity = deployed.function
        return RuntimeSpec(
            account=identity.account,
            region=identity.region,
            name=identity.name,
            arn=identity.arn,
            version=deployed.version,
            runtime=deployed.runtime,
            runtime_version_arn=shown.runtime_version_arn(deployed),
            handler=deployed.handler,
            memory=deployed.memory,
            timeout=deployed.timeout,
            log_group=deployed.log_group,
            task_root=deployed.package.root,
            variables=deployed.variables,
            credentials=sts.role_credentials(
                identity.account, identity.region, deployed.role, identity.name
            ),
            endpoint_url=self._endpoint_url,
            log_level=deployed.log_level,
            system_log_level=deployed.system_log_level,
            opt=deployed.layers.root if deployed.layers else None,
            storage=deployed.storage,
        )

    def _throttled(
        self, target: Located, invocation: Invocation, time: float, refusal: AwsError
    ) -> None:
        identity = target.function.id
        self._metrics.add(identity._replace(qualifier=target.qualifier), time, Throttles=1)
        detail = {"reason": refusal.body()["Reason"]}
        request_id = invocation.request_id
        self._timeline.add(Record(time, "throttle", identity.name, None, request_id, None, detail))

    def _record(
        self, name: str, invocation: Invocation, environment: Environment, outcome: Outcome
    ) -> None:
        detail = {
            "status": outcome.status,
            "cold": outcome.cold,
            "memory_mb": outcome.memory_used,
        }
        self._timeline.add(
            Record(
                outcome.began,
                "invoke",
                name,
                environment.name,
                invocation.request_id,
                outcome.duration,
                detail,
            )
        )


def _check_invocable(version: Version) -> None:
    if version.state == "Pending":
        raise aws_error("state.pending", state=version.state)
    reason = runtimes.unsupported(version.deployed.runtime)
    if reason:
        message = facts.message("unsupported.runtime")
        raise AwsError(message.code or "", reason, message.status or 502)


def _not_such_a_function() -> AwsError:
    return AwsError(
        "InvalidParameterValueException",
        "The function has neither tenant isolation nor a durable configuration.",
    )
