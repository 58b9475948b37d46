"""One run of a function: admission, an environment, and what is counted and written down of it."""

from __future__ import annotations

from random import Random

from lambdalab.clock import LabClock
from lambdalab.errors import AwsError, aws_error
from lambdalab.execution.environment import Environment
from lambdalab.execution.pool import EnvironmentPool
from lambdalab.execution.sandbox import SandboxGoneError
from lambdalab.execution.spec import SNAP_START, Invocation, Outcome
from lambdalab.functions.lookup import Located
from lambdalab.functions.records import Registry
from lambdalab.invocation.admission import Admission, Ticket
from lambdalab.invocation.concurrency_counts import ConcurrencyCounts
from lambdalab.invocation.metrics import Metrics
from lambdalab.invocation.segments import segments
from lambdalab.invocation.specs import lane_of, spec_of
from lambdalab.neighbours.monitoring import traces
from lambdalab.simulator import rules
from lambdalab.timeline import Record, Timeline

__all__ = ["Runner"]


class Runner:
    """Runs the functions of one cloud, whoever asks for it."""

    def __init__(
        self,
        registry: Registry,
        pool: EnvironmentPool,
        admission: Admission,
        *,
        clock: LabClock,
        timeline: Timeline,
        metrics: Metrics,
        draw: Random,
        endpoint_url: str,
    ) -> None:
        self._draw = draw
        self._pool = pool
        self._clock = clock
        self._timeline = timeline
        self._metrics = metrics
        self._endpoint_url = endpoint_url
        self._admission = admission
        self._counts = ConcurrencyCounts(registry, admission, metrics)

    async def none(self) -> None:
        """Wait until no function runs."""
        await self._admission.none()

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
        started = self._clock.now()
        try:
            ticket = self._admission.enter(target, started, paced=not invocation.queued)
        except AwsError as refusal:
            self._throttled(target, invocation, started, refusal)
            raise
        self._counts.began(ticket, started)
        try:
            environment, outcome = await self._execute(ticket, invocation)
        except SandboxGoneError as lost:
            raise AwsError("ServiceException", f"No environment could start. {lost}", 500) from lost
        finally:
            self._admission.leave(ticket, self._clock.now())
        self._counts.ended(ticket, started, outcome)
        self._record(target.function.id.name, invocation, environment, outcome)
        if invocation.traced:
            identity, times = target.function.id, (started, self._clock.now())
            told = segments(target, invocation, outcome, times, self._draw)
            traces.put_segments(identity.account, identity.region, told)
        return outcome

    async def _execute(self, ticket: Ticket, invocation: Invocation) -> tuple[Environment, Outcome]:
        """Run in a warm environment, or in a new one."""
        deployed = ticket.target.version.deployed
        provisioned = ticket.decision == rules.PROVISIONED
        lane = lane_of(deployed, provisioned=provisioned)
        environment, failure = self._pool.take(lane), None
        cold = environment is None
        if environment is None:
            spec = spec_of(deployed, lane, self._endpoint_url)
            environment, failure = await self._pool.make(lane, spec, invocation.request_id)
            if lane.initialization == SNAP_START and failure is not None:
                environment.end("its restore failed")
                raise _not_restored(failure)
        outcome = await environment.run(invocation)
        outcome.cold = cold and not provisioned
        if outcome.cold and failure is None:
            if lane.initialization == SNAP_START:
                outcome.restore_duration = environment.restore_duration
            else:
                outcome.init_duration = environment.init_duration
        environment.journal.report(
            invocation.request_id, outcome, invocation.trace_id, traced=invocation.traced
        )
        self._pool.give_back(lane, environment)
        return environment, outcome

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


def _not_restored(failure: Outcome) -> AwsError:
    """Why nothing came back from a snapshot."""
    late = failure.status == "timeout"
    return aws_error("snap-start.restore-timeout" if late else "snap-start.hook-failed")
