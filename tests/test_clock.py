"""The platform's time: how fast it goes, how it is wound, what happens on the way."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import selectors
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdalab import Lab, clock, start
from lambdalab.clock import LabClock
from tests.engine import invoke

MakeFunction = Callable[..., str]


class _Selector(selectors.SelectSelector):
    """Waits no real time: what would be waited for is added to the loop's own time."""

    loop: _Loop

    def select(self, timeout: float | None = None) -> Any:
        self.loop.at += timeout or 0.0
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    """An event loop in which waiting takes no time."""

    def __init__(self) -> None:
        self.at = 1000.0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.at


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Loop]:
    made = _Loop()
    monkeypatch.setattr(clock, "stopwatch", made.time)
    yield made
    made.close()


def in_loop(loop: _Loop, act: Callable[[], Any]) -> Any:
    async def run() -> Any:
        outcome = act()
        return await outcome if asyncio.iscoroutine(outcome) else outcome

    return loop.run_until_complete(run())


# ---- speed


@pytest.mark.parametrize("speed", [0.5, 1.0, 60.0])
def test_speed_says_how_many_platform_seconds_pass_in_a_real_one(loop: _Loop, speed: float) -> None:
    platform = LabClock(speed)
    begin = platform.now()
    loop.at += 10
    assert platform.now() - begin == pytest.approx(10 * speed, abs=1e-4)


def test_the_clock_begins_at_the_real_time_and_tells_dates_in_utc() -> None:
    platform = LabClock()
    assert abs(platform.now() - datetime.now(UTC).timestamp()) < 5
    assert platform.utc().tzinfo is UTC


@pytest.mark.parametrize("speed", [1.0, 60.0])
def test_while_work_goes_on_time_passes_at_real_speed(loop: _Loop, speed: float) -> None:
    async def run() -> None:
        platform = LabClock(speed)
        begin = platform.now()
        platform.begin_work()
        loop.at += 1
        with platform.working():  # a second handler
            loop.at += 1
        loop.at += 1
        assert platform.now() - begin == pytest.approx(3, abs=1e-4)
        platform.end_work()
        loop.at += 1
        assert platform.now() - begin == pytest.approx(3 + speed, abs=1e-4)

    in_loop(loop, run)


def test_what_waits_is_called_by_itself_and_sooner_at_a_higher_speed(loop: _Loop) -> None:
    async def run() -> float:
        platform = LabClock(speed=60)
        done = asyncio.Event()
        begin = loop.time()
        platform.call_later(30, done.set)
        await done.wait()
        return loop.time() - begin

    assert in_loop(loop, run) == pytest.approx(0.5, abs=1e-3)


def test_work_holds_back_what_waits(loop: _Loop) -> None:
    async def run() -> float:
        platform = LabClock(speed=60)
        done = asyncio.Event()
        begin = loop.time()
        platform.call_later(30, done.set)
        platform.begin_work()
        await asyncio.sleep(6)  # of the loop's own time: 6 of the 30 seconds
        assert not done.is_set()
        platform.end_work()
        await done.wait()
        return loop.time() - begin

    assert in_loop(loop, run) == pytest.approx(6 + 24 / 60, abs=1e-3)


# ---- advancing

times = st.lists(st.tuples(st.integers(0, 6), st.integers(-1, 1)), max_size=12)


@given(wanted=times)
@settings(max_examples=60, deadline=None)
def test_what_is_due_happens_by_time_then_priority_then_the_order_of_asking(wanted: Any) -> None:
    loop = _Loop()
    platform = LabClock()
    happened: list[tuple[float, int]] = []

    async def run() -> None:
        begin = platform.now()
        # Scheduled from one moment, as things on one platform are: equal delays are due together.
        platform.now = lambda: begin  # type: ignore[method-assign]
        for number, (delay, priority) in enumerate(wanted):
            platform.call_later(delay, lambda n=number: happened.append(n), priority)
        del platform.now
        platform.advance(10)

    in_loop(loop, run)
    loop.close()
    order = sorted(range(len(wanted)), key=lambda number: (*wanted[number], number))
    assert happened == order


def test_each_happens_at_its_own_time_and_may_ask_for_more_on_the_way(loop: _Loop) -> None:
    platform = LabClock()
    happened: list[float] = []

    async def run() -> None:
        begin = platform.now()

        def again() -> None:
            happened.append(platform.now() - begin)
            if len(happened) < 5:
                platform.call_later(60, again)

        platform.call_later(60, again)
        platform.advance(200)
        assert platform.now() - begin == pytest.approx(200, abs=1e-4)

    in_loop(loop, run)
    assert happened == pytest.approx([60, 120, 180], abs=1e-3)


def test_what_is_cancelled_or_forgotten_does_not_happen(loop: _Loop) -> None:
    async def run() -> list[str]:
        platform, happened = LabClock(), []
        platform.call_later(1, lambda: happened.append("kept"))
        dropped = platform.call_later(1, lambda: happened.append("cancelled"))
        dropped.cancel()
        platform.advance(2)
        dropped.cancel()  # harmless
        platform.call_later(1, lambda: happened.append("forgotten"))
        platform.restart()
        platform.advance(2)
        return happened

    assert in_loop(loop, run) == ["kept"]


@pytest.mark.parametrize("seconds", [-1, -0.001, math.nan, math.inf, -math.inf, 1e12])
def test_the_clock_cannot_be_wound_back_nor_out_of_the_calendar(
    loop: _Loop, seconds: float
) -> None:
    async def run() -> None:
        platform = LabClock()
        before = platform.now()
        with pytest.raises(ValueError, match="the clock"):
            platform.advance(seconds)
        assert platform.now() == before

    in_loop(loop, run)


def test_winding_never_turns_back(loop: _Loop) -> None:
    async def run() -> None:
        platform = LabClock(speed=60)
        readings = [platform.now()]
        for step in (0, 0.5, 0, 100):
            platform.advance(step)
            loop.at += 0.01
            readings.append(platform.now())
        assert all(later > earlier for earlier, later in itertools.pairwise(readings))

    in_loop(loop, run)


# ---- in a lab

SLEEPS = """
import time
def handler(event, context):
    print("begin")
    time.sleep(0.2)
    print("end")
    return context.get_remaining_time_in_millis()
"""


def events_of(lab: Lab, name: str) -> dict[str, float]:
    """When each line was logged, by its first word; in seconds."""
    found = lab.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    return {event["message"].split()[0]: event["timestamp"] / 1000 for event in found}


@pytest.fixture(scope="module")
def fast_lab() -> Iterator[Lab]:
    with start(export=False, speed=3600) as lab:
        yield lab


def test_a_fast_clock_does_not_make_a_handler_slower_nor_its_deadline_nearer(fast_lab: Lab) -> None:
    lam = fast_lab.client("lambda")
    lam.create_function(
        FunctionName="sleeps", Runtime="python3.13", Role=fast_lab.role(), Timeout=3,
        Handler="app.handler", Code={"ZipFile": fast_lab.zip({"app.py": SLEEPS})},
    )  # fmt: skip
    fast_lab.clock.advance(seconds=1)
    remaining = invoke(lam, "sleeps").value
    assert 500 < remaining <= 2800
    when = events_of(fast_lab, "sleeps")
    assert 0.19 <= when["end"] - when["begin"] < 5
    record = next(record for record in fast_lab.timeline if record.kind == "invoke")
    assert 0.2 <= record.duration < 5


def test_a_fast_clock_passes_quickly_while_nothing_runs(fast_lab: Lab) -> None:
    before = fast_lab.clock.now()
    fast_lab.client("sts").get_caller_identity()
    real = datetime.now(UTC)
    later = fast_lab.clock.now()
    assert (later - before).total_seconds() > 3600 * 0.001
    assert later > real


def test_advancing_settles_what_waits_on_the_platform(lab: Lab, lam: Any, role: str) -> None:
    code = {"ZipFile": lab.zip({"app.py": SLEEPS})}
    made = lam.create_function(
        FunctionName="new", Runtime="python3.13", Role=role, Handler="app.handler", Code=code
    )
    assert made["State"] == "Pending"
    lab.clock.advance(seconds=1)
    assert lam.get_function(FunctionName="new")["Configuration"]["State"] == "Active"


def test_log_events_metrics_and_modification_dates_are_of_the_platforms_time(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    real = datetime.now(UTC).timestamp()
    lab.clock.advance(days=400)
    name = make_function(Runtime="python3.14")  # older ones can no longer be created then
    invoke(lam, name)
    later = real + 400 * 86_400
    assert all(0 <= when - later < 60 for when in events_of(lab, name).values())
    changed = lam.get_function(FunctionName=name)["Configuration"]["LastModified"]
    assert abs(datetime.strptime(changed, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp() - later) < 60
    assert all(0 <= record.time - later < 60 for record in lab.timeline)


def test_environments_and_their_warmth_outlive_a_wound_clock(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function("import os\ndef handler(event, context):\n    return os.getpid()\n")
    before = invoke(lam, name).value
    lab.clock.advance(minutes=1)
    assert invoke(lam, name).value == before


def test_the_clock_stays_where_it_is_when_it_cannot_be_wound(lab: Lab) -> None:
    for seconds in ("-1", "NaN", "1e400", '"x"', "null", "1e12"):
        before = lab.clock.now()
        status, answer = advance_raw(lab, seconds)
        assert status == 400, seconds
        assert list(answer) == ["error"]
        assert (lab.clock.now() - before).total_seconds() < 60


def advance_raw(lab: Lab, seconds: str) -> tuple[int, Any]:
    from http.client import HTTPConnection

    connection = HTTPConnection("127.0.0.1", lab._control._port, timeout=15)
    headers = {"X-Lambdalab-Token": lab._control._token}
    connection.request("POST", "/_lambdalab/clock", f'{{"advance": {seconds}}}', headers)
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


def test_an_emptied_cloud_shows_real_time_again(lab: Lab) -> None:
    lab.clock.advance(days=3)
    lab.reset()
    assert abs((lab.clock.now() - datetime.now(UTC)).total_seconds()) < 60
