"""The arrays that a run works on: the environments' places, and what is drawn ahead for them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdalab.simulator import kernel
from lambdalab.simulator.function import Function
from lambdalab.simulator.heap import SPARE
from lambdalab.simulator.policy import Policy, span
from lambdalab.simulator.rules import ROOM
from lambdalab.simulator.times import Floats, as_times

__all__ = ["Draws", "Log", "Places", "Refusals", "stream"]

# For so many environments the numbers are drawn at first; each time twice as many as before.
_FIRST = 256
# So many refusals are written down at most: a function that is stopped must not take the machine's
# memory.
MOST_REFUSALS = 50_000_000

# Each use of chance has a stream of its own, so that one more draw for one changes no other.
STREAMS = (
    "arrivals",
    "durations",
    "inits",
    "idle",
    "age",
    "chances",
    "keys",
    "ready-inits",
    "ready-ages",
)


def stream(seed: int, name: str) -> np.random.Generator:
    """The generator of random numbers for one use."""
    keys = np.random.SeedSequence(seed, spawn_key=(STREAMS.index(name),))
    return np.random.Generator(np.random.SFC64(keys))


class Draws:
    """INIT time, longest idle time and age of one environment after the other."""

    def __init__(self, function: Function, policy: Policy, seed: int) -> None:
        self._init = as_times("init", function.init)
        self._streams = [stream(seed, name) for name in ("inits", "idle", "age")]
        self._spans = [span(policy.idle), span(policy.age)]
        self.count = 0
        self.array = np.empty(0)

    def more(self) -> None:
        """Draw for as many again, at first for some."""
        count = max(_FIRST, self.count)
        rows = np.empty((count, kernel.FATES))
        column = np.empty(count)
        self._init.fill(self._streams[0], column)
        rows[:, 0] = column
        for i, (low, high) in enumerate(self._spans, 1):
            self._streams[i].random(out=column)
            rows[:, i] = low + (high - low) * column
        self.array = np.concatenate([self.array, rows.ravel()])
        self.count += count

    def rows(self, made: int) -> Floats:
        """A row for each environment that was made."""
        rows: Floats = self.array[: kernel.FATES * made].reshape(made, kernel.FATES).copy()
        return rows


class Refusals(NamedTuple):
    """Every 429: when it was answered, to which row, and the decision that it was."""

    time: Floats
    row: NDArray[np.int32]
    decision: NDArray[np.int8]


class Log:
    """Room for refusals, emptied as often as it is full."""

    def __init__(self, cursor: NDArray[np.int64], size: int) -> None:
        self._cursor = cursor
        self._parts: list[Refusals] = []
        self._count = 0
        self._room = Refusals(np.empty(size), np.empty(size, np.int32), np.empty(size, np.int8))
        cursor[kernel.LOG_SIZE] = size

    @property
    def arrays(self) -> Refusals:
        """Where the compiled functions write."""
        return self._room

    @property
    def full(self) -> bool:
        """Whether there is no room for one more."""
        return bool(self._cursor[kernel.LOGGED] >= self._cursor[kernel.LOG_SIZE])

    def empty(self) -> None:
        """Put aside what was written."""
        count = int(self._cursor[kernel.LOGGED])
        time, row, decision = self._room
        parts = time[:count].copy(), row[:count].copy(), decision[:count].copy()
        self._parts.append(Refusals(*parts))
        self._cursor[kernel.LOGGED] = 0
        self._count += count
        if self._count > MOST_REFUSALS:
            raise ValueError(
                f"more than {MOST_REFUSALS:,} requests would be refused: try again less often, or "
                "for a shorter time (attempts, patience, max_receives, retention)"
            )

    def all(self) -> Refusals:
        """All that was written."""
        self.empty()
        return Refusals(*(np.concatenate(arrays) for arrays in zip(*self._parts, strict=True)))


class Places:
    """State of the rules, cursor, and where environments stand: the arrays of one run.

    There is a place for each environment that can exist at a time: a new one is made only when
    all others are at work.
    """

    def __init__(self, policy: Policy, arrival: Floats) -> None:
        first = float(arrival.min()) if len(arrival) else 0.0
        self.state = np.array(policy.state(min(0.0, first)))
        room = int(max(0.0, min(self.state[ROOM], len(arrival))))
        ready = policy.provisioned
        count = room + ready
        if count >= kernel.PLACES:
            raise ValueError(f"at most {kernel.PLACES:,} environments at a time are simulated")
        self.cursor = np.zeros(kernel.CURSOR_SIZE, np.int64)
        self.cursor[kernel.READY] = self.cursor[kernel.FIRST] = ready
        self.cursor[kernel.FREE] = room
        self.due = np.full(count + SPARE, np.inf)
        self.busy = np.zeros(count + SPARE, np.int64)
        self.kinds = np.zeros(count + 1, np.int32)
        self.names = np.arange(count + 1, dtype=np.int32)
        self.waiting = np.zeros(count + 1, np.int32)
        self.ready = np.arange(ready - 1, -2, -1, dtype=np.int32)
        self.free = np.arange(count - 1, ready - 2, -1, dtype=np.int32)
        self.ends = np.zeros(kernel.ENDS * (count + 1))

    def arrays(self) -> list[Any]:
        """The arrays of the places as the compiled functions take them."""
        return [
            self.due, self.busy, self.kinds, self.names,
            self.waiting, self.ready, self.free, self.ends,
        ]  # fmt: skip
