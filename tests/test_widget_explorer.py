"""The scaling explorer: its data without a page."""

import re
from typing import Any

import numpy as np
import pytest

from lambdalab import widgets
from lambdalab.widgets.explorer import QUESTIONS
from lambdalab.widgets.theme import COLOURS
from lambdalab.widgets.traffic import LOOKS, SHAPES, Scaling, scaling

QUIET: dict[str, Any] = {"burst": 0, "shape": "constant", "cpu": 0}


def test_steady_traffic_needs_rate_times_duration() -> None:
    chart = scaling(rate=50, duration=400, **QUIET)
    assert chart.result.concurrency.mean(10, 120) == pytest.approx(50 * 0.4, rel=0.05)
    assert chart.summary.throttle_share == 0


def test_a_burst_above_what_is_reserved_is_throttled_for_that_reason() -> None:
    chart = scaling(rate=0, burst=300, reserved=100, duration=1000, shape="constant")
    assert chart.result.throttles == {"ReservedFunctionConcurrentInvocationLimitExceeded": 400}
    reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert f"66.7% were throttled ({reason}). At most 100 ran together" in chart.verdict


def test_every_reason_is_told() -> None:
    chart = scaling(rate=2000, burst=300, reserved=150, duration=10, seconds=60, cpu=0)
    assert len(chart.result.throttles) == 2
    assert f"were throttled ({' and '.join(chart.result.throttles)})." in chart.verdict


def test_one_of_each_is_told_as_one() -> None:
    assert "At most 1 ran together, in 1 environment." in scaling(rate=0, burst=1).verdict


def test_provisioned_environments_spare_the_burst_its_cold_starts() -> None:
    without = scaling(rate=0, burst=100, shape="constant")
    ready = scaling(rate=0, burst=100, provisioned=100, shape="constant")
    assert without.result.cold.sum() == 100
    assert ready.result.cold.sum() == 0
    assert "100.0% ran in provisioned environments" in ready.verdict


def test_memory_earns_cpu_and_shortens_what_is_work_on_it() -> None:
    slow = scaling(duration=100, memory=128, cpu=1, shape="constant", burst=0)
    fast = scaling(duration=100, memory=1769, cpu=1, shape="constant", burst=0)
    assert slow.summary.p50 == pytest.approx(0.1 * 1769 / 128, rel=0.01)
    assert fast.summary.p50 == pytest.approx(0.1, rel=0.01)


def test_idle_environments_are_taken_back() -> None:
    kept = scaling(rate=0, burst=50, idle=300)
    gone = scaling(rate=0, burst=50, idle=10)
    assert kept.summary.environments == 50
    assert gone.summary.environments == 100


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_has_the_mean_that_was_asked_for(shape: str) -> None:
    chart = scaling(rate=500, duration=200, burst=0, shape=shape, cpu=0)
    lengths = chart.result.end - chart.result.start
    assert lengths.mean() == pytest.approx(0.2, rel=0.03)


def test_the_table_counts_every_request_once() -> None:
    chart = scaling(rate=100, burst=200, reserved=120, account=500)
    table = chart.table()
    parts = np.array([table[name.capitalize()] for name in LOOKS])
    assert parts.sum() == len(chart.result)
    assert parts.sum(axis=0).tolist() == table["Requests"]
    assert sum(table["Throttled"]) == chart.result.throttled.sum()


def test_the_picture_draws_what_there_is() -> None:
    with_429 = scaling(rate=10, burst=500, reserved=50).svg
    without = scaling(rate=10, burst=0).svg
    assert COLOURS["red"] in with_429
    assert "throttled" in with_429
    assert ">throttled<" not in without


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"reserved": 950}, "below its minimum value of [100]"),
        ({"provisioned": 950}, "below its minimum value of [100]"),
        ({"reserved": 10, "provisioned": 20}, "should not be greater than the reserved"),
        ({"rate": 10_000}, "requests are too many to draw at once"),
        ({"shape": "round"}, "shape is 'round': it must be one of constant, lognormal"),
        ({"rate": -1}, "rate is -1: it must be a number, 0 or more"),
        ({"rate": "5"}, "rate is '5'"),
        ({"burst": 1.5}, "burst is 1.5: it must be a whole number"),
        ({"duration": -1}, "duration is -1:"),
        ({"init": -1}, "init is -1:"),
        ({"seconds": 0}, "seconds is 0: it must be a number, more than 0"),
        ({"account": "10"}, "account is '10'"),
        ({"memory": 64}, "memory is 64"),
        ({"cpu": 2}, "cpu is 2"),
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        scaling(**settings)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_function_may_take_no_time(shape: str) -> None:
    run = scaling(duration=0, shape=shape, init=0).summary
    assert (run.p99, run.peak_concurrency) == (0, 1)


def test_what_cannot_be_measured_is_no_figure() -> None:
    panel = widgets.scaling_explorer(predict="p99", reserved=0)
    panel.guess(100)
    assert panel.answer.endswith("100 ms, but nothing ran: there is nothing to measure.")


def test_no_request_is_told_too() -> None:
    chart = scaling(rate=0, burst=0)
    assert chart.verdict == "No request comes in 2 min, and nothing starts."
    assert "<svg" in chart.svg


def test_the_explorer_shows_what_the_plain_function_gives() -> None:
    panel = widgets.scaling_explorer(rate=20, burst=500, reserved=100)
    assert isinstance(panel.chart, Scaling)
    assert repr(panel.chart) == repr(scaling(rate=20, burst=500, reserved=100))
    panel.set(reserve=False)
    assert repr(panel.chart) == repr(scaling(rate=20, burst=500))


def test_a_setting_beside_the_usual_ones_gets_a_place_on_its_slider() -> None:
    panel = widgets.scaling_explorer(rate=37, account=1234)
    assert panel.values["rate"] == 37
    assert repr(panel.chart) == repr(scaling(rate=37, account=1234))


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValueError, match="no setting bursts"):
        widgets.scaling_explorer(bursts=3)


@pytest.mark.parametrize(
    "settings",
    [{"reserved": 901}, {"shape": "round"}, {"rate": "5"}, {"burst": 1.5}, {"reserve": True}],
)
def test_an_explorer_that_could_show_nothing_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"minimum value|shape is|rate is|burst is|no setting"):
        widgets.scaling_explorer(**settings)


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_knows_the_truth(name: str) -> None:
    panel = widgets.scaling_explorer(predict=name)
    truth = QUESTIONS[name].truth(panel.chart)
    panel.guess(QUESTIONS[name].low)
    assert f"it is {truth:,.4g}" in panel.answer
