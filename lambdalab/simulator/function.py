"""The function that is simulated: how long it runs, how long its INIT takes, its memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from lambdalab import facts
from lambdalab.simulator.checks import above, at_least, between, counted, one_of
from lambdalab.simulator.times import (
    Empirical,
    Floats,
    Lognormal,
    Random,
    Times,
    as_times,
    seconds_of,
)

__all__ = ["ARCHITECTURES", "Function"]

ARCHITECTURES = ("x86_64", "arm64")
MEMORY = tuple(facts.quota(f"memory.{end}").value for end in ("minimum", "maximum"))
ONE_VCPU = facts.quota("memory.per-vcpu").value
LONGEST = facts.quota("timeout.maximum").seconds


@dataclass(frozen=True)
class Function:
    """A function; times in seconds, memory in MB.

    ``duration`` and ``init`` are distributions (``Constant``, ``Exponential``, ``Lognormal``,
    ``Empirical``) or numbers. ``cpu`` is the share of the duration (0 to 1) that is work on a CPU:
    that share gets longer where ``memory`` earns less of a CPU than ``measured_at`` did, at which
    ``duration`` was measured. ``threads`` of the function can use so many CPUs at once. INIT is not
    held back. What runs longer than ``timeout`` is cut off there. ``per_record`` is added for each
    record of a batch. Default: 100 ms, INIT 200 ms, 128 MB, nothing on the CPU. Raises ValueError.
    """

    duration: Times | float = 0.1
    init: Times | float = 0.2
    memory: int = 128
    cpu: float = 0.0
    measured_at: int = ONE_VCPU
    threads: int = 1
    timeout: float = LONGEST
    per_record: float = 0.0
    architecture: str = "x86_64"
    name: str = "function"

    def __post_init__(self) -> None:
        object.__setattr__(self, "duration", as_times("duration", self.duration))
        object.__setattr__(self, "init", as_times("init", self.init))
        counted(self, 0, "memory", "measured_at")
        between(*MEMORY, memory=self.memory, measured_at=self.measured_at)
        between(0, 1, cpu=self.cpu)
        counted(self, 1, "threads")
        above(0, timeout=self.timeout)
        between(0, LONGEST, timeout=self.timeout)
        at_least(0, per_record=self.per_record)
        one_of(ARCHITECTURES, architecture=self.architecture)

    @property
    def stretch(self) -> float:
        """By what the memory makes the duration longer or shorter than measured."""
        return 1.0 - self.cpu + self.cpu * self._speed(self.measured_at) / self._speed(self.memory)

    def _speed(self, memory: int) -> float:
        """How many CPUs work for the function at a memory size."""
        return min(memory / float(ONE_VCPU), float(self.threads))

    @property
    def mean(self) -> float:
        """The mean duration in seconds, without INIT and before the timeout cuts any off."""
        return as_times("duration", self.duration).mean * self.stretch

    def at(self, memory: int) -> Self:
        """The same function with another memory size."""
        return replace(self, memory=memory)

    def draw(self, random: Random, out: Floats) -> None:
        """Fill an array with durations."""
        as_times("duration", self.duration).fill(random, out)
        if self.stretch != 1.0:
            out *= self.stretch
        np.minimum(out, self.timeout, out=out)

    @classmethod
    def fitted(
        cls,
        timeline: Iterable[Any],
        function: str,
        shape: type[Lognormal] | type[Empirical] = Empirical,
        **settings: Any,
    ) -> Self:
        """A function as a lab's timeline has it: its durations and its INIT times.

        ``settings`` are those of the class; give ``memory`` and ``measured_at`` if it is not 128 MB
        and the durations depend on it.
        """
        records = list(timeline)
        settings = {"name": function} | settings
        if any(record.kind == "init" and record.function == function for record in records):
            settings.setdefault("init", shape.fitted(seconds_of(records, function, "init")))
        return cls(shape.fitted(seconds_of(records, function, "invoke")), **settings)
