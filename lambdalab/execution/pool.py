"""The execution environments of one cloud: which are warm, which run, how new ones are made."""

from __future__ import annotations

from random import Random

from lambdalab.clock import stopwatch
from lambdalab.execution.environment import Environment, Machinery
from lambdalab.execution.logbook import LogStream
from lambdalab.execution.spec import Outcome, RuntimeSpec
from lambdalab.timeline import Record, Timeline

__all__ = ["EnvironmentPool"]


class EnvironmentPool:
    """Environments by function version (its unqualified ARN and version)."""

    def __init__(self, machinery: Machinery, timeline: Timeline, random: Random) -> None:
        self._machinery = machinery
        self._timeline = timeline
        self._random = random
        self._made = 0
        self._idle: dict[str, list[Environment]] = {}
        self._all: dict[str, set[Environment]] = {}

    def take(self, key: str) -> Environment | None:
        """The warm environment that was used last, or None."""
        idle = self._idle.get(key)
        return idle.pop() if idle else None

    def give_back(self, key: str, environment: Environment) -> None:
        """The environment is free again, unless it has ended or been retired."""
        if environment in self._all.get(key, ()):
            self._idle.setdefault(key, []).append(environment)
        else:
            environment.end("the function changed")

    async def make(
        self, key: str, spec: RuntimeSpec, request_id: str
    ) -> tuple[Environment, Outcome | None, float]:
        """A new environment after its INIT: the environment, what went wrong, seconds it took.

        An INIT that fails is run once more, inside the invocation that waits for it.
        """
        self._made += 1
        name, stream = f"env-{self._made}", self._stream(spec)
        log: list[str] = []
        environment = self._new(key, spec, name, stream, log)
        failure, duration = await self._initialize(environment, request_id, "init")
        if failure is not None and key in self._all:  # else the function was let go meanwhile
            environment = self._new(key, spec, name, stream, log)
            failure, _ = await self._initialize(environment, request_id, "invoke")
        return environment, failure, duration

    async def _initialize(
        self, environment: Environment, request_id: str, phase: str
    ) -> tuple[Outcome | None, float]:
        started, began = self._machinery.clock.now(), stopwatch()
        failure = await environment.initialize(request_id, phase)
        duration = stopwatch() - began
        detail = {"status": "success" if failure is None else failure.status, "phase": phase}
        self._record(started, "init", environment, duration, detail)
        return failure, duration

    def retire(self, key: str) -> None:
        """Let the environments of a function go: idle ones now, running ones when they are done."""
        self._all.pop(key, None)
        for environment in self._idle.pop(key, []):
            environment.end("the function changed")

    def end_all(self) -> None:
        """End every environment at once; numbering starts again."""
        everything = [one for group in self._all.values() for one in group]
        self._all.clear()
        self._idle.clear()
        for environment in everything:
            environment.end("the cloud was emptied")
        self._made = 0

    def _stream(self, spec: RuntimeSpec) -> LogStream:
        now = self._machinery.clock.utc()
        # In a log group of its own a function is not named: the group may be shared.
        function = "" if spec.log_group == f"/aws/lambda/{spec.name}" else spec.name
        name = f"{now:%Y/%m/%d}/{function}[{spec.version}]{self._random.getrandbits(128):032x}"
        return LogStream(spec.account, spec.region, spec.log_group, name)

    def _new(
        self, key: str, spec: RuntimeSpec, name: str, stream: LogStream, log: list[str]
    ) -> Environment:
        environment = Environment(
            spec,
            name,
            stream,
            machinery=self._machinery,
            on_end=lambda ended, reason: self._forget(key, ended, reason),
            log=log,
        )
        self._all.setdefault(key, set()).add(environment)
        return environment

    def _forget(self, key: str, environment: Environment, reason: str) -> None:
        self._all.get(key, set()).discard(environment)
        idle = self._idle.get(key, [])
        if environment in idle:
            idle.remove(environment)
        self._record(self._machinery.clock.now(), "end", environment, None, {"reason": reason})

    def _record(
        self,
        time: float,
        kind: str,
        environment: Environment,
        duration: float | None,
        detail: dict[str, str],
    ) -> None:
        name = environment.spec.name
        self._timeline.add(Record(time, kind, name, environment.name, None, duration, detail))
