"""Each environment's life as states that follow one another: what it does at any moment.

Times are seconds since the replay begins, to the microsecond; so what happens together has one
time, however it was added up.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from lambdalab.lab.lanes import FAILED, NO_LANE, Span
from lambdalab.lab.tables import html_table, text_table

__all__ = ["NOT_YET", "STATES", "Lifeline", "Moment", "State", "counted", "lifelines", "rounded"]

# What the spans of a lane are called on stage, after the phases of AWS's documentation.
STATES = {
    "init": "INIT",
    "restore": "RESTORE",
    "invoke": "INVOKE",
    FAILED: "INVOKE that fails",
    "frozen": "frozen",
    "end": "SHUTDOWN",
}
NOT_YET = "not made yet"
NONE_REFUSED = "none so far"
_COUNTED = {kind: f"{{}} in {state}" for kind, state in STATES.items()} | {
    "frozen": "{} frozen",
    "end": "{} ended",
}


def rounded(seconds: float) -> float:
    """``seconds`` to the microsecond."""
    return round(seconds, 6)


class State(NamedTuple):
    """What an environment does from ``since`` on.

    ``state`` is one of ``STATES`` or ``NOT_YET``; ``note`` says what is special about it, such as
    the reason of a SHUTDOWN. ``invocations`` is how many have begun in it, this one included. In
    the lane of refused requests ``state`` tells how many there were until then.
    """

    environment: str
    function: str
    state: str
    since: float
    note: str = ""
    invocations: int = 0

    @property
    def shown_since(self) -> str:
        """``since`` as tables show it; empty for what has not begun yet."""
        return "" if self.state in (NOT_YET, NONE_REFUSED) else f"{self.since:.3f}"


@dataclass(frozen=True)
class Lifeline:
    """One environment: its spans, and the states that follow from them, in order of time."""

    environment: str
    function: str
    spans: tuple[Span, ...]
    states: tuple[State, ...]

    @property
    def name(self) -> str:
        """What it is called on stage."""
        return f"{self.environment} ({self.function})"

    @property
    def refused(self) -> bool:
        """Whether this is no environment, but the lane of what reached none."""
        return self.environment == NO_LANE

    @cached_property
    def _times(self) -> list[float]:
        return [state.since for state in self.states]

    def at(self, time: float) -> State:
        """The state at a time."""
        place = bisect_right(self._times, time)
        if place:
            return self.states[place - 1]
        state = NONE_REFUSED if self.refused else NOT_YET
        return State(self.environment, self.function, state, 0.0)


def lifelines(spans: Iterable[Span], begin: float) -> list[Lifeline]:
    """Return the lanes of a timeline as lifelines; ``begin`` is platform time in seconds."""
    lanes: dict[tuple[str, str], list[Span]] = {}
    for span in spans:
        moved = span._replace(start=rounded(span.start - begin), end=rounded(span.end - begin))
        lanes.setdefault((span.environment, span.function), []).append(moved)
    return [
        Lifeline(environment, function, tuple(lane), tuple(_states(lane)))
        for (environment, function), lane in lanes.items()
    ]


def _states(lane: list[Span]) -> Iterator[State]:
    """Yield state after state; the last span is followed by a freeze, unless it is the end."""
    count = 0
    for span in lane:
        refused, ran = span.kind == "throttle", span.kind in ("invoke", FAILED)
        count += refused or ran
        state = f"{count} so far" if refused else STATES[span.kind]
        yield State(
            span.environment, span.function, state, span.start, span.label, 0 if refused else count
        )
    last = lane[-1]
    if last.kind in ("init", "restore", "invoke", FAILED):
        yield State(last.environment, last.function, "frozen", last.end, "", count)


def counted(counts: Mapping[str, int]) -> str:
    """How many environments are in each state, in words."""
    parts = [
        _COUNTED[kind].format(counts[state]) for kind, state in STATES.items() if counts.get(state)
    ]
    return ", ".join(parts) or "no environment yet"


@dataclass(frozen=True, repr=False)
class Moment(Mapping[str, State]):
    """Every environment at one moment, by name: ``moment["env-1"].state``.

    ``time`` is in seconds since the replay began; ``happened`` says what did last, and when.
    """

    time: float
    happened: str
    states: tuple[State, ...]

    def __getitem__(self, environment: str) -> State:
        return self._by_name()[environment]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name())

    def __len__(self) -> int:
        return len(self._by_name())

    def _by_name(self) -> dict[str, State]:
        """Environments by name; where two functions have one of a name, with the function's."""
        there = [state for state in self.states if state.environment != NO_LANE]
        names = Counter(state.environment for state in there)
        return {
            each.environment
            if names[each.environment] == 1
            else f"{each.environment} ({each.function})": each
            for each in there
        }

    @property
    def text(self) -> str:
        """The moment in words."""
        return f"{self.time:.3f} s: {self.happened}"

    def table(self) -> dict[str, list[Any]]:
        """A row for each environment, and one for each function of which requests were refused."""
        return {
            "Environment": [each.environment for each in self.states],
            "Function": [each.function for each in self.states],
            "State": [each.state for each in self.states],
            "Since (s)": [each.shown_since for each in self.states],
            "Invocations": [each.invocations for each in self.states],
            "Note": [each.note for each in self.states],
        }

    def __repr__(self) -> str:
        return f"{self.text}\n{text_table(self.table())}"

    def _repr_html_(self) -> str:
        return html_table(self.table(), self.text)
