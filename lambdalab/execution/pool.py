"""The execution environments of one cloud: which are warm, which run, how new ones are made."""

from __future__ import annotations

from random import Random
from typing import Any

from lambdalab.clock import stopwatch
from lambdalab.execution.environment import Environment, Machinery
from lambdalab.execution.logbook import LogStream
from lambdalab.execution.reclaim import Reclaim
from lambdalab.execution.spec import RuntimeSpec
from lambdalab.timeline import Record, Timeline

__all__ = ["EnvironmentPool"]


class EnvironmentPool:
    """Environments by function version (its unqualified ARN and version)."""

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
        self._idle: dict[str, list[Environment]] = {}
        self._all: dict[str, set[Environment]] = {}

    def take(self, key: str) -> Environment | None:
        """The warm environment that was used last, or None."""
        idle = self._idle.get(key)
        while idle:
            environment = idle.pop()
            if environment.lost:
                environment.end("its supervisor was ended")
                continue
            reclaim = self._reclaim[environment]
            if not reclaim.is_old:
                reclaim.busy()
                return environment
            self._let_go(environment, "its age")
        return None

    def give_back(self, key: str, environment: Environment) -> None:
        """The environment is free again, unless it has ended or been retired."""
        if environment in self._all.get(key, ()):
            self._idle.setdefault(key, []).append(environment)
            self._reclaim[environment].idle()
        else:
            self._let_go(environment, "the function changed")

    async def make(
        self, key: str, spec: RuntimeSpec, request_id: str
    ) -> tuple[Environment, float | None]:
        """A new environment after its INIT, and the seconds that took; None when it failed.

        After a failure INIT runs once more, inside the invocation that waits for it.
        """
        self._made += 1
        name = f"env-{self._made}"
        environment = Environment(spec, name, self._stream(spec), self._machinery, self._tell)
        self._all.setdefault(key, set()).add(environment)
        self._reclaim[environment] = Reclaim(
            environment, self._machinery.clock, self._fates, self._let_go
        )
        began = stopwatch()
        failure = await environment.initialize(request_id)
        return environment, None if failure else stopwatch() - began

    def retire(self, key: str) -> None:
        """Let the environments of a function go: idle ones now, running ones when they are done."""
        self._all.pop(key, None)
        for environment in self._idle.pop(key, []):
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
        environment.let_go(reason)

    def _forget(self, environment: Environment) -> None:
        self._reclaim.pop(environment, None)
        for group in self._all.values():
            group.discard(environment)
        for idle in self._idle.values():
            if environment in idle:
                idle.remove(environment)
