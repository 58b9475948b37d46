"""What happened to every request, as arrays, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lambdalab.simulator.callers import Retry
from lambdalab.simulator.concurrency import Concurrency, curves, peak
from lambdalab.simulator.cost import Cost, cost_of
from lambdalab.simulator.function import Function
from lambdalab.simulator.places import Refusals
from lambdalab.simulator.policy import Policy
from lambdalab.simulator.records import records_of
from lambdalab.simulator.rules import ACCOUNT_FULL, COLD, PROVISIONED, REASONS
from lambdalab.simulator.summary import Summary, summary_of
from lambdalab.simulator.times import Floats

if TYPE_CHECKING:
    from lambdalab.timeline import Record

__all__ = ["Result"]

Bools = NDArray[np.bool_]
Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Result:
    """One row for each request, in the order of arrival; times are seconds from the start.

    Attributes:
        function: what was simulated.
        policy: under which limits.
        arrival: when the request arrived; of a batch, its oldest record.
        start: when its handler began; of a refused request, when it was refused for the last time.
        end: when its handler ended; of a refused request the same as ``start``.
        decision: what became of it, one of the numbers of ``lambdalab.simulator.rules``.
        environment: number of the environment that it ran in, from 0; -1 where it was refused.
        fates: a row for each environment that was made on demand: INIT time, longest idle time and
            age, in seconds.
        attempts: how often it was tried; None where callers try once.
        refusals: every 429 that was answered; None where callers try once (see ``refused``).
        records: how many records were in a batch; None where requests are single.
        begin: when the workload began; 0 but for traces, which have an origin of their own.
        lane: number of the lane that a batch of a stream came through, from 0; else None.
        parallelization: how many lanes a shard has.
        retention: for how long the source keeps what nobody processes, in seconds.
        retry: how callers that were refused try again; None where they do not, or where a source
            brings batches.
        seed: what chance began with.

    """

    function: Function
    policy: Policy
    arrival: Floats
    start: Floats
    end: Floats
    decision: NDArray[np.int8]
    environment: Ints
    fates: Floats
    attempts: Ints | None = None
    refusals: Refusals | None = None
    records: Ints | None = None
    lane: Ints | None = None
    begin: float = 0.0
    parallelization: int = 1
    retention: float = 0.0
    retry: Retry | None = None
    seed: int = 0

    def __len__(self) -> int:
        return len(self.arrival)

    @cached_property
    def cold(self) -> Bools:
        """Whether the request waited for a new environment's INIT."""
        cold: Bools = self.decision == COLD
        return cold

    @cached_property
    def throttled(self) -> Bools:
        """Whether it was refused, and did not run at all."""
        refused: Bools = self.decision >= ACCOUNT_FULL
        return refused

    @cached_property
    def provisioned(self) -> Bools:
        """Whether it ran in a provisioned environment."""
        ready: Bools = self.decision == PROVISIONED
        return ready

    @cached_property
    def init(self) -> Floats:
        """How long the request waited for INIT, in seconds; 0 where it was not cold."""
        waited = np.zeros(len(self))
        cold = self.cold
        waited[cold] = self.fates[self.environment[cold] - self.policy.provisioned, 0]
        return waited

    @cached_property
    def latency(self) -> Floats:
        """Seconds from arrival to end, of the requests that ran: also waiting and trying again."""
        served = ~self.throttled
        return self.end[served] - self.arrival[served]

    @property
    def duration(self) -> float:
        """Seconds from the start until the last request was over or refused."""
        return float(self.end.max()) - self.begin if len(self) else 0.0

    @cached_property
    def refused(self) -> Refusals:
        """Every 429: when it was answered, to which row, and the decision that it was."""
        if self.refusals is not None:
            return self.refusals
        rows = np.flatnonzero(self.throttled).astype(np.int32)
        return Refusals(self.start[rows], rows, self.decision[rows])

    @property
    def throttles(self) -> dict[str, int]:
        """How many 429s were answered, by the reason that AWS gives."""
        counts = np.bincount(self.refused.decision, minlength=len(REASONS))
        found: dict[str, int] = {}
        for decision, reason in enumerate(REASONS):
            if decision >= ACCOUNT_FULL and counts[decision]:
                found[reason] = found.get(reason, 0) + int(counts[decision])
        return found

    @cached_property
    def concurrency(self) -> Concurrency:
        """How many requests run, and how many environments there are, over time."""
        return curves(self)

    @cached_property
    def peak(self) -> int:
        """How many requests ran together at most."""
        return peak(self)

    def summary(self) -> Summary:
        """The figures that tell the run in a few lines."""
        return summary_of(self)

    def cost(self, *, free_tier: bool = False) -> Cost:
        """What AWS would charge for it, in US dollars, at the prices of us-east-1."""
        return cost_of(self, free_tier=free_tier)

    def timeline(self, requests: int | None = None, *, epoch: float = 0.0) -> list[Record]:
        """Records as the lab's own timeline has them, of the first ``requests`` or of all.

        Pollers and the queue of asynchronous events tell what they do, too; so do provisioned
        environments, which are made before the workload begins and replaced when they are old.
        ``epoch`` is the platform time, in seconds, at which the workload began.
        """
        return records_of(self, requests, epoch)

    def __repr__(self) -> str:
        return repr(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()
