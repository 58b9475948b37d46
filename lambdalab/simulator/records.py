"""A simulated run as the lab's own timeline tells a real one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import TYPE_CHECKING, Any

from lambdalab.draws import identifier
from lambdalab.simulator.brought import Bringer, Told, Try, bringer
from lambdalab.simulator.concurrency import lives
from lambdalab.simulator.ready import ready
from lambdalab.simulator.rules import REASONS
from lambdalab.timeline import Record

if TYPE_CHECKING:
    from lambdalab.simulator.result import Result

__all__ = ["records_of"]

AGED, IDLE = "its age", "idle"
# What the simulator provisions is not for a version or an alias that has a name.
QUALIFIER = "1"
# Of what happens at one time, that comes first which makes room for the rest.
_ORDER = (
    "deleted", "end", "accepted", "poll", "init", "provisioned", "invoke",
    "throttle", "returned", "retry", "dropped",
)  # fmt: skip
_RANK = {kind: rank for rank, kind in enumerate(_ORDER)}


def records_of(result: Result, requests: int | None, epoch: float) -> list[Record]:
    """Records in the order of their times; who tries again keeps the identifier of the request."""
    count = len(result) if requests is None else min(requests, len(result))
    run = _Run(result, count, epoch)
    records = [*run.provisioned(), *run.on_demand(), *run.requests()]
    records.sort(key=lambda record: (record.time, _RANK[record.kind]))
    return records


class _Run:
    """The records of the first ``count`` requests of a run."""

    def __init__(self, result: Result, count: int, epoch: float) -> None:
        self._result, self._count, self._epoch = result, count, epoch
        self._function = result.function.name
        self._random = Random(count)  # noqa: S311 - names, no secrets
        self._names = [identifier(self._random) for _ in range(count)]
        self._ready, self._in = ready(result, count)
        # One by one, an array gives its numbers far slower than a list.
        self._served = (~result.throttled[:count]).tolist()
        self._start, self._length = result.start[:count].tolist(), _lengths(result, count)
        self._cold = result.cold[:count].tolist()

    # Environments.

    def provisioned(self) -> Iterator[Record]:
        """Yield INIT and end of the provisioned environments, and when all were ready."""
        for life in self._ready:
            yield self._init(life.number, life.made, life.init)
            if life.gone < math.inf:
                yield self._end(life.number, life.gone, AGED)
        count = self._result.policy.provisioned
        if count:
            detail = {"qualifier": QUALIFIER, "status": "READY", "requested": count, "ready": count}
            yield self._record(self._result.begin, "provisioned", detail)

    def on_demand(self) -> Iterator[Record]:
        """Yield INIT and end of the other environments that these requests ran in."""
        result = self._result
        used = {int(each) for each in result.environment[: self._count]}
        first, life, end = result.policy.provisioned, lives(result), result.begin + result.duration
        for number in sorted(each for each in used if each >= first):
            init, _, age = (float(each) for each in result.fates[number - first])
            made, gone = float(life.made[number - first]), float(life.gone[number - first])
            yield self._init(number, made, init)
            if gone <= end:
                yield self._end(number, gone, AGED if gone >= made + age else IDLE)

    def _init(self, number: int, time: float, seconds: float) -> Record:
        detail = {"status": "success", "phase": "init"}
        return self._record(time, "init", detail, number=number, duration=seconds)

    def _end(self, number: int, time: float, reason: str) -> Record:
        return self._record(time, "end", {"reason": reason}, number=number)

    # Requests.

    def requests(self) -> Iterator[Record]:
        """Yield what became of each request, and what whoever brought it tells."""
        who = bringer(self._result)
        if who is not None:
            yield from self._brought(who)
            return
        for row in range(self._count):
            if self._served[row]:
                yield self._invocation(row, self._names[row])
        for row, refusals in self._refusals().items():
            for time, decision in refusals:
                yield self._throttle(time, decision, self._names[row])

    def _brought(self, who: Bringer) -> Iterator[Record]:
        refusals = self._refusals()
        for row in range(self._count):
            tries = self._tries(row, refusals.get(row, []), renames=who.renames)
            yield from self._told(tries[0], who.came)
            for one in tries:
                yield from self._told(one, who.tried)
                if one.refusal is None:
                    yield self._invocation(row, one.name)
                    yield from self._told(one, who.ran)
                else:
                    yield self._throttle(one.time, one.refusal, one.name)
                    yield from self._told(one, who.refused)

    def _refusals(self) -> dict[int, list[tuple[float, int]]]:
        """Of each request, when it was refused, and the decision."""
        found: dict[int, list[tuple[float, int]]] = {}
        refused = (array.tolist() for array in self._result.refused)
        for time, row, decision in zip(*refused, strict=True):
            if row < self._count:
                found.setdefault(row, []).append((time, decision))
        return found

    def _tries(self, row: int, refusals: list[tuple[float, int]], *, renames: bool) -> list[Try]:
        whole: list[tuple[float, int | None]] = [*refusals]
        if self._served[row]:
            waited = float(self._result.init[row]) if self._cold[row] else 0.0
            whole.append((self._start[row] - waited, None))
        agains = [*(time for time, _ in whole[1:]), None]
        tries = [
            Try(row, time, self._names[row], refusal, again)
            for (time, refusal), again in zip(whole, agains, strict=True)
        ]
        if renames:
            tries[:-1] = [one._replace(name=identifier(self._random)) for one in tries[:-1]]
        return tries

    def _throttle(self, time: float, decision: int, name: str) -> Record:
        return self._record(time, "throttle", {"reason": REASONS[decision]}, name=name)

    def _invocation(self, row: int, name: str) -> Record:
        length = self._length[row]
        late = length >= self._result.function.timeout
        detail = {
            "status": "timeout" if late else "success",
            "cold": self._cold[row],
            "memory_mb": None,
        }
        start, number = self._start[row], self._in[row]
        return self._record(start, "invoke", detail, name=name, number=number, duration=length)

    def _told(self, one: Try, tell: Callable[[Try], Iterable[Told]]) -> Iterator[Record]:
        return (
            self._record(told.time, told.kind, told.detail, name=one.name) for told in tell(one)
        )

    def _record(
        self,
        time: float,
        kind: str,
        detail: dict[str, Any],
        *,
        number: int | None = None,
        name: str | None = None,
        duration: float | None = None,
    ) -> Record:
        place = None if number is None else f"env-{number + 1}"
        time += self._epoch
        return Record(time, kind, self._function, place, name, duration, detail)


def _lengths(result: Result, count: int) -> list[float]:
    lengths: list[float] = (result.end[:count] - result.start[:count]).tolist()
    return lengths
