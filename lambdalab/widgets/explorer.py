"""The scaling explorer: move traffic and limits, see what becomes of the requests."""

from __future__ import annotations

from typing import Any

from lambdalab import facts
from lambdalab.widgets.controls import Choice, Control, Slider, Switch
from lambdalab.widgets.panel import Panel, Values, panel
from lambdalab.widgets.question import Question
from lambdalab.widgets.traffic import ACCOUNT, IDLE, ONE_VCPU, SHAPES, Scaling, scaling

__all__ = ["QUESTIONS", "scaling_explorer"]

LEAST, MOST = (facts.quota(f"memory.{end}").value for end in ("minimum", "maximum"))
SMALLEST_ACCOUNT = facts.quota("concurrency.new-account").value

RATES = (0, 0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
BURSTS = (0, 10, 50, 100, 200, 300, 500, 800, 1000, 1500, 2000, 5000)
DURATIONS = (1, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000)
INITS = (0, 50, 100, 200, 400, 800, 1500, 3000, 6000, 10_000)
MEMORIES = (LEAST, 256, 512, 1024, ONE_VCPU, 3008, 5120, MOST)
COUNTS = (0, 1, 2, 5, 10, 20, 50, 100, 150, 200, 300, 500, 700, 900)
ACCOUNTS = (SMALLEST_ACCOUNT, 50, 100, 200, 500, ACCOUNT, 2 * ACCOUNT, 5 * ACCOUNT)
IDLES = (5, 10, 30, 60, IDLE, 600, 900)
WINDOWS = (60, 120, 300, 900, 3600)

QUESTIONS = {
    "throttled": Question(
        "What share of the requests is throttled?",
        lambda chart: 100 * chart.summary.throttle_share, "%",
    ),
    "cold": Question(
        "What share of the invocations waits for a cold start?",
        lambda chart: 100 * chart.summary.cold_share, "%",
    ),
    "concurrency": Question(
        "How many requests run together at most?",
        lambda chart: chart.summary.peak_concurrency, high=2000, step=10,
    ),
    "p99": Question(
        "Within how many milliseconds are 99 % of the requests done?",
        lambda chart: 1000 * chart.summary.p99, "ms", high=10_000, step=50,
    ),
}  # fmt: skip


def scaling_explorer(*, predict: str | None = None, **settings: Any) -> Panel:
    """Make the explorer; ``settings`` are those of ``scaling``, and where the controls stand.

    ``predict`` asks for a guess first: one of "throttled", "cold", "concurrency", "p99".
    ValueError for settings that cannot be.
    """
    unknown = set(settings) - ({*_START, "seed"} - {"reserve"})
    if unknown:
        raise ValueError(f"no setting {', '.join(sorted(unknown))}")
    start = _START | settings
    # Whatever is wrong with them, it is said at once.
    scaling(**{name: value for name, value in start.items() if name != "reserve"})
    start["reserve"] = start["reserved"] is not None
    start["reserved"] = start["reserved"] or 0
    seed = start.pop("seed", 0)
    return panel(
        "Scaling explorer",
        _controls(start),
        lambda values: _shown(values, seed),
        questions=QUESTIONS,
        predict=predict,
    )


def _shown(values: Values, seed: int) -> Scaling:
    rest = {name: value for name, value in values.items() if name not in ("reserve", "reserved")}
    rest |= {name: int(rest[name]) for name in ("burst", "memory", "provisioned", "account")}
    reserved = int(values["reserved"]) if values["reserve"] else None
    return scaling(reserved=reserved, seed=seed, **rest)


_START: Values = {
    "rate": 50, "burst": 300, "duration": 200, "init": 400, "memory": 1024, "reserve": False,
    "reserved": None, "provisioned": 0, "account": ACCOUNT, "idle": IDLE, "shape": "lognormal",
    "cpu": 0.5, "seconds": 120,
}  # fmt: skip


def _controls(start: Values) -> list[Control]:
    def stops(name: str, label: str, places: tuple[float, ...], unit: str = "") -> Slider:
        value = start[name]
        return Slider(name, label, value, unit=unit, stops=tuple(sorted({*places, value or 0})))

    return [
        stops("rate", "Requests a second", RATES, "/s"),
        stops("burst", "Burst, at each third", BURSTS),
        stops("duration", "Duration at one vCPU", DURATIONS, "ms"),
        Choice("shape", "Durations are", start["shape"], SHAPES),
        stops("init", "INIT", INITS, "ms"),
        stops("memory", "Memory", MEMORIES, "MB"),
        Slider("cpu", "Share of work on CPU", start["cpu"], 0, 1, 0.05),
        Switch("reserve", "Reserve concurrency", start["reserve"]),
        stops("reserved", "Reserved", COUNTS),
        stops("provisioned", "Provisioned", COUNTS),
        stops("account", "Account limit", ACCOUNTS),
        stops("idle", "Taken back after idle", IDLES, "s"),
        stops("seconds", "Time shown", WINDOWS, "s"),
    ]
