"""One run of a function: admission, an environment, and what is counted and written down of it."""

from __future__ import annotations

from lambdalab.clock import LabClock
from lambdalab.errors import AwsError
from lambdalab.execution.environment import Environment
from lambdalab.execution.pool import EnvironmentPool
from lambdalab.execution.sandbox import SandboxGoneError
from lambdalab.execution.spec import Invocation, Outcome, RuntimeSpec
from lambdalab.functions import shown
from lambdalab.functions.lookup import Located
from lambdalab.functions.records import Configuration, Registry
from lambdalab.invocation.admission import Concurrency
from lambdalab.invocation.metrics import Metrics
from lambdalab.invocation.routing import shared
from lambdalab.neighbours import sts
from lambdalab.timeline import Record, Timeline

__all__ = ["Runner"]


class Runner:
    """Runs the functions of one cloud, whoever asks for it."""

    def __init__(
        self,
        registry: Registry,
        pool: EnvironmentPool,
        *,
        clock: LabClock,
        timeline: Timeline,
        metrics: Metrics,
        endpoint_url: str,
    ) -> None:
        self._registry = registry
        self._pool = pool
        self._clock = clock
        self._timeline = timeline
        self._metrics = metrics
        self._endpoint_url = endpoint_url
        self._concurrency = Concurrency()

    async def none(self) -> None:
        """Wait until no function runs."""
        await self._concurrency.none()

    def stopped(self, target: Located, invocation: Invocation) -> None:
        """A run was refused because the function invokes itself in a circle."""
        identity, now = target.function.id, self._clock.now()
        self._metrics.add(
            identity._replace(qualifier=target.qualifier), now, RecursiveInvocationsDropped=1
        )
        detail = {"reason": "RecursiveInvocation", "earlier": invocation.earlier}
        request_id = invocation.request_id
        self._timeline.add(Record(now, "throttle", identity.name, None, request_id, None, detail))

    async def run(self, target: Located, invocation: Invocation) -> Outcome:
        """Run a version; raises AwsError when it may not run now, or no environment starts."""
        function = target.function
        started = self._clock.now()
        try:
            reserved = self._registry.reserved(function.id)
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
