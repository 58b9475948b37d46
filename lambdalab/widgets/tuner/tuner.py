"""The memory tuner: run the reader's own function at several memory sizes, choose the best."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lambdalab import facts
from lambdalab.lab import Lab
from lambdalab.simulator.function import ARCHITECTURES
from lambdalab.widgets.controls import Action, Choice, Control, Slider, Switch
from lambdalab.widgets.panel import Panel, Values, panel
from lambdalab.widgets.question import Question
from lambdalab.widgets.tuner.tuner_chart import REQUESTS, Tuning, planned
from lambdalab.widgets.tuner.tuner_runs import (
    MOST_RUNS,
    ONE_VCPU,
    SIZES,
    Measurement,
    Plan,
    client_of,
    measure,
)

__all__ = ["memory_tuner"]

LARGEST: int = facts.quota("memory.maximum").value
# A curve for those in a hurry, the usual one, one with more points, one up to the largest size.
CURVES: tuple[tuple[int, ...], ...] = (
    SIZES[::2],
    SIZES,
    tuple(sorted({*SIZES, *(size * 3 // 2 for size in SIZES[:4])})),
    (*SIZES, 3 * ONE_VCPU, LARGEST),
)
RUNS = (1, 3, 5, 10, 20, 50, MOST_RUNS)
MONTHS = (10_000, 100_000, REQUESTS, 5_000_000, 10_000_000, 100_000_000, 1_000_000_000)
QUESTIONS = {
    "cheapest": "Which memory size is cheapest?",
    "balanced": "Which memory size is balanced between time and price?",
    "fastest": "Which memory size is fastest?",
}
# How often, in real seconds, it is told how far a measurement is: whoever listens is not flooded.
_PAUSE = 1.5


def memory_tuner(
    lab: Lab,
    function: str | None = None,
    payload: Any = None,
    *,
    sizes: Sequence[int] = SIZES,
    runs: int = 5,
    measured: Tuning | None = None,
    predict: str | None = None,
    **settings: Any,
) -> Panel:
    """Make the tuner of a lab: its button measures the function that is chosen.

    ``function`` is the one chosen at first (None: the first of the lab); ``payload``, ``sizes`` and
    ``runs`` are those of ``tuning``, and so are the other ``settings``. ``measured`` is what
    ``tuning`` has returned: it is shown at once, and says what function, payload, sizes and runs
    are. ``predict`` asks for a guess first: "cheapest", "balanced" or "fastest"; what is not
    measured by then is measured before the panel shows. ValueError for a lab without functions,
    AWS's ClientError for a function that is not there.
    """
    names = _names(lab)
    if measured is None:
        chart = planned(lab, Plan(function or names[0], payload, sizes, runs), **settings)
    else:
        chart = replace(_of(measured, function), **settings)
    if predict is not None and not chart.measured.sizes:
        chart = replace(chart, measured=measure(lab, chart.measured.plan))
    bench = _Bench(lab, chart)
    bench.panel = panel(
        "Memory tuner",
        _controls(chart, names),
        bench.show,
        questions=_questions(chart),
        predict=predict,
        actions={"measure": bench.measure},
    )
    return bench.panel


def _of(measured: Tuning, function: str | None) -> Tuning:
    """What was measured; ValueError if it is of another function than the one asked for."""
    name = measured.measured.plan.function
    if function not in (None, name):
        raise ValueError(f"measured is of {name}, not of {function}")
    return measured


class _Bench:
    """What is measured by now of each function, and the panel that shows it."""

    panel: Panel

    def __init__(self, lab: Lab, chart: Tuning) -> None:
        self._lab = lab
        self._payload = chart.measured.plan.payload
        self._known: dict[str, Measurement] = {}
        self._told_at = 0.0
        self._take(chart.measured)

    def show(self, values: Values) -> Tuning:
        """The chart for what the controls say."""
        plan = self._plan(values)
        known = self._known.get(plan.function) or Measurement(plan)
        return Tuning(
            known,
            architecture=values["architecture"],
            requests=int(values["requests"]),
            free_tier=values["free_tier"],
            balance=values["balance"],
            wanted=None if known.plan == plan else plan,
        )

    def measure(self) -> None:
        """Measure the function that is chosen; the curve grows as sizes are done."""
        self._take(measure(self._lab, self._plan(self.panel.values), self._tell))
        self.panel.refresh()

    def _plan(self, values: Values) -> Plan:
        sizes = [int(size) for size in values["sizes"].split(",")]
        return Plan(values["function"], self._payload, sizes, int(values["runs"]))

    def _take(self, known: Measurement) -> None:
        """Keep what is measured; an attempt that got nowhere does not cover an earlier curve."""
        if known.sizes:
            self._known[known.plan.function] = known

    def _tell(self, words: str, known: Measurement) -> bool:
        now = time.monotonic()
        if now - self._told_at >= _PAUSE:
            self._told_at, self.panel.busy = now, f"Measuring {known.plan.function}: {words}"
        if known.sizes and known is not self._known.get(known.plan.function):
            self._take(known)
            self.panel.refresh()
        return not self.panel.stopping.is_set()


def _names(lab: Lab) -> list[str]:
    pages = client_of(lab).get_paginator("list_functions").paginate()
    names = sorted(each["FunctionName"] for page in pages for each in page["Functions"])
    if not names:
        raise ValueError("the lab has no functions yet: create one, then make the tuner")
    return names


def _controls(chart: Tuning, names: Sequence[str]) -> list[Control]:
    plan = chart.measured.plan
    curves = {_key(sizes): _told(sizes) for sizes in (plan.sizes, *CURVES)}
    return [
        Choice("function", "Function", plan.function, _same({plan.function: 0, **_same(names)})),
        Choice("sizes", "Memory sizes", _key(plan.sizes), curves),
        _stops("runs", "Runs at each", plan.runs, RUNS),
        Action("measure", "Measure"),
        Choice("architecture", "Price on", chart.architecture, _same(ARCHITECTURES)),
        _stops("requests", "Requests a month", chart.requests, MONTHS),
        Switch("free_tier", "Free tier taken off", chart.free_tier),
        Slider("balance", "Weight of the price", chart.balance, 0, 1, 0.05),
    ]


def _questions(chart: Tuning) -> Mapping[str, Question]:
    options = {str(memory): f"{memory:,} MB" for memory in chart.sizes}
    return {name: _question(name, text, options) for name, text in QUESTIONS.items()}


def _question(name: str, text: str, options: Mapping[str, str]) -> Question:
    return Question(text, lambda chart: str(getattr(chart, name)), options=options)


def _stops(name: str, label: str, value: float, places: Sequence[float]) -> Slider:
    return Slider(name, label, value, stops=sorted({*places, value}))


def _same(names: Sequence[str] | Mapping[str, Any]) -> dict[str, str]:
    return {name: name for name in names}


def _key(sizes: Sequence[int]) -> str:
    return ",".join(map(str, sizes))


def _told(sizes: Sequence[int]) -> str:
    if len(sizes) == 1:
        return f"{sizes[0]:,} MB"
    return f"{len(sizes)} from {sizes[0]:,} to {sizes[-1]:,} MB"
