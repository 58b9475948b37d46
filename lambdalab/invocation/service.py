"""Invoke: from a checked request to a function's answer.

A caller waits (RequestResponse), leaves the event behind (Event), or only asks whether it could
call (DryRun). Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Coroutine
from typing import Any

from lambdalab import facts
from lambdalab.clock import LabClock, stopwatch
from lambdalab.draws import Draws
from lambdalab.errors import AwsError, aws_error
from lambdalab.execution.environment import Environment
from lambdalab.execution.pool import EnvironmentPool
from lambdalab.execution.spec import Invocation, Outcome, RuntimeSpec
from lambdalab.execution.zygote_client import ZygoteGoneError
from lambdalab.functions import shown
from lambdalab.functions.lookup import Caller, Directory, Located
from lambdalab.functions.records import Configuration, Version
from lambdalab.invocation import event
from lambdalab.invocation.admission import Concurrency
from lambdalab.invocation.metrics import Metrics
from lambdalab.invocation.routing import route, shared
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
        self._routes = draws.stream("routes")
        self._endpoint_url = endpoint_url
        self._concurrency = Concurrency()
        self._queued: set[asyncio.Task[Any]] = set()

    async def invoke(
        self, caller: Caller, given: dict[str, Any], request_id: str, trace: str | None
    ) -> dict[str, Any]:
        """The operation Invoke."""
        kind = given.get("InvocationType") or "RequestResponse"
        target = route(self._locate(caller, given), self._routes)
        if given.get("TenantId") or given.get("DurableExecutionName"):
            raise _not_such_a_function()
        body = event.checked(given.get("Payload") or b"", kind)
        _check_invocable(target.version)
        if kind == "DryRun":
            return {"StatusCode": 204}
        invocation = Invocation(
            request_id=request_id,
            event=body,
            arn=target.arn,
            trace_id=trace or self._trace(),
            client_context=_client_context(given),
        )
        if kind == "Event":
            return self._leave_behind(target, invocation)
        outcome = await self._run(target, invocation)
        return _answer(target, outcome, tail=given.get("LogType") == "Tail")

    async def empty(self) -> None:
        """Drop what is queued, and wait until what was running has come to its end."""
        for task in list(self._queued):
            task.cancel()
        await self._concurrency.none()

    # The steps.

    def _locate(self, caller: Caller, given: dict[str, Any]) -> Located:
        return self._directory.locate(caller, given)

    def _trace(self) -> str:
        draw = self._traces.getrandbits
        root = f"{int(self._clock.now()):08x}-{draw(96):024x}"
        return f"Root=1-{root};Parent={draw(64):016x};Sampled=0;Lineage=1:{draw(32):08x}:0"

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
        except ZygoteGoneError as lost:
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
        init_duration = None
        if environment is None:
            spec = self._spec(deployed)
            began = stopwatch()
            environment, failure, init_duration = await self._pool.make(
                key, spec, invocation.request_id
            )
            if failure is not None:
                environment.report_failed_init(failure, stopwatch() - began)
                return environment, failure
        outcome = await environment.run(invocation)
        outcome.init_duration = init_duration
        environment.report(outcome)
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
            opt=deployed.layers.root if deployed.layers else None,
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
            "cold": outcome.init_duration is not None,
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
    runtime = version.deployed.runtime
    if not runtime.startswith("python"):
        raise AwsError(
            "InvalidRuntimeException",
            f"Lambda Lab runs Python functions so far: functions of {runtime or 'container images'}"
            " can be created and shown, not invoked.",
            502,
        )


def _answer(target: Located, outcome: Outcome, *, tail: bool) -> dict[str, Any]:
    result: dict[str, Any] = {
        "StatusCode": 200,
        "ExecutedVersion": target.version.deployed.version,
        "Payload": outcome.payload,
    }
    if outcome.failed:
        result["FunctionError"] = "Unhandled"
    if tail:
        result["LogResult"] = _tail(outcome.log)
    return result


def _tail(events: list[str]) -> str:
    """The end of a log in base64; every event starts a line."""
    text = "".join(event if event.endswith("\n") else f"{event}\n" for event in events).encode()
    return base64.b64encode(text[-facts.quota("payload.log-tail").bytes :]).decode("ascii")


def _client_context(given: dict[str, Any]) -> str | None:
    """The client's context as JSON text; a header carries it in base64."""
    encoded = given.get("ClientContext")
    if not encoded:
        return None
    try:
        # Written anew, for a header holds no line break and nothing but ASCII.
        return json.dumps(json.loads(base64.b64decode(encoded, validate=True)))
    except ValueError:
        raise AwsError(
            "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON."
        ) from None


def _not_such_a_function() -> AwsError:
    return AwsError(
        "InvalidParameterValueException",
        "The function has neither tenant isolation nor a durable configuration.",
    )
