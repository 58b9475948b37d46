"""A panel: labelled controls, a picture, the same in words and as a table."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from botocore.exceptions import BotoCoreError, ClientError

from lambdalab.lab.errors import LabError
from lambdalab.widgets.chart import Chart
from lambdalab.widgets.controls import Action, Control
from lambdalab.widgets.question import Question

__all__ = ["Panel", "panel"]

Values = dict[str, Any]
Show = Callable[[Values], Chart]
_HERE = Path(__file__).parent
# What a reader can do something about: a setting that makes no sense, or that AWS refuses.
_REFUSALS = (ValueError, ClientError, BotoCoreError, LabError)


class Panel(anywidget.AnyWidget):  # type: ignore[misc]
    """Controls and what they show. Made by ``panel``; displays itself in a notebook.

    ``values`` says where the controls stand, ``chart`` is what is shown for that (None while
    nothing could be), ``error`` why the last settings were refused.
    """

    _esm: Any = _HERE / "panel.js"
    _css: Any = _HERE / "panel.css"

    heading = traitlets.Unicode().tag(sync=True)
    controls = traitlets.List().tag(sync=True)
    # What the page asks for, and the answer: both carry the number of the question.
    asked = traitlets.Dict().tag(sync=True)
    shown = traitlets.Dict().tag(sync=True)
    question = traitlets.Dict().tag(sync=True)
    guessed = traitlets.Bool().tag(sync=True)
    answer = traitlets.Unicode().tag(sync=True)
    busy = traitlets.Unicode().tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        heading: str,
        controls: Sequence[Control],
        show: Show,
        question: Question | None = None,
        actions: Mapping[str, Callable[[], None]] | None = None,
    ) -> None:
        self.chart: Chart | None = None
        self.stopping = threading.Event()
        # An action's thread may draw while a control moves, and matplotlib's settings are global.
        self._drawing = threading.RLock()
        self._show, self._question, self._actions = show, question, dict(actions or {})
        self._controls = {control.name: control for control in controls}
        self._working: threading.Thread | None = None
        values = {control.name: control.value for control in controls}
        super().__init__(
            heading=heading,
            controls=[control.described() for control in controls],
            asked={"number": 0, "values": values},
            question=_described(question) if question else {},
        )
        self.refresh()
        self.observe(self._asked, "asked")
        self.on_msg(self._message)

    @property
    def values(self) -> Values:
        """Where the controls stand."""
        return {
            name: value
            for name, value in self.asked["values"].items()
            if not isinstance(self._controls[name], Action)
        }

    def set(self, **values: Any) -> Panel:
        """Move controls. A value that a control does not have moves nothing (ValueError)."""
        unknown = ", ".join(sorted(set(values) - set(self._controls)))
        if unknown:
            raise ValueError(f"no control {unknown}: there are {', '.join(self._controls)}")
        clean = {name: self._controls[name].clean(value) for name, value in values.items()}
        asked = self.asked["values"] | clean
        self.asked = {"number": self.asked["number"] + 1, "values": asked}
        return self

    def guess(self, value: Any) -> Panel:
        """Answer the question that the panel asks first; then it shows picture and truth."""
        if self._question is None or self.chart is None:
            raise ValueError("the panel asks nothing: make it with predict=…")
        answer = self._question.answer(self._question.control.clean(value), self.chart)
        self.guessed, self.answer = True, answer
        self._tell()
        return self

    def refresh(self) -> None:
        """Draw again, where what is shown has changed by other means than a control."""
        with self._drawing:
            try:
                self.chart, self.error = self._show(self.values), ""
            except _REFUSALS as refusal:
                self.error = str(refusal)
            finally:
                self._tell()  # the page waits for an answer, whatever happened

    def start(self, action: str) -> threading.Thread:
        """Start an action as its button does, in a thread of its own; one at a time."""
        if self._working is not None and self._working.is_alive():
            return self._working
        self.stopping.clear()
        self._working = threading.Thread(target=self._work, args=(action,), daemon=True)
        self._working.start()
        return self._working

    def _work(self, action: str) -> None:
        try:
            self.busy = f"{self._controls[action].described()['label']} …"
            self._actions[action]()
        except _REFUSALS as refusal:
            self.error = str(refusal)
        finally:
            self.busy = ""

    def _asked(self, change: Any) -> None:
        for name, value in change["new"]["values"].items():
            self._controls[name].clean(value)
        self.answer = ""  # it was about the settings before
        self.refresh()

    def _message(self, _: Any, content: Any, __: Any) -> None:
        match content:
            case {"start": str(action)} if action in self._actions:
                self.start(action)
            case {"stop": True}:
                self.stopping.set()
            case {"guess": value}:
                self.guess(value)

    def _tell(self) -> None:
        """Send what is shown; a question that waits for its guess keeps it back."""
        told: dict[str, Any] = {"number": self.asked["number"]}
        if self.chart is not None and not self._waits:
            told |= {
                "picture": self.chart.svg,
                "verdict": self.chart.verdict,
                "caption": self.chart.caption,
                "table": self.chart.table_html,
            }
        self.shown = told

    @property
    def _waits(self) -> bool:
        return self._question is not None and not self.guessed

    def __repr__(self) -> str:
        if self._waits and self._question is not None:
            return f"{self.heading}\n{self._question.text}"
        return "\n".join(filter(None, [self.heading, self.error, repr(self.chart), self.answer]))

    def _repr_html_(self) -> str:
        if self._waits or self.chart is None:
            return f"<p>{self!r}</p>"
        return self.chart._repr_html_()

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live view, and for readers of a stored notebook a still picture and its words."""
        data, metadata = super()._repr_mimebundle_()
        still = {"text/plain": repr(self), "text/html": self._repr_html_()}
        return data | still, metadata


def panel(
    heading: str,
    controls: Sequence[Control],
    show: Show,
    *,
    questions: Mapping[str, Question] | None = None,
    predict: str | None = None,
    actions: Mapping[str, Callable[[], None]] | None = None,
) -> Panel:
    """Make a panel: ``show`` takes the values of the controls by name and returns a chart.

    A ValueError or an error of AWS's that ``show`` raises is shown in its own words; the last
    picture stays. ``predict`` names the one of the ``questions`` that is asked before anything is
    shown. ``actions`` maps the names of ``Action`` controls to what their buttons start, in a
    thread; it may set ``busy``, call ``refresh`` and look at ``stopping``. ValueError for a
    question that there is not.
    """
    asked = None
    if predict is not None:
        if predict not in (questions or {}):
            raise ValueError(f"no question {predict!r}: there are {', '.join(questions or ())}")
        asked = (questions or {})[predict]
    return Panel(heading, controls, show, asked, actions)


def _described(question: Question) -> dict[str, Any]:
    control = question.control
    return {"text": question.text, "control": control.described(), "value": control.value}
