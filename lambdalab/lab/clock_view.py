"""The platform's time, as a learner reads and winds it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lambdalab.lab.errors import ArgumentError, NotIdleError

if TYPE_CHECKING:
    from lambdalab.lab.control import Control

__all__ = ["Clock"]


class Clock:
    """The clock of one cloud: what waits on the platform waits on it."""

    def __init__(self, control: Control) -> None:
        self._control = control

    @property
    def speed(self) -> float:
        """Platform seconds that pass in a real one while no handler runs."""
        return float(self._control.clock()["speed"])

    def now(self) -> datetime:
        """Platform time now, in UTC."""
        return _utc(self._control.clock()["now"])

    def advance(self, **step: float) -> datetime:
        """Wind the clock forward and return the time it then shows.

        ``step`` is what timedelta takes: ``days=1``, ``minutes=6``, ``seconds=0.5`` and so on. All
        that falls due on the way happens, each at its own time: retries, schedules, messages that
        become visible again, environments that are reclaimed. Waiting is skipped, work is not: what
        the platform starts on the way is over, at real speed, before the clock goes on past it.
        Handlers that you have called yourself run on and do not notice.
        Raises ArgumentError for other words, for less than nothing, and beyond the year 9999.
        """
        try:
            seconds = timedelta(**step).total_seconds()
            _ = self.now() + timedelta(seconds=seconds)
        except (OverflowError, ValueError, TypeError) as error:
            raise ArgumentError(f"the clock cannot be wound by {step}: {error}") from None
        if seconds < 0:
            raise ArgumentError(f"the clock winds forward only, not by {seconds:g} s")
        return _utc(self._control.advance(seconds)["now"])

    def run_until_idle(self, limit: timedelta = timedelta(days=15)) -> datetime:
        """Wind the clock until nothing waits on it any more and return the time it then shows.

        What is periodic, and environments that wait to be reclaimed, do not count. Winds by
        ``limit`` at most (longer than anything in a queue lives); raises NotIdleError when
        something waits even then.
        """
        state = self._control.run_until_idle(limit.total_seconds())
        if not state["idle"]:
            raise NotIdleError(f"something on the platform still waits after {limit}")
        return _utc(state["now"])

    def __repr__(self) -> str:
        state = self._control.clock()
        return f"{_utc(state['now']):%Y-%m-%d %H:%M:%S} UTC, speed {state['speed']:g}"


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
