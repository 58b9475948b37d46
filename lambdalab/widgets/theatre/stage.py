"""A replay as the page plays it: lanes, their states, the axis, and what happens when.

The page only looks things up in it, so it shows what ``Replay.at`` says, and needs no kernel.
"""

from __future__ import annotations

from typing import Any

from lambdalab.lab.lanes import duration_text
from lambdalab.lab.picture import BARS, MARKS
from lambdalab.lab.scale import Scale
from lambdalab.widgets.theatre.lifelines import STATES, Lifeline, State
from lambdalab.widgets.theatre.replays import Replay

__all__ = ["REAL", "SPEEDS", "staged"]

REAL = "real"
# In how many seconds the whole of a replay passes, waits cut short.
SPEEDS = {
    "60": "slow (all in 60 s)",
    "30": "calm (all in 30 s)",
    "15": "brisk (all in 15 s)",
    "5": "fast (all in 5 s)",
    REAL: "as it was, waits cut short",
}
# The room of a label, as a share of the axis, where the page is wide.
TICK_SPACE = 0.1
_KINDS = {kind: look.name for kind, look in BARS.items()} | {
    kind: name for kind, (name, _) in MARKS.items()
}


def staged(chart: Replay) -> dict[str, Any]:
    """Return what the page needs; nothing where no environment has run."""
    if not chart.lifelines:
        return {}
    scale = chart.scale
    kinds = {span.kind for line in chart.shown for span in line.spans}
    return {
        "lanes": [_lane(line, scale) for line in chart.shown],
        "kinds": [[kind, name] for kind, name in _KINDS.items() if kind in kinds],
        "words": {word: kind for kind, word in STATES.items()},
        "knots": [[time, _share(place, scale)] for time, place in scale.knots],
        "seconds": scale.width,
        "cuts": [
            [
                _share(cut.start, scale),
                _share(cut.end, scale),
                f"{duration_text(cut.seconds)} later",
            ]
            for cut in scale.cuts
        ],
        "ticks": [
            [_share(scale.place(time), scale), duration_text(time) if time else "0"]
            for time in scale.ticks(TICK_SPACE)
        ],
        "happenings": [[one.time, one.text] for one in chart.happenings],
        "headings": list(chart.at(after=0).table()),
        "alt": chart.alt,
    }


def _share(place: float, scale: Scale) -> float:
    """A place as a share of the axis."""
    return round(place / scale.width, 6)


def _lane(line: Lifeline, scale: Scale) -> dict[str, Any]:
    return {
        "environment": line.environment,
        "function": line.function,
        "refused": line.refused,
        "spans": [
            [
                span.kind,
                _share(scale.place(span.start), scale),
                _share(scale.place(span.end), scale),
            ]
            for span in line.spans
        ],
        "first": _told(line.at(-1.0)),
        "states": [[state.since, *_told(state)] for state in line.states],
    }


def _told(state: State) -> list[Any]:
    return [state.state, state.shown_since, state.invocations, state.note]
