"""The environment theatre: a run in slow motion, a lane for each execution environment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import traitlets

from lambdalab.widgets.controls import Action, Choice, Control
from lambdalab.widgets.panel import Panel, Values
from lambdalab.widgets.question import Question
from lambdalab.widgets.theatre.lifelines import Moment
from lambdalab.widgets.theatre.replays import Replay, replay
from lambdalab.widgets.theatre.stage import SPEEDS, staged

__all__ = ["QUESTIONS", "Theatre", "environment_theatre"]

_STAGE = Path(__file__).parent
_PANEL = _STAGE.parent
_SPEED = Choice("speed", "Speed", "15", SPEEDS)
EVERYTHING = "all functions"

QUESTIONS = {
    "environments": Question(
        "How many execution environments does it take?",
        lambda chart: len(chart.environments), high=60,
    ),
    "cold": Question(
        "How many invocations are cold starts?",
        lambda chart: chart.cold_starts, high=60,
    ),
    "together": Question(
        "How many invocations run together at most?",
        lambda chart: chart.peak, high=60,
    ),
    "refused": Question(
        "How many requests are refused?",
        lambda chart: chart.count("throttle"), high=100,
    ),
}  # fmt: skip


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


class Theatre(Panel):
    """A panel whose picture can be played. ``chart`` is the replay, ``time`` where it stands.

    ``set(time=…)`` moves it to so many seconds after its beginning, ``set(speed=…)`` takes one of
    ``SPEEDS`` of ``lambdalab.widgets.theatre.stage``; the page plays, steps and scrubs without
    asking the kernel.
    """

    # One module for the page: what it exports is the theatre, which is built of a panel's parts.
    _esm = _text(_PANEL / "panel.js").replace("export default", "const panel =") + _text(
        _STAGE / "theatre.js"
    )
    _css = _text(_PANEL / "panel.css") + _text(_STAGE / "theatre.css")

    time = traitlets.Float(0.0).tag(sync=True)
    speed = traitlets.Unicode(_SPEED.value).tag(sync=True)
    speeds = traitlets.Dict(_SPEED.described()).tag(sync=True)

    @property
    def values(self) -> Values:
        """Where the controls stand: also the moment, in seconds, and the speed."""
        return super().values | {"time": self.time, "speed": self.speed}

    def set(self, **values: Any) -> Theatre:
        """Move controls, time and speed among them; what cannot be moves nothing (ValueError)."""
        time = self._moment(values.pop("time")) if "time" in values else None
        speed = _SPEED.clean(values.pop("speed", self.speed))
        if values:
            super().set(**values)
        self.speed = speed
        if time is not None:
            self.time = time
        return self

    def step(self, steps: int = 1) -> Theatre:
        """Go to the next moment at which something happens, or so many on; back with -1."""
        times = [one.time for one in self._replay.happenings]
        if times:
            before = sum(time <= self.time for time in times) - 1
            if steps < 0 and before >= 0 and times[before] < self.time:
                before += 1
            self.time = times[min(max(before + steps, 0), len(times) - 1)]
        return self

    @property
    def now(self) -> Moment:
        """What every environment does at the moment at which the theatre stands."""
        return self._replay.at(after=self.time)

    @property
    def _replay(self) -> Replay:
        if not isinstance(self.chart, Replay):
            raise ValueError(self.error or "there is nothing to replay")
        return self.chart

    def _moment(self, time: Any) -> float:
        length = self._replay.length if isinstance(self.chart, Replay) else 0.0
        if isinstance(time, bool) or not isinstance(time, int | float) or not 0 <= time <= length:
            raise ValueError(f"time is {time!r}: it must lie in 0 to {length:g} seconds")
        return float(time)

    def _tell(self) -> None:
        """Send what is played; a question that waits for its guess keeps it back."""
        told: dict[str, Any] = {"number": self.asked["number"]}
        if isinstance(self.chart, Replay):
            self.time = min(self.time, self.chart.length)
            if not self._waits:
                told |= {
                    "stage": staged(self.chart),
                    "verdict": self.chart.verdict,
                    "table": self.chart.table_html,
                }
        self.shown = told

    def __repr__(self) -> str:
        told = super().__repr__()
        return f"{told}\n{self.now!r}" if self.time and not self._waits else told


def environment_theatre(
    source: Any, *, function: str | None = None, predict: str | None = None
) -> Theatre:
    """Make a theatre of a lab, a timeline, a simulated run or records; see ``replay``.

    With a ``Lab`` a button takes in what has happened since. ``function`` chooses one function at
    first. ``predict`` asks for a guess first: one of "environments", "cold", "together", "refused".
    """
    if isinstance(source, Iterator):
        source = list(source)
    if predict is not None and predict not in QUESTIONS:
        raise ValueError(f"no question {predict!r}: there are {', '.join(QUESTIONS)}")
    replay(source, function=function)  # whatever is wrong with them, it is said at once
    chosen = EVERYTHING if function is None else function
    names = list(dict.fromkeys(line.function for line in replay(source).lifelines))
    controls: list[Control] = []
    if len(names) > 1:
        options = {name: name for name in (EVERYTHING, *names)}
        controls.append(Choice("function", "Function", chosen, options))
    if _lives(source):
        controls.append(Action("again", "Take in what has happened since"))

    def show(values: Values) -> Replay:
        wanted = values.get("function", chosen)
        return replay(source, function=None if wanted == EVERYTHING else wanted)

    asked = None if predict is None else QUESTIONS[predict]
    theatre = Theatre(
        "Environment theatre", controls, show, asked, {"again": lambda: theatre.refresh()}
    )
    return theatre


def _lives(source: Any) -> bool:
    """Whether it is a lab, whose timeline goes on."""
    told = getattr(source, "timeline", None)
    return told is not None and not callable(told)
