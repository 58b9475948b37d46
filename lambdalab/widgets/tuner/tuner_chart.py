"""Time and price of a function by memory size, from real runs: which size is best for what.

A size is balanced as AWS Lambda Power Tuning has it: the least sum of time and price, each as a
share of the most. Source: https://github.com/alexcasalboni/aws-lambda-power-tuning
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lambdalab.lab import Lab
from lambdalab.simulator import price
from lambdalab.simulator.checks import between, whole
from lambdalab.simulator.function import ARCHITECTURES
from lambdalab.widgets.chart import Chart
from lambdalab.widgets.money import counted, dollars
from lambdalab.widgets.tuner.tuner_runs import (
    ONE_VCPU,
    SIZES,
    AtSize,
    Measurement,
    Plan,
    Tell,
    client_of,
    measure,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["REQUESTS", "Tuning", "planned", "tuning"]

REQUESTS = 1_000_000
MB_PER_GB = 1024
# Sizes whose price lies so close to the lowest are as cheap: measured times vary by as much.
_ALIKE = 0.1


@dataclass(frozen=True, repr=False)
class Tuning(Chart):
    """What a function takes and costs at each memory size.

    ``measured`` holds the runs. ``architecture`` is the one whose price counts, ``requests`` how
    many a month are paid, with the monthly ``free_tier`` taken off or not. ``balance`` weighs price
    (1) against time (0) for the size that is marked balanced. Of sizes at which a run failed only
    the error is told. ``wanted`` is another plan that a reader has in mind, to be measured next.
    ValueError for settings that make no sense.
    """

    measured: Measurement
    architecture: str = "x86_64"
    requests: int = REQUESTS
    free_tier: bool = False
    balance: float = 0.5
    wanted: Plan | None = None
    caption: str = field(init=False)

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            names = ", ".join(ARCHITECTURES)
            raise ValueError(f"architecture is {self.architecture!r}: it must be one of {names}")
        whole(1, requests=self.requests)
        between(0, 1, balance=self.balance)
        caption = f"{self.measured.plan.function}: time and price by memory size"
        object.__setattr__(self, "caption", caption)

    @cached_property
    def sizes(self) -> dict[int, AtSize]:
        """What was measured, by memory size (MB), where no run failed."""
        return {size.memory: size for size in self.measured.sizes if not size.error}

    @property
    def failed(self) -> dict[int, str]:
        """What AWS says of a failed run, by memory size (MB)."""
        return {size.memory: size.error for size in self.measured.sizes if size.error}

    @cached_property
    def times(self) -> dict[int, float]:
        """The median duration of warm runs in ms, by memory size (MB)."""
        return {memory: size.time for memory, size in self.sizes.items()}

    @cached_property
    def costs(self) -> dict[int, float]:
        """US dollars a month, by memory size (MB)."""
        return self.costs_on(self.architecture)

    def costs_on(self, architecture: str) -> dict[int, float]:
        """US dollars a month by memory size (MB), if runs took as long on that architecture."""

        def cost(size: AtSize) -> float:
            gb_seconds = self.requests * size.charged / 1000 * size.memory / MB_PER_GB
            return price(
                self.requests, gb_seconds, architecture=architecture, free_tier=self.free_tier
            ).total

        return {memory: cost(size) for memory, size in self.sizes.items()}

    # ---- the sizes to choose from: None where none ran

    @property
    def cheapest(self) -> int | None:
        """The size (MB) with the lowest price; of several, the fastest."""
        return self._least(lambda memory: (self.costs[memory], self.times[memory]))

    @property
    def fastest(self) -> int | None:
        """The size (MB) with the shortest time; of several, the cheapest."""
        return self._least(lambda memory: (self.times[memory], self.costs[memory]))

    @property
    def balanced(self) -> int | None:
        """The size (MB) with the least of both, each as a share of the most."""
        slowest = max(self.times.values(), default=0.0)
        dearest = max(self.costs.values(), default=0.0) or 1.0  # all free

        def both(memory: int) -> float:
            time, cost = self.times[memory] / slowest, self.costs[memory] / dearest
            return (1 - self.balance) * time + self.balance * cost

        return self._least(both)

    def _least(self, key: Callable[[int], Any]) -> int | None:
        return min(self.sizes, key=key, default=None)

    @property
    def marks(self) -> dict[int, str]:
        """What is said of a memory size (MB): ``cheapest``, or ``cheapest and balanced``."""
        found = {"cheapest": self.cheapest, "balanced": self.balanced, "fastest": self.fastest}
        sizes = dict.fromkeys(memory for memory in found.values() if memory is not None)
        return {
            memory: _listed([name for name, where in found.items() if where == memory])
            for memory in sizes
        }

    @property
    def alike(self) -> list[int]:
        """The sizes (MB) whose price is within a tenth of the lowest."""
        lowest = min(self.costs.values(), default=0.0)
        return [memory for memory, cost in self.costs.items() if cost <= lowest * (1 + _ALIKE)]

    # ---- words

    @property
    def verdict(self) -> str:
        """The sizes to choose from, what they take and cost, and what is to be known besides."""
        told = (self._choice(), self._as_cheap(), self._failures(), self._stopped())
        return " ".join(part for part in (*told, _room(self), self._ahead()) if part)

    def _choice(self) -> str:
        if not self.sizes:
            return "" if self.failed else "Nothing is measured yet."
        texts = [f"{name} is {self._told(memory)}" for memory, name in self.marks.items()]
        tier = "after the free tier" if self.free_tier else "without the free tier"
        price = f"The price is that of {counted(self.requests)} requests a month on "
        sentence = "; ".join(texts)
        return f"{sentence[:1].upper()}{sentence[1:]}. {price}{self.architecture}, {tier}."

    def _told(self, memory: int) -> str:
        return f"{memory:,} MB ({self.times[memory]:,.1f} ms, {dollars(self.costs[memory])})"

    def _as_cheap(self) -> str:
        if len(self.alike) < 2:
            return ""
        price = "about the same" if self.costs[self.alike[0]] else "nothing"
        return f"{_listed([f'{memory:,}' for memory in self.alike])} MB cost {price}."

    def _failures(self) -> str:
        told = [f"{memory:,} MB ({error})" for memory, error in self.failed.items()]
        return f"Runs failed at {_listed(told)}." if told else ""

    def _stopped(self) -> str:
        done = {size.memory for size in self.measured.sizes}
        missing = [f"{size:,}" for size in self.measured.plan.sizes if size not in done]
        return f"Not measured: {_listed(missing)} MB." if done and missing else ""

    def _ahead(self) -> str:
        plan = self.wanted if self.measured.sizes else self.measured.plan
        if plan is None:
            return ""
        sizes = _listed([f"{size:,}" for size in plan.sizes])
        times = "once" if plan.runs == 1 else f"{plan.runs} times"
        return f"To be measured: {plan.function}, {times} warm at each of {sizes} MB."

    def table(self) -> dict[str, list[str]]:
        """A row for each size: figures as they were measured, prices on both architectures."""
        rows = [self._row(size) for size in self.measured.sizes]
        return {name: [row[place] for row in rows] for place, name in enumerate(self._heads)}

    @property
    def _heads(self) -> list[str]:
        figures = ["Time (ms)", "Shortest to longest (ms)", "Billed (ms)", "INIT (ms)", "Used (MB)"]
        prices = [f"A month on {name}" for name in ARCHITECTURES]
        return ["Memory (MB)", "vCPUs", *figures, *prices, "Mark"]

    def _row(self, size: AtSize) -> list[str]:
        memory = size.memory
        row = [f"{memory:,}", f"{memory / ONE_VCPU:.2f}"]
        if size.error:
            return [*row, *[""] * (len(self._heads) - 3), size.error]
        init = "" if size.init is None else f"{size.init:,.0f}"
        extremes = f"{min(size.durations):,.1f} to {max(size.durations):,.1f}"
        row += [f"{size.time:,.1f}", extremes, f"{size.charged:,g}", init, f"{size.used:,}"]
        row += [dollars(self.costs_on(name)[memory]) for name in ARCHITECTURES]
        return [*row, self.marks.get(memory, "")]

    def figure(self) -> Figure:
        """Time above, price below."""
        from lambdalab.widgets.tuner.tuner_picture import picture

        return picture(self)


def planned(
    lab: Lab,
    plan: Plan,
    *,
    architecture: str | None = None,
    requests: int = REQUESTS,
    free_tier: bool = False,
    balance: float = 0.5,
) -> Tuning:
    """The chart of a plan of which nothing is measured yet: settings and function make sense.

    ``architecture``: None for the function's own. Raises as ``tuning`` does.
    """
    shown = client_of(lab).get_function_configuration(FunctionName=plan.function)
    measured = Measurement(replace(plan, function=shown["FunctionName"]))
    return Tuning(measured, architecture or shown["Architectures"][0], requests, free_tier, balance)


def tuning(
    lab: Lab,
    function: str,
    payload: Any = None,
    *,
    sizes: Sequence[int] = SIZES,
    runs: int = 5,
    architecture: str | None = None,
    requests: int = REQUESTS,
    free_tier: bool = False,
    balance: float = 0.5,
    tell: Tell = lambda _words, _known: True,
) -> Tuning:
    """Run a function of the lab at several memory sizes (MB) and show what it takes and costs.

    Each size is published as a version, run once cold with ``payload`` (what JSON can hold; None
    for an empty event) and ``runs`` times warm. Afterwards the function has its own memory size
    again and those versions are gone, also after an error or an interrupt. ``architecture``: whose
    price counts, None for the function's own; the times stay those of this machine. ``requests`` a
    month are paid, ``free_tier``: whether what is free each month is taken off; ``balance`` weighs
    price (1) against time (0). ``tell`` hears how far it is, as ``measure`` says. ValueError for
    settings that make no sense, AWS's ClientError for what AWS refuses.
    """
    chart = planned(
        lab,
        Plan(function, payload, sizes, runs),
        architecture=architecture,
        requests=requests,
        free_tier=free_tier,
        balance=balance,
    )
    return replace(chart, measured=measure(lab, chart.measured.plan, tell))


def _room(chart: Tuning) -> str:
    """A size that earns more CPUs than this machine has is not faster here, as it is on AWS."""
    most = (os.cpu_count() or 1) * ONE_VCPU
    if all(memory <= most for memory in chart.sizes):
        return ""
    return f"This machine has the CPUs of {most:,} MB: here, more memory is not more CPU than that."


def _listed(texts: Sequence[str]) -> str:
    """Texts with commas and an "and"."""
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} and {texts[-1]}"
