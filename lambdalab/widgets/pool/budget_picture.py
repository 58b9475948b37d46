"""The budget drawn: a bar of the account, and under each part of it a bar of who claims it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lambdalab.widgets.theme import COLOURS, GROUND, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lambdalab.widgets.pool.budgets import Budget, Share

__all__ = ["bars", "drawn"]


class Look(NamedTuple):
    """How a part is drawn: told apart by hatching as well as by colour."""

    name: str
    colour: str
    hatch: str
    style: str


LOOKS = {
    "provisioned": Look("provisioned", COLOURS["orange"], "///", "-"),
    "reserved": Look("reserved", COLOURS["sky"], "", "-"),
    "pool": Look("for whoever has no reserve", "none", "", "--"),
    "floor": Look("of that, cannot be claimed", COLOURS["pale"], "xx", "--"),
}
_NUMBERED = ("provisioned", "reserved", "floor")
# In inches: the width, a row, and what is below the rows. In rows: a bar.
_WIDTH, _ROW, _MARGIN, _HEIGHT = 6.0, 0.62, 1.15, 0.5
# As a share of the account: parts that are wide enough for a number, and for more than that.
_HOLDS_TEXT, _HOLDS_MORE = 0.06, 0.15
# Of a function's name, in characters.
_LONGEST = 32


class Bar(NamedTuple):
    """One part of one row, in concurrent executions from the left."""

    row: int
    kind: str
    start: int
    amount: int


def bars(budget: Budget) -> list[Bar]:
    """All parts: row 0 is the account, then a row for each function, the last for all others."""
    found: list[Bar] = []
    start = 0
    floor = Bar(0, "floor", budget.account - budget.floor, budget.floor)
    shared = [Bar(0, "pool", budget.claimed, budget.unclaimed), floor]
    for row, share in enumerate(budget.shown.values(), 1):
        for kind, amount in _parts(share):
            found += [Bar(0, kind, start, amount), Bar(row, kind, start, amount)]
            start += amount
        if share.reserved is None:
            found += [bar._replace(row=row) for bar in shared]
    last = len(budget.shown) + 1
    found += [*shared, *(bar._replace(row=last) for bar in shared)]
    return [bar for bar in found if bar.amount]


def _parts(share: Share) -> tuple[tuple[str, int], ...]:
    return ("provisioned", share.provisioned), ("reserved", share.claim - share.provisioned)


def drawn(budget: Budget) -> Figure:
    """A row for the account, and one for each that can run."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    labels = _labels(budget)
    height = _MARGIN + _ROW * len(labels)
    figure = Figure(figsize=(_WIDTH, height))
    # To have the layout found takes half of the time that drawing does.
    axes = figure.add_axes((0.03, (_MARGIN - 0.05) / height, 0.93, 1 - _MARGIN / height))
    found = bars(budget)
    _draw_bars(axes, found)
    _write_numbers(axes, budget, found)
    for row, text in enumerate(labels):
        axes.text(0, row - _HEIGHT / 2 - 0.06, text, va="bottom")
    axes.set(xlim=(0, budget.account), ylim=(len(labels) - 0.6, -0.65), yticks=[])
    axes.set_xlabel("concurrent executions")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.spines["left"].set_visible(False)
    _draw_legend(figure, {bar.kind for bar in found})
    return figure


def _labels(budget: Budget) -> list[str]:
    account = f"the account: {budget.account:,}, {budget.claimed:,} of that claimed"
    told = [f"{_short(name)}: {share.brief}" for name, share in budget.shown.items()]
    return [account, *told, f"all other functions: {budget.unclaimed:,} to share"]


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _draw_bars(axes: Axes, found: list[Bar]) -> None:
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    for kind, look in LOOKS.items():
        parts = [
            Rectangle((bar.start, bar.row - _HEIGHT / 2), bar.amount, _HEIGHT)
            for bar in found
            if bar.kind == kind
        ]
        axes.add_collection(
            PatchCollection(
                parts, facecolor=look.colour, hatch=look.hatch, edgecolor=INK, lw=0.9,
                ls=look.style, clip_on=False,
            )
        )  # fmt: skip


def _write_numbers(axes: Axes, budget: Budget, found: list[Bar]) -> None:
    """Numbers of parts that have room for them."""
    box = {"facecolor": GROUND, "edgecolor": "none", "pad": 1.2}
    for bar in found:
        if bar.kind in _NUMBERED and bar.amount >= _HOLDS_TEXT * budget.account:
            middle = bar.start + bar.amount / 2
            axes.text(middle, bar.row, f"{bar.amount:,}", ha="center", va="center", bbox=box)
    free = budget.claimable
    if free >= _HOLDS_MORE * budget.account:
        axes.text(budget.claimed + free / 2, 0, f"{free:,} more", ha="center", va="center")


def _draw_legend(figure: Figure, kinds: set[str]) -> None:
    from matplotlib.patches import Patch

    entries = [
        Patch(
            facecolor=look.colour, hatch=look.hatch, edgecolor=INK, ls=look.style, label=look.name
        )
        for kind, look in LOOKS.items()
        if kind in kinds
    ]
    figure.legend(handles=entries, loc="lower center", ncols=2, frameon=False)
