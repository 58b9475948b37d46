"""The deployments of one cloud: begun, stopped, asked, rolled back.

Requests come in moto's threads; deployments live in the event loop.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from random import Random
from typing import Any, NamedTuple

from lambdalab import facts
from lambdalab.clock import Hold
from lambdalab.draws import identifier
from lambdalab.errors import aws_error
from lambdalab.neighbours.code_deploy import codedeploy
from lambdalab.neighbours.code_deploy.codedeploy import Wanted
from lambdalab.sources.code_deploy import app_spec
from lambdalab.sources.code_deploy.deployment import Deployment, FailedError
from lambdalab.sources.code_deploy.routing import DEFAULT, PREDEFINED, routing
from lambdalab.sources.code_deploy.run import Run, World

__all__ = ["CodeDeploy", "EmptiedError", "Outcome"]

_ON_FAILURE, _ON_ALARM, _ON_REQUEST = (
    "DEPLOYMENT_FAILURE",
    "DEPLOYMENT_STOP_ON_ALARM",
    "DEPLOYMENT_STOP_ON_REQUEST",
)


class EmptiedError(BaseException):
    """The cloud was emptied while somebody waited: whoever did has nothing more to do."""


class Outcome(NamedTuple):
    """How a deployment ended: why it failed, or nothing; the clock waits until it is released."""

    failure: str
    hold: Hold
    loop: asyncio.AbstractEventLoop

    def release(self) -> None:
        """What follows from it is done; from any thread."""
        self.loop.call_soon_threadsafe(self.hold.release)


class CodeDeploy:
    """Deployments to functions; to be made in the event loop."""

    predefined = PREDEFINED
    default = DEFAULT

    def __init__(self, world: World, random: Random) -> None:
        self._world = world
        self._random = random
        self._loop = asyncio.get_running_loop()
        self._runs: dict[str, Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: dict[str, list[Future[Outcome]]] = {}
        codedeploy.install(self)

    # From moto's threads.

    @staticmethod
    def check_routing(config: dict[str, Any]) -> None:
        """Refuse a traffic routing that makes no sense; raises AwsError."""
        routing(config)

    def prepare(self, wanted: Wanted) -> Deployment:
        """A deployment as it is asked for, not yet begun; raises AwsError."""
        spec = app_spec.read(wanted.app_spec)
        return Deployment(
            wanted.id,
            wanted.account,
            wanted.region,
            wanted.role,
            spec,
            routing(wanted.routing),
            alarms=wanted.alarms,
            ignore_alarm_failure=wanted.ignore_alarm_failure,
            roll_back_on=wanted.roll_back_on,
            changed=self._world.clock.now(),
        )

    def begin(self, deployment: Deployment) -> None:
        """Let a deployment go its way."""
        self._loop.call_soon_threadsafe(self._start, deployment)

    def stop_deployment(self, deployment: Deployment, *, roll_back: bool) -> None:
        """End a deployment because somebody wants it; raises AwsError."""
        if deployment.ended:
            raise aws_error("deployment.completed", id=deployment.id, status=deployment.status)
        if roll_back:
            deployment.roll_back_on |= {_ON_REQUEST}
        text = facts.message("deployment.stopped").text
        self._in_loop(lambda: self._stop(deployment, FailedError("MANUAL_STOP", text, "Stopped")))

    def answer_hook(self, deployment: Deployment, execution_id: str, status: str) -> None:
        """What a hook's function has found; raises AwsError."""
        run = self._runs.get(deployment.id)
        if run is None or run.execution_id != execution_id:
            raise aws_error("deployment.bad-hook-execution")
        if not self._in_loop(lambda: run.answer(status)):
            raise aws_error("deployment.hook-completed")

    def outcome(self, deployment_id: str) -> Future[Outcome]:
        """How a deployment, and its rollback, will have ended; the clock waits meanwhile."""
        found: Future[Outcome] = Future()

        def ask() -> None:
            self._waiting.setdefault(deployment_id, []).append(found)
            if deployment_id not in self._runs:
                self._settle(deployment_id, "")

        self._loop.call_soon_threadsafe(ask)
        return found

    # The cloud's.

    async def empty(self) -> None:
        """Forget all deployments; nobody hears how they would have ended."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for run in self._runs.values():
            run.release()
        self._runs.clear()
        waiting, self._waiting = self._waiting, {}
        for future in (one for each in waiting.values() for one in each):
            future.set_exception(EmptiedError())

    # In the event loop.

    def _in_loop(self, act: Any) -> Any:
        async def run() -> Any:
            return act()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def _start(self, deployment: Deployment) -> None:
        run = Run(deployment, self._world, identifier(self._random))
        self._runs[deployment.id] = run
        self._keep(self._take(run))

    def _keep(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, run: Run) -> None:
        """One deployment to its end, and back again if it fails and that was asked for."""
        deployment = run.deployment
        await run()
        error = deployment.error
        if error is not None and _reason(error) & deployment.roll_back_on:
            await self._roll_back(deployment)
        del self._runs[deployment.id]
        failure = f"{deployment.id}: {error.message}" if error is not None else ""
        self._settle(deployment.id, failure)
        run.release()

    async def _roll_back(self, failed: Deployment) -> None:
        text = facts.message("deployment.rollback").format(id=failed.id)
        back = failed.back(codedeploy.add_rollback(failed, text))
        codedeploy.attach(failed.account, failed.region, back)
        failed.rollback = {"rollbackDeploymentId": back.id, "rollbackMessage": text}
        run = Run(back, self._world, identifier(self._random))
        self._runs[back.id] = run
        try:
            await run()
        finally:
            del self._runs[back.id]
            run.release()

    def _stop(self, deployment: Deployment, error: FailedError) -> None:
        run = self._runs.get(deployment.id)
        if run is not None:
            run.stop(error)

    def _settle(self, deployment_id: str, failure: str) -> None:
        for future in self._waiting.pop(deployment_id, []):
            future.set_result(Outcome(failure, self._world.clock.hold(), self._loop))


def _reason(error: FailedError) -> set[str]:
    """Which of the events of an automatic rollback it is."""
    return {{"ALARM_ACTIVE": _ON_ALARM, "MANUAL_STOP": _ON_REQUEST}.get(error.code, _ON_FAILURE)}
