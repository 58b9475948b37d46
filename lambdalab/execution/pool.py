"""The execution environments of one cloud: which are warm, which run, how new ones are made."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from lambdalab.execution.environment import Environment, Machinery
from lambdalab.execution.logbook import LogStream
from lambdalab.execution.reclaim import Reclaim
from lambdalab.execution.restored import RestoredEnvironment
from lambdalab.execution.spec import ON_DEMAND, PROVISIONED, SNAP_START, Outcome, RuntimeSpec
from lambdalab.timeline import Record, Timeline

__all__ = ["EnvironmentPool", "Lane"]

AGED = "its age"


class Lane(NamedTuple):
    """Where an environment waits: the ARN of its version, and how it came to be."""

    version: str
    initialization: str = ON_DEMAND


class EnvironmentPool:
    """Environments by lane.

    ``on_aged`` hears of a lane whose provisioned environment has reached its age: AWS replaces it.
    """

    def __init__(
        self, machinery: Machinery, timeline: Timeline, random: Random, fates: Random
    ) -> None:
        self._machinery = machinery
        self._timeline = timeline
        self._random = random
        self._fates = fates
        self._reclaim: dict[Environment, Reclaim] = {}
        self._made = 0
        self._noted: set[tuple[str, str]] = set()
        self._idle: dict[Lane, list[Environment]] = {}
        self._all: dict[Lane, set[Environment]] = {}
        self.on_aged: list[Callable[[Lane], None]] = []

    def idle(self, lane: Lane) -> int:
        """How many environments wait for work, the next to be taken being fit for it."""
        idle = self._idle.get(lane)
        while idle:
            environment = idle[-1]
            if environment.lost:
                idle.pop()
                environment.end("its supervisor was ended")
            elif self._reclaim[environment].is_old:
                self._let_go(environment, AGED)
            else:
                return len(idle)
        return 0

    def take(self, lane: Lane) -> Environment | None:
        """The warm environment that was used last, or None."""
        if not self.idle(lane):
            return None
        environment = self._idle[lane].pop()
        self._reclaim[environment].busy()
        return environment

    def give_back(self, lane: Lane, environment: Environment) -> None:
        """The environment is free again, unless it has ended or been retired."""
        if environment in self._all.get(lane, ()):
            self._idle.setdefault(lane, []).append(environment)
            self._reclaim[environment].idle()
        else:
            self._let_go(environment, "the function changed")

    async def make(
        self, lane: Lane, spec: RuntimeSpec, request_id: str = ""
    ) -> tuple[Environment, Outcome | None]:
        """A new environment after its INIT (or RESTORE), and what went wrong there, if anything.

        After a failure INIT runs once more, inside the invocation that waits for it.
        """
        environment = self._new(lane, spec)
        return environment, await environment.begin(request_id)

    async def snapshot(self, lane: Lane, spec: RuntimeSpec) -> Outcome | None:
        """Run the INIT of which a version's snapshot is taken; gives what went wrong there."""
        environment = self._new(lane, spec)
        failure = await environment.initialize("")
        self._let_go(environment, "its snapshot is taken")
        return failure

    def _new(self, lane: Lane, spec: RuntimeSpec) -> Environment:
        self._made += 1
        name = f"env-{self._made}"
        kind = RestoredEnvironment if lane.initialization == SNAP_START else Environment
        environment = kind(spec, name, self._stream(spec), self._machinery, self._tell)
        self._all.setdefault(lane, set()).add(environment)
        self._reclaim[environment] = Reclaim(
            environment,
            self._machinery.clock,
            self._fates,
            self._let_go,
            keeps=lane.initialization == PROVISIONED,
        )
        return environment

    def count(self, lane: Lane) -> int:
        """How many environments a lane has, at work or not."""
        return len(self._all.get(lane, ()))

    def shrink(self, lane: Lane, wanted: int, reason: str) -> None:
        """Let environments of a lane go until no more than ``wanted`` are left, idle ones first."""
        while self.count(lane) > wanted and self._idle.get(lane):
            environment = self._idle[lane][0]
            self._all[lane].discard(environment)
            self._let_go(environment, reason)
        for environment in list(self._all.get(lane, ()))[wanted:]:
            # It runs: it is let go when it is given back.
            self._all[lane].discard(environment)

    def retire(self, version: str) -> None:
        """Let the environments of a version go: idle ones now, running ones when they are done."""
        for lane in [lane for lane in self._all if lane.version == version]:
            del self._all[lane]
        for lane in [lane for lane in self._idle if lane.version == version]:
            for environment in self._idle.pop(lane):
                self._let_go(environment, "the function changed")

    def end_all(self) -> None:
        """End every environment at once; numbering starts again."""
        everything = [one for group in self._all.values() for one in group]
        self._all.clear()
        self._idle.clear()
        for environment in everything:
            environment.end("the cloud was emptied")
        self._made = 0
        self._noted.clear()

    def _stream(self, spec: RuntimeSpec) -> LogStream:
        now = self._machinery.clock.utc()
        # In a log group of its own a function is not named: the group may be shared.
        function = "" if spec.log_group == f"/aws/lambda/{spec.name}" else spec.name
        name = f"{now:%Y/%m/%d}/{function}[{spec.version}]{self._random.getrandbits(128):032x}"
        return LogStream(spec.account, spec.region, spec.log_group, name)

    def _tell(
        self,
        kind: str,
        environment: Environment,
        time: float,
        duration: float | None,
        detail: dict[str, Any],
    ) -> None:
        """Write down what happens to an environment; forget one that has ended.

        What is not as on AWS is noted once for a version of a function.
        """
        version = (environment.spec.arn, environment.spec.version)
        if "note" in detail and version in self._noted:
            del detail["note"]
        elif "note" in detail:
            self._noted.add(version)
        if kind == "end":
            self._forget(environment)
        name = environment.spec.name
        self._timeline.add(Record(time, kind, name, environment.name, None, duration, detail))

    def _let_go(self, environment: Environment, reason: str) -> None:
        """Take no more invocations to an environment, and end it: that may take it some time."""
        for idle in self._idle.values():
            if environment in idle:
                idle.remove(environment)
        lane = next((lane for lane, group in self._all.items() if environment in group), None)
        environment.let_go(reason)
        if reason == AGED and lane is not None and lane.initialization == PROVISIONED:
            self._all[lane].discard(environment)
            for listener in self.on_aged:
                listener(lane)

    def _forget(self, environment: Environment) -> None:
        self._reclaim.pop(environment, None)
        for group in self._all.values():
            group.discard(environment)
        for idle in self._idle.values():
            if environment in idle:
                idle.remove(environment)
