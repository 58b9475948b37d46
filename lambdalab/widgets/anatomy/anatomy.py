"""The anatomy of a cold start, to play with: settings, remedies, and a measurement on demand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lambdalab import facts
from lambdalab.widgets.anatomy.cold_starts import ColdStart, cold_start
from lambdalab.widgets.anatomy.start_measured import Measured
from lambdalab.widgets.anatomy.start_parts import (
    LANGUAGES,
    LAYER_MB,
    NOW,
    ONE_VCPU,
    PARTS,
    REMEDIES,
    StartSettings,
)
from lambdalab.widgets.anatomy.start_trials import measure_cold_start
from lambdalab.widgets.controls import Action, Choice, Control, Slider, Switch
from lambdalab.widgets.panel import Panel, Values, panel
from lambdalab.widgets.question import Question

__all__ = ["QUESTIONS", "cold_start_anatomy"]

LEAST, MOST = (facts.quota(f"memory.{end}").value for end in ("minimum", "maximum"))
MOST_LAYERS: int = facts.quota("layers.per-function").value

PACKAGES = (1, 5, 10, 25, facts.quota("package.zip-upload").value)
INITS = (0, 50, 100, 200, 400, 700, 1000, 2000, 3000, 5000)
MEMORIES = (LEAST, 256, 512, 1024, ONE_VCPU, 3008, MOST)

QUESTIONS = {
    "wait": Question(
        "How long does the caller of the first invocation wait at most, by published ranges?",
        lambda chart: round(chart.waited().high), "ms", high=7500, step=50,
    ),
    "part": Question(
        "Which part of this cold start takes longest?",
        lambda chart: chart.largest, options=PARTS,
    ),
    "remedy": Question(
        "Which remedy makes this cold start shorter by most?",
        lambda chart: chart.best,
        options={name: remedy.label for name, remedy in REMEDIES.items()} | {NOW: "none of them"},
    ),
}  # fmt: skip


def cold_start_anatomy(
    *,
    predict: str | None = None,
    measured: Measured | None = None,
    times: int = 3,
    **settings: Any,
) -> Panel:
    """Make the anatomy; ``settings`` are those of ``cold_start``, and where the controls stand.

    The button measures real functions of these settings, each remedy ``times`` times, in a lab of
    their own; what was ``measured`` before is shown from the beginning. ``predict`` asks for a
    guess first: one of "wait", "part", "remedy". ``panel.chart`` is what ``cold_start`` gives for
    ``panel.values``. ValueError for what cannot be.
    """
    first = cold_start(**settings).settings
    known = {} if measured is None else {measured.settings: measured}

    def settings_of(values: Values) -> StartSettings:
        return replace(first, **values)

    def show(values: Values) -> ColdStart:
        now = settings_of(values)
        return ColdStart(now, known.get(now))

    def work() -> None:
        now = settings_of(made.values)
        known[now] = _measured(made, now, times)
        made.refresh()

    made = panel(
        "Cold start anatomy",
        _controls(first),
        show,
        questions=QUESTIONS,
        predict=predict,
        actions={"measure": work},
    )
    return made


def _measured(made: Panel, settings: StartSettings, times: int) -> Measured:
    """Measure, and say on the panel how far it is."""

    def tell(text: str) -> None:
        made.busy = f"Measuring here: {text}"

    return measure_cold_start(settings, times=times, tell=tell, stopping=made.stopping.is_set)


def _controls(first: StartSettings) -> list[Control]:
    def stops(name: str, label: str, places: tuple[float, ...], unit: str) -> Slider:
        value = getattr(first, name)
        return Slider(name, label, value, unit=unit, stops=tuple(sorted({*places, value})))

    languages = {name: language.label for name, language in LANGUAGES.items()}
    return [
        Choice("language", "Language", first.language, languages),
        stops("package_mb", "Package (zip)", PACKAGES, "MB"),
        Slider("layers", f"Layers of {LAYER_MB} MB", first.layers, 0, MOST_LAYERS),
        stops("init_ms", "Init code", INITS, "ms"),
        stops("memory", "Memory", MEMORIES, "MB"),
        Switch("snap_start", "SnapStart", first.snap_start),
        Switch("provisioned", "Provisioned", first.provisioned),
        Action("measure", "Measure these settings here"),
    ]
