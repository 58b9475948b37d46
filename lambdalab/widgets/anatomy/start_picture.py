"""The anatomy of a cold start, drawn: stacked bars, told apart by hatching as well as by colour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lambdalab.widgets.anatomy.start_parts import NOW, PARTS, label
from lambdalab.widgets.theme import COLOURS, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from lambdalab.widgets.anatomy.cold_starts import ColdStart
    from lambdalab.widgets.anatomy.start_measured import Measured

__all__ = ["picture"]

# Inches: the whole picture, the names beside the bars, the title above; share of the bars.
_WIDE, _NAMES, _TITLE = 7.2, 1.85, 0.34
_BARS = 0.71
# How far under the middle of a bar its range lies, in rows.
_BELOW = 0.37
# What an axis shows at least, in ms: a handler may do nothing at all.
_LEAST = 1.0
_BETWEEN, _LEGEND, _ROW = 0.5, 0.9, 0.34


class Look(NamedTuple):
    """How a part is drawn: told apart by hatching as well as by colour."""

    colour: str
    hatch: str


LOOKS = {
    "download": Look(COLOURS["sky"], "|||"),
    "start": Look(COLOURS["pale"], "---"),
    "runtime": Look(COLOURS["orange"], "///"),
    "function": Look(COLOURS["red"], "xxx"),
    "restore": Look(COLOURS["purple"], "\\\\\\"),
    "handler": Look(COLOURS["blue"], ""),
}


def picture(chart: ColdStart) -> Figure:
    """Draw the published ranges and, below, what was measured, which has a scale of its own."""
    panels = 1 if chart.measured is None else 2
    bars = _ROW * len(chart.published)
    # Placed by hand: constrained layout would draw everything twice.
    height = panels * (_TITLE + bars) + (panels - 1) * _BETWEEN + _LEGEND
    figure = Figure(figsize=(_WIDE, height))

    def axes(number: int) -> Axes:
        bottom = height - (number + 1) * (_TITLE + bars) - number * _BETWEEN
        return figure.add_axes((_NAMES / _WIDE, bottom / height, _BARS, bars / height))

    _draw_published(axes(0), chart)
    if chart.measured is not None:
        _draw_measured(axes(1), chart.measured)
    _draw_legend(figure, {part for parts in chart.published.values() for part in parts})
    return figure


def _draw_published(axes: Axes, chart: ColdStart) -> None:
    bars = {
        name: {part: each.middle for part, each in parts.items()}
        for name, parts in chart.published.items()
    }
    _draw_bars(axes, bars)
    waits = [chart.waited(name) for name in bars]
    room = max(_LEAST, *(wait.high for wait in waits))
    for row, wait in enumerate(waits):
        if wait.low < wait.high:
            axes.plot(list(wait), [row + _BELOW] * 2, "|-", color=INK, lw=1, ms=5)
        axes.text(wait.high + 0.015 * room, row, f"{wait} ms", va="center", fontsize=9)
    axes.set(xlim=(0, 1.26 * room), xlabel="ms")
    axes.set_title("Published: the middle of the range; the line is all of it", fontsize=10)


def _draw_bars(axes: Axes, bars: Mapping[str, Mapping[str, float]]) -> None:
    """Draw stacked bars, named on the left; the first one on top."""
    lefts = dict.fromkeys(bars, 0.0)
    for part, look in LOOKS.items():
        rows = [row for row, name in enumerate(bars) if part in bars[name]]
        names = [name for name in bars if part in bars[name]]
        widths = [bars[name][part] for name in names]
        axes.barh(
            rows, widths, left=[lefts[name] for name in names], height=0.52,
            facecolor=look.colour, hatch=look.hatch, edgecolor=INK, lw=0.7,
        )  # fmt: skip
        lefts |= {name: lefts[name] + bars[name][part] for name in names}
    axes.set_yticks(range(len(bars)), [label(name) for name in bars])
    axes.set_ylim(len(bars) - 0.4, -0.5)
    axes.tick_params(axis="y", length=0)


def _draw_measured(axes: Axes, measured: Measured) -> None:
    middles = {name: measured.middle(name) for name in measured.trials}
    _draw_bars(axes, {name: middle.parts for name, middle in middles.items()})
    room = max(_LEAST, *(each.total for trials in measured.trials.values() for each in trials))
    for row, (name, middle) in enumerate(middles.items()):
        totals = [trial.total for trial in measured.trials[name]]
        axes.plot(totals, [row + _BELOW] * len(totals), "d", color=INK, ms=4)
        end = max([middle.total, *totals]) + 0.02 * room
        axes.text(end, row, f"{middle.total:,.0f} ms", va="center", fontsize=9)
    axes.set(xlim=(0, 1.26 * room), xlabel="ms")
    times = len(measured.trials[NOW])
    axes.set_title(f"Measured here: the middle of {times}; each is a diamond", fontsize=10)


def _draw_legend(figure: Figure, shown: set[str]) -> None:
    patches = [
        Patch(facecolor=look.colour, hatch=look.hatch, edgecolor=INK, label=PARTS[part])
        for part, look in LOOKS.items()
        if part in shown
    ]
    figure.legend(handles=patches, loc="lower center", ncols=3, frameon=False, borderpad=0)
