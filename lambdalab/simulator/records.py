"""A simulated run as the lab's own timeline tells a real one."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from lambdalab.draws import identifier
from lambdalab.simulator.concurrency import lives
from lambdalab.simulator.rules import REASONS
from lambdalab.timeline import Record

if TYPE_CHECKING:
    from lambdalab.simulator.result import Result

__all__ = ["records_of"]


def records_of(result: Result, requests: int | None, epoch: float) -> list[Record]:
    """Records in the order of their times; who tries again keeps the identifier of the request."""
    count = len(result) if requests is None else min(requests, len(result))
    random = Random(count)  # noqa: S311 - names, no secrets
    names = [identifier(random) for _ in range(count)]
    records = _environments(result, count, epoch)
    served = (row for row in range(count) if not result.throttled[row])
    records += [_invocation(result, row, epoch, names[row]) for row in served]
    refusals = zip(*(array.tolist() for array in result.refused), strict=True)
    records += [
        _throttle(result, epoch + time, names[row], decision)
        for time, row, decision in refusals
        if row < count
    ]
    records.sort(key=lambda record: record.time)
    return records


def _throttle(result: Result, time: float, request_id: str, decision: int) -> Record:
    reason = {"reason": REASONS[decision]}
    return Record(time, "throttle", result.function.name, None, request_id, None, reason)


def _invocation(result: Result, row: int, epoch: float, request_id: str) -> Record:
    start = float(result.start[row])
    length = float(result.end[row]) - start
    late = length >= result.function.timeout
    detail: dict[str, Any] = {"status": "timeout" if late else "success"}
    detail |= {"cold": bool(result.cold[row]), "memory_mb": None}
    place = result.function.name, _name(int(result.environment[row]))
    return Record(epoch + start, "invoke", *place, request_id, length, detail)


def _environments(result: Result, count: int, epoch: float) -> list[Record]:
    """INIT and end of the environments that these requests ran in."""
    used = {int(each) for each in result.environment[:count]} - {-1}
    first, life, end = result.policy.provisioned, lives(result), result.begin + result.duration
    records = []
    for number in sorted(used):
        if number < first:
            continue
        init, _, age = (float(each) for each in result.fates[number - first])
        made, gone = float(life.made[number - first]), float(life.gone[number - first])
        detail = {"status": "success", "phase": "init"}
        place = result.function.name, _name(number), None
        records.append(Record(epoch + made, "init", *place, init, detail))
        if gone <= end:
            reason = "its age" if gone >= made + age else "idle"
            records.append(Record(epoch + gone, "end", *place, None, {"reason": reason}))
    return records


def _name(number: int) -> str:
    return f"env-{number + 1}"
