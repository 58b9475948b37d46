"""How long things take: distributions of service and INIT times, in seconds.

Each fills an array with numbers that it draws from a generator of numpy's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lambdalab.simulator.checks import above, at_least

if TYPE_CHECKING:
    from lambdalab.timeline import Record

__all__ = ["Constant", "Empirical", "Exponential", "Lognormal", "Times", "as_times", "seconds_of"]

Floats = NDArray[np.float64]
Random = np.random.Generator

# The standard normal deviate below which 99 of 100 lie.
_P99 = 2.3263478740408408


@runtime_checkable
class Times(Protocol):
    """A distribution of times; ``mean`` in seconds."""

    @property
    def mean(self) -> float:
        """The mean in seconds."""
        ...

    def fill(self, random: Random, out: Floats) -> None:
        """Fill an array of floats with times drawn from a ``numpy.random.Generator``."""
        ...


@dataclass(frozen=True)
class Constant:
    """Always the same time."""

    seconds: float

    def __post_init__(self) -> None:
        at_least(0, seconds=self.seconds)

    @property
    def mean(self) -> float:
        """The mean in seconds."""
        return self.seconds

    def fill(self, random: Random, out: Floats) -> None:  # noqa: ARG002 - as all distributions
        """Fill an array."""
        out[:] = self.seconds


@dataclass(frozen=True)
class Exponential:
    """Exponential times: short ones often, long ones seldom, without memory."""

    mean: float

    def __post_init__(self) -> None:
        at_least(0, mean=self.mean)

    def fill(self, random: Random, out: Floats) -> None:
        """Fill an array."""
        random.standard_exponential(out=out)
        out *= self.mean


@dataclass(frozen=True)
class Lognormal:
    """Lognormal times, as measured ones often are: a hump and a long tail.

    Half of them lie below ``median``, 99 of 100 below ``p99``, in seconds.
    """

    median: float
    p99: float

    def __post_init__(self) -> None:
        above(0, median=self.median)
        at_least(self.median, p99=self.p99)

    @property
    def sigma(self) -> float:
        """The standard deviation of the logarithm."""
        return math.log(self.p99 / self.median) / _P99

    @property
    def mean(self) -> float:
        """The mean in seconds."""
        return self.median * math.exp(self.sigma**2 / 2)

    def fill(self, random: Random, out: Floats) -> None:
        """Fill an array."""
        random.standard_normal(out=out)
        out *= self.sigma
        np.exp(out, out=out)
        out *= self.median

    @classmethod
    def fitted(cls, what: Any, function: str | None = None, kind: str = "invoke") -> Self:
        """The lognormal distribution nearest to times, or to those of a timeline's records."""
        times = seconds_of(what, function, kind)
        at_least(0, **{"the smallest time": min(times)})
        logs = [math.log(time) for time in times if time > 0]
        if not logs:
            raise ValueError("a lognormal distribution is fitted to times above 0: there are none")
        middle = math.fsum(logs) / len(logs)
        spread = math.sqrt(math.fsum((each - middle) ** 2 for each in logs) / len(logs))
        return cls(math.exp(middle), math.exp(middle + _P99 * spread))


@dataclass(frozen=True)
class Empirical:
    """Times that were measured, in seconds: each is drawn as often as any other."""

    samples: tuple[float, ...]
    _array: Floats = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "samples", tuple(_numbers("samples", self.samples)))
        if not self.samples:
            raise ValueError("samples is empty: at least one time is needed")
        at_least(0, **{"the smallest sample": min(self.samples)})
        object.__setattr__(self, "_array", np.array(self.samples))

    @property
    def mean(self) -> float:
        """The mean in seconds."""
        return math.fsum(self.samples) / len(self.samples)

    def fill(self, random: Random, out: Floats) -> None:
        """Fill an array."""
        np.take(self._array, random.integers(0, len(self.samples), len(out)), out=out)

    @classmethod
    def fitted(cls, what: Any, function: str | None = None, kind: str = "invoke") -> Self:
        """The very times given, or those of a timeline's records."""
        return cls(tuple(seconds_of(what, function, kind)))


def seconds_of(what: Iterable[Any], function: str | None, kind: str) -> list[float]:
    """Times in seconds: numbers as they are; of records the durations of one kind and function."""
    records = [] if isinstance(what, str) else list(what) if isinstance(what, Iterable) else [what]
    found = _numbers(
        "what is fitted",
        [
            each.duration if hasattr(each, "kind") else each
            for each in records
            if not hasattr(each, "kind") or _is_wanted(each, function, kind)
        ],
    )
    if not found:
        of = f" of {function}" if function else ""
        raise ValueError(
            f"there are no times to fit: no record of kind {kind!r}{of} has a duration"
        )
    return found


def _numbers(name: str, values: Any) -> list[float]:
    """Times as floats; ValueError for what is no list of finite numbers."""
    try:
        found = [float(each) for each in values]
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be numbers of seconds, not {values!r:.60}") from None
    odd = [each for each in found if not math.isfinite(each)]
    if odd:
        raise ValueError(f"{name} must be finite numbers of seconds: {odd[0]} is none")
    return found


def _is_wanted(record: Record, function: str | None, kind: str) -> bool:
    wanted = record.kind == kind and function in (None, record.function)
    return wanted and record.duration is not None


def as_times(name: str, value: Any) -> Times:
    """A distribution as it is; a number of seconds as a constant."""
    if isinstance(value, Times):
        return value
    at_least(0, **{name: value})
    return Constant(float(value))
