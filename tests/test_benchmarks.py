"""The benchmarks' arithmetic, tables and exit status, and that the floor runs functions at all."""

import math
import re
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks import (
    buckets,
    cold,
    environments,
    harness,
    machine,
    memory,
    ministack,
    startup,
    throughput,
    urls,
    warm,
)
from benchmarks.__main__ import SUITE, main
from benchmarks.floor import length_of
from benchmarks.harness import Round
from benchmarks.report import Ratio, Result, Table, UnmeasuredError
from benchmarks.sides import FLOOR, HARDENED, LAB, PEER, Side, floor_side, peers

LINE = re.compile(r"RATIO [a-z0-9_]+ (\d+\.\d{3}|nan) \(bound \d+(\.\d+)?\)")


def found(*ratios):
    return Result("some", "How.", Table(("who", "ms"), (("a", "1.00"),)), ratios)


def rounds_of(*calls):
    return [Round((call,), call) for call in calls]


# Arithmetic


@pytest.mark.parametrize(
    ("percent", "expected"), [(50, 50), (99, 99), (100, 100), (0, 1), (99.5, 100)]
)
def test_percentile_of_a_hundred(percent, expected):
    assert harness.percentile([*range(100, 0, -1)], percent) == expected


def test_percentile_of_few():
    assert harness.percentile([3.0], 99) == 3.0
    assert harness.percentile([2.0, 1.0], 50) == 1.0
    assert harness.percentile([2.0, 1.0], 51) == 2.0


def test_median_ratio_pairs_rounds_so_that_common_noise_cancels():
    quiet_then_noisy = [1.0, 10.0, 2.0]
    assert harness.median_ratio([1.5, 15.0, 3.0], quiet_then_noisy) == pytest.approx(1.5)


def test_median_ratio_without_a_peer_is_not_a_number():
    assert math.isnan(harness.median_ratio([1.0], []))


def test_round_gives_median_and_rate():
    taken = Round((0.1, 0.2, 0.3, 0.4), 2.0)
    assert (taken.p50, taken.rate) == (0.2, 2.0)


def test_interleave_measures_all_in_every_round_and_changes_who_begins():
    order = []
    names = ["a", "b", "c"]
    contenders = {name: lambda name=name: order.append(name) or len(order) for name in names}
    taken = harness.interleave(contenders, 3)
    assert order == [*"abc", *"bca", *"cab"]
    assert taken == {"a": [1, 6, 8], "b": [2, 4, 9], "c": [3, 5, 7]}


def test_one_after_another_does_not_count_its_first_calls():
    calls = []
    taken = harness.one_after_another(lambda: calls.append(1), 5)
    assert (len(taken.calls), len(calls)) == (5, 8)
    assert taken.elapsed >= sum(taken.calls)


def test_side_by_side_calls_from_all_threads_at_once():
    together, met = threading.Barrier(3), set()

    def call():
        if threading.get_ident() not in met:
            together.wait(timeout=10)
            met.add(threading.get_ident())

    taken = harness.side_by_side(call, 3, 0.05)
    assert len(met) == 3
    assert len(taken.calls) >= 3
    assert taken.elapsed >= 0.05


def test_side_by_side_shows_a_failure():
    with pytest.raises(ZeroDivisionError):
        harness.side_by_side(lambda: 1 / 0, 2, 0.01)


# Ratios and tables


@pytest.mark.parametrize(
    ("value", "bound", "at_most", "held"),
    [
        (1.5, 1.5, True, True),
        (1.5001, 1.5, True, False),
        (0.65, 0.65, False, True),
        (0.6499, 0.65, False, False),
        (math.nan, 1.0, True, False),
        (math.nan, 1.0, False, False),
    ],
)
def test_ratio_holds_its_bound(value, bound, at_most, held):
    assert Ratio("some", value, bound, at_most).held is held


@pytest.mark.parametrize(
    ("ratio", "line"),
    [
        (Ratio("warm_p50_to_floor", 1.32, 1.5), "RATIO warm_p50_to_floor 1.320 (bound 1.5)"),
        (Ratio("memory", 6.7912, 8.0), "RATIO memory 6.791 (bound 8)"),
        (Ratio("peer", math.nan, 0.2), "RATIO peer nan (bound 0.2)"),
    ],
)
def test_ratio_line(ratio, line):
    assert ratio.line == line
    assert LINE.fullmatch(line)


def test_table_is_markdown_with_aligned_columns():
    table = Table(("who", "p50 ms"), (("floor", "0.70"), ("MiniStack", "12.10")))
    assert table.text.splitlines() == [
        "| who       | p50 ms |",
        "|-----------|--------|",
        "| floor     |   0.70 |",
        "| MiniStack |  12.10 |",
    ]


def test_result_says_on_which_side_the_bound_is_and_ends_with_the_ratios():
    shown = found(Ratio("one", 1.0, 2.0), Ratio("two", 0.5, 0.65, at_most=False)).text
    assert "at most 2 " in shown
    assert re.search(r"two +\| 0\.500 \| at least 0\.65 \| NO", shown)
    last = shown.splitlines()[-2:]
    assert last == ["RATIO one 1.000 (bound 2)", "RATIO two 0.500 (bound 0.65)"]


# What each benchmark makes of its measurements


def test_warm_compares_medians_of_rounds():
    lab = rounds_of(1.4, 2.8)
    rounds = {FLOOR: rounds_of(1, 2), LAB: lab, HARDENED: lab, PEER: rounds_of(14, 28)}
    result = warm.result([Side(name, None) for name in rounds], rounds)
    values = {ratio.name: (ratio.value, ratio.bound) for ratio in result.ratios}
    assert values == {
        "warm_p50_to_floor": (pytest.approx(1.4), 1.5),
        "warm_p50_hardened_to_floor": (pytest.approx(1.4), 1.5),
        "warm_p50_to_ministack": (pytest.approx(0.1), 0.2),
    }
    assert [row[0] for row in result.table.rows] == [FLOOR, LAB, HARDENED, PEER]


def test_urls_compares_medians_of_rounds():
    rounds = {FLOOR: rounds_of(1.0, 2.0, 1.0), LAB: rounds_of(1.4, 2.8, 9.0)}
    (ratio,) = urls.result(rounds).ratios
    assert (ratio.name, ratio.value, ratio.bound) == ("url_p50_to_floor", pytest.approx(1.4), 1.5)


def test_warm_without_the_peer_does_not_pass():
    rounds = {FLOOR: rounds_of(1), LAB: rounds_of(1), HARDENED: rounds_of(1)}
    result = warm.result([Side(name, None) for name in rounds], rounds)
    assert [ratio.held for ratio in result.ratios] == [True, True, False]


def test_throughput_is_bounded_from_below():
    ratio = throughput.ratio(8, {FLOOR: rounds_of(1.0), LAB: rounds_of(2.0)})
    assert (ratio.name, ratio.value, ratio.held) == ("throughput_8_to_floor", 0.5, False)


class FakeLab:
    timeline = ()

    def client(self, service):
        return self

    def filter_log_events(self, **_):
        return {"events": ["START"]}

    def list_metrics(self, **_):
        return {"Metrics": []}


def test_throughput_without_records_is_no_measurement():
    with pytest.raises(UnmeasuredError, match="ran without metrics, timeline"):
        throughput.require_records(FakeLab())


def test_cold_compares_with_spawning():
    result = cold.result({FLOOR: [0.03, 0.02], LAB: [0.012, 0.008]})
    assert result.ratios[0].value == pytest.approx(0.4)
    assert result.held


def test_cold_refuses_an_answer_from_an_old_environment():
    side = Side("some", None)
    side.invoke = lambda: side.environments.add(7)
    assert cold.first_result(side) >= 0
    with pytest.raises(UnmeasuredError, match="had run before"):
        cold.first_result(side)


def test_startup_adds_the_steps_to_the_first_result():
    run = {"import": 0.1, "start": 0.8, "client": 0.1, "role": 0.1, "create": 0.2, "invoke": 0.2}
    ratios = {ratio.name: ratio for ratio in startup.result([run]).ratios}
    assert ratios["first_invoke_seconds"].value == pytest.approx(0.6)
    assert [ratio.held for ratio in ratios.values()] == [True, True, False]


def test_environments_judges_the_round_in_the_middle():
    result = environments.result({LAB: [1.0, 5.0, 2.9], "processes": [4.0, 4.0, 4.0]})
    assert (result.ratios[0].value, result.held) == (2.9, True)


def test_memory_judges_the_largest_environment():
    result = memory.result({FLOOR: [7_000_000], LAB: [5_000_000, 8_500_000]})
    assert result.ratios[0].value == pytest.approx(8.5)
    assert not result.held


def test_buckets_compare_with_the_peer():
    rounds = {LAB: rounds_of(0.003, 0.002), PEER: rounds_of(0.004, 0.004)}
    result = buckets.result(rounds)
    assert result.ratios[0].value == pytest.approx(0.625)
    assert result.held
    assert not buckets.result({LAB: rounds_of(0.002)}).held, "without the peer nothing is known"


# The command


def test_suite_has_these_benchmarks():
    names = ["warm", "throughput", "cold", "startup", "memory", "environments", "queues"]
    assert list(SUITE)[:7] == names


def test_status_0_when_all_bounds_held(capsys):
    assert main([], {"good": lambda: found(Ratio("good", 1.0, 2.0))}) == 0
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert last == "RATIO good 1.000 (bound 2)"


def test_status_1_when_one_bound_did_not_hold():
    suite = {
        "bad": lambda: found(Ratio("bad", 3.0, 2.0)),
        "good": lambda: found(Ratio("good", 1.0, 2.0)),
    }
    assert main([], suite) == 1
    assert main(["good"], suite) == 0


def test_status_1_and_a_reason_when_something_was_not_measured(capsys):
    def unmeasured():
        raise UnmeasuredError("no such thing here")

    ran = []
    suite = {"none": unmeasured, "next": lambda: ran.append(1) or found(Ratio("next", 1.0, 2.0))}
    assert main([], suite) == 1
    assert "none could not be measured: no such thing here" in capsys.readouterr().err
    assert ran == [1]


def test_status_2_for_an_unknown_name(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["wram"])
    error = capsys.readouterr().err.splitlines()[-1]
    assert "wram" in error
    assert "warm, throughput, cold" in error


def test_write_renews_the_page_with_machine_and_date(tmp_path):
    page = tmp_path / "results.md"
    main(["--write"], {"good": lambda: found(Ratio("good", 1.0, 2.0))}, page)
    text = page.read_text(encoding="utf-8")
    assert re.search(r"\| date +\| 20\d\d-\d\d-\d\d ", text)
    for fact in ("processor", "cores", "kernel", "Python", "boto3"):
        assert fact in text
    assert "at most 2" in text


def test_result_tells_how_busy_the_machine_was(capsys):
    assert main([], {"good": lambda: found(Ratio("good", 1.0, 2.0))}) == 0
    assert re.search(r"other work kept \d+% of the cores busy", capsys.readouterr().out)


def test_busy_share_counts_neither_idle_time_nor_guests_twice():
    before, after = [0] * 10, [30, 0, 10, 50, 10, 0, 0, 0, 30, 0]
    assert machine.busy_share(before, after) == pytest.approx(0.4)


def test_write_keeps_the_page_when_something_was_not_measured(tmp_path):
    def unmeasured():
        raise UnmeasuredError("no such thing here")

    page = tmp_path / "results.md"
    assert main(["--write"], {"none": unmeasured}, page) == 1
    assert not page.exists()


def test_write_of_a_part_is_refused(tmp_path, capsys):
    page = tmp_path / "results.md"
    with pytest.raises(SystemExit, match="2"):
        main(["warm", "--write"], page=page)
    assert "name no benchmarks" in capsys.readouterr().err
    assert not page.exists()


# The peer


def test_peer_gets_no_keys_and_listens_on_loopback_only(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    settings = ministack.settings(4000, "somewhere")
    assert settings["BIND_HOST"] == "127.0.0.1"
    assert "real" not in settings.values()


def test_without_the_peer_the_rest_is_measured(monkeypatch, capsys):
    def refuse():
        raise UnmeasuredError("MiniStack could not be installed: no network")

    monkeypatch.setattr(ministack, "installed", refuse)
    with ExitStack() as stack:
        assert peers(stack) == []
    assert "no network" in capsys.readouterr().err


# The floor


@pytest.mark.parametrize(
    ("head", "length"),
    [
        (b"POST / HTTP/1.1\r\nContent-Length: 12\r\nHost: x\r\n\r\n", 12),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length:3\r\n\r\n", 3),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0),
    ],
)
def test_floor_reads_the_length_of_a_body(head, length):
    assert length_of(head) == length


def test_floor_runs_a_handler_in_a_process_that_ends_with_it():
    with floor_side() as side:
        process = side.invoke()
        assert side.invoke() == process
        assert Path(f"/proc/{process}").exists()
    assert not Path(f"/proc/{process}").exists()


def test_floor_without_environments_runs_no_code():
    with floor_side(environments=0) as side:
        assert side.invoke() is None


def test_fresh_floor_makes_an_environment_for_each_invoke():
    with floor_side(environments=0, fresh=True) as side:
        assert side.invoke() != side.invoke()
