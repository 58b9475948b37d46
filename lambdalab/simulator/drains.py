"""Queues and streams that a function drains, as Lambda's event source mappings do.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html and
https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lambdalab import facts
from lambdalab.simulator import draining, kernel
from lambdalab.simulator.checks import above, at_least, between, counted, whole
from lambdalab.simulator.function import Function
from lambdalab.simulator.heap import SPARE
from lambdalab.simulator.native import bound
from lambdalab.simulator.places import Draws, Log, Places, stream
from lambdalab.simulator.policy import Policy
from lambdalab.simulator.result import Result
from lambdalab.simulator.times import Floats
from lambdalab.simulator.workloads import MOST, Workload

__all__ = ["Queue", "Stream", "drain"]

MINUTE = 60.0
ALWAYS = 2**31 - 1
LOG_SIZE = 1 << 12


def _quota(name: str) -> int:
    return int(facts.quota(f"mapping.{name}").value)


FIRST, LIMIT, GROWTH = (_quota(f"queue-batches-{name}") for name in ("first", "most", "per-minute"))
PER_POLLER, GROWTH_PROVISIONED = (
    _quota("queue-batches-per-poller"),
    _quota("queue-batches-per-minute-provisioned"),
)
SOON, LATE = (
    facts.quota(f"mapping.stream-{name}").seconds for name in ("first-wait", "longest-wait")
)


@dataclass(frozen=True)
class Queue:
    """An SQS queue and its mapping; times in seconds.

    ``messages`` is how many wait when the mapping is made, or a workload by which they come.
    ``maximum_concurrency`` and ``pollers`` (the least and the most in provisioned mode) are the
    mapping's settings. What is refused is hidden for ``visibility`` and comes back, until it has
    been received ``max_receives`` times (None: however often) or is older than ``retention``.
    """

    messages: int | Workload
    batch_size: int = _quota("batch-queue")
    window: float = 0.0
    maximum_concurrency: int | None = None
    pollers: tuple[int, int] | None = None
    visibility: float = facts.quota("mapping.queue-visibility").seconds
    max_receives: int | None = None
    retention: float = facts.quota("mapping.queue-retention").seconds

    def __post_init__(self) -> None:
        _check_messages(self, "messages")
        counted(self, 1, "batch_size", "maximum_concurrency", "max_receives")
        between(1, _quota("batch-maximum"), batch_size=self.batch_size)
        between(0, _quota("window-maximum"), window=self.window)
        above(0, visibility=self.visibility)
        at_least(0, retention=self.retention)
        if self.maximum_concurrency is not None:
            between(
                _quota("concurrency-minimum"),
                _quota("concurrency-maximum"),
                maximum_concurrency=self.maximum_concurrency,
            )
        if self.pollers is not None:
            self._check_pollers(self.pollers)
            if self.maximum_concurrency is not None:
                raise ValueError("give maximum_concurrency or pollers, not both")

    def _check_pollers(self, pollers: Any) -> None:
        if not isinstance(pollers, tuple | list) or len(pollers) != 2:
            raise ValueError(f"pollers is {pollers!r}: give two numbers, the least and the most")
        least, most = pollers
        whole(_quota("pollers-queue-minimum"), **{"the least of pollers": least})
        whole(int(least), **{"the most of pollers": most})

    def settings(self, function: Function) -> Floats:
        """The figures as the compiled functions take them."""
        most = self.maximum_concurrency or (self.pollers[1] * PER_POLLER if self.pollers else LIMIT)
        first = min(most, self.pollers[0] * PER_POLLER if self.pollers else FIRST)
        growth = (GROWTH_PROVISIONED if self.pollers else GROWTH) / MINUTE
        settings = _settings(self.batch_size, self.window, function)
        settings[draining.HIDDEN], settings[draining.KEPT] = self.visibility, self.retention
        settings[draining.LIMIT : draining.SINCE + 1] = [first, first, most, growth, -np.inf]
        return settings


@dataclass(frozen=True)
class Stream:
    """A Kinesis stream and its mapping; times in seconds.

    ``records`` is how many wait when the mapping is made, or a workload by which they come; their
    partition keys spread them over the shards at random. Each shard has ``parallelization`` lanes,
    each with one batch at a time. What is refused blocks its lane and is tried again,
    until it is older than ``retention``.
    """

    records: int | Workload
    shards: int = 1
    parallelization: int = 1
    batch_size: int = _quota("batch-other")
    window: float = 0.0
    retention: float = facts.quota("mapping.kinesis-retention").seconds

    def __post_init__(self) -> None:
        _check_messages(self, "records")
        at_least(0, retention=self.retention)
        counted(self, 1, "shards", "parallelization", "batch_size")
        between(1, _quota("parallelization-maximum"), parallelization=self.parallelization)
        between(1, _quota("batch-maximum"), batch_size=self.batch_size)
        between(0, _quota("window-maximum"), window=self.window)

    @property
    def lanes(self) -> int:
        """How many batches are processed at a time, at most."""
        return self.shards * self.parallelization


def drain(source: Queue | Stream, function: Function, policy: Policy, seed: int) -> Result:
    """Bring all messages or records through the function; a row of the result is a batch."""
    if isinstance(source, Queue):
        run = _Drain(source.messages, function, policy, seed)
        return run.queue(source)
    run = _Drain(source.records, function, policy, seed)
    return run.stream(source)


class _Drain:
    """The arrays of one run; there are at most as many batches as messages."""

    def __init__(
        self, messages: int | Workload, function: Function, policy: Policy, seed: int
    ) -> None:
        if isinstance(messages, Workload):
            self.arrival = messages.arrivals(stream(seed, "arrivals"))
        else:
            self.arrival = np.zeros(messages)
        count = len(self.arrival)
        self.begin = getattr(messages, "origin", 0.0)
        self.function, self.policy, self.seed = function, policy, seed
        self.places, self.draws = Places(policy, self.arrival), Draws(function, policy, seed)
        self.random = stream(seed, "durations")
        self.oldest, self.start, self.end = (np.empty(count) for _ in range(3))
        self.decision = np.empty(count, np.int8)
        self.environment = np.empty(count, np.int32)
        self.sizes, self.attempts = np.zeros(count, np.int32), np.zeros(count, np.int32)
        self.lane_of = np.zeros(count, np.int32)
        self.log = Log(self.places.cursor, LOG_SIZE)
        self.lengths = np.empty(count)
        self.places.cursor[kernel.STOP] = count

    def queue(self, queue: Queue) -> Result:
        """Drain a queue."""
        count = len(self.arrival)
        back, returned = np.full(count + SPARE, np.inf), np.zeros(count + SPARE, np.int32)
        self.places.cursor[kernel.TRIES] = queue.max_receives or ALWAYS
        clock = np.array([self.arrival[0] if count else 0.0])
        rest = (queue.settings(self.function), clock, self.oldest, self.sizes, back, returned)
        self._run(draining.run_queue, *rest, self.attempts)
        return self._result(queue)

    def stream(self, source: Stream) -> Result:
        """Drain a stream."""
        settings = _settings(source.batch_size, source.window, self.function)
        settings[draining.SOON], settings[draining.LATE] = SOON, LATE
        settings[draining.KEPT] = source.retention
        edges = self._deal(source.lanes)
        due, lanes = np.full(source.lanes + SPARE, np.inf), np.zeros(source.lanes + SPARE, np.int32)
        firsts = [
            (self._first_due(settings, edges, lane), lane)
            for lane in range(source.lanes)
            if edges[2 * lane] < edges[2 * lane + 1]
        ]
        for place, (time, lane) in enumerate(sorted(firsts)):
            due[place], lanes[place] = time, lane
        self.places.cursor[kernel.CALLERS] = len(firsts)
        tries, rows = np.zeros(source.lanes, np.int32), np.full(source.lanes, -1, np.int32)
        self._run(
            draining.run_stream, settings, edges, self.oldest, self.sizes, due, lanes, tries, rows,
            self.lane_of, self.attempts,
        )  # fmt: skip
        return self._result(source)

    def _deal(self, lanes: int) -> Any:
        """Spread the records over the lanes at random, each lane in order of arrival."""
        keys = stream(self.seed, "keys").integers(0, lanes, len(self.arrival))
        order = np.argsort(keys, kind="stable")
        self.arrival = self.arrival[order]
        stops = np.cumsum(np.bincount(keys, minlength=lanes))
        return np.column_stack([np.concatenate([[0], stops[:-1]]), stops]).ravel().astype(np.int64)

    def _first_due(self, settings: Any, edges: Any, lane: int) -> float:
        arrival: Any = self.arrival
        first, stop = int(edges[2 * lane]), int(edges[2 * lane + 1])
        return draining.batch_due(arrival, settings, first, stop, float(arrival[first]))

    def _run(self, function: Callable[..., int], *rest: Any) -> None:
        """Call the compiled function until all is through."""
        places, cursor = self.places, self.places.cursor
        while True:
            if cursor[kernel.MADE] >= self.draws.count:
                self.draws.more()
                cursor[kernel.KNOWN] = self.draws.count
            if self.log.full:
                self.log.empty()
            if cursor[draining.ROWS] >= cursor[draining.ROWS_KNOWN]:
                self._more_lengths()
            arrays = [
                places.state, cursor, self.arrival, self.lengths, self.draws.array,
                *places.arrays(), self.start, self.end, self.decision, self.environment, *rest,
                *self.log.arrays,
            ]  # fmt: skip
            if bound(function, arrays)():
                return

    def _more_lengths(self) -> None:
        """Draw durations for twice as many batches."""
        cursor = self.places.cursor
        known = int(cursor[draining.ROWS_KNOWN])
        stop = min(len(self.lengths), max(1024, 2 * known))
        self.function.draw(self.random, self.lengths[known:stop])
        # Behind the last there is nothing to draw, and nothing to stop for.
        cursor[draining.ROWS_KNOWN] = stop if stop < len(self.lengths) else ALWAYS

    def _result(self, source: Queue | Stream) -> Result:
        """What has happened, a row for each batch."""
        rows = slice(0, int(self.places.cursor[draining.ROWS]))
        return Result(
            function=self.function,
            policy=self.policy,
            arrival=self.oldest[rows],
            start=self.start[rows],
            end=self.end[rows],
            decision=self.decision[rows],
            environment=self.environment[rows],
            fates=self.draws.rows(int(self.places.cursor[kernel.MADE])),
            attempts=self.attempts[rows],
            refusals=self.log.all(),
            records=self.sizes[rows],
            lane=self.lane_of[rows] if isinstance(source, Stream) else None,
            begin=self.begin,
            parallelization=source.parallelization if isinstance(source, Stream) else 1,
            retention=source.retention,
            seed=self.seed,
        )


def _settings(size: int, window: float, function: Function) -> Floats:
    settings = np.zeros(draining.SETTINGS)
    settings[draining.SIZE], settings[draining.WINDOW] = size, window
    settings[draining.PER_RECORD], settings[draining.TIMEOUT] = (
        function.per_record,
        function.timeout,
    )
    return settings


def _check_messages(source: Queue | Stream, name: str) -> None:
    messages = getattr(source, name)
    if isinstance(messages, Workload) and not isinstance(messages, type):
        if messages.retry is not None:
            raise ValueError("messages do not try again: give a workload without retry")
        return
    whole(0, **{"the number of messages": messages})
    between(0, MOST, **{"the number of messages": messages})
    object.__setattr__(source, name, int(messages))
