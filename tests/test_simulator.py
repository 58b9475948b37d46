"""``simulate``: its arrays, its workloads, its summaries, its cost; bad input."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from lambdalab import facts, simulator
from lambdalab.simulator import (
    ASYNCHRONOUS,
    SDK,
    Bursts,
    Constant,
    Diurnal,
    Empirical,
    Exponential,
    Function,
    Lognormal,
    OnOff,
    Poisson,
    Policy,
    Queue,
    Regular,
    Retry,
    Steps,
    Stream,
    Trace,
    price,
    simulate,
)
from lambdalab.timeline import KINDS, Record

FULL = "ConcurrentInvocationLimitExceeded"


def arrivals(workload, seed=1):
    return simulate(workload, Function(0), seed=seed).arrival


# ---- arrays


def test_a_short_story_row_by_row() -> None:
    """Two environments at most, each for a second after half a second of INIT."""
    trace = Trace([0.0, 0.1, 0.2, 2.0, 2.1, 30.0])
    policy = Policy(account=2, floor=0, idle=10, age=1e9, paced=False)
    run = simulate(trace, Function(1.0, init=0.5), policy)
    assert run.arrival.tolist() == [0.0, 0.1, 0.2, 2.0, 2.1, 30.0]
    assert run.start.tolist() == [0.5, 0.6, 0.2, 2.0, 2.1, 30.5]
    assert run.end.tolist() == pytest.approx([1.5, 1.6, 0.2, 3.0, 3.1, 31.5])
    assert run.cold.tolist() == [True, True, False, False, False, True]
    assert run.throttled.tolist() == [False, False, True, False, False, False]
    # The one used last is taken first.
    assert run.environment.tolist() == [0, 1, -1, 1, 0, 2]
    assert run.latency.tolist() == pytest.approx([1.5, 1.5, 1.0, 1.0, 1.5])
    assert run.throttles == {FULL: 1}
    assert (run.peak, run.duration) == (2, 31.5)


def test_provisioned_environments_come_first_and_are_never_cold() -> None:
    run = simulate(Trace([0.0, 0.0, 0.0]), Function(1, 0.5), Policy(provisioned=2))
    assert run.provisioned.tolist() == [True, True, False]
    assert run.cold.tolist() == [False, False, True]
    assert run.environment.tolist() == [0, 1, 2]
    assert run.summary().spilled == pytest.approx(1 / 3)


def test_an_environment_that_has_reached_its_age_takes_nothing_more() -> None:
    policy = Policy(idle=1e9, age=5)
    run = simulate(Regular(1, seconds=12), Function(0.1, init=0), policy)
    assert np.flatnonzero(run.cold).tolist() == [0, 5, 10]


def test_idle_times_and_ages_are_drawn_between_their_bounds() -> None:
    policy = Policy(idle=(2, 8), age=(100, 300))
    fates = simulate(Trace(np.zeros(1000)), Function(1), policy).fates
    for column, low, high in ((1, 2, 8), (2, 100, 300)):
        assert low <= fates[:, column].min() < low + 0.1 * (high - low)
        assert high >= fates[:, column].max() > high - 0.1 * (high - low)
        assert fates[:, column].mean() == pytest.approx((low + high) / 2, rel=0.05)
    default = simulate(Trace(np.zeros(1000)), Function(1)).fates
    shortest, longest = (
        facts.quota(f"reclaim.idle-{end}").seconds for end in ("shortest", "longest")
    )
    assert shortest <= default[:, 1].min() < default[:, 1].max() <= longest


def test_a_thousand_environments_at_once_then_a_hundred_a_second() -> None:
    run = simulate(Regular(10_000, seconds=1), Function(60, init=0), Policy(account=20_000))
    times = run.arrival[run.cold]
    assert int((times < 0.001).sum()) == 10
    assert len(times) == pytest.approx(1100, abs=2)
    assert run.throttles == {"FunctionInvocationRateLimitExceeded": 10_000 - len(times)}


def test_ten_times_the_concurrency_in_requests_a_second() -> None:
    run = simulate(Regular(1_000, seconds=10), Function(0.001, init=0), Policy(account=20, floor=0))
    # 200 a second, and as many at once in the beginning.
    assert len(run) - int(run.throttled.sum()) == pytest.approx(2_200, abs=3)


def test_the_same_seed_gives_the_same_run_and_another_one_another() -> None:
    def run(seed):
        found = simulate(Poisson(50, seconds=20), Function(Exponential(0.2)), Policy(), seed)
        return found.arrival.tolist(), found.end.tolist(), found.environment.tolist()

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_another_memory_size_changes_no_arrival() -> None:
    """Each use of chance has numbers of its own."""
    function = Function(Lognormal(0.2, 1.0), Lognormal(0.3, 1.0), cpu=1.0, memory=1769)
    one = simulate(Poisson(20, seconds=60), function, seed=4)
    other = simulate(Poisson(20, seconds=60), function.at(442), seed=4)
    assert one.arrival.tolist() == other.arrival.tolist()
    ratio = (other.end - other.start) / (one.end - one.start)
    assert ratio == pytest.approx(np.full(len(one), 1769 / 442))


def test_more_environments_than_were_drawn_for_at_first() -> None:
    run = simulate(Trace(np.zeros(3000)), Function(1, Lognormal(0.2, 1)), Policy(account=3000))
    assert sorted(run.environment[run.cold]) == list(range(1000))
    assert len(set((run.start - run.arrival)[run.cold])) == 1000


# ---- workloads


def test_poisson_arrivals_come_at_their_rate() -> None:
    times = arrivals(Poisson(100, seconds=1000))
    assert len(times) == pytest.approx(100_000, abs=5 * math.sqrt(100_000))
    assert times[0] > 0
    assert times[-1] < 1000
    gaps = np.diff(times)
    assert gaps.mean() == pytest.approx(0.01, rel=0.02)
    assert gaps.std() == pytest.approx(0.01, rel=0.02)
    assert len(arrivals(Poisson(100, requests=12_345))) == 12_345


def test_regular_arrivals_are_evenly_spaced() -> None:
    assert arrivals(Regular(4, seconds=1)).tolist() == [0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize(
    ("workload", "expected"),
    [
        (Steps([(0, 10), (100, 200), (200, 0)], seconds=300), {0: 1000, 100: 20_000, 200: 0}),
        (Steps([(100, 50)], seconds=200), {0: 0, 100: 5_000}),
        (OnOff(100, on=100, off=200, seconds=600), {0: 10_000, 100: 0, 200: 0, 300: 10_000}),
        (OnOff(100, 100, 100, 200, idle_rate=5), {0: 10_000, 100: 500}),
        (
            Diurnal(0, 100, seconds=800, period=800, peak=400),
            {0: 498, 100: 3_135, 200: 6_865, 300: 9_502, 700: 498},
        ),
        (Bursts(500, every=100, seconds=350, spread=10), {0: 0, 100: 500, 200: 500, 300: 500}),
        (Bursts(500, every=200, seconds=400, rate=20), {0: 2000, 100: 2000, 200: 2500}),
    ],
    ids=["step", "late", "on-off", "idle rate", "diurnal", "bursts", "bursts among others"],
)
def test_so_many_come_in_each_hundred_seconds(workload, expected) -> None:
    times = arrivals(workload)
    assert (np.diff(times) >= 0).all()
    for start, count in expected.items():
        found = int(((times >= start) & (times < start + 100)).sum())
        assert found == pytest.approx(count, abs=5 * math.sqrt(count)), start


def test_bursts_come_at_once_or_spread() -> None:
    assert set(arrivals(Bursts(3, every=10, seconds=25))) == {10.0, 20.0}
    assert arrivals(Bursts(4, every=10, seconds=15, spread=2)).tolist() == [10, 10.5, 11, 11.5]


def test_random_on_and_off_times_have_their_means() -> None:
    times = arrivals(OnOff(50, on=2, off=6, seconds=20_000, random=True))
    assert len(times) == pytest.approx(20_000 * 50 / 4, rel=0.08)
    quiet = np.diff(times)
    assert quiet[quiet > 0.5].mean() == pytest.approx(6, rel=0.1)


# ---- durations


@pytest.mark.parametrize(
    ("times", "mean"),
    [
        (Constant(0.3), 0.3),
        (Exponential(0.3), 0.3),
        (Lognormal(0.2, 2.0), 0.2 * math.exp((math.log(10) / 2.3263478740) ** 2 / 2)),
        (Empirical((0.1, 0.1, 0.7)), 0.3),
    ],
)
def test_durations_have_their_mean(times, mean) -> None:
    assert times.mean == pytest.approx(mean)
    run = simulate(Poisson(100, requests=200_000), Function(times, init=0), seed=2)
    assert (run.end - run.start).mean() == pytest.approx(mean, rel=0.02)


def test_a_lognormal_time_has_its_median_and_its_99th_percentile() -> None:
    run = simulate(Poisson(10, requests=200_000), Function(Lognormal(0.2, 2.0), init=0), seed=3)
    median, p99 = np.quantile(run.end - run.start, [0.5, 0.99])
    assert median == pytest.approx(0.2, rel=0.02)
    assert p99 == pytest.approx(2.0, rel=0.05)


def test_what_is_fitted_to_samples_is_like_them() -> None:
    samples = np.exp(np.random.default_rng(1).normal(-2, 0.5, 5000))
    fitted = Lognormal.fitted(samples)
    assert fitted.median == pytest.approx(math.exp(-2), rel=0.03)
    assert fitted.sigma == pytest.approx(0.5, rel=0.05)
    assert Empirical.fitted(samples).mean == pytest.approx(samples.mean())


def test_a_function_is_fitted_to_a_timeline() -> None:
    records = [
        Record(0, "init", "f", "env-1", None, 0.4),
        Record(1, "invoke", "f", "env-1", "a", 0.1),
        Record(2, "invoke", "f", "env-1", "b", 0.3),
        Record(3, "invoke", "g", "env-2", "c", 9.0),
        Record(4, "throttle", "f", None, "d"),
    ]
    function = Function.fitted(records, "f", memory=512)
    assert (function.name, function.memory) == ("f", 512)
    assert function.duration == Empirical((0.1, 0.3))
    assert function.init == Empirical((0.4,))
    with pytest.raises(ValueError, match="no record of kind 'invoke' of nobody"):
        Function.fitted(records, "nobody")


@pytest.mark.parametrize(
    ("settings", "stretch"),
    [
        ({"memory": 1769}, 1),
        ({"memory": 885, "cpu": 1}, 1769 / 885),
        ({"memory": 885, "cpu": 0.5}, 0.5 + 0.5 * 1769 / 885),
        ({"memory": 10_240, "cpu": 1}, 1),
        ({"memory": 3538, "cpu": 1, "threads": 4}, 1 / 2),
        ({"memory": 1769, "cpu": 1, "measured_at": 128}, 128 / 1769),
    ],
)
def test_memory_makes_the_work_of_the_cpu_longer_or_shorter(settings, stretch) -> None:
    run = simulate(Trace([0.0]), Function(1.0, init=0.5, **settings))
    assert run.end[0] - run.start[0] == pytest.approx(stretch)
    assert run.start[0] == 0.5


def test_the_timeout_cuts_off() -> None:
    run = simulate(Poisson(1, requests=100), Function(Exponential(2), init=0, timeout=1), seed=1)
    assert (run.end - run.start).max() == pytest.approx(1)
    traced = simulate(Trace([0.0], [5.0]), Function(timeout=1, init=0))
    assert traced.end[0] == 1


# ---- callers that try again


def test_a_refused_caller_comes_again_until_there_is_room() -> None:
    retry = Retry(attempts=4, first=1, growth=2, jitter=0)
    policy = Policy(account=1, floor=0, paced=False)
    run = simulate(Trace([0.0, 0.5], retry=retry), Function(3.0, init=0), policy)
    # Refused at 0.5 and 1.5, served at 3.5.
    assert run.refused.time.tolist() == [0.5, 1.5]
    told = [(r.time, r.kind) for r in run.timeline() if r.kind != "init"]
    assert told == [(0, "invoke"), (0.5, "throttle"), (1.5, "throttle"), (3.5, "invoke")]
    assert run.attempts.tolist() == [1, 3]
    assert run.start.tolist() == [0, 3.5]
    assert run.latency.tolist() == [3, 6]
    assert run.throttles == {FULL: 2}
    assert not run.throttled.any()


def test_a_caller_gives_up_after_its_last_try_or_out_of_patience() -> None:
    policy = Policy(account=1, floor=0, paced=False)
    for retry in (Retry(3, first=1, jitter=0), Retry(99, first=1, jitter=0, patience=3.5)):
        run = simulate(Trace([0.0, 0.5], retry=retry), Function(100, init=0), policy)
        assert run.attempts.tolist() == [1, 3]
        assert run.throttled.tolist() == [False, True]
        assert run.end[1] == 3.5


def test_chance_spreads_the_tries() -> None:
    retry = Retry(2, first=10, jitter=0.5)
    trace = Trace(np.zeros(1001), retry=retry)
    run = simulate(trace, Function(100, init=0), Policy(account=1, floor=0, paced=False))
    second = run.start[run.throttled]
    assert second.min() == pytest.approx(5, abs=0.1)
    assert second.max() == pytest.approx(10, abs=0.1)
    assert second.mean() == pytest.approx(7.5, abs=0.2)


def test_tries_make_a_full_account_fuller() -> None:
    policy = Policy(account=40, floor=0)
    runs = [
        simulate(Poisson(60, seconds=200, retry=retry), Function(1.0), policy, seed=1)
        for retry in (None, SDK, ASYNCHRONOUS)
    ]
    refused = [sum(run.throttles.values()) for run in runs]
    assert refused == sorted(refused)
    assert len(set(refused)) == 3
    lost = [float(run.throttled.mean()) for run in runs]
    assert lost[0] > lost[1] > lost[2] == 0


def test_lambdas_own_queue_is_not_held_to_requests_a_second() -> None:
    policy = Policy(account=2, floor=0)
    reasons = []
    for retry in (None, ASYNCHRONOUS):
        workload = Regular(1000, seconds=1, retry=retry)
        reasons.append(set(simulate(workload, Function(1e-4, init=0), policy).throttles))
    assert reasons == [{"FunctionInvocationRateLimitExceeded"}, set()]


def test_more_refusals_than_there_is_room_for_at_once() -> None:
    policy = Policy(account=1, floor=0, paced=False)
    retry = Retry(attempts=9, first=1, growth=1, jitter=0.5)
    run = simulate(Trace(np.zeros(8001), retry=retry), Function(1e-3, init=100), policy)
    assert len(run.refused.time) == 8000 * 9 == sum(run.throttles.values())
    assert np.bincount(run.refused.row).tolist() == [0] + [9] * 8000
    assert (np.diff(run.refused.time) >= 0).all()
    queue = Queue(9000, batch_size=1, visibility=1, max_receives=2)
    drained = simulate(queue, Function(), Policy(reserved=0))
    assert len(drained.refused.time) == 18_000


def test_the_ways_to_try_again_have_their_figures_from_the_facts() -> None:
    assert SDK.attempts == 1 + facts.quota("sdk.retries").value
    assert ASYNCHRONOUS.longest == facts.quota("asynchronous.throttle-longest-wait").seconds


# ---- traces


def test_a_trace_from_a_file(tmp_path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text("when,length\n2.5,0.1\n1.5,0.2\n", encoding="utf-8")
    run = simulate(Trace.from_csv(path, "when", "length"), Function(init=0))
    assert run.arrival.tolist() == [1.5, 2.5]
    assert (run.end - run.start).tolist() == pytest.approx([0.2, 0.1])
    assert run.duration == pytest.approx(1.1)


def test_a_trace_has_whatever_origin() -> None:
    """Before or after the epoch: what happens is the same."""
    workload = Poisson(80, seconds=20)
    policy = Policy(account=10, floor=0, provisioned=2)
    base = simulate(workload, seed=1).arrival
    singles, queues = [], []
    for origin in (0.0, -500.0, 1_795_000_000.0):
        # Whole parts of 1024, so that no origin rounds them.
        trace = Trace(np.round(base * 1024) / 1024 + origin)
        run = simulate(trace, Function(0.25, 0.25), policy)
        singles.append(run.decision.tolist())
        assert run.duration == pytest.approx(20, abs=1)
        drained = simulate(Queue(trace, batch_size=1), Function(0.5, 0.25), policy)
        queues.append((len(drained), drained.peak, round(drained.duration)))
    assert singles == [singles[0]] * 3
    assert queues == [queues[0]] * 3


def test_a_trace_of_dates(tmp_path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text("time\n2026-11-20T10:00:00Z\n2026-11-20T10:00:30+00:00\n", encoding="utf-8")
    assert np.diff(arrivals(Trace.from_csv(path))).tolist() == [30]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no column 'time': it has nothing"),
        ("when\n1\n", "has no column 'time': it has when"),
        ("time\n1\n\nsoon\n", "line 4: 'soon' is no time"),
        ("time\n1\n\ninf\n", "line 4: inf is no finite number"),
        ("time\n2026-11-20T10:00\n5\n", "line 3: '5' comes among dates"),
        ("time, length\n1, 2\n2, -1\n", "line 3 has -1: none may be below 0"),
        ("time,length\n1\n", "line 2: None is no time: give seconds"),
        ("time,length\n1,\u00e9\n", "is not in UTF-8: save it as a text in UTF-8"),
    ],
)
def test_a_file_that_is_no_trace(tmp_path, text, message) -> None:
    path = tmp_path / "trace.csv"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=message):
        Trace.from_csv(path, duration="length" if "length" in text else None)


def test_a_trace_from_a_table() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"time": [1.0, 3.0], "ms": [0.1, 0.2]})
    assert arrivals(Trace.from_frame(frame)).tolist() == [1, 3]
    frame["time"] = pandas.to_datetime(["2026-11-20 10:00", "2026-11-20 10:01"], utc=True)
    trace = Trace.from_frame(frame, duration="ms")
    assert np.diff(arrivals(trace)).tolist() == [60]
    with pytest.raises(ValueError, match="no column 'when'"):
        Trace.from_frame(frame, "when")
    assert arrivals(Trace.from_frame({"time": [4, 2]})).tolist() == [2, 4]
    frame["time"] = ["2026-11-20 10:00", "2026-11-20T10:01Z"]
    frame["span"] = pandas.to_timedelta([1, 2], unit="s")
    trace = Trace.from_frame(frame, duration="span")
    assert np.diff(arrivals(trace)).tolist() == [60]
    assert trace.durations.tolist() == [1, 2]
    with pytest.raises(ValueError, match="number 2 of times: NaT is no finite number"):
        Trace(pandas.to_datetime(["2026-11-20", None]))


def test_dates_of_numpy_are_seconds_whatever_their_unit() -> None:
    for unit in ("s", "ms", "ns"):
        dates = np.array(["2026-11-20T10:00", "2026-11-20T10:01"], dtype=f"datetime64[{unit}]")
        assert Trace(dates).times.tolist() == [1_795_168_800, 1_795_168_860]


def test_a_whole_number_may_be_written_as_any_number() -> None:
    run = simulate(
        Poisson(10, requests=1e2), Function(memory=512.0), Policy(reserved=5.0), seed=1.0
    )
    assert len(run) == 100
    assert len(simulate(Queue(1e2, batch_size=np.int64(5)))) == 20


def test_a_trace_from_a_timeline_comes_out_as_it_went_in() -> None:
    first = simulate(
        Poisson(5, seconds=20), Function(Exponential(0.3), init=0.2), Policy(account=2, floor=0)
    )
    trace = Trace.from_timeline(first.timeline(epoch=1000.0), "function")
    again = simulate(trace, first.function, first.policy)
    assert again.arrival == pytest.approx(first.arrival + 1000)
    assert again.decision.tolist() == first.decision.tolist()
    assert again.end[~again.throttled] == pytest.approx(first.end[~first.throttled] + 1000)


# ---- the timeline


def test_the_timeline_has_the_engines_records() -> None:
    policy = Policy(account=1, floor=0, idle=5, age=1e9, paced=False)
    run = simulate(Trace([0.0, 0.1, 9.0]), Function(1.0, init=0.5, name="f"), policy)
    records = run.timeline(epoch=100.0)
    assert {record.kind for record in records} <= set(KINDS)
    told = [(r.time, r.kind, r.environment, r.duration, r.detail) for r in records]
    ok = {"status": "success", "phase": "init"}
    assert told == [
        (100.0, "init", "env-1", 0.5, ok),
        (100.1, "throttle", None, None, {"reason": FULL}),
        (100.5, "invoke", "env-1", 1.0, {"status": "success", "cold": True, "memory_mb": None}),
        (106.5, "end", "env-1", None, {"reason": "idle"}),
        (109.0, "init", "env-2", 0.5, ok),
        (109.5, "invoke", "env-2", 1.0, {"status": "success", "cold": True, "memory_mb": None}),
    ]
    ids = [record.request_id for record in records if record.kind in ("invoke", "throttle")]
    assert len(set(ids)) == 3
    assert all(record.function == "f" for record in records)
    assert [r.kind for r in run.timeline(1)] == ["init", "invoke", "end"]


def test_the_lab_draws_a_simulated_run_as_a_real_one() -> None:
    from lambdalab.lab.timeline_view import Timeline

    run = simulate(Poisson(2, seconds=10), Function(0.3), seed=1)
    picture = Timeline(run.timeline())
    assert len(picture.kind("invoke")) == len(run)
    assert {span.environment for span in picture.data()} == {
        f"env-{number + 1}" for number in range(int(run.environment.max()) + 1)
    }


# ---- summaries and cost


def test_the_summary_counts() -> None:
    run = simulate(Poisson(30, seconds=100), Function(1.0, 0.5), Policy(account=25, floor=0), 1)
    summary = run.summary()
    served = ~run.throttled
    latency = (run.end - run.arrival)[served]
    assert summary.requests == len(run)
    assert summary.invocations == served.sum()
    assert summary.throttle_share == pytest.approx(run.throttled.mean())
    assert summary.throttles == run.throttled.sum() > 0
    assert summary.cold_share == pytest.approx(run.cold.sum() / served.sum())
    levels = (summary.p50, summary.p90, summary.p95, summary.p99, summary.p999)
    assert levels == pytest.approx(np.quantile(latency, [0.5, 0.9, 0.95, 0.99, 0.999]))
    assert summary.peak_concurrency == 25
    assert summary.cost == pytest.approx(run.cost().total)
    assert "cold starts" in repr(summary)
    assert "cold starts" in summary._repr_html_()
    assert dict(zip(*summary.table().values(), strict=True))["requests"] == len(run)


@pytest.mark.parametrize(("init", "duration", "rate"), [(0.7, 0.3, 10), (0.3, 0.1, 30)])
def test_no_more_run_together_than_the_account_has(init, duration, rate) -> None:
    """Who takes the place of one that has just ended does not run beside it, not by rounding."""
    workload = Regular(rate, seconds=50, retry=Retry(10, first=0.1, growth=1, jitter=0))
    policy = Policy(account=10, floor=0, idle=0.0)
    run = simulate(workload, Function(duration, init), policy)
    assert run.peak == 10
    moments = np.sort(np.concatenate([run.arrival, run.start, run.end]))
    running, there = run.concurrency.at(moments)
    assert (running.max(), there.max()) == (10, 10)


def test_a_stopped_function_does_not_take_the_memory_of_the_machine(monkeypatch) -> None:
    monkeypatch.setattr("lambdalab.simulator.places.MOST_REFUSALS", 20_000)
    with pytest.raises(ValueError, match="more than 20,000 requests would be refused: try again"):
        simulate(Queue(100), policy=Policy(reserved=0))


def test_concurrency_over_time() -> None:
    policy = Policy(idle=1, age=1e9)
    run = simulate(Trace([0.0, 1.0, 2.0]), Function(5.0, init=0), policy)
    running, environments = run.concurrency.at(np.array([-1, 0, 1.5, 2, 4.9, 5, 6.5, 7, 8]))
    assert running.tolist() == [0, 1, 2, 3, 3, 2, 1, 0, 0]
    assert environments.tolist() == [0, 1, 2, 3, 3, 3, 2, 1, 0]
    table = run.concurrency.table(8)
    assert table["time"].tolist() == list(range(8))
    assert table["running"].tolist() == [1, 2, 3, 3, 3, 2, 1, 0]


def test_an_empty_run_has_a_summary() -> None:
    run = simulate(Poisson(1, requests=0))
    assert run.summary().requests == 0
    assert math.isnan(run.summary().p50)
    assert "none" in repr(run)
    assert run.cost().total == 0
    assert run.timeline() == []


def test_the_price_model_is_that_of_the_facts() -> None:
    """3 million requests of 120 ms with 1,536 MB: 540,000 GB-seconds."""
    gb_seconds = 3e6 * 0.12 * 1.5
    assert price(3_000_000, gb_seconds).total == pytest.approx(9.60, abs=0.005)
    free = price(3_000_000, gb_seconds, free_tier=True)
    assert (free.requests, free.duration) == pytest.approx((0.40, 2.33), abs=0.005)
    tiers = price(0, 16e9)
    assert tiers.duration == pytest.approx(6e9 * 1.66667e-5 + 9e9 * 1.5e-5 + 1e9 * 1.33334e-5)
    assert price(0, 100, architecture="arm64").duration == pytest.approx(100 * 0.0000133334)


def test_a_run_costs_its_rounded_milliseconds_and_its_init() -> None:
    run = simulate(Trace([0.0, 5.0]), Function(0.1002, init=0.2, memory=1024))
    assert run.cost().gb_seconds == pytest.approx(0.301 + 0.101)
    assert run.cost().invocations == 2
    # What 0.4 - 0.3 is more than 0.1 in floating point is not charged.
    exact = simulate(Trace([0.3]), Function(0.1, init=0, memory=1024))
    assert exact.cost().gb_seconds == pytest.approx(0.1)
    refused = simulate(Trace([0.0]), Function(), Policy(reserved=0))
    assert refused.cost().total == 0


def test_provisioned_concurrency_costs_also_when_it_waits() -> None:
    run = simulate(Trace([0.0, 301.0]), Function(1, memory=1024), Policy(provisioned=3))
    kept = 3 * 600 * facts.price("provisioned.x86_64").value
    used = 2 * facts.price("provisioned-duration.x86_64").value
    assert run.cost().provisioned == pytest.approx(kept + used)
    assert run.cost().duration == 0


# ---- bad input


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Poisson(0, seconds=1), "rate is 0: it must be a number, more than 0"),
        (lambda: Poisson(float("nan"), seconds=1), "rate is nan"),
        (lambda: Poisson("5", seconds=1), "rate is '5'"),
        (lambda: Poisson(5), "give either seconds or requests"),
        (lambda: Poisson(5, 1, 1), "give either seconds or requests"),
        (lambda: Poisson(5, requests=1.5), "requests is 1.5: it must be a whole number"),
        (lambda: Poisson(1e9, seconds=1e9), "requests; 200,000,000 at most"),
        (lambda: Poisson(5, seconds=-1), "seconds is -1"),
        (lambda: Steps([], 5), "rates is empty"),
        (lambda: Steps([1, 2], 5), r"rates is \[1, 2\]: give pairs"),
        (lambda: Steps([(0, 1), (math.nan, 2)], 5), "the time of the rate 2 is nan"),
        (lambda: Steps([(0, 1)], None), "seconds is None"),
        (lambda: Steps([(3, 1), (2, 1)], 5), "must rise"),
        (lambda: Steps([(0, -1)], 5), "the rate at 0 s is -1"),
        (lambda: OnOff(5, 0, 1, 9), "on is 0"),
        (lambda: Diurnal(5, 1), "high is 1: it must be a number, 5 or more"),
        (lambda: Bursts(5, 10, 30, spread=11), "spread is 11: it must be between 0 and 10"),
        (lambda: Bursts(-1, 10, 30), "size is -1"),
        (lambda: Trace([0, 1], [1]), "2 times and 1 durations"),
        (lambda: Trace([0], [-1]), "none may be below 0"),
        (lambda: Trace(["x"]), "number 1 of times: 'x' is no time: give seconds, or ISO dates"),
        (lambda: Trace([0, math.nan]), "number 2 of times: nan is no finite number of seconds"),
        (lambda: Trace(5), "times must be numbers of seconds in a list, not 5"),
        (lambda: Trace([[1], [2]]), "in one list, not in several"),
        (lambda: Trace([0], ["2026-11-20"]), "number 1 of durations: '2026-11-20' is no time"),
        (lambda: Trace.from_frame([1]), "a list has no columns: give a DataFrame or a dict"),
        (lambda: Function(-1), "duration is -1"),
        (lambda: Function("fast"), "duration is 'fast'"),
        (lambda: Function(memory=64), "memory is 64: it must be between 128 and 10240"),
        (lambda: Function(cpu=2), "cpu is 2"),
        (lambda: Function(timeout=901), "timeout is 901"),
        (lambda: Function(timeout=0), "timeout is 0"),
        (lambda: Function(architecture="arm"), "it must be one of x86_64, arm64"),
        (lambda: Exponential(math.inf), "mean is inf"),
        (lambda: Lognormal(1, 0.5), "p99 is 0.5"),
        (lambda: Empirical(()), "samples is empty"),
        (lambda: Empirical((1, -1)), "the smallest sample is -1"),
        (lambda: Empirical(5), "samples must be numbers of seconds, not 5"),
        (lambda: Empirical((1, math.inf)), "samples must be finite numbers of seconds: inf"),
        (lambda: Lognormal.fitted([]), "there are no times"),
        (lambda: Lognormal.fitted([1, math.nan]), "finite numbers of seconds: nan is none"),
        (lambda: Lognormal.fitted([1, -1]), "the smallest time is -1"),
        (lambda: Empirical.fitted(["fast"]), "what is fitted must be numbers of seconds"),
        (lambda: Lognormal.fitted([0.0]), "times above 0"),
        (lambda: Policy(account=-1), "account is -1"),
        (lambda: Policy(idle=(5, 1)), "the longest idle is 1"),
        (lambda: Policy(idle=(1, 2, 3)), "give one number of seconds, or shortest and longest"),
        (lambda: Policy(claimed=1001), "claimed is 1001: the account has 1000 in all"),
        (lambda: Policy(reserved=False), "reserved is False: it must be a whole number"),
        (lambda: Retry(attempts=0), "attempts is 0"),
        (lambda: Retry(jitter=2), "jitter is 2"),
        (lambda: Retry(growth=0.5), "growth is 0.5"),
        (lambda: Retry(attempts=1001), "more than 1,000 attempts need a patience"),
        (lambda: Retry(1001, first=0, patience=9), "must be 0.1 s or more"),
        (lambda: Queue(-1), "the number of messages is -1"),
        (lambda: Queue(5, batch_size=0), "batch_size is 0"),
        (lambda: Queue(5, visibility=0), "visibility is 0: it must be a number, more than 0"),
        (lambda: Queue(5, maximum_concurrency=1), "maximum_concurrency is 1"),
        (lambda: Queue(5, maximum_concurrency=5, pollers=(2, 9)), "not both"),
        (lambda: Queue(5, batch_size=1.5), "batch_size is 1.5: it must be a whole number"),
        (lambda: Queue(5, max_receives=0), "max_receives is 0"),
        (lambda: Queue(5, pollers=9), "pollers is 9: give two numbers, the least and the most"),
        (lambda: Queue(Poisson(1, 1, retry=SDK)), "messages do not try again"),
        (lambda: Stream(5, parallelization=11), "parallelization is 11"),
        (lambda: Stream(5, window=301), "window is 301"),
        (lambda: simulate(Poisson(1, 1), seed=-1), "seed is -1"),
        (lambda: simulate(None), "workload is None: it must be a workload, such as Poisson"),
        (lambda: simulate(Poisson), "it must be a workload, such as Poisson"),
        (lambda: simulate(Poisson(1, 1), 0.5), "function is 0.5: it must be a Function"),
        (lambda: simulate(Poisson(1, 1), Policy()), "it must be a Function"),
        (lambda: simulate(Poisson(1, 1), policy="x"), "policy is 'x': it must be a Policy"),
        (lambda: simulate(Poisson(1, 1, retry=3)), "retry is 3: it must be a Retry"),
        (lambda: price(-1, 0), "invocations is -1"),
        (lambda: price(1, math.nan), "gb_seconds is nan"),
        (lambda: price(1, 1, architecture="arm"), "it must be one of x86_64, arm64"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_in_one_line(make, message) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        make()
    assert "\n" not in str(refused.value)


def test_what_aws_refuses_is_refused_in_its_words() -> None:
    with pytest.raises(ValueError, match=r"below its minimum value of \[100\]"):
        Policy(reserved=901)
    with pytest.raises(ValueError, match="should not be greater than the reservedConcurrent"):
        Policy(reserved=10, provisioned=11)
    with pytest.raises(ValueError, match=r"below its minimum value of \[100\]"):
        Policy(provisioned=901)
    with pytest.raises(ValueError, match=r"unreserved concurrency \[500\]"):
        Policy(claimed=500, provisioned=501)
    assert Policy(reserved=900).reserved == 900
    assert Policy(account=5, floor=1, reserved=4).reserved == 4


# ---- loading


def test_neither_the_package_nor_the_rules_load_numpy_or_numba() -> None:
    code = (
        "import sys, lambdalab.simulator, lambdalab.simulator.rules\n"
        "assert not {'numpy', 'numba', 'llvmlite'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_everything_offered_is_there() -> None:
    for name in simulator.__all__:
        assert getattr(simulator, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'simulation'"):
        _ = simulator.simulation
