"""The break-even explorer: move load and servers, see which way is cheaper."""

from __future__ import annotations

from typing import Any

from lambdalab.simulator.function import ARCHITECTURES
from lambdalab.widgets.controls import Choice, Control, Slider, Switch
from lambdalab.widgets.ec2.break_even_chart import (
    INSTANCES,
    LONGEST,
    MB_PER_GB,
    MOST,
    ONE_VCPU,
    BreakEven,
    Instance,
    break_even,
)
from lambdalab.widgets.ec2.break_even_chart import MEMORY as BOUNDS
from lambdalab.widgets.money import dollars
from lambdalab.widgets.panel import Panel, Values, panel
from lambdalab.widgets.question import Question

__all__ = ["QUESTIONS", "break_even_explorer"]

SMALLEST, LARGEST = BOUNDS
REQUESTS = (*(n * 10**power for power in range(4, 10) for n in (1, 2, 5)), MOST)
DURATIONS = (1, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 60_000, LONGEST)
MEMORIES = (SMALLEST, 256, 512, 1024, ONE_VCPU, 2048, 3072, 5120, LARGEST)
COUNTS = (1, 2, 3, 4, 6, 8, 10)

QUESTIONS = {
    "cheaper": Question(
        "Which is cheaper for these requests?",
        lambda chart: chart.cheaper,
        options={"Lambda": "Lambda", "EC2": "EC2 instances"},
    ),
    "equal": Question(
        "From how many million requests a month on is EC2 cheaper? (0: never)",
        lambda chart: (chart.equal or 0) / 1e6,
        "million",
        high=200,
        tolerance=0.2,
    ),
}


def break_even_explorer(*, predict: str | None = None, **settings: Any) -> Panel:
    """Make the explorer; ``settings`` are those of ``break_even``, and where the controls stand.

    ``predict`` asks for a guess first: "cheaper" or "equal". ValueError for settings that cannot
    be.
    """
    start = _START | settings
    unknown = ", ".join(sorted(set(start) - set(_START)))
    if unknown:
        raise ValueError(f"no setting {unknown}: there are {', '.join(_START)}")
    break_even(**start)
    return panel(
        "Lambda or EC2: the price of a month",
        _controls(start),
        _shown,
        questions=QUESTIONS,
        predict=predict,
    )


def _shown(values: Values) -> BreakEven:
    whole = ("requests", "memory", "instances")
    return break_even(**values | {name: int(values[name]) for name in whole})


_START: Values = {
    "requests": 10_000_000, "duration": 100, "memory": 512, "architecture": "arm64",
    "free_tier": True, "instance": "t4g.small", "instances": 1, "busy": 40,
}  # fmt: skip


def _controls(start: Values) -> list[Control]:
    def stops(name: str, label: str, places: tuple[float, ...], unit: str = "") -> Slider:
        return Slider(name, label, start[name], unit=unit, stops=sorted({*places, start[name]}))

    types = {name: _told(instance) for name, instance in INSTANCES.items()}
    return [
        stops("requests", "Requests a month", REQUESTS),
        stops("duration", "Duration", DURATIONS, "ms"),
        stops("memory", "Memory", MEMORIES, "MB"),
        Choice("architecture", "Lambda on", start["architecture"], {n: n for n in ARCHITECTURES}),
        Switch("free_tier", "Lambda's free tier", start["free_tier"]),
        Choice("instance", "Instance type", start["instance"], types),
        stops("instances", "Instances at least", COUNTS),
        Slider("busy", "Instances full to", start["busy"], 5, 100, 5, "%"),
    ]


def _told(instance: Instance) -> str:
    memory = instance.memory // MB_PER_GB
    return f"{instance.name}: {instance.vcpus} vCPUs, {memory} GB, {dollars(instance.hourly)}/h"
