"""Provisioned concurrency: the environments behind it, made ahead and kept.

For each version the lab makes up to ``MOST_AHEAD`` real environments; whatever is provisioned above
that is made when it is first needed, and kept from then on. So 900 of them do not mean 900
processes on a laptop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from lambdalab import facts
from lambdalab.clock import Hold, LabClock
from lambdalab.execution.pool import EnvironmentPool, Lane
from lambdalab.execution.sandbox import SandboxGoneError
from lambdalab.functions.capacity import PROVISIONED, allocated
from lambdalab.functions.lookup import Located
from lambdalab.functions.provisioned import Provisioned
from lambdalab.functions.records import Configuration, Function, Registry, Version
from lambdalab.invocation.admission import Admission
from lambdalab.invocation.metrics import PROVISIONED as WHOSE
from lambdalab.invocation.metrics import Metrics
from lambdalab.invocation.specs import lane_of, spec_of
from lambdalab.timeline import Record, Timeline

__all__ = ["MOST_AHEAD", "Provisioning"]

MOST_AHEAD: int = facts.quota("provisioned.made-ahead").value
# INIT uses the CPU: more at a time would only be slower each.
AT_A_TIME = 4
MINUTE = 60.0
BEFORE_ITS_END = 1.0
FAILED = "FUNCTION_ERROR_INIT_FAILURE"


class Provisioning:
    """Makes and keeps the provisioned environments of one cloud."""

    def __init__(
        self,
        registry: Registry,
        pool: EnvironmentPool,
        admission: Admission,
        *,
        clock: LabClock,
        timeline: Timeline,
        metrics: Metrics,
        endpoint_url: str,
    ) -> None:
        self._registry = registry
        self._pool = pool
        self._admission = admission
        self._clock = clock
        self._timeline = timeline
        self._metrics = metrics
        self._endpoint_url = endpoint_url
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking = False
        pool.on_aged.append(self._replace)

    def allocate(self, function: Function, qualifier: str, config: Provisioned) -> None:
        """Make what a version or an alias has been waiting for, then say that it is ready."""
        self._start(self._allocate(function, qualifier, config))

    def follow(self, function: Function) -> None:
        """Less may be provisioned now, or for another version: end what is too much."""
        for version in function.versions.values():
            ready, _ = allocated(function, version.deployed.version)
            lane = lane_of(version.deployed, provisioned=True)
            self._pool.shrink(lane, ready, "its concurrency is provisioned no more")

    def clear(self) -> None:
        """Forget what is being made."""
        for task in self._tasks:
            task.cancel()
        self._looking = False

    # The steps.

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Work of the platform: winding waits for it."""
        hold = self._clock.hold()
        task = asyncio.get_running_loop().create_task(_released(hold, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _allocate(self, function: Function, qualifier: str, config: Provisioned) -> None:
        version = function.version(qualifier)
        if version is None:
            return
        ok = await self._fill(function, version, config.requested)
        if function.deleted:
            return
        if function.attachments(PROVISIONED).get(qualifier) is not config:
            self.follow(function)
            return
        if ok:
            config.ready()
        else:
            config.fail(FAILED)
            self.follow(function)
        self._tell(function, qualifier, config)
        self._look_each_minute()

    async def _fill(self, function: Function, version: Version, wanted: int) -> bool:
        """Make the environments that a version lacks; gives whether all have initialized."""
        lane = lane_of(version.deployed, provisioned=True)
        missing = min(wanted, MOST_AHEAD) - self._pool.count(lane)
        places = asyncio.Semaphore(AT_A_TIME)

        async def make() -> bool:
            async with places:
                # It may have been deleted while this one waited for its turn.
                kept = not function.deleted and version in function.versions.values()
                return kept and await self._make(version.deployed, lane)

        return all(await asyncio.gather(*(make() for _ in range(max(0, missing)))))

    async def _make(self, deployed: Configuration, lane: Lane) -> bool:
        spec = spec_of(deployed, lane, self._endpoint_url)
        try:
            environment, failure = await self._pool.make(lane, spec)
        except SandboxGoneError:
            return False
        if failure is None:
            environment.journal.forget_tail()
            self._pool.give_back(lane, environment)
        else:
            environment.end("its INIT failed")
        return failure is None

    def _replace(self, lane: Lane) -> None:
        """AWS ends provisioned environments too when they are old, and puts new ones there."""
        for function in self._registry.provisioning:
            for version in function.versions.values():
                if version.deployed.arn == lane.version:
                    ready, _ = allocated(function, version.deployed.version)
                    self._start(self._refill(function, version, ready))

    async def _refill(self, function: Function, version: Version, wanted: int) -> None:
        await self._fill(function, version, wanted)

    def _tell(self, function: Function, qualifier: str, config: Provisioned) -> None:
        detail = {
            "qualifier": qualifier,
            "status": config.status,
            "requested": config.requested,
            "ready": config.allocated,
        }
        now = self._clock.now()
        self._timeline.add(Record(now, "provisioned", function.id.name, detail=detail))

    # Metrics: for each minute, if nobody invokes, that nothing is used.

    def _look_each_minute(self) -> None:
        if not self._looking:
            self._looking = True
            left = MINUTE - BEFORE_ITS_END - self._clock.now() % MINUTE
            delay = left if left > 0 else left + MINUTE
            self._clock.call_later(delay, self._look, background=True)

    def _look(self) -> None:
        self._looking = False
        found = False
        for function in self._registry.provisioning:
            for qualifier, config in function.attachments(PROVISIONED).items():
                found = True
                invoked = self._admission.used(function, qualifier)
                if config.allocated and invoked < self._clock.now() - MINUTE + BEFORE_ITS_END:
                    self._count(function, qualifier, config)
        if found:
            self._look_each_minute()

    def _count(self, function: Function, qualifier: str, config: Provisioned) -> None:
        version = function.version(qualifier)
        if version is None:
            return
        target = Located(function, version, qualifier)
        busy = self._admission.provisioned_busy(function, version.deployed.arn)
        values: dict[str, float] = {
            "ProvisionedConcurrentExecutions": busy,
            "ProvisionedConcurrencyUtilization": min(1.0, busy / config.allocated),
        }
        named = function.id._replace(qualifier=target.qualifier)
        self._metrics.add(named, self._clock.now(), None, WHOSE, **values)


async def _released(hold: Hold, work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    finally:
        hold.release()
