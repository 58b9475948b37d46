"""Callers that try again when they are refused."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lambdalab import facts
from lambdalab.simulator.checks import at_least, between, counted
from lambdalab.simulator.times import Floats

__all__ = ["ASYNCHRONOUS", "SDK", "Retry"]

MANY = 2**31 - 1
# So many attempts are made in any case; whoever wants more must come to an end.
FEW = 1000
LEAST_WAIT = 0.1


@dataclass(frozen=True)
class Retry:
    """How a caller tries again after a 429; times in seconds.

    It tries ``attempts`` times in all, waits ``first`` before the second try, ``growth`` times as
    long before each next one, never longer than ``longest``; of each wait the share ``jitter`` (0
    to 1) is left to chance. It gives up what would be older than ``patience``. ``paced`` says
    whether its requests count against those that AWS admits in a second.
    """

    attempts: int = 1 + facts.quota("sdk.retries").value
    first: float = 1.0
    growth: float = 2.0
    longest: float = facts.quota("sdk.longest-wait").seconds
    jitter: float = 1.0
    patience: float = math.inf
    paced: bool = True

    def __post_init__(self) -> None:
        counted(self, 1, "attempts")
        between(1, MANY, attempts=self.attempts)
        if self.attempts > FEW:
            self._check_end()
        at_least(0, first=self.first, longest=self.longest)
        at_least(1, growth=self.growth)
        between(0, 1, jitter=self.jitter)
        if self.patience != math.inf:
            at_least(0, patience=self.patience)

    def _check_end(self) -> None:
        """Who tries without end must at some time give up, and wait between two tries."""
        if self.patience == math.inf:
            raise ValueError(f"more than {FEW:,} attempts need a patience, in seconds")
        if min(self.first, self.longest) * (1 - self.jitter) < LEAST_WAIT:
            raise ValueError(
                f"with more than {FEW:,} attempts each wait, less what is left to chance, "
                f"must be {LEAST_WAIT:g} s or more"
            )

    def array(self) -> Floats:
        """The figures in the order in which the compiled functions take them."""
        return np.array([self.first, self.growth, self.longest, self.jitter, self.patience])


# A client of an AWS SDK in its standard mode.
SDK = Retry()
# Lambda's own queue of asynchronous invocations, which tries again for hours.
ASYNCHRONOUS = Retry(
    attempts=MANY,
    first=facts.quota("asynchronous.throttle-first-wait").seconds,
    longest=facts.quota("asynchronous.throttle-longest-wait").seconds,
    jitter=0.0,
    patience=facts.quota("asynchronous.event-age-default").seconds,
    paced=False,
)
