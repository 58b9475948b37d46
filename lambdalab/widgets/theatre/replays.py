"""A run seen again: which environment did what, and what all of them did at any moment."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lambdalab.lab.lanes import FAILED, STARTS, Span, duration_text, spans
from lambdalab.lab.picture import Inks, draw_lanes, lanes_of
from lambdalab.lab.scale import Scale
from lambdalab.timeline import Record
from lambdalab.widgets.chart import Chart
from lambdalab.widgets.theatre.happenings import Happening, happenings
from lambdalab.widgets.theatre.lifelines import Lifeline, Moment, lifelines, rounded
from lambdalab.widgets.theme import COLOURS, GROUND, INK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lambdalab.simulator import Result

__all__ = ["Replay", "replay"]

CAPTION = "What each execution environment did"
# Of a run longer than this only a part can be followed: of a simulated one its beginning, of a
# real one what happened last.
MOST_REQUESTS = 1500
MOST_RECORDS = 4500
# More lanes and spans than these no one can tell apart.
SHOWN_LANES = 24
SHOWN_SPANS = 600
SHOWN_ROWS = 60
_INKS = Inks(INK, GROUND, COLOURS["pale"], COLOURS["pale"], COLOURS["grey"])


@dataclass(frozen=True, eq=False, repr=False)
class Replay(Chart):
    """What each environment of a run did; ``at`` tells what all did at a moment.

    ``records`` are those of the run, in order of time.
    """

    records: tuple[Record, ...]
    caption: str = CAPTION
    left_out: str = ""

    @property
    def note(self) -> str:
        """What is not shown, in a sentence; empty where everything is."""
        count = len(self.environments)
        lanes = f"the first {SHOWN_LANES} of {count:,} environments" if count > SHOWN_LANES else ""
        parts = [part for part in (self.left_out, lanes) if part]
        return f"Shown: {'; '.join(parts)}." if parts else ""

    @cached_property
    def _spans(self) -> list[Span]:
        return spans(self.records)

    @cached_property
    def begin(self) -> float:
        """When the first lane begins, in platform seconds since the epoch."""
        return min((span.start for span in self._spans), default=0.0)

    @cached_property
    def lifelines(self) -> list[Lifeline]:
        """The lanes, in the order in which they begin; refused requests have one too."""
        lines = lifelines(self._spans, self.begin)
        return sorted(lines, key=lambda line: (line.refused, line.states[0].since))

    @property
    def environments(self) -> list[Lifeline]:
        """The lanes of environments."""
        return [line for line in self.lifelines if not line.refused]

    @cached_property
    def happenings(self) -> list[Happening]:
        """All moments at which something happens."""
        return happenings(self.lifelines, self.records, self.begin)

    @cached_property
    def scale(self) -> Scale:
        """The axis: seconds since the beginning, long waits cut short. There must be a lane."""
        ends = [span for line in self.lifelines for span in line.spans if span.kind != "frozen"]
        return Scale((span.start, span.end) for span in ends)

    @property
    def length(self) -> float:
        """Seconds from the beginning until the last thing that happens."""
        return self.happenings[-1].time if self.happenings else 0.0

    def at(self, time: float | datetime | None = None, *, after: float | None = None) -> Moment:
        """What every environment does at a moment.

        ``time`` is platform time, as the records have it (for a simulated run seconds from its
        start) or a datetime; ``after`` is in seconds since the first thing that is shown.
        ValueError unless one of both is given.
        """
        if (time is None) == (after is None):
            raise ValueError("give time or after: when, or how many seconds after the beginning")
        if time is not None:
            after = (time.timestamp() if isinstance(time, datetime) else time) - self.begin
        seconds = rounded(after or 0.0)
        place = bisect_right([each.time for each in self.happenings], seconds)
        happened = self.happenings[place - 1].text if place else "nothing has happened yet"
        return Moment(seconds, happened, tuple(line.at(seconds) for line in self.lifelines))

    # What it comes to.

    def count(self, *kinds: str) -> int:
        """How many spans of these kinds there are."""
        return sum(span.kind in kinds for span in self._spans)

    def seconds(self, *kinds: str) -> float:
        """How long all spans of these kinds took together."""
        return sum(span.seconds for span in self._spans if span.kind in kinds)

    @property
    def cold_starts(self) -> int:
        """How many invocations waited for INIT or RESTORE."""
        invokes = (record for record in self.records if record.kind == "invoke")
        return sum(bool(record.detail.get("cold")) for record in invokes)

    @cached_property
    def peak(self) -> int:
        """How many invocations ran together at most."""
        steps = []
        for span in self._spans:
            if span.kind in ("invoke", FAILED):
                steps += [
                    (rounded(span.start - self.begin), 1),
                    (rounded(span.end - self.begin), -1),
                ]
        # What takes no time at all runs, too.
        running, most = 0, int(bool(steps))
        for _, step in sorted(steps):
            running += step
            most = max(most, running)
        return most

    @property
    def verdict(self) -> str:
        """How many environments served how many invocations, and where their time went."""
        if not self.lifelines:
            return "No execution environment has run yet."
        ran, refused = self.count("invoke", FAILED), self.count("throttle")
        cold = f"{_some(self.cold_starts, 'cold start')}"
        parts = [f"{_some(ran, 'invocation')} in {_some(len(self.environments), 'environment')}"]
        parts += [f"{cold}, at most {self.peak} in INVOKE together"] if ran else []
        parts += [f"{self.count(FAILED)} failed"] if self.count(FAILED) else []
        parts += [f"{_some(refused, 'request')} refused"] if refused else []
        where = [
            f"{duration_text(self.seconds(*kinds))} {name}"
            for name, kinds in _SPENT.items()
            if self.seconds(*kinds) > 0
        ]
        spent = f"The environments spent {', '.join(where)}." if where else ""
        told = f"{', '.join(parts)}, in {duration_text(self.length)}."
        return " ".join(filter(None, [told, spent, self.note]))

    def table(self) -> dict[str, list[Any]]:
        """A row for each lane."""
        lines = self.lifelines[:SHOWN_ROWS]
        return {
            "Environment": [line.environment for line in lines],
            "Function": [line.function for line in lines],
            "From (s)": [f"{line.states[0].since:.3f}" for line in lines],
            "INIT (s)": [_spent(line, *STARTS) for line in lines],
            "Invocations": [line.states[-1].invocations for line in lines],
            "Failed": [sum(span.kind == FAILED for span in line.spans) for line in lines],
            "INVOKE (s)": [_spent(line, "invoke", FAILED) for line in lines],
            "Frozen (s)": [_spent(line, "frozen") for line in lines],
            "In the end": [_ending(line) for line in lines],
        }

    @property
    def shown(self) -> list[Lifeline]:
        """The lanes that have room in a picture: the first ones, and those of refused requests."""
        refused = [line for line in self.lifelines if line.refused]
        return self.environments[:SHOWN_LANES] + refused

    def figure(self) -> Figure:
        """Draw the lanes."""
        there = [span for line in self.shown for span in line.spans]
        drawn = set(sorted(there, key=lambda span: span.start)[:SHOWN_SPANS])
        if drawn:
            return draw_lanes(lanes_of([span for span in there if span in drawn]), _INKS)
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6, 0.6))
        figure.text(0.02, 0.5, self.verdict, va="center")
        return figure


_SPENT = {"in INIT": STARTS, "in INVOKE": ("invoke", FAILED), "frozen": ("frozen",)}


def _some(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _spent(line: Lifeline, *kinds: str) -> str:
    return f"{sum(span.seconds for span in line.spans if span.kind in kinds):.3f}"


def _ending(line: Lifeline) -> str:
    last = line.states[-1]
    return f"{last.state} ({last.note})" if last.state == "SHUTDOWN" else last.state


def replay(source: Any, *, function: str | None = None) -> Replay:
    """Show a run again: of a lab, of a simulation, or of a list of records.

    ``source`` is a ``Lab`` (its timeline until now), ``lab.timeline`` or a part of it, what
    ``simulate`` returned, or any ``Record``s. ``function`` chooses one function. ValueError for
    what is none of that, and for a function that does not occur.
    """
    records, left_out = _records(source)
    names = dict.fromkeys(record.function for record in records)
    if function is not None:
        if function not in names:
            raise ValueError(f"no function {function!r}: there are {', '.join(names) or 'none'}")
        records = [record for record in records if record.function == function]
    return Replay(tuple(records), left_out=left_out)


def _records(source: Any) -> tuple[list[Record], str]:
    """Return the records of a source in order of time, and a note on what is left out."""
    told = getattr(source, "timeline", source)
    if callable(told):
        return _simulated(source)
    try:
        records = sorted(told, key=lambda record: record.time)
    except (TypeError, AttributeError):
        kind = type(source).__name__
        raise ValueError(f"a {kind} cannot be replayed: give a lab, a result or records") from None
    count = len(records)
    note = f"the newest {MOST_RECORDS:,} of {count:,} records" if count > MOST_RECORDS else ""
    return records[-MOST_RECORDS:], note


def _simulated(result: Result) -> tuple[list[Record], str]:
    """The first requests of a simulated run, and what happened until the last of them was over."""
    count = len(result)
    if count <= MOST_REQUESTS:
        return result.timeline(), ""
    last = float(result.end[:MOST_REQUESTS].max())
    records = [record for record in result.timeline(MOST_REQUESTS) if record.time <= last]
    return records, f"the first {MOST_REQUESTS:,} of {count:,} requests"
