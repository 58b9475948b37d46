"""What all widgets share: controls, questions, panels, themed pictures, lazy imports."""

import re
import subprocess
import sys
import threading
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from botocore.exceptions import ClientError
from matplotlib.figure import Figure

from lambdalab import widgets
from lambdalab.widgets.chart import Chart
from lambdalab.widgets.controls import Action, Choice, Slider, Switch
from lambdalab.widgets.panel import Panel, panel
from lambdalab.widgets.question import Question
from lambdalab.widgets.theme import COLOURS, INK


class Plain(Chart):
    caption = "A line"

    def __init__(self, height: float) -> None:
        self.height = height

    @property
    def verdict(self) -> str:
        return f"It is {self.height:g} high & wide."

    def table(self) -> dict[str, list[Any]]:
        return {"Height": [self.height]}

    def figure(self) -> Figure:
        figure = Figure(figsize=(3, 2))
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, self.height], color=COLOURS["blue"])
        axes.set_title("$5 a <line>", color=INK)
        return figure


def show(values: dict[str, Any]) -> Plain:
    if values["height"] > 90:
        raise ValueError("too high")
    if values["kind"] == "aws":
        raise ClientError({"Error": {"Code": "X", "Message": "in AWS's words"}}, "Put")
    return Plain(values["height"])


CONTROLS = (
    Slider("height", "Height", 10, unit="m"),
    Choice("kind", "Kind", "own", {"own": "my own", "aws": "AWS's"}),
    Switch("wide", "Wide"),
    Action("measure", "Measure"),
)
QUESTIONS = {"height": Question("How high?", lambda chart: chart.height, "m")}


@pytest.fixture
def plain() -> Panel:
    return panel("A panel", CONTROLS, show, actions={"measure": lambda: None})


def test_the_picture_takes_its_inks_from_the_page_and_has_a_label() -> None:
    svg = Plain(3).svg
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") == "A line. It is 3 high & wide."
    assert f"var(--lambdalab-blue, {COLOURS['blue']})" in svg
    assert f"var(--lambdalab-ink, {INK})" in svg
    assert not re.search(r"(?:fill|stroke): #", svg)
    assert "$5 a &lt;line&gt;" in svg


def test_the_same_picture_is_the_same_text_and_names_nothing_twice() -> None:
    svg = Plain(3).svg
    assert svg == Plain(3).svg
    assert not re.search(r"(?:figure|axes)_1", svg)


def test_a_chart_shows_a_still_picture_its_words_and_its_table() -> None:
    told = Plain(3)._repr_html_()
    assert 'alt="A line. It is 3 high &amp; wide."' in told
    assert "<details>" in told
    assert "<td" in told or "<th" in told
    assert repr(Plain(3)).splitlines() == ["A line", "It is 3 high & wide.", "Height", "3"]


def test_controls_are_moved_from_python_as_from_the_page(plain: Panel) -> None:
    assert plain.values == {"height": 10, "kind": "own", "wide": False}
    plain.set(height=40, wide=True)
    assert plain.values == {"height": 40, "kind": "own", "wide": True}
    assert plain.shown["verdict"] == "It is 40 high & wide."
    plain.asked = {"number": 7, "values": plain.asked["values"] | {"height": 50}}
    assert plain.shown["number"] == 7
    assert plain.shown["verdict"] == "It is 50 high & wide."


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"height": 101}, "height is 101: it must lie in 0 to 100"),
        ({"height": "5"}, "height is '5': it must be a number"),
        ({"height": float("nan")}, "height is nan: it must be a number"),
        ({"height": True}, "height is True: it must be a number"),
        ({"kind": "other"}, "kind is 'other': it must be one of own, aws"),
        ({"wide": 1}, "wide is 1: it must be True or False"),
        ({"measure": 1}, "measure is a button: it takes no value"),
        ({"depth": 1}, "no control depth: there are height, kind, wide, measure"),
        ({"wide": True, "height": -1}, "height is -1: it must lie in 0 to 100"),
    ],
)
def test_what_a_control_does_not_have_moves_nothing(
    plain: Panel, values: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        plain.set(**values)
    assert plain.values == {"height": 10, "kind": "own", "wide": False}


def test_a_refusal_is_told_and_the_last_picture_stays(plain: Panel) -> None:
    plain.set(height=95)
    assert plain.error == "too high"
    assert plain.shown["verdict"] == "It is 10 high & wide."
    plain.set(height=20, kind="aws")
    assert plain.error.endswith("in AWS's words")
    plain.set(kind="own")
    assert plain.error == ""
    assert plain.shown["verdict"] == "It is 20 high & wide."


def test_a_slider_stands_at_the_nearest_of_its_places() -> None:
    assert Slider("x", "X", 1, stops=(1, 10, 100)).clean(30) == 10
    assert Slider("x", "X", 0, 0, 1, 0.1).clean(0.3000001) == 0.3
    assert Slider("x", "X", 0, unit="MB", stops=(1000,)).described()["texts"] == ["1,000 MB"]


def test_a_question_keeps_the_picture_back_until_it_has_a_guess() -> None:
    asked = panel("A panel", CONTROLS, show, questions=QUESTIONS, predict="height")
    assert "picture" not in asked.shown
    assert "10 high" not in repr(asked) + asked._repr_html_()
    assert "How high?" in repr(asked)
    asked.guess(12)
    assert asked.answer == "Not quite: you guessed 12 m, it is 10 m."
    assert "picture" in asked.shown
    asked.set(height=20)
    assert asked.answer == ""
    assert asked.shown["verdict"] == "It is 20 high & wide."


def test_a_guess_near_the_truth_is_right() -> None:
    asked = panel("A panel", CONTROLS, show, questions=QUESTIONS, predict="height")
    assert asked.guess(11).answer == "Right: you guessed 11 m, it is 10 m."
    chosen = Question("Which?", lambda _: "b", options={"a": "the first", "b": "the second"})
    assert chosen.answer("b", None) == "Right: you guessed the second, it is the second."
    assert chosen.answer("a", None) == "Not quite: you guessed the first, it is the second."


def test_a_question_that_there_is_not_is_refused(plain: Panel) -> None:
    with pytest.raises(ValueError, match="no question 'depth': there are height"):
        panel("A panel", CONTROLS, show, questions=QUESTIONS, predict="depth")
    with pytest.raises(ValueError, match="asks nothing"):
        plain.guess(1)


def test_an_action_runs_in_a_thread_one_at_a_time_and_can_be_stopped() -> None:
    began = threading.Event()
    runs: list[Panel] = []

    def measure() -> None:
        runs.append(made)
        began.set()
        assert made.stopping.wait(30)

    made = panel("A panel", CONTROLS, show, actions={"measure": measure})
    made._message(None, {"start": "measure"}, None)
    assert began.wait(30)
    assert made.busy == "Measure …"
    working = made.start("measure")
    made._message(None, {"stop": True}, None)
    working.join(30)
    assert made.busy == ""
    assert len(runs) == 1


def test_what_goes_wrong_in_an_action_is_told() -> None:
    def refuse() -> None:
        raise ValueError("no such function")

    made = panel("A panel", CONTROLS, show, actions={"measure": refuse})
    made.start("measure").join(30)
    assert made.error == "no such function"
    assert made.busy == ""


def test_a_stored_output_holds_words_and_a_still_picture(plain: Panel) -> None:
    data, _ = plain._repr_mimebundle_()
    assert data["text/plain"] == repr(plain)
    assert 'src="data:image/svg+xml;base64,' in data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_the_package_loads_nothing_that_draws() -> None:
    code = (
        "import sys, lambdalab.widgets; "
        "print([m for m in ('anywidget', 'matplotlib', 'numpy', 'numba') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("name", widgets.__all__)
def test_every_name_is_what_it_says_also_when_asked_again(name: str) -> None:
    for _ in range(2):
        assert callable(getattr(widgets, name)), f"{name} is hidden by a module of its name"
