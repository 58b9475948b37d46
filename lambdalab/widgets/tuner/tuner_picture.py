"""The tuner's picture: time above, price below, the memory sizes to choose from marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambdalab.widgets.money import counted, dollars
from lambdalab.widgets.theme import COLOURS, GROUND, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lambdalab.widgets.tuner.tuner_chart import Tuning

__all__ = ["picture"]

# Margins that leave room for the longest labels: to have them measured takes as long as to draw.
_PLACES = {"left": 0.13, "right": 0.98, "top": 0.91, "bottom": 0.12, "hspace": 0.12}
# By what an axis goes beyond the highest figure: room for what is written above it.
_HEADROOM = 1.3
_BOX = {"facecolor": GROUND, "edgecolor": "none", "pad": 1}


def picture(chart: Tuning) -> Figure:
    """Draw both curves over the sizes, which stand side by side whatever their distance."""
    from matplotlib.figure import Figure

    if not chart.measured.sizes:
        return _empty(Figure(figsize=(7.2, 0.6)))
    figure = Figure(figsize=(7.2, 4.6))
    above, below = figure.subplots(2, sharex=True, gridspec_kw=_PLACES)
    places = {size.memory: place for place, size in enumerate(chart.measured.sizes)}
    _draw_times(above, chart, places)
    _draw_costs(below, chart, places)
    for axes in (above, below):
        for memory in chart.marks:
            axes.axvline(places[memory], color=INK, ls=":", lw=1, zorder=0)
    _name_marks(above, chart, places)
    below.set_xticks(list(places.values()), [f"{memory:,}" for memory in places])
    below.set_xlim(-0.5, max(len(places), 3) - 0.5)
    below.set_xlabel("memory (MB)")
    return figure


def _empty(figure: Figure) -> Figure:
    figure.text(0.01, 0.5, "Nothing is measured yet", va="center", fontsize=12)
    return figure


def _draw_times(axes: Axes, chart: Tuning, places: Mapping[int, int]) -> None:
    xs = [places[memory] for memory in chart.sizes]
    axes.plot(xs, list(chart.times.values()), "o-", color=COLOURS["blue"], lw=2, ms=6)
    for x, size in zip(xs, chart.sizes.values(), strict=True):
        axes.vlines(x, min(size.durations), max(size.durations), color=COLOURS["blue"], lw=1.2)
    for memory in chart.failed:
        axes.plot(places[memory], 0, "x", color=COLOURS["red"], ms=9, mew=2, clip_on=False)
        _write(axes, "failed", (places[memory], 0), 10)
    longest = max((max(size.durations) for size in chart.sizes.values()), default=0)
    axes.set(ylabel="time (ms)", ylim=(0, _HEADROOM * longest or 1))


def _draw_costs(axes: Axes, chart: Tuning, places: Mapping[int, int]) -> None:
    xs = [places[memory] for memory in chart.sizes]
    axes.plot(xs, list(chart.costs.values()), "s--", color=COLOURS["orange"], lw=2, ms=6)
    for memory, cost in chart.costs.items():
        _write(axes, dollars(cost), (places[memory], cost), 10)
    axes.set_ylabel(f"USD a month for\n{counted(chart.requests)} requests")
    axes.set_ylim(0, _HEADROOM * max(chart.costs.values(), default=0) or 1)


def _name_marks(axes: Axes, chart: Tuning, places: Mapping[int, int]) -> None:
    for memory, said in chart.marks.items():
        _write(axes, said.replace(" and ", "\n"), (places[memory], 1), 2, xycoords=_ON_TOP)


_ON_TOP = ("data", "axes fraction")


def _write(
    axes: Axes, text: str, place: tuple[float, float], above: float, **settings: Any
) -> None:
    axes.annotate(
        text, place, (0, above), textcoords="offset points", ha="center", va="bottom",
        fontsize=9, bbox=_BOX, annotation_clip=False, **settings,
    )  # fmt: skip
