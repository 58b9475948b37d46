"""SnapStart: the INIT of a version that is being published, of which the snapshot is taken.

Source: https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from weakref import WeakKeyDictionary

from lambdalab import facts
from lambdalab.clock import Hold, LabClock
from lambdalab.errors import aws_error
from lambdalab.execution import runtimes
from lambdalab.execution.pool import EnvironmentPool
from lambdalab.execution.sandbox import SandboxGoneError
from lambdalab.execution.spec import Outcome
from lambdalab.functions.lifecycle import SnapshotFailure
from lambdalab.functions.records import Function, Version
from lambdalab.invocation.specs import lane_of, spec_of

__all__ = ["Snapshots"]

DAYS = facts.quota("snap-start.kept-without-invocations").value
KEPT = facts.quota("snap-start.kept-without-invocations").seconds
Done = Callable[[SnapshotFailure | None], None]


class Snapshots:
    """Takes the snapshots of one cloud, and lets go of those that nobody uses.

    ``again`` has the snapshot of a version taken anew.
    """

    def __init__(self, pool: EnvironmentPool, clock: LabClock, endpoint_url: str) -> None:
        self.again: Callable[[Function, Version], None] = lambda _function, _version: None
        self._used: WeakKeyDictionary[Version, float] = WeakKeyDictionary()
        self._pool = pool
        self._clock = clock
        self._endpoint_url = endpoint_url
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, version: Version, done: Done) -> None:
        """Initialize a version in an environment of its own; ``done`` hears how that went.

        A runtime that the lab does not run gets its snapshot without.
        """
        if runtimes.unsupported(version.deployed.runtime):
            done(None)
            return
        task = asyncio.get_running_loop().create_task(self._take(version, done, self._clock.hold()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def use(self, function: Function, version: Version) -> None:
        """A version with SnapStart is invoked; one whose snapshot is gone gets it back for later.

        Raises SnapStartNotReadyException where there is none now.
        """
        self._used[version] = self._clock.now()
        if version.state == "Inactive":
            self.again(function, version)
        if version.state == "Pending":
            raise aws_error("snap-start.not-ready")

    def clear(self) -> None:
        """Forget what is being taken."""
        for task in self._tasks:
            task.cancel()

    async def _take(self, version: Version, done: Done, hold: Hold) -> None:
        lane = lane_of(version.deployed)
        try:
            spec = spec_of(version.deployed, lane, self._endpoint_url)
            failure = await self._pool.snapshot(lane, spec)
            done(None if failure is None else _failure(failure))
            if failure is None:
                self._used[version] = self._clock.now()
                self._watch(version, KEPT)
        except SandboxGoneError:
            done(SnapshotFailure("InternalError", "Runtime.ExitError"))
        finally:
            hold.release()

    def _watch(self, version: Version, seconds: float) -> None:
        self._clock.call_later(seconds, lambda: self._look(version), background=True)

    def _look(self, version: Version) -> None:
        """AWS lets go of a snapshot that has not been used for long."""
        left = self._used.get(version, 0.0) + KEPT - self._clock.now()
        if left > 0:
            self._watch(version, left)
        elif version.state == "Active":
            text = facts.message("snap-start.idle").format(days=DAYS)
            version.state, version.state_reason = "Inactive", ("Idle", text)


def _failure(outcome: Outcome) -> SnapshotFailure:
    late = outcome.status == "timeout"
    code = "FunctionError.InitTimeout" if late else "FunctionError.RuntimeInitError"
    return SnapshotFailure(code, outcome.error_type or outcome.status)
