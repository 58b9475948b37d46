"""What brings requests to a function, and what it tells of each try, as the engine's tells it.

A poller reads a batch, and its messages leave their queue or come back; a lane of a stream waits
before it tries again; the queue of asynchronous events accepts, waits and gives up. Whoever calls
synchronously tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from lambdalab.draws import identifier

if TYPE_CHECKING:
    from lambdalab.simulator.callers import Retry
    from lambdalab.simulator.result import Result

__all__ = ["EVENT_TOO_OLD", "RECORDS_TOO_OLD", "Bringer", "Told", "Try", "bringer"]

# A simulated source has no name of its own.
QUEUE = "arn:aws:sqs:us-east-1:123456789012:queue"
STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/stream"
REFUSED = "TooManyRequestsException"
EVENT_TOO_OLD, RECORDS_TOO_OLD = "EventAgeExceeded", "RecordAgeExceeded"


class Told(NamedTuple):
    """A record to be: when, in seconds from the start, its kind and detail."""

    time: float
    kind: str
    detail: dict[str, Any]


class Try(NamedTuple):
    """One try of the request in a row; times in seconds from the start.

    ``name`` is its identifier. ``refusal`` is the decision where it was refused, and ``again`` when
    the next try comes, if one does.
    """

    row: int
    time: float
    name: str
    refusal: int | None
    again: float | None


class Bringer:
    """Whoever brings requests, and tells of it: by itself it tells nothing."""

    # Whether each try is an invocation with an identifier of its own.
    renames = False

    def __init__(self, result: Result) -> None:
        self.result = result

    def came(self, one: Try) -> Iterable[Told]:  # noqa: ARG002 - as all bringers
        """What is told when a request comes, which is before its first try."""
        return ()

    def tried(self, one: Try) -> Iterable[Told]:  # noqa: ARG002 - as all bringers
        """What is told before a try."""
        return ()

    def refused(self, one: Try) -> Iterable[Told]:  # noqa: ARG002 - as all bringers
        """What is told after a try in vain."""
        return ()

    def ran(self, one: Try) -> Iterable[Told]:  # noqa: ARG002 - as all bringers
        """What is told when an invocation is over."""
        return ()


class _Events(Bringer):
    """Lambda's own queue of asynchronous events."""

    def __init__(self, result: Result, retry: Retry) -> None:
        super().__init__(result)
        self._retry = retry

    def came(self, one: Try) -> Iterator[Told]:
        """An event is queued."""
        yield Told(float(self.result.arrival[one.row]), "accepted", {})

    def refused(self, one: Try) -> Iterator[Told]:
        """An event goes back into the queue; one that would get too old waits until it is."""
        expires = float(self.result.arrival[one.row]) + self._retry.patience
        until = expires if one.again is None else one.again
        yield Told(one.time, "retry", _waiting(until - one.time))
        if one.again is None:
            yield Told(expires, "dropped", {"condition": EVENT_TOO_OLD, "attempts": 0})


class _Mapping(Bringer):
    """An event source mapping, which reads batches."""

    renames = True
    source = ""

    def __init__(self, result: Result) -> None:
        super().__init__(result)
        self._mapping = identifier(Random(result.seed))  # noqa: S311 - a name, no secret

    def _told(self, row: int, **detail: Any) -> dict[str, Any]:
        records = self.result.records
        count = 0 if records is None else int(records[row])
        return {"mapping": self._mapping, "source": self.source, "records": count, **detail}


class _Queue(_Mapping):
    """A queue."""

    source = QUEUE

    def tried(self, one: Try) -> Iterator[Told]:
        """A batch is read."""
        yield Told(one.time, "poll", self._told(one.row))

    def refused(self, one: Try) -> Iterator[Told]:
        """Messages are hidden for a while; who has come too often goes elsewhere after that."""
        yield Told(one.time, "returned", self._told(one.row, reason=REFUSED))

    def ran(self, one: Try) -> Iterator[Told]:
        """Messages leave their queue, unless the function was cut off."""
        start, end = float(self.result.start[one.row]), float(self.result.end[one.row])
        late = end - start >= self.result.function.timeout
        kind, reason = ("returned", "timeout") if late else ("deleted", "processed")
        yield Told(end, kind, self._told(one.row, reason=reason))


class _Stream(_Mapping):
    """A stream: being refused counts as no attempt."""

    source = STREAM

    def tried(self, one: Try) -> Iterator[Told]:
        """A batch is read, or tried again."""
        yield Told(one.time, "poll", self._told(one.row, shard=self._shard(one.row), attempt=1))

    def refused(self, one: Try) -> Iterator[Told]:
        """The lane waits; what would get too old waits until it is."""
        expires = max(one.time, float(self.result.arrival[one.row]) + self.result.retention)
        until = expires if one.again is None else one.again
        shard = {"shard": self._shard(one.row)}
        yield Told(one.time, "retry", self._told(one.row, **shard, **_waiting(until - one.time)))
        if one.again is None:
            detail = {**shard, "condition": RECORDS_TOO_OLD, "attempts": 0}
            yield Told(until, "dropped", self._told(one.row, **detail))

    def _shard(self, row: int) -> str:
        lanes = self.result.lane
        lane = 0 if lanes is None else int(lanes[row])
        return f"shardId-{lane // self.result.parallelization:012d}"


def _waiting(seconds: float) -> dict[str, Any]:
    return {"reason": REFUSED, "attempts": 0, "delay": round(seconds, 3)}


def bringer(result: Result) -> Bringer | None:
    """Who brought the requests of a run; None for synchronous callers, who tell nothing."""
    if result.records is not None:
        return _Queue(result) if result.lane is None else _Stream(result)
    if result.retry is not None and not result.retry.paced:
        return _Events(result, result.retry)
    return None
