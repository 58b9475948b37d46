"""Traffic under limits: who finds a warm environment, who waits for INIT, who gets a 429."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from lambdalab import facts
from lambdalab.lab.lanes import duration_text
from lambdalab.simulator import (
    Bursts,
    Constant,
    Exponential,
    Function,
    Lognormal,
    Policy,
    Result,
    Summary,
    simulate,
)
from lambdalab.simulator.checks import above, at_least, whole
from lambdalab.widgets.chart import Chart
from lambdalab.widgets.theme import COLOURS, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SHAPES", "Scaling", "scaling"]

ACCOUNT = facts.quota("concurrency.account").value
FLOOR = facts.quota("concurrency.unreserved-minimum").value
ONE_VCPU = facts.quota("memory.per-vcpu").value
IDLE = facts.quota("reclaim.idle-shortest").seconds

SHAPES = {
    "constant": "all alike",
    "lognormal": "some much longer",
    "exponential": "very different",
}
# So many are simulated and drawn while a key is held down.
MOST_REQUESTS = 400_000
BINS = 60
# Fixed: to find margins that fit takes as long as the drawing.
_MARGINS = {"left": 0.09, "right": 0.98, "top": 0.93, "bottom": 0.1, "hspace": 0.3}
# One of 100 takes three times as long as half of them do.
_TAILED = Lognormal(1, 3)
# Of what becomes of a request: how it is drawn. Told apart by hatch and by order too.
LOOKS = {
    "provisioned": ("green", "|||"),
    "warm": ("sky", ""),
    "cold": ("orange", "///"),
    "throttled": ("red", "xxx"),
}


@dataclass(frozen=True, eq=False, repr=False)
class Scaling(Chart):
    """A simulated run: ``result`` has every request, ``summary`` the figures."""

    result: Result
    seconds: float
    caption: str = "Requests, and the environments that serve them"

    @cached_property
    def summary(self) -> Summary:
        """The figures of the run."""
        return self.result.summary()

    @property
    def verdict(self) -> str:
        """Who waited, who was refused, and what it costs."""
        run = self.summary
        if not run.requests:
            return f"No request comes in {duration_text(self.seconds)}, and nothing starts."
        requests = "request" if run.requests == 1 else "requests"
        served = f"{run.requests:,} {requests} in {duration_text(self.seconds)}: "
        return (
            served + ". ".join(filter(None, [self._shares(), self._limits(), self._speed()])) + "."
        )

    def _shares(self) -> str:
        run, result = self.summary, self.result
        ready = int(result.provisioned.sum())
        cold = int(result.cold.sum())
        warm = run.invocations - cold - ready
        parts = (
            [f"{_percent(ready, run.requests)} ran in provisioned environments"] if ready else []
        )
        parts += [f"{_percent(warm, run.requests)} found a warm environment"]
        parts += [f"{_percent(cold, run.requests)} waited for a cold start"]
        refused = run.requests - run.invocations
        why = f" ({' and '.join(result.throttles)})" if refused else ""
        parts += [f"{_percent(refused, run.requests)} were throttled{why}"]
        return ", ".join(parts)

    def _limits(self) -> str:
        run = self.summary
        there = run.environments + self.result.policy.provisioned
        environments = "environment" if there == 1 else "environments"
        return f"At most {run.peak_concurrency:,} ran together, in {there:,} {environments}"

    def _speed(self) -> str:
        run = self.summary
        if not run.invocations:
            return "Nothing ran"
        half, slow = duration_text(run.p50), duration_text(run.p99)
        return f"Half were done within {half}, 99 % within {slow}. It costs ${run.cost:,.6f}"

    @cached_property
    def bins(self) -> dict[str, Any]:
        """Counts in equal stretches of time: when each begins (s), what became of its requests."""
        edges = np.linspace(0, self.seconds, BINS + 1)
        result = self.result
        kinds = {
            "provisioned": result.provisioned,
            "warm": ~(result.provisioned | result.cold | result.throttled),
            "cold": result.cold,
            "throttled": result.throttled,
        }
        counts = {
            name: np.histogram(result.arrival[chosen], edges)[0] for name, chosen in kinds.items()
        }
        running, there = result.concurrency.at(edges[1:])
        return {"begin": edges[:-1], **counts, "running": running, "environments": there}

    def table(self) -> dict[str, list[Any]]:
        """A row for each stretch of time."""
        bins = self.bins
        heads = {name: name.capitalize() for name in LOOKS}
        return {
            "From (s)": [f"{begin:g}" for begin in bins["begin"].round(2)],
            "Requests": sum(bins[name] for name in LOOKS).tolist(),
            **{head: bins[name].tolist() for name, head in heads.items()},
            "Running at its end": bins["running"].astype(int).tolist(),
            "Environments at its end": bins["environments"].astype(int).tolist(),
        }

    def figure(self) -> Figure:
        """Requests a second above, environments below."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9, 4.8))
        above, below = figure.subplots(2, sharex=True, gridspec_kw=_MARGINS)
        self._draw_requests(above)
        self._draw_environments(below)
        return figure

    def _draw_requests(self, axes: Axes) -> None:
        edges = np.append(self.bins["begin"], self.seconds)
        floor = np.zeros(BINS)
        for name, (colour, hatch) in LOOKS.items():
            if not self.bins[name].any():
                continue
            top = floor + self.bins[name] * BINS / self.seconds
            axes.stairs(
                top, edges, baseline=floor, fill=True, hatch=hatch, label=name,
                facecolor=COLOURS[colour], edgecolor=INK, linewidth=0.4,
            )  # fmt: skip
            floor = top
        axes.set_ylabel("requests a second")
        if floor.any():
            axes.legend(loc="upper left", ncols=4, bbox_to_anchor=(0, 1.22))

    def _draw_environments(self, axes: Axes) -> None:
        times = np.linspace(0, self.seconds, 4 * BINS + 1)
        running, there = self.result.concurrency.at(times)
        axes.step(times, there, where="post", color=COLOURS["blue"], lw=2, label="environments")
        axes.step(
            times, running, where="post", color=COLOURS["red"], lw=1.2, ls="--", label="running"
        )
        limit = _limit(self.result.policy)
        if limit <= 2 * max(1.0, float(there.max())):
            axes.axhline(limit, color=INK, ls=":", lw=1.2, label=f"limit {limit:,}")
        axes.set(xlabel="seconds", ylabel="environments", xlim=(0, self.seconds))
        axes.set_ylim(bottom=0)
        axes.legend(loc="upper left", ncols=3, bbox_to_anchor=(0, 1.22))


def scaling(
    *,
    rate: float = 50,
    burst: int = 300,
    duration: float = 200,
    init: float = 400,
    memory: int = 1024,
    reserved: int | None = None,
    provisioned: int = 0,
    account: int = ACCOUNT,
    idle: float = IDLE,
    shape: str = "lognormal",
    cpu: float = 0.5,
    seconds: float = 120,
    seed: int = 0,
) -> Scaling:
    """Simulate a function that ``rate`` random requests a second call, and now and then a burst.

    ``burst`` requests come at once after each third of the ``seconds``. ``duration`` and ``init``
    are means in milliseconds; ``duration`` is what the function takes with one vCPU, and the share
    ``cpu`` (0 to 1) of it is work on the CPU, so that ``memory`` (MB) changes it; ``shape`` says
    how durations differ, a key of ``SHAPES``. ``reserved`` (None: nothing) and ``provisioned`` are
    the function's, ``account`` is the concurrency of the account. An environment that waited for
    ``idle`` seconds is taken back. ValueError in AWS's words for what AWS refuses, and for more
    than 400,000 requests.
    """
    at_least(0, rate=rate, duration=duration, init=init)
    above(0, seconds=seconds)
    whole(0, burst=burst)
    expected = rate * seconds + 2 * burst
    if expected > MOST_REQUESTS:
        raise ValueError(
            f"{expected:,.0f} requests are too many to draw at once: at most {MOST_REQUESTS:,}; "
            "choose a lower rate or a shorter time"
        )
    if shape not in SHAPES:
        raise ValueError(f"shape is {shape!r}: it must be one of {', '.join(SHAPES)}")
    function = Function(_times(shape, duration / 1000), init / 1000, memory=memory, cpu=cpu)
    whole(0, account=account)
    policy = Policy(
        account, min(FLOOR, account), reserved=reserved, provisioned=provisioned, idle=idle
    )
    workload = Bursts(burst, every=seconds / 3, seconds=seconds, rate=rate)
    return Scaling(simulate(workload, function, policy, seed), seconds)


def _times(shape: str, mean: float) -> Constant | Exponential | Lognormal:
    if shape == "constant" or not mean:
        return Constant(mean)
    if shape == "exponential":
        return Exponential(mean)
    return Lognormal(mean / _TAILED.mean, mean / _TAILED.mean * _TAILED.p99)


def _limit(policy: Policy) -> int:
    """How many environments the function can have at most."""
    return policy.account - policy.claimed if policy.reserved is None else policy.reserved


def _percent(part: int, whole: int) -> str:
    share = part / whole
    return f"{share:.1%}" if share == 0 or share >= 0.001 else "under 0.1%"
