"""The break-even picture: two prices over the requests of a month, both axes in powers of ten.

The powers are worked out here: matplotlib's own logarithmic axes take half as long again to draw.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lambdalab.widgets.money import counted, dollars
from lambdalab.widgets.theme import COLOURS, GROUND, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lambdalab.widgets.ec2.break_even_chart import BreakEven

__all__ = ["picture"]

# What is less than a cent lies on the floor of the picture: a logarithm has no zero.
_FLOOR = 0.01
# Of a wider range every second power of ten has its text: more find no room.
_MOST_TICKS = 7
# By what the axis goes beyond the highest price.
_HEADROOM = 4
# With fewer requests there is no room for words on the left, with more there is none on the right.
_LEFT_ROOM, _RIGHT_ROOM = 100_000, 1_000_000_000
# Margins that leave room for the longest labels: to have them measured takes as long as to draw.
_PLACES = {"left": 0.13, "right": 0.93, "top": 0.97, "bottom": 0.13}
_LABEL: dict[str, Any] = {
    "textcoords": "offset points",
    "fontsize": 9,
    "bbox": {"facecolor": GROUND, "edgecolor": "none", "pad": 1, "alpha": 0.8},
    "zorder": 6,
}


def picture(chart: BreakEven, points: Sequence[float]) -> Figure:
    """Draw Lambda as a line, EC2 as steps, the equal price and the requests asked about."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.2))
    axes = figure.subplots(gridspec_kw=_PLACES)
    powers = [math.log10(point) for point in points]
    on_lambda = [_power(chart.on_lambda(point)) for point in points]
    on_ec2 = [_power(chart.on_ec2(point)) for point in points]
    axes.plot(powers, on_lambda, color=COLOURS["orange"], lw=2.2, label="Lambda")
    axes.plot(
        powers, on_ec2, color=COLOURS["blue"], lw=2.2, ls="--", drawstyle="steps-post", label="EC2"
    )
    _scale(axes, powers, max(*on_lambda, *on_ec2))
    _mark_equal(axes, chart)
    _mark_asked(axes, chart)
    axes.legend(loc="lower right")  # where no price ever is
    return figure


def _power(cost: float) -> float:
    """At which power of ten a sum stands."""
    return math.log10(max(_FLOOR, cost))


def _scale(axes: Axes, powers: Sequence[float], top: float) -> None:
    first, last = powers[0], powers[-1]
    low, high = _power(0), top + math.log10(_HEADROOM)
    axes.set(xlabel="requests a month", ylabel="USD a month", xlim=(first, last), ylim=(low, high))
    counts = range(round(last), round(first) - 1, -1 if last - first <= _MOST_TICKS else -2)
    sums = range(round(low), math.floor(high) + 1)
    axes.set_xticks(counts, [counted(10**count) for count in counts])
    axes.set_yticks(sums, [_sum(10.0**amount) for amount in sums])


def _sum(amount: float) -> str:
    return f"${amount / 1e6:,.0f} m" if amount >= 1e6 else f"${amount:,g}"


def _mark_equal(axes: Axes, chart: BreakEven) -> None:
    if chart.equal is None:
        return
    place = math.log10(chart.equal), _power(chart.on_ec2(chart.equal))
    axes.plot(*place, "D", color=COLOURS["green"], markeredgecolor=INK, ms=9, zorder=5)
    axes.annotate(f"equal at {counted(chart.equal)}", place, (12, -18), **_LABEL)


def _mark_asked(axes: Axes, chart: BreakEven) -> None:
    across = math.log10(chart.requests)
    axes.axvline(across, color=INK, ls=":", lw=1)
    here, there = chart.on_lambda(chart.requests), chart.on_ec2(chart.requests)
    for cost, other, mark in ((here, there, "o"), (there, here, "s")):
        place = across, _power(cost)
        axes.plot(*place, mark, color=INK, ms=6, zorder=5)
        above = cost > other or cost <= _FLOOR
        axes.annotate(dollars(cost), place, **_beside(chart.requests, above=above))


def _beside(requests: int, *, above: bool) -> dict[str, Any]:
    """Where a price is written: where its line does not run, and within the picture."""
    left = requests > (_LEFT_ROOM if above else _RIGHT_ROOM)
    place = (-8 if left else 8, 8 if above else -16)
    return {"xytext": place, "ha": "right" if left else "left", **_LABEL}
