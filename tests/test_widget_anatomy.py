"""The anatomy of a cold start: its data without a page, and measured on real functions."""

import base64
import os
import re
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab import facts, start, widgets
from lambdalab.lab.errors import LabError
from lambdalab.widgets.anatomy import anatomy, start_trials
from lambdalab.widgets.anatomy.anatomy import QUESTIONS
from lambdalab.widgets.anatomy.cold_starts import ColdStart, cold_start
from lambdalab.widgets.anatomy.start_measured import Answer, Measured, Trial, report_of, trial_of
from lambdalab.widgets.anatomy.start_parts import LANGUAGES, PARTS, REMEDIES, Range, StartSettings
from lambdalab.widgets.anatomy.start_trials import measure_cold_start

# At 442 MB the handler has a quarter of a vCPU.
WORK: dict[str, Any] = {"init_ms": 80, "handler_ms": 40, "memory": 442, "layers": 1}

# Nothing to wait for but the lab itself; of the remedies two are left.
SMALL: dict[str, Any] = {
    "package_mb": 1, "layers": 0, "init_ms": 0, "handler_ms": 0, "memory": 1769,
}  # fmt: skip


@pytest.fixture(scope="module")
def measured() -> Measured:
    return measure_cold_start(times=2, package_mb=2, **WORK)


def made_up(settings: StartSettings, total: float = 100) -> Measured:
    """What a measurement gives, without one: each remedy takes 10 ms less than the one before."""
    trials = {
        name: [Trial({"handler": total - 10 * row + more}, None, None, 1, 1, None, 0, 1, 512)
               for more in (0, 2, 9)]
        for row, name in enumerate(settings.variants())
    }  # fmt: skip
    return Measured(settings, trials, dict.fromkeys(trials, 50.0))


# Published ranges.


def test_a_cold_start_adds_up_from_the_ranges_of_the_facts() -> None:
    chart = cold_start(package_mb=20, layers=2, init_ms=300, memory=1769, handler_ms=40)
    per_mb = facts.quota("start-latency.download-per-mb").value
    place, python = (
        Range(
            *(facts.quota(f"start-latency.{kind}-{end}").value for end in ("shortest", "longest"))
        )
        for kind in ("place", "scripted")
    )
    assert chart.published["now"] == {
        "download": (0, 30 * per_mb), "start": place, "runtime": python,
        "function": (300, 300), "handler": (40, 40),
    }  # fmt: skip
    waited = place.low + python.low + 340, 30 * per_mb + place.high + python.high + 340
    assert chart.waited() == waited


@pytest.mark.parametrize(
    ("remedy", "part", "gain"),
    [
        ("package", "download", 9 * 10 / 2),
        ("layers", "download", 2 * 5 * 10 / 2),
        ("init", "function", 200),
        ("memory", "handler", 20 * 1769 / 512 - 20),
    ],
)
def test_a_remedy_changes_its_part_and_nothing_else(remedy: str, part: str, gain: float) -> None:
    chart = cold_start(package_mb=10, layers=2, init_ms=400, memory=512, handler_ms=20)
    now, better = chart.published["now"], chart.published[remedy]
    assert {name for name in now if now[name] != better[name]} == {part}
    assert chart.gained(remedy) == pytest.approx(gain)


def test_snapstart_restores_in_place_of_init() -> None:
    parts = cold_start(snap_start=True).published["now"]
    assert list(parts) == ["restore", "handler"]
    assert parts["restore"] == (100, 400)


def test_provisioned_concurrency_leaves_the_handler_and_nothing_helps_before_it() -> None:
    chart = cold_start(provisioned=True, memory=1769)
    assert list(chart.published["now"]) == ["handler"]
    assert chart.best == "now"
    assert chart.verdict.startswith("With provisioned concurrency the caller waits for the handler")
    assert str(facts.quota("provisioned.response-below")) in chart.verdict
    assert "None of the remedies makes it shorter." in chart.verdict


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_its_range_and_snapstart_where_aws_has_it(language: str) -> None:
    chart = cold_start(language=language)
    shortest = facts.quota(f"start-latency.{LANGUAGES[language].latency}-shortest")
    assert chart.published["now"]["runtime"].low == shortest.value
    offered = facts.runtime(LANGUAGES[language].runtime).snapstart
    assert ("snap_start" in chart.published) == offered
    assert LANGUAGES[language].label in chart.verdict


def test_the_verdict_names_the_largest_part_the_best_remedy_and_what_is_billed() -> None:
    chart = cold_start(init_ms=2000, memory=1769, handler_ms=20)
    assert chart.largest == "function"
    assert "is the function init" in chart.verdict
    assert "Provisioned concurrency helps most" in chart.verdict
    init = facts.quota("start-latency.scripted-longest").value
    assert f"to {2020 + init:,} ms of it are billed" in chart.verdict
    assert str(facts.quota("init.cold-start-long")) in chart.verdict


def test_the_table_has_every_part_of_every_variant() -> None:
    table = cold_start().table()
    assert table["Function"] == [
        "As it is", "A small package", "No layers", "Half the init code", "Memory for one vCPU",
        "SnapStart", "Provisioned concurrency",
    ]  # fmt: skip
    assert {name.lower() for name in table} >= set(PARTS.values())
    assert table["Restore"][5] == "100 to 400"
    assert table["Download"][6] == "-"


def test_a_remedy_that_changes_nothing_is_left_out() -> None:
    chart = cold_start(package_mb=1, layers=0, init_ms=0, memory=3008)
    assert list(chart.published) == ["now", "snap_start", "provisioned"]


def test_the_picture_names_its_parts_and_hatches_them() -> None:
    svg = cold_start().svg
    assert all(name in svg for name in PARTS.values())
    assert all(remedy.label in svg for remedy in REMEDIES.values())
    assert PARTS["download"] not in cold_start(provisioned=True).svg
    # Plain is the handler alone.
    assert set(re.findall(r"fill: var\(--lambdalab-(\w+)", svg)) - {"ink"} == {"blue"}


SETTINGS = st.fixed_dictionaries(
    {
        "language": st.sampled_from(list(LANGUAGES)),
        "package_mb": st.floats(1, 50),
        "layers": st.integers(0, 5),
        "init_ms": st.floats(0, 10_000),
        "memory": st.integers(128, 10_240),
        "handler_ms": st.floats(0, 1000),
    }
)


@given(SETTINGS)
def test_no_remedy_makes_it_longer_and_the_best_is_best(settings: dict[str, Any]) -> None:
    chart = cold_start(**settings)
    assert chart.waited().low <= chart.waited().high
    gains = {name: chart.gained(name) for name in chart.published}
    assert min(gains.values()) >= -1e-6
    assert gains[chart.best] >= max(gains.values()) - 1e-6
    assert {len(column) for column in chart.table().values()} == {len(gains)}
    assert chart.billed.high <= chart.waited().high


def test_no_handler_runs_longer_than_a_function_may() -> None:
    longest = facts.quota("timeout.maximum").to("ms").value
    chart = cold_start(handler_ms=longest / 2, memory=128, provisioned=True)
    assert chart.waited() == (longest, longest)


def test_nothing_at_all_is_drawn_too() -> None:
    chart = cold_start(provisioned=True, handler_ms=0)
    assert "waits for the handler only, 0 ms" in chart.verdict
    assert "<svg" in chart.svg


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"language": "cobol"}, "language is 'cobol': it must be one of python, nodejs"),
        ({"package_mb": 51}, "package_mb is 51: it must lie in 1 to 50"),
        ({"layers": 6}, "layers is 6: it must lie in 0 to 5"),
        ({"layers": 1.5}, "layers is 1.5: it must be a whole number"),
        ({"init_ms": 10_001}, "init_ms is 10001: it must lie in 0 to 10,000"),
        ({"init_ms": float("nan")}, "init_ms is nan: it must be a number"),
        ({"init_ms": "5"}, "init_ms is '5': it must be a number"),
        ({"memory": True}, "memory is True: it must be a number"),
        ({"memory": 64}, "memory is 64: it must lie in 128 to 10,240"),
        ({"snap_start": 1}, "snap_start is 1: it must be True or False"),
        ({"size": 1}, "no setting size: there are language, package_mb"),
        (
            {"language": "nodejs", "snap_start": True},
            "nodejs24.x is not supported for SnapStart enabled functions.",
        ),
        (
            {"provisioned": True, "snap_start": True},
            facts.message("concurrency.provisioned-snapstart").text,
        ),
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        cold_start(**settings)
    with pytest.raises(ValueError, match=re.escape(words)):
        widgets.cold_start_anatomy(**settings)


# Measured.


def test_what_is_measured_is_what_the_function_does(measured: Measured) -> None:
    for trial in measured.trials["now"]:
        assert list(trial.parts) == ["start", "runtime", "function", "handler"]
        assert trial.parts["function"] >= 80
        assert trial.init is not None
        assert trial.init >= trial.parts["runtime"] + trial.parts["function"]
        # Of each figure in REPORT the last digit is rounded.
        assert trial.total >= trial.init + trial.duration - 0.02
        assert trial.billed >= trial.init + trial.duration - 0.02
        assert all(milliseconds >= 0 for milliseconds in trial.parts.values())


def test_each_remedy_is_measured_where_it_works(measured: Measured) -> None:
    now = measured.fastest("now")
    # In CPU time, which does not grow when others want the CPU too.
    assert measured.fastest("init").cpu < now.cpu - 20
    assert (now.memory, measured.fastest("memory").memory) == (442, 1769)
    assert now.parts["handler"] > 2 * 40


def test_nobody_waits_for_init_after_a_restore_or_ahead(measured: Measured) -> None:
    restored = measured.fastest("snap_start")
    assert list(restored.parts) == ["restore", "handler"]
    assert restored.init is None
    assert restored.restore == restored.parts["restore"]
    assert restored.rebuilt >= 80
    ready = measured.fastest("provisioned")
    assert list(ready.parts) == ["handler"]
    assert ready.init is None
    assert ready.ahead is not None
    assert ready.ahead >= 80


def test_the_lab_pays_for_a_package_at_its_deployment(measured: Measured) -> None:
    assert measured.deployed["now"] > measured.deployed["layers"] > 0
    assert measured.deployed["package"] > 0


def test_measured_stands_beside_published(measured: Measured) -> None:
    chart = cold_start(measured=measured, package_mb=2, **WORK)
    table = chart.table()
    half = len(chart.published)
    assert table["Times (ms)"] == ["published"] * half + ["measured here"] * half
    assert table["Function"][:half] == table["Function"][half:]
    assert table["Download"][half] == "at deployment"
    assert table["Function init"][half] == f"{measured.middle('now').parts['function']:,.1f}"
    assert "Measured here in Python, the middle of 2" in chart.verdict
    assert "Measured here" in chart.svg
    assert "Measured here" not in cold_start().svg


def test_what_the_caller_waited_is_told_apart() -> None:
    line = (
        "START RequestId: x\nREPORT RequestId: x\tDuration: 100.00 ms\tBilled Duration: 400 ms\t"
        "Memory Size: 512 MB\tMax Memory Used: 40 MB\tInit Duration: 300.00 ms\t\n"
    )
    report = report_of(base64.b64encode(line.encode()).decode())
    assert (report["Duration"], report["Init Duration"], report["Memory Size"]) == (100, 300, 512)
    cold = Answer(520, {"runtime": 20, "function": 250, "cpu": 260}, report)
    warm = Answer(110, {}, {"Duration": 100})
    trial = trial_of(StartSettings(), cold, warm, None)
    # 10 ms are the way; of the 110 ms before INIT and the 300 ms of INIT 270 ms are accounted for.
    assert trial.parts == {"start": 140, "runtime": 20, "function": 250, "handler": 100}
    assert trial.total == 520 - 10
    restored = Answer(520, cold.told, report | {"Restore Duration": 5.0})
    del restored.report["Init Duration"]
    trial = trial_of(StartSettings(snap_start=True), restored, warm, None)
    assert trial.parts == {"restore": 5, "handler": 100}
    assert trial.rebuilt == 520 - 10 - 5 - 100


def test_the_middle_is_the_median_of_each_figure() -> None:
    found = made_up(StartSettings())
    assert found.middle("now").total == 102
    assert found.fastest("now").total == 100
    assert "provisioned concurrency helped most, by 60 ms" in cold_start(measured=found).verdict


def test_a_measurement_of_another_function_is_refused() -> None:
    found = made_up(StartSettings(init_ms=50))
    with pytest.raises(ValueError, match="measured is of a function with another init_ms"):
        cold_start(measured=found)
    with pytest.raises(ValueError, match="measured is 5: it must be what measure_cold_start gave"):
        cold_start(measured=5)  # type: ignore[arg-type]


def test_a_lab_beside_it_notices_nothing() -> None:
    exported = os.environ.get("AWS_ENDPOINT_URL")
    with start(export=False) as lab:
        before = lab.clock.now()
        measure_cold_start(times=1, **SMALL)
        # Where it measures, provisioned concurrency had its minutes wound.
        assert (lab.clock.now() - before).total_seconds() < 60
        assert list(lab.timeline) == []
    assert os.environ.get("AWS_ENDPOINT_URL") == exported


def test_a_stopped_measurement_keeps_complete_rounds_only() -> None:
    asked = iter([False] * 9 + [True] * 3)
    found = measure_cold_start(times=3, stopping=lambda: next(asked), **SMALL)
    assert {name: len(trials) for name, trials in found.trials.items()} == {
        "now": 3, "snap_start": 3, "provisioned": 3,
    }  # fmt: skip


def test_a_measurement_that_is_stopped_at_once_says_so() -> None:
    with pytest.raises(ValueError, match="stopped before its first round was complete"):
        measure_cold_start(times=1, package_mb=1, layers=0, stopping=lambda: True)
    with pytest.raises(ValueError, match="times is 0: measure at least once"):
        measure_cold_start(times=0)


# The panel.


def test_the_panel_shows_what_the_plain_function_gives() -> None:
    panel = widgets.cold_start_anatomy(init_ms=150, package_mb=7)
    assert isinstance(panel.chart, ColdStart)
    assert panel.values["init_ms"] == 150
    assert repr(panel.chart) == repr(cold_start(init_ms=150, package_mb=7))
    panel.set(language="java", layers=5, memory=1769, snap_start=True)
    assert repr(panel.chart) == repr(cold_start(**panel.values))


def test_what_aws_forbids_is_told_and_the_last_picture_stays() -> None:
    panel = widgets.cold_start_anatomy(provisioned=True)
    before = panel.shown["verdict"]
    panel.set(snap_start=True)
    assert panel.error == facts.message("concurrency.provisioned-snapstart").text
    assert panel.shown["verdict"] == before
    panel.set(provisioned=False)
    assert panel.error == ""
    assert "restore" in panel.shown["verdict"]


def test_what_was_measured_is_shown_for_its_settings_only() -> None:
    panel = widgets.cold_start_anatomy(measured=made_up(StartSettings()))
    assert "Measured here" in panel.shown["verdict"]
    panel.set(layers=0)
    assert "Measured here" not in panel.shown["verdict"]
    panel.set(layers=2)
    assert "Measured here" in panel.shown["verdict"]


def test_the_button_measures_where_the_controls_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[StartSettings, int]] = []

    def instead(settings: StartSettings, *, times: int, **_: Any) -> Measured:
        asked.append((settings, times))
        panel.set(layers=0)
        return made_up(settings)

    monkeypatch.setattr(anatomy, "measure_cold_start", instead)
    panel = widgets.cold_start_anatomy(times=5, init_ms=50)
    panel.start("measure").join(30)
    assert asked == [(StartSettings(init_ms=50), 5)]
    assert "Measured here" not in panel.shown["verdict"]
    panel.set(layers=2)
    assert "Measured here" in panel.shown["verdict"]


def test_the_button_tells_how_far_it_is_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    began = threading.Event()

    def instead(_: StartSettings, *, tell: Any, stopping: Any, **__: Any) -> Measured:
        tell("round 1")
        told.append(panel.busy)
        began.set()
        assert panel.stopping.wait(30)
        assert stopping()
        raise ValueError("it was stopped")

    monkeypatch.setattr(anatomy, "measure_cold_start", instead)
    panel = widgets.cold_start_anatomy()
    working = panel.start("measure")
    assert began.wait(30)
    panel._message(None, {"stop": True}, None)
    working.join(30)
    assert told == ["Measuring here: round 1"]
    assert (panel.busy, panel.error) == ("", "it was stopped")


def test_a_lab_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise LabError("no cloud today")

    monkeypatch.setattr(start_trials, "start", refuse)
    panel = widgets.cold_start_anatomy()
    panel.start("measure").join(30)
    assert panel.error == "no cloud today"


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_knows_the_truth(name: str) -> None:
    panel = widgets.cold_start_anatomy(predict=name, snap_start=True)
    assert panel.shown.get("picture") is None
    truth = QUESTIONS[name].truth(panel.chart)
    panel.guess(QUESTIONS[name].control.clean(truth) if name == "wait" else truth)
    assert panel.answer.startswith("Right: ")
    assert {"wait": 469, "part": "restore", "remedy": "provisioned"}[name] == truth
