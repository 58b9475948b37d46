"""Measure in rounds that alternate between those compared, so that noise hits all of them alike.

A machine that others use swings up to twofold within a minute. Two figures taken one after the
other therefore say little; a ratio within one round, a second or two long, says much, and
the median over the rounds drops the round in which something else happened.
"""

import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

Measured = TypeVar("Measured")


@dataclass(frozen=True)
class Round:
    """What one contender did in one round: seconds of each call, and seconds from first to last."""

    calls: tuple[float, ...]
    elapsed: float

    @property
    def p50(self) -> float:
        """The median call, in seconds."""
        return percentile(self.calls, 50)

    @property
    def rate(self) -> float:
        """Calls a second."""
        return len(self.calls) / self.elapsed


def percentile(values: Sequence[float], percent: float) -> float:
    """Give the smallest value that at least `percent` of 100 of the values do not exceed."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(int(rank), 1) - 1]


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Give the median over rounds of ours divided by theirs; not a number where there are none."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=False)]
    return statistics.median(ratios) if ratios else float("nan")


def interleave(
    contenders: Mapping[str, Callable[[], Measured]], rounds: int
) -> dict[str, list[Measured]]:
    """Measure every contender once a round; each round begins with the next one of them."""
    names = list(contenders)
    taken: dict[str, list[Measured]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            taken[name].append(contenders[name]())
    return taken


def seconds(call: Callable[[], object]) -> float:
    """Give how long a call took."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def one_after_another(call: Callable[[], object], count: int) -> Round:
    """Call `count` times in this thread, after three calls that only wake what had gone cold."""
    for _ in range(3):
        call()
    began = time.perf_counter()
    calls = tuple(seconds(call) for _ in range(count))
    return Round(calls, time.perf_counter() - began)


def side_by_side(call: Callable[[], object], threads: int, duration: float) -> Round:
    """Call from several threads at once, each again and again until `duration` seconds are over."""
    ready = threading.Barrier(threads + 1)

    def work() -> list[float]:
        ready.wait()
        until = time.perf_counter() + duration
        taken = []
        while time.perf_counter() < until:
            taken.append(seconds(call))
        return taken

    with ThreadPoolExecutor(threads) as pool:
        workers = [pool.submit(work) for _ in range(threads)]
        ready.wait()
        began = time.perf_counter()
        calls = [taken for worker in workers for taken in worker.result()]
        return Round(tuple(calls), time.perf_counter() - began)
