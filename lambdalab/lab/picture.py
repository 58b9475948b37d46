"""The lanes of a timeline, drawn. matplotlib is imported when the first picture is drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from lambdalab.lab.figures import ShownFigure, figure_html
from lambdalab.lab.lanes import FAILED, STARTS, Span, duration_text, spans
from lambdalab.lab.scale import Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lambdalab.lab.timeline_view import Timeline

__all__ = ["BARS", "LIGHT", "MARKS", "Inks", "Picture", "draw_lanes", "lanes_of"]

# More than these no one can tell apart; drawing takes half a millisecond a span.
SHOWN_LANES = 24
SHOWN_SPANS = 600
_DESCRIBED_LANES = 8
_MOST_CUT_LABELS = 8
# As shares of the axis: the room a label of time needs; a span narrower than the second would not
# be seen; one wider than the third can hold its own text.
_TICK_SPACE = 0.1
_NARROWEST = 0.006
_HOLDS_TEXT = 0.09


class Look(NamedTuple):
    """How a kind of span is drawn: told apart by hatching and height as well as by colour."""

    name: str
    colour: str
    hatch: str
    height: float


class Inks(NamedTuple):
    """The colours beside those of the kinds: lines and text, ground of texts, freezes, cuts."""

    ink: str
    ground: str
    frozen: str
    cut: str
    rim: str

    def of(self, kind: str) -> str:
        """The colour of a kind of span."""
        return self.frozen if kind == "frozen" else BARS[kind].colour


LIGHT = Inks("#333333", "white", "#F2F2F2", "#F5F5F5", "#999999")

# Colours after Okabe and Ito, which people with colour-blindness can tell apart.
BARS = {
    "init": Look("init (cold start)", "#E69F00", "///", 0.62),
    "restore": Look("restore (from a snapshot)", "#CC79A7", "\\\\\\", 0.62),
    "invoke": Look("invoke", "#56B4E9", "", 0.62),
    FAILED: Look("invoke that failed", "#D55E00", "xxx", 0.62),
    "frozen": Look("frozen", LIGHT.frozen, ".", 0.24),
}
MARKS = {"end": ("environment ended", "X"), "throttle": ("throttled", "v")}
_LABELLED = {*STARTS, "invoke", FAILED}


class Picture:
    """Lanes per environment: ``data()`` is what is drawn; a notebook shows the drawing."""

    def __init__(self, timeline: Timeline) -> None:
        self._spans = spans(timeline)

    def data(self) -> list[Span]:
        """Return the spans of all lanes, as ``lambdalab.lab.lanes`` defines them."""
        return list(self._spans)

    @cached_property
    def alt(self) -> str:
        """What the picture tells, in words."""
        return _description(lanes_of(self._spans))

    @cached_property
    def shown(self) -> ShownFigure:
        """The drawing with its texts and its table."""
        drawn = _newest(self._spans)
        caption = "What each execution environment did"
        if len(drawn) < len(self._spans):
            caption += f" (the newest {len(drawn)} of {len(self._spans)} spans)"
        return figure_html(draw_lanes(lanes_of(drawn)), self.alt, caption, _table(drawn))

    def _repr_html_(self) -> str:
        return self.shown._repr_html_() if self._spans else f"<p>{self.alt}</p>"

    def __repr__(self) -> str:
        return self.alt


Lanes = dict[str, list[Span]]


def lanes_of(all_spans: Sequence[Span]) -> Lanes:
    """Return the spans by lane, each under its name."""
    lanes: Lanes = {}
    for span in all_spans:
        lanes.setdefault(f"{span.environment} ({span.function})", []).append(span)
    return lanes


def _newest(all_spans: list[Span]) -> list[Span]:
    """Return the spans that are drawn, in the order of their lanes: the newest of the newest."""
    lanes = dict(list(lanes_of(all_spans).items())[-SHOWN_LANES:])
    kept = [span for lane in lanes.values() for span in lane]
    newest = set(sorted(kept, key=lambda span: span.start)[-SHOWN_SPANS:])
    return [span for span in kept if span in newest]


def _table(all_spans: Sequence[Span]) -> dict[str, list[Any]]:
    begin = min(span.start for span in all_spans)
    return {
        "Environment": [span.environment for span in all_spans],
        "Function": [span.function for span in all_spans],
        "What": [" ".join(filter(None, [span.kind, span.label])) for span in all_spans],
        "From (s)": [f"{span.start - begin:.3f}" for span in all_spans],
        "To (s)": [f"{span.end - begin:.3f}" for span in all_spans],
    }


def _description(lanes: Lanes) -> str:
    if not lanes:
        return "No execution environment has run yet."
    everything = [span for lane in lanes.values() for span in lane]
    length = max(span.end for span in everything) - min(span.start for span in everything)
    more = len(lanes) - _DESCRIBED_LANES
    texts = [f"{name}: {_lane_text(lane)}" for name, lane in lanes.items()][:_DESCRIBED_LANES]
    texts += [f"and {more} more lanes"] if more > 0 else []
    count = _count(len(lanes), "lane")
    return f"{count} over {duration_text(length)}. " + "; ".join(texts) + "."


def _lane_text(lane: list[Span]) -> str:
    counts = Counter(span.kind for span in lane)
    frozen = sum(span.seconds for span in lane if span.kind == "frozen")
    starts = [span for span in lane if span.kind in STARTS]
    parts = [f"{span.kind} {duration_text(span.seconds)}" for span in starts]
    parts += [_count(counts[kind], noun) for kind, noun in _NOUNS.items() if counts[kind]]
    parts += [f"frozen for {duration_text(frozen)}"] if frozen else []
    parts += [f"ended ({span.label})" for span in lane if span.kind == "end"]
    return ", ".join(parts)


_NOUNS = {"invoke": "successful invoke", FAILED: "failed invoke", "throttle": "throttled invoke"}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def draw_lanes(lanes: Lanes, inks: Inks = LIGHT) -> Figure:
    """Draw lanes; there is at least one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, 1.5 + 0.45 * len(lanes)), layout="constrained")
    axes = figure.add_subplot()
    busy = [span for lane in lanes.values() for span in lane if span.kind != "frozen"]
    scale = Scale((span.start, span.end) for span in busy)
    for row, lane in enumerate(lanes.values()):
        _draw_lane(axes, row, lane, scale, inks)
    _draw_cuts(axes, scale, inks)
    _label_axes(axes, list(lanes), scale)
    _draw_legend(figure, {span.kind for lane in lanes.values() for span in lane}, inks)
    return figure


def _draw_lane(axes: Axes, row: int, lane: list[Span], scale: Scale, inks: Inks) -> None:
    bars: dict[str, list[tuple[float, float]]] = {}
    for span in lane:
        start = scale.place(span.start)
        width = max(scale.place(span.end) - start, _NARROWEST * scale.width)
        bars.setdefault(span.kind, []).append((start, width))
        if span.kind in _LABELLED and width > _HOLDS_TEXT * scale.width:
            _write(axes, start + width / 2, row, span, inks)
    for kind, places in bars.items():
        if kind in MARKS:
            starts = [start for start, _ in places]
            axes.plot(starts, [row] * len(starts), MARKS[kind][1], color=inks.ink, ms=9, zorder=4)
        else:
            look = BARS[kind]
            axes.broken_barh(
                places, (row - look.height / 2, look.height), facecolor=inks.of(kind),
                hatch=look.hatch, edgecolor=inks.ink, lw=0.8, zorder=2 if kind == "frozen" else 3,
            )  # fmt: skip


def _write(axes: Axes, place: float, row: int, span: Span, inks: Inks) -> None:
    text = f"{span.label or span.kind}\n{duration_text(span.seconds)}"
    box = {"facecolor": inks.ground, "edgecolor": "none", "alpha": 0.85, "pad": 1}
    axes.text(
        place, row, text, ha="center", va="center", fontsize=8, bbox=box, zorder=5,
        parse_math=False,
    )  # fmt: skip


def _draw_cuts(axes: Axes, scale: Scale, inks: Inks) -> None:
    for cut in scale.cuts:
        axes.axvspan(cut.start, cut.end, facecolor=inks.cut, edgecolor=inks.rim, ls=":", zorder=0)
    labelled = scale.cuts if len(scale.cuts) <= _MOST_CUT_LABELS else []
    for cut in labelled:
        axes.annotate(
            f"{duration_text(cut.seconds)}\nlater",
            ((cut.start + cut.end) / 2, 1.02),
            xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=8,
        )  # fmt: skip


def _label_axes(axes: Axes, names: list[str], scale: Scale) -> None:
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.set_xlim(-0.01 * scale.width, 1.02 * scale.width)
    ticks = scale.ticks(_TICK_SPACE)
    begin = scale.starts[0]
    labels = [duration_text(time - begin) if time > begin else "0" for time in ticks]
    axes.set_xticks([scale.place(time) for time in ticks], labels)
    axes.set_xlabel("time since the first began" + (", waits cut short" if scale.cuts else ""))
    axes.spines[["top", "right"]].set_visible(False)


def _draw_legend(figure: Figure, kinds: set[str], inks: Inks) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries: list[Any] = [
        Patch(facecolor=inks.of(kind), hatch=look.hatch, edgecolor=inks.ink, label=look.name)
        for kind, look in BARS.items()
        if kind in kinds
    ]
    entries += [
        Line2D([], [], marker=mark, linestyle="", color=inks.ink, markersize=9, label=name)
        for kind, (name, mark) in MARKS.items()
        if kind in kinds
    ]
    figure.legend(handles=entries, loc="outside lower center", ncols=len(entries), frameon=False)
