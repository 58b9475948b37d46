"""Environments that AWS takes back: idle for minutes, or alive for hours.

AWS publishes neither figure. The idle times are those that published measurements found in most
cases, and like the ages are drawn from the lab's seed.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from lambdalab import facts
from lambdalab.clock import LabClock

if TYPE_CHECKING:
    from lambdalab.execution.environment import Environment

__all__ = ["Reclaim"]

IDLE = tuple(facts.quota(f"reclaim.idle-{end}").seconds for end in ("shortest", "longest"))
AGE = tuple(facts.quota(f"reclaim.age-{end}").seconds for end in ("least", "most"))


class Reclaim:
    """The fate of one environment, settled when it is made.

    ``keeps``: it is provisioned, so it is not taken back for being idle; its age ends it all the
    same.
    """

    def __init__(
        self,
        environment: Environment,
        clock: LabClock,
        random: Random,
        let_go: Callable[[Environment, str], None],
        *,
        keeps: bool = False,
    ) -> None:
        self._environment = environment
        self._let_go = let_go
        self._clock = clock
        self._idle = random.uniform(*IDLE)
        self._old_at = clock.now() + random.uniform(*AGE)
        self._keeps = keeps
        self._idle_since: float | None = None
        self._armed = False

    @property
    def is_old(self) -> bool:
        """Whether it has reached its age: it takes no more invocations."""
        return self._clock.now() >= self._old_at

    def busy(self) -> None:
        """It runs an invocation."""
        self._idle_since = None

    def idle(self) -> None:
        """It has nothing to do from now on."""
        self._idle_since = self._clock.now()
        if not self._armed:
            self._arm(self._old_at - self._idle_since if self._keeps else self._idle)

    def _arm(self, delay: float) -> None:
        self._armed = True
        self._clock.call_later(delay, self._look, background=True)

    def _look(self) -> None:
        self._armed = False
        if self._environment.ended or self._idle_since is None:
            return
        if self._keeps:
            self._let_go(self._environment, "its age")
            return
        # One look for many invocations: setting it anew at each would cost every one of them.
        left = self._idle_since + self._idle - self._clock.now()
        if left <= 0:
            self._let_go(self._environment, "idle")
        else:
            self._arm(left)
