"""``simulate``: a workload, a function and a policy become what happened to every request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lambdalab.simulator import kernel
from lambdalab.simulator.callers import Retry
from lambdalab.simulator.checks import is_a, whole
from lambdalab.simulator.drains import Queue, Stream, drain
from lambdalab.simulator.function import Function
from lambdalab.simulator.heap import SPARE
from lambdalab.simulator.native import bound
from lambdalab.simulator.places import Draws, Log, Places, Refusals, stream
from lambdalab.simulator.policy import Policy
from lambdalab.simulator.result import Result
from lambdalab.simulator.rules import PACED
from lambdalab.simulator.times import Floats
from lambdalab.simulator.workloads import Workload

__all__ = ["simulate"]

# So many requests at a time: what is drawn for them stays in the processor's cache.
BLOCK = 1 << 14
_WORKLOAD = "a workload, such as Poisson(rate=10, seconds=60), a Queue or a Stream"


def simulate(
    workload: Workload | Queue | Stream,
    function: Function | None = None,
    policy: Policy | None = None,
    seed: int = 0,
) -> Result:
    """Run a workload against a function under a policy; the same seed gives the same run.

    Without a function or a policy the defaults of their classes hold. All times are seconds from
    the start of the workload. The rules are those of the lab's own engine. The first call on a
    machine compiles for some seconds. Raises ValueError for settings that make no sense, in AWS's
    words where AWS refuses them.
    """
    whole(0, seed=seed)
    function = Function() if function is None else function
    policy = Policy() if policy is None else policy
    _check(workload, function, policy)
    seed = int(seed)
    if isinstance(workload, Queue | Stream):
        return drain(workload, function, policy, seed)
    run = _Run(workload.arrivals(stream(seed, "arrivals")), function, policy, seed)
    run.begin, run.retry = getattr(workload, "origin", 0.0), workload.retry
    lengths = getattr(workload, "durations", None)
    if lengths is not None:
        lengths = np.minimum(lengths, function.timeout)
    if workload.retry is None:
        run.once(lengths)
    else:
        run.again(lengths, workload.retry)
    return run.result()


def _check(workload: Any, function: Any, policy: Any) -> None:
    """Refuse what is none of them: who mixes them up is told so."""
    is_a((Workload, Queue, Stream), _WORKLOAD, workload=workload)
    is_a(Function, "a Function, such as Function(duration=0.1)", function=function)
    is_a(Policy, "a Policy, such as Policy(reserved=10)", policy=policy)
    retry = getattr(workload, "retry", None)
    is_a((Retry, type(None)), "a Retry, such as SDK, or None", retry=retry)


class _Run:
    """The arrays of one run."""

    def __init__(self, arrival: Floats, function: Function, policy: Policy, seed: int) -> None:
        self.function, self.policy, self.seed = function, policy, seed
        count = len(arrival)
        self.arrival = arrival
        self.start, self.end = np.empty(count), np.empty(count)
        self.decision = np.empty(count, np.int8)
        self.environment = np.empty(count, np.int32)
        self.attempts: Any = None
        self.refusals: Refusals | None = None
        self.begin = 0.0
        self.retry: Retry | None = None
        self.places = Places(policy, arrival)
        self.draws = Draws(function, policy, seed)

    def once(self, lengths: Floats | None) -> None:
        """Each request comes once; ``lengths`` are the durations, where they are known."""
        cursor, count = self.places.cursor, len(self.arrival)
        random = stream(self.seed, "durations")
        block = np.empty(min(BLOCK, count)) if lengths is None else lengths
        call = self._bind(kernel.run, block)
        for first in range(0, count, BLOCK):
            stop = min(count, first + BLOCK)
            if lengths is None:
                self.function.draw(random, block[: stop - first])
                cursor[kernel.BASE] = first
            cursor[kernel.STOP] = stop
            while call() < stop:
                call = self._bind(kernel.run, block)

    def again(self, lengths: Floats | None, retry: Retry) -> None:
        """Callers that are refused try again."""
        cursor, count = self.places.cursor, len(self.arrival)
        if lengths is None:
            lengths = np.empty(count)
            self.function.draw(stream(self.seed, "durations"), lengths)
        self.attempts = np.zeros(count, np.int32)
        if not retry.paced:
            self.places.state[PACED] = 0.0
        log = Log(cursor, BLOCK)
        random, chances = stream(self.seed, "chances"), np.empty(BLOCK)
        later, callers = np.full(count + SPARE, np.inf), np.zeros(count + SPARE, np.int32)
        rest = (retry.array(), chances, later, callers, self.attempts, *log.arrays)
        cursor[kernel.STOP], cursor[kernel.TRIES] = count, retry.attempts
        random.random(out=chances)
        while self._bind(kernel.run_again, lengths, *rest)() < count or cursor[kernel.CALLERS]:
            if log.full:
                log.empty()
                random.random(out=chances)
        self.refusals = log.all()

    def _bind(self, function: Callable[..., int], lengths: Floats, *rest: Any) -> Callable[[], int]:
        """The compiled function with its arrays, and with numbers for the next environment."""
        places = self.places
        if places.cursor[kernel.MADE] >= self.draws.count:
            self.draws.more()
            places.cursor[kernel.KNOWN] = self.draws.count
        return bound(
            function,
            [
                places.state, places.cursor, self.arrival, lengths, self.draws.array,
                *places.arrays(), self.start, self.end, self.decision, self.environment, *rest,
            ],
        )  # fmt: skip

    def result(self) -> Result:
        """What has happened."""
        return Result(
            function=self.function,
            policy=self.policy,
            arrival=self.arrival,
            start=self.start,
            end=self.end,
            decision=self.decision,
            environment=self.environment,
            fates=self.draws.rows(int(self.places.cursor[kernel.MADE])),
            attempts=self.attempts,
            refusals=self.refusals,
            begin=self.begin,
            retry=self.retry,
            seed=self.seed,
        )
