"""The environment theatre's data: what every environment did at every moment, real or simulated."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdalab.lab.lanes import NO_LANE, spans
from lambdalab.lab.timeline_view import Timeline
from lambdalab.simulator import Exponential, Function, Poisson, Policy, Queue, Trace, simulate
from lambdalab.timeline import Record
from lambdalab.widgets import Chart, environment_theatre, replay
from lambdalab.widgets.theatre.lifelines import NOT_YET, STATES
from lambdalab.widgets.theatre.replays import MOST_RECORDS, MOST_REQUESTS, SHOWN_LANES
from lambdalab.widgets.theatre.stage import SPEEDS, staged
from tests.engine import RUNTIME

BEGIN = 1_800_000_000.0


def record(after, kind, environment=None, duration=None, function="f", **detail):
    return Record(BEGIN + after, kind, function, environment, "id", duration, detail)


def ran(after, environment, duration, *, cold=False, status="success", function="f"):
    return record(
        after, "invoke", environment, duration, function, status=status, cold=cold, memory_mb=None
    )


# A cold start, a warm invoke, two refusals at once, a timeout, a freeze, an end.
RECORDS = [
    record(-90, "function", change="created"),
    record(0, "init", "env-1", 0.5, status="success", phase="init"),
    ran(0.5, "env-1", 1.0, cold=True),
    record(1.0, "throttle", reason="ReservedFunctionConcurrentInvocationLimitExceeded"),
    record(1.0, "throttle", reason="ReservedFunctionConcurrentInvocationLimitExceeded"),
    ran(2.0, "env-1", 0.25),
    record(2.0, "init", "env-2", 0.5, status="success", phase="init"),
    ran(2.5, "env-2", 3.0, cold=True, status="timeout"),
    record(50.0, "function", change="updated"),
    record(600.0, "end", "env-1", reason="idle"),
]


def states(moment):
    return {name: state.state for name, state in moment.items()}


WORDS = {"frozen": "{} frozen", "SHUTDOWN": "{} ended"}


# ---- at a moment


@pytest.mark.parametrize(
    ("after", "first", "second", "invocations"),
    [
        (-1, NOT_YET, NOT_YET, 0),
        (0, "INIT", NOT_YET, 0),
        (0.499, "INIT", NOT_YET, 0),
        (0.5, "INVOKE", NOT_YET, 1),
        (1.499999, "INVOKE", NOT_YET, 1),
        (1.5, "frozen", NOT_YET, 1),
        (2.0, "INVOKE", "INIT", 2),
        (2.4, "frozen", "INIT", 2),
        (2.5, "frozen", "INVOKE that fails", 2),
        (5.5, "frozen", "frozen", 2),
        (599.9, "frozen", "frozen", 2),
        (600.0, "SHUTDOWN", "frozen", 2),
        (1e6, "SHUTDOWN", "frozen", 2),
    ],
)
def test_what_each_environment_does_at_a_moment(after, first, second, invocations) -> None:
    moment = replay(RECORDS).at(after=after)
    assert states(moment) == {"env-1": first, "env-2": second}
    assert moment["env-1"].invocations == invocations
    assert moment.time == after


def test_a_moment_is_named_by_the_platforms_time_too() -> None:
    run = replay(RECORDS)
    assert (
        run.at(BEGIN + 2.4) == run.at(after=2.4) == run.at(datetime.fromtimestamp(BEGIN + 2.4, UTC))
    )
    for bad in ({}, {"time": 1.0, "after": 1.0}):
        with pytest.raises(ValueError, match="give time or after"):
            run.at(**bad)


def test_a_moment_tells_since_when_why_and_what_happened_last() -> None:
    run = replay(RECORDS)
    moment = run.at(after=700)
    assert moment["env-1"].since == 600
    assert moment["env-1"].note == "idle"
    assert moment["env-2"].since == 5.5
    assert moment.happened == "env-1: SHUTDOWN (idle). Now 1 frozen, 1 ended."
    assert run.at(after=2.5)["env-2"].note == "timeout"
    assert "nothing has happened yet" in run.at(after=-3).text
    table = moment.table()
    assert table["Environment"] == ["env-1", "env-2", NO_LANE]
    assert table["State"] == ["SHUTDOWN", "frozen", "2 so far"]
    assert table["Since (s)"] == ["600.000", "5.500", "1.000"]
    assert run.at(after=0)["env-2"].shown_since == ""
    assert "env-1" in repr(moment)
    assert "<table>" in moment._repr_html_()


def test_refused_requests_have_a_lane_and_are_no_environment() -> None:
    run = replay(RECORDS)
    assert list(run.at(after=1)) == ["env-1", "env-2"]
    assert run.at(after=0.9).states[-1].state == "none so far"
    assert run.at(after=1.0).states[-1].state == "2 so far"
    assert [line.refused for line in run.lifelines] == [False, False, True]


def test_environments_of_two_functions_may_have_one_name() -> None:
    twice = [ran(0, "env-1", 1.0), ran(0.5, "env-1", 1.0, function="g"), ran(0, "env-2", 1.0)]
    moment = replay(twice).at(after=0.2)
    assert states(moment) == {"env-1 (f)": "INVOKE", "env-1 (g)": NOT_YET, "env-2": "INVOKE"}
    assert moment.happened == "env-1 (f), env-2: INVOKE. Now 2 in INVOKE."


@settings(max_examples=40, deadline=None)
@given(
    rate=st.sampled_from([0.5, 3.0, 20.0]),
    reserved=st.none() | st.integers(0, 4),
    provisioned=st.integers(0, 2),
    idle=st.sampled_from([0.0, 0.5, 5.0]),
    init=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 50),
)
def test_in_the_middle_of_each_span_its_state_holds(
    rate, reserved, provisioned, idle, init, seed
) -> None:
    try:
        policy = Policy(8, 0, reserved, provisioned, idle=idle, age=(1, 9))
    except ValueError:
        return
    run = simulate(Poisson(rate, seconds=12), Function(Exponential(0.4), init), policy, seed)
    told = replay(run)
    for span in spans(run.timeline()):
        if span.environment != NO_LANE and span.seconds > 1e-4:
            state = told.at((span.start + span.end) / 2)[span.environment]
            assert state.state == STATES[span.kind]
            assert told.begin + state.since == pytest.approx(span.start, abs=1e-6)
    last = told.at(after=told.length + 1)
    assert sum(state.invocations for state in last.values()) == int((~run.throttled).sum())
    assert sum(run.throttles.values()) == told.count("throttle")


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_at_each_happening_the_counts_are_those_of_the_states(seed) -> None:
    policy = Policy(4, 0, provisioned=1, idle=(0.5, 3), age=(2, 6))
    run = replay(simulate(Poisson(3, seconds=10), Function(Exponential(0.5), 0.4), policy, seed))
    times = [one.time for one in run.happenings]
    assert times == sorted(set(times))
    before = None
    for one in run.happenings:
        now = run.at(after=one.time)
        counts = [list(states(now).values()).count(name) for name in STATES.values()]
        told = [WORDS.get(name, "{} in " + name).format(count)
                for count, name in zip(counts, STATES.values(), strict=True) if count]  # fmt: skip
        assert one.text.endswith(f"Now {', '.join(told)}.")
        # What is ready may be taken before it freezes.
        assert now.states != before or "are ready" in one.text
        before = now.states


# ---- what happens


def test_what_happens_is_told_in_words() -> None:
    told = {one.time: one.text for one in replay(RECORDS).happenings}
    refused = "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert told[0] == "env-1: INIT. Now 1 in INIT."
    assert told[0.5] == "env-1: INVOKE, straight after INIT. Now 1 in INVOKE."
    assert told[1] == f"a request for f is refused: {refused} (2 times). Now 1 in INVOKE."
    assert told[2] == "env-1: INVOKE; env-2: INIT. Now 1 in INIT, 1 in INVOKE."
    assert told[2.5] == (
        "env-2: INVOKE that fails (timeout), straight after INIT. "
        "Now 1 in INVOKE that fails, 1 frozen."
    )
    assert told[50] == "f is updated. Now 2 frozen."
    # What was before the first environment began is not part of it.
    assert not any("created" in text for text in told.values())


def test_a_restore_and_a_reset_are_told() -> None:
    run = replay([
        record(0, "restore", "env-1", 0.4, status="success"),
        ran(0.4, "env-1", 1.0, cold=True, status="error"),
        record(1.4, "reset", "env-1", reason="error"),
    ])  # fmt: skip
    assert run.at(after=0)["env-1"].state == "RESTORE"
    told = {one.time: one.text for one in run.happenings}
    assert told[0.4].startswith("env-1: INVOKE that fails (error), straight after RESTORE.")
    assert told[1.4] == "env-1: frozen; env-1 loses its processes: error. Now 1 frozen."


def test_what_happens_to_many_at_once_is_told_once() -> None:
    run = replay(simulate(Trace([0.0] * 9), Function(1, init=0.5)))
    assert run.happenings[0].text == "env-1, env-2, env-3 and 6 more: INIT. Now 9 in INIT."


def test_what_brings_requests_is_told_too() -> None:
    run = replay(simulate(Queue(20, visibility=40), Function(5, init=0.5), Policy(reserved=1)))
    first = run.happenings[0].text
    assert "a poller reads 10 records for function (2 times)" in first
    assert "10 messages leave their queue (processed)" in run.at(5.5).happened
    ready = replay(simulate(Trace([1.0]), policy=Policy(provisioned=2)))
    assert "2 of 2 provisioned environments are ready" in ready.at(1.0).happened


def test_records_without_their_usual_detail_are_told_all_the_same() -> None:
    bare = [Record(0, "poll", "f"), Record(0, "scaled", "f"), ran(-BEGIN, "env-1", 1)]
    assert "a poller reads ? records for f" in replay(bare).happenings[0].text


# ---- the chart


def test_the_verdict_has_the_figures() -> None:
    run = replay(RECORDS)
    assert isinstance(run, Chart)
    assert run.verdict == (
        "3 invocations in 2 environments, 2 cold starts, at most 1 in INVOKE together, 1 failed, "
        "2 requests refused, in 10 min. The environments spent 1 s in INIT, 4.25 s in INVOKE, "
        "19 min 53 s frozen."
    )
    assert (run.cold_starts, run.peak, run.count("throttle"), run.length) == (2, 1, 2, 600)
    assert run.table()["Invocations"] == [2, 1, 0]
    assert run.table()["In the end"] == ["SHUTDOWN (idle)", "frozen", "2 so far"]
    assert run.table()["INIT (s)"] == ["0.500", "0.500", "0.000"]
    together = replay(simulate(Trace([0.0, 0.5, 2.0]), Function(1.5, init=0)))
    assert together.peak == 2  # what ends when another begins has made room for it
    assert replay(simulate(Trace([0, 0]), Function(0, 0))).peak == 1


def test_the_picture_is_drawn_with_its_words() -> None:
    run = replay(RECORDS)
    assert run.svg.startswith("<svg ")
    assert run.verdict in run.svg
    assert "env-1 (f)" in run.svg
    assert run.alt in run._repr_html_()
    assert run.verdict in repr(run)


def test_nothing_can_be_replayed_too() -> None:
    run = replay([])
    assert run.verdict == "No execution environment has run yet."
    assert run.at(3.0).table()["Environment"] == []
    assert dict(run.at(3.0)) == {}
    assert run.verdict in run.svg
    assert staged(run) == {}
    assert run.verdict in repr(environment_theatre([]))


def test_a_long_run_is_cut_and_says_so() -> None:
    policy = Policy(account=40, floor=0, idle=20)
    run = simulate(Poisson(50, seconds=100), Function(0.3, init=0), policy)
    assert len(run) > 2 * MOST_REQUESTS
    told = replay(run)
    lanes = f"the first {SHOWN_LANES} of {len(told.environments)} environments"
    note = f"Shown: the first {MOST_REQUESTS:,} of {len(run):,} requests; {lanes}."
    assert told.verdict.endswith(note)
    assert replay(RECORDS).note == ""
    assert told.count("invoke", "failed", "throttle") == MOST_REQUESTS
    # Nor what became of its environments later: they serve requests that are not shown.
    assert told.records[-1].time <= run.end[:MOST_REQUESTS].max() < run.duration
    records = run.timeline()
    newest = replay(records)
    assert f"Shown: the newest {MOST_RECORDS:,} of {len(records):,} records" in newest.verdict
    assert newest.records == tuple(records[-MOST_RECORDS:])
    assert len(staged(told)["lanes"]) <= SHOWN_LANES + 1 < len(told.lifelines)
    assert len(told.table()["Environment"]) <= 60


# ---- sources


@pytest.mark.parametrize("source", [7, None, "abc", [1, 2], object()])
def test_what_is_no_run_is_refused(source) -> None:
    with pytest.raises(ValueError, match="cannot be replayed: give a lab, a result or records"):
        replay(source)


def test_an_unknown_function_is_refused_with_those_that_are_there() -> None:
    for make in (replay, environment_theatre):
        with pytest.raises(ValueError, match="no function 'g': there are f"):
            make(RECORDS, function="g")


def test_a_simulated_run_is_the_same_as_its_records() -> None:
    run = simulate(Poisson(3, seconds=10), Function(Exponential(0.5)), Policy(provisioned=1), 2)
    whole = replay(run)
    assert whole.records == tuple(run.timeline())
    for source in (run.timeline(), Timeline(run.timeline()), iter(run.timeline(epoch=BEGIN))):
        other = replay(source)
        assert [one.text for one in other.happenings] == [one.text for one in whole.happenings]
    assert whole.at(0.0).time == pytest.approx(0.2)  # INIT of what is provisioned comes first


# ---- the theatre


def stage_at(stage, time):
    """What the page shows at a time, looked up as the page does."""
    rows = []
    for lane in stage["lanes"]:
        passed = [state for state in lane["states"] if state[0] <= time]
        told = passed[-1][1:] if passed else lane["first"]
        rows.append((lane["environment"], lane["function"], *told))
    return rows


def test_the_page_is_told_what_python_says() -> None:
    policy = Policy(5, 0, provisioned=1, idle=(1, 3), age=(2, 6))
    run = replay(simulate(Poisson(3, seconds=15), Function(Exponential(0.6), 0.4), policy, 1))
    stage = staged(run)
    times = [one.time for one in run.happenings]
    for time in [
        -1.0,
        *times,
        *((one + after) / 2 for one, after in pairwise(times)),
        times[-1] + 9,
    ]:
        assert stage_at(stage, time) == list(zip(*run.at(after=time).table().values(), strict=True))
    assert stage["happenings"] == [list(one) for one in run.happenings]
    kinds = {span[0] for lane in stage["lanes"] for span in lane["spans"]}
    assert kinds == {kind for kind, _ in stage["kinds"]}
    places = [place for lane in stage["lanes"] for span in lane["spans"] for place in span[1:]]
    assert min(places) == 0
    assert max(places) == 1


def test_the_axis_is_even_between_its_knots_and_short_where_nothing_happens() -> None:
    run = replay(RECORDS)
    knots = staged(run)["knots"]
    assert [time for time, _ in knots] == sorted(time for time, _ in knots)
    assert (knots[0], knots[-1][0]) == ([0.0, 0.0], 600.0)
    # A single moment has its place, too.
    assert 0.99 < knots[-2][1] < knots[-1][1] == 1.0
    ((_, _, later),) = (cut for cut in staged(run)["cuts"] if "min" in cut[2])
    assert later == "9 min 54 s later"


def test_the_axis_has_labels_where_work_begins_and_round_ones_between() -> None:
    ticks = [text for _, text in staged(replay(RECORDS))["ticks"]]
    assert ticks == ["0", "1 s", "2 s", "3 s", "4 s", "5 s", "10 min"]
    busy = replay(simulate(Poisson(20, seconds=100), Function(0.3), Policy(account=9, floor=0)))
    places = staged(busy)["ticks"]
    assert len(places) >= 7
    assert {text for _, text in places} >= {"0", "20 s", "40 s", "1 min"}
    assert all(after - before >= 0.0999 for (before, _), (after, _) in pairwise(places))


def test_time_and_speed_are_moved_from_python() -> None:
    theatre = environment_theatre(RECORDS)
    assert theatre.values == {"time": 0.0, "speed": "15"}
    assert theatre.set(time=2.4, speed="60").now["env-2"].state == "INIT"
    assert theatre.values == {"time": 2.4, "speed": "60"}
    for bad in ({"time": -1}, {"time": 601}, {"time": "2"}, {"time": True}, {"speed": "7"},
                {"time": float("nan")}, {"pace": 1}):  # fmt: skip
        with pytest.raises(ValueError, match=r"time is|speed is|no control pace"):
            theatre.set(**({"time": 1.0, "speed": "5"} | bad))
        assert theatre.values == {"time": 2.4, "speed": "60"}
    assert set(SPEEDS) >= {"60", "15", "real"}


def test_a_step_goes_from_happening_to_happening() -> None:
    theatre = environment_theatre(RECORDS)
    times = [one.time for one in theatre.chart.happenings]
    assert [theatre.step().time for _ in times] == [*times[1:], times[-1]]
    assert [theatre.step(-1).time for _ in times] == [*times[-2::-1], times[0]]
    assert theatre.set(time=2.1).step(-1).time == 2.0
    assert theatre.set(time=2.1).step().time == 2.25
    assert environment_theatre([]).step().time == 0


def test_the_text_twin_tells_the_moment() -> None:
    theatre = environment_theatre(RECORDS)
    assert theatre.chart.verdict in repr(theatre)
    assert "2.500 s: env-2: INVOKE that fails" in repr(theatre.set(time=2.5))
    bundle, _ = theatre._repr_mimebundle_()
    assert theatre.chart.verdict in bundle["text/plain"]
    assert "<svg" not in bundle["text/plain"]
    assert "data:image/svg+xml" in bundle["text/html"]


def test_a_function_is_chosen_where_there_are_several() -> None:
    two = [*RECORDS, ran(1, "env-3", 2.0, function="g"), ran(4, "env-3", 1.0, function="g")]
    theatre = environment_theatre(two)
    assert theatre.values["function"] == "all functions"
    theatre.set(time=600)
    theatre.set(function="g")
    assert [line.environment for line in theatre.chart.environments] == ["env-3"]
    assert theatre.time == theatre.chart.length == 4
    assert theatre.set(function="all functions").chart.verdict == replay(two).verdict
    assert environment_theatre(two, function="g").values["function"] == "g"
    with pytest.raises(ValueError, match="function is 'h'"):
        theatre.set(function="h")


@pytest.mark.parametrize(
    ("question", "truth"), [("environments", 2), ("cold", 2), ("together", 1), ("refused", 2)]
)
def test_it_asks_first_and_shows_then(question, truth) -> None:
    theatre = environment_theatre(RECORDS, predict=question)
    assert "verdict" not in theatre.shown
    assert "stage" not in theatre.shown
    assert theatre.chart.verdict not in repr(theatre)
    theatre.guess(truth)
    assert theatre.answer.startswith(f"Right: you guessed {truth}")
    assert theatre.shown["verdict"] == theatre.chart.verdict
    assert theatre.shown["stage"]["lanes"]


def test_there_are_only_these_questions() -> None:
    with pytest.raises(ValueError, match="no question 'price': there are environments, cold"):
        environment_theatre(RECORDS, predict="price")


# ---- a real run


@pytest.fixture(scope="module")
def real(start_lab):
    """A lab whose function was cold, warm, refused and failed."""
    with start_lab(concurrency=5, unreserved_floor=0) as lab:
        lam = lab.client("lambda")
        lam.create_function(
            FunctionName="f",
            Runtime=RUNTIME,
            Handler="lambda_function.handler",
            Role=lab.role(),
            Code={"ZipFile": lab.zip({"lambda_function.py": "def handler(event, context):\n"
                                      "    return 1 / event['by']\n"})},
        )  # fmt: skip
        lam.get_waiter("function_active_v2").wait(FunctionName="f")
        for by in (b"1", b"0"):
            lam.invoke(FunctionName="f", Payload=b'{"by": %s}' % by)
        yield lab


def test_a_real_run_is_replayed(real) -> None:
    run = replay(real)
    assert [line.environment for line in run.environments] == ["env-1"]
    told = [state.state for state in run.environments[0].states if state.state != "frozen"]
    assert told == ["INIT", "INVOKE", "INVOKE that fails"]
    assert run.cold_starts == 1
    invoke = next(record for record in real.timeline if record.kind == "invoke")
    assert run.at(invoke.time)["env-1"].state == "INVOKE"
    assert replay(real.timeline).verdict == run.verdict
    assert replay(real, function="f").verdict == run.verdict


def test_a_theatre_of_a_lab_takes_in_what_has_happened_since(real) -> None:
    theatre = environment_theatre(real)
    before = theatre.chart.count("invoke")
    real.client("lambda").invoke(FunctionName="f", Payload=b'{"by": 2}')
    assert theatre.chart.count("invoke") == before
    theatre.start("again").join()
    assert theatre.chart.count("invoke") == before + 1
    assert theatre.shown["verdict"] == theatre.chart.verdict
