"""From how many requests a month on servers are cheaper than Lambda.

Lambda is paid by the request, servers by the hour. How many servers a load needs follows from
how many requests run at a time (rate x duration): each gets the memory and the CPU that Lambda
would give it, and servers are never planned to be full.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lambdalab import facts
from lambdalab.simulator import price
from lambdalab.simulator.checks import above, between, whole
from lambdalab.simulator.function import ARCHITECTURES
from lambdalab.widgets.chart import Chart
from lambdalab.widgets.money import counted, dollars

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FEWEST", "INSTANCES", "MOST", "BreakEven", "break_even"]

MEMORY = tuple(facts.quota(f"memory.{end}").value for end in ("minimum", "maximum"))
ONE_VCPU: int = facts.quota("memory.per-vcpu").value
LONGEST = facts.quota("timeout.maximum").to("ms").value
STEP = facts.price("duration.step").to("ms").value
MONTH = facts.price("month.average")
MB_PER_GB = 1024
# Requests a month: what is drawn, and how far an equal price is searched for.
FEWEST, MOST = 10_000, 10_000_000_000
_POINTS_PER_DECADE = 25


@dataclass(frozen=True)
class Instance:
    """An EC2 instance type: ``hourly`` in US dollars, ``memory`` in MB, ``vcpus``."""

    name: str
    hourly: float
    memory: int
    vcpus: int

    @property
    def monthly(self) -> float:
        """US dollars a month, on demand."""
        return self.hourly * float(MONTH.value)

    def holds(self, memory: int) -> int:
        """How many requests of a function with so much memory (MB) run on it at a time."""
        return min(self.memory // memory, int(self.vcpus * ONE_VCPU / memory))


def _instance(fact: facts.Fact) -> Instance:
    name = fact.name.partition(".")[2]
    return Instance(
        name=name.replace("-", "."),
        hourly=fact.value,
        memory=facts.quota(f"ec2-memory.{name}").to("MB").value,
        vcpus=facts.quota(f"ec2-vcpus.{name}").value,
    )


INSTANCES: dict[str, Instance] = {
    instance.name: instance
    for instance in (_instance(each) for each in facts.prices() if each.name.startswith("ec2."))
}


@dataclass(frozen=True, repr=False)
class BreakEven(Chart):
    """What a load costs on Lambda and on EC2, by requests a month; ``break_even`` makes it."""

    requests: int
    duration: float
    memory: int
    instance: Instance
    least: int
    busy: float
    architecture: str
    free_tier: bool
    caption: str = "The price of a month on Lambda and on EC2 (us-east-1, on demand)"

    # ---- prices, in US dollars a month

    def on_lambda(self, requests: float) -> float:
        """What so many requests a month cost on Lambda."""
        billed = math.ceil(self.duration / STEP) * STEP / 1000
        gb_seconds = requests * billed * self.memory / MB_PER_GB
        return price(
            round(requests), gb_seconds, architecture=self.architecture, free_tier=self.free_tier
        ).total

    def on_ec2(self, requests: float) -> float:
        """What the instances cost that so many requests a month need."""
        return self.instances(requests) * self.instance.monthly

    def instances(self, requests: float) -> int:
        """How many instances so many requests a month need; never fewer than ``least``."""
        room = self.instance.holds(self.memory) * self.busy / 100
        return max(self.least, math.ceil(self.at_a_time(requests) / room))

    def at_a_time(self, requests: float) -> float:
        """How many of so many requests a month run at a time, on average."""
        return requests / MONTH.seconds * self.duration / 1000

    # ---- where they are equal

    @cached_property
    def equal(self) -> float | None:
        """From how many requests a month on EC2 is not dearer; None where it never is.

        Looked for up to ten billion. Further up it may be dearer again, for a while: where one
        instance more is needed.
        """
        alone = self._reaches(self.least * self.instance.monthly)
        if alone is not None and self.instances(alone) == self.least:
            return alone
        previous = 0.0
        for requests in _points():
            if self._ec2_pays(requests):
                return self._first_between(previous, requests)
            previous = requests
        return None

    def _reaches(self, cost: float) -> float | None:
        """With how many requests Lambda costs so much."""
        if self.on_lambda(MOST) < cost:
            return None
        low, high = 0.0, float(MOST)
        while high - low > max(1.0, low * 1e-9):
            middle = (low + high) / 2
            low, high = (low, middle) if self.on_lambda(middle) >= cost else (middle, high)
        return high

    def _ec2_pays(self, requests: float) -> bool:
        return self.on_ec2(requests) <= self.on_lambda(requests)

    def _first_between(self, low: float, high: float) -> float:
        while high - low > max(1.0, low * 1e-9):
            middle = (low + high) / 2
            low, high = (low, middle) if self._ec2_pays(middle) else (middle, high)
        return high

    # ---- words

    @property
    def cheaper(self) -> str:
        """Which is cheaper for the requests that were asked about: ``Lambda`` or ``EC2``."""
        return self._cheaper(self.requests)

    def _cheaper(self, requests: float) -> str:
        return "EC2" if self._ec2_pays(requests) else "Lambda"

    @property
    def verdict(self) -> str:
        """What the month costs either way, and where it turns."""
        here, there = self.on_lambda(self.requests), self.on_ec2(self.requests)
        costs = (
            f"{_requests(self.requests)} {dollars(here)} on Lambda and "
            f"{dollars(there)} on {self._fleet(self.requests)}: {self._by_how_much(here, there)}."
        )
        return f"{costs} {self._turn()} {self._load()}"

    def _by_how_much(self, here: float, there: float) -> str:
        low, high = sorted((here, there))
        if low == 0:
            return f"{self.cheaper} is free"
        if high / low < 1.005:
            return "the same"
        times = high / low
        return f"{self.cheaper} is {_few(times) if times < 1000 else counted(times)} times cheaper"

    def _fleet(self, requests: float) -> str:
        count = self.instances(requests)
        return f"{count:,} {self.instance.name}" + (" instances" if count > 1 else "")

    def _turn(self) -> str:
        if self.equal is None:
            return f"Up to {counted(MOST)} requests a month EC2 is never cheaper."
        rate = self.equal / MONTH.seconds
        return (
            f"EC2 begins to be cheaper at {counted(self.equal)} requests a month "
            f"({rate:,.3g} a second, {self._fleet(self.equal)})."
        )

    def _load(self) -> str:
        room = self.instance.holds(self.memory)
        return (
            f"On average {_few(self.at_a_time(self.requests))} run at a time; "
            f"one {self.instance.name} has room for {room:,}, "
            f"and is planned to be {self.busy:g}% full."
        )

    def table(self) -> dict[str, list[str]]:
        """A row for each power of ten, for the requests asked about, and for the equal price."""
        asked = {10**power for power in range(4, 11)} | {self.requests}
        if self.equal is not None:
            asked.add(math.ceil(self.equal))
        rows = sorted(asked)
        return {
            "Requests a month": [f"{requests:,}" for requests in rows],
            "At a time": [_few(self.at_a_time(requests)) for requests in rows],
            "Lambda": [dollars(self.on_lambda(requests)) for requests in rows],
            "Instances": [f"{self.instances(requests):,}" for requests in rows],
            "EC2": [dollars(self.on_ec2(requests)) for requests in rows],
            "Cheaper": [self._cheaper(requests) for requests in rows],
        }

    def figure(self) -> Figure:
        """Both prices over the requests of a month."""
        from lambdalab.widgets.ec2.break_even_picture import picture

        least = min(FEWEST, self.requests, max(1, self.equal or MOST))
        return picture(self, list(_points(10 ** math.floor(math.log10(least)))))


def break_even(
    *,
    requests: int = 10_000_000,
    duration: float = 100,
    memory: int = 512,
    instance: str = "t4g.small",
    instances: int = 1,
    busy: float = 40,
    architecture: str = "arm64",
    free_tier: bool = True,
) -> BreakEven:
    """Compare the price of ``requests`` a month on Lambda and on EC2 instances.

    ``duration`` (ms) and ``memory`` (MB) are those of the function; cold starts are left out.
    There are at least so many ``instances`` of the type ``instance`` (a key of ``INSTANCES``), and
    as many as are needed when ``busy`` percent of their room is taken on average. ``free_tier``:
    whether Lambda's is taken off. Prices: us-east-1, on demand; disks, addresses, load balancers,
    traffic and the work of running servers come on top. ValueError for what cannot be.
    """
    whole(1, requests=requests, instances=instances)
    between(1, MOST, requests=requests)
    above(0, duration=duration)
    between(0, LONGEST, duration=duration)
    whole(1, memory=memory)
    between(*MEMORY, memory=memory)
    above(0, busy=busy)
    between(0, 100, busy=busy)
    _one_of(ARCHITECTURES, architecture=architecture)
    _one_of(INSTANCES, instance=instance)
    chosen = INSTANCES[instance]
    if not chosen.holds(memory):
        raise ValueError(_too_large(chosen, memory))
    return BreakEven(requests, duration, memory, chosen, instances, busy, architecture, free_tier)


def _too_large(instance: Instance, memory: int) -> str:
    needed = memory / ONE_VCPU
    return (
        f"a function of {memory:,} MB ({needed:.1f} vCPUs) does not fit into a {instance.name}: "
        f"it has {instance.memory:,} MB and {instance.vcpus} vCPUs"
    )


def _one_of(names: Iterable[str], **values: str) -> None:
    for name, value in values.items():
        if value not in names:
            raise ValueError(f"{name} is {value!r}: it must be one of {', '.join(names)}")


def _requests(count: int) -> str:
    return "1 request a month costs" if count == 1 else f"{counted(count)} requests a month cost"


def _few(number: float) -> str:
    """A mean that may be small, without powers of ten."""
    return (
        "under 0.001" if number < 0.001 else f"{number:,.3g}" if number < 1000 else f"{number:,.0f}"
    )


def _points(first: float = FEWEST) -> Iterable[float]:
    """Numbers of requests at equal ratios, from the first to the most."""
    decades = math.log10(MOST / first)
    count = round(decades * _POINTS_PER_DECADE)
    return (first * 10 ** (decades * place / count) for place in range(count + 1))
