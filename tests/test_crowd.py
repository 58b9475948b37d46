"""Crowds: so many callers at the same moment, and what became of each, without luck."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdalab import Lab
from lambdalab.learning.crowd import WORK, Crowd, together
from lambdalab.learning.deploy import deploy
from tests.conftest import StartLab
from tests.engine import RUNTIME

FULL = "ConcurrentInvocationLimitExceeded"
WORKS = """
from work import work
def handler(event, context):
    work(event)
    return event["n"]
"""
SHORT = "def handler(event, context):\n    return 'short'\n"


@pytest.fixture(scope="module")
def three(start_lab: StartLab) -> Iterator[Lab]:
    with start_lab(concurrency=3, unreserved_floor=0) as lab:
        yield lab


@pytest.fixture
def lab(three: Lab) -> Lab:
    three.reset()
    return three


@pytest.fixture
def make(lab: Lab) -> Callable[..., str]:
    def make(name: str, source: str) -> str:
        package = lab.zip({"app.py": source, "work.py": WORK})
        deploy(lab, name, package, Handler="app.handler", Timeout=30, Runtime=RUNTIME)
        return name

    return make


def test_all_who_come_together_run_together(lab: Lab, make: Callable[..., str]) -> None:
    make("f", WORKS)
    with Crowd(lab, "f", 3, n=7) as crowd:
        assert (crowd.running, crowd.calls) == (3, [])
    assert (crowd.running, crowd.answers) == (0, [7, 7, 7])
    runs = lab.timeline.of("f").kind("invoke")
    assert len({run.environment for run in runs}) == 3


def test_who_is_refused_has_the_reason_of_aws(lab: Lab, make: Callable[..., str]) -> None:
    make("f", WORKS)
    with Crowd(lab, "f", 5, n=1) as crowd:
        # Who is refused knows it already.
        assert [call.told for call in crowd.calls] == [FULL, FULL]
    assert crowd.tally == {"served": 3, FULL: 2}
    assert list(crowd.tally) == ["served", FULL]
    assert len(lab.timeline.kind("throttle")) == 2  # each has asked once


def test_one_crowd_inside_another(lab: Lab, make: Callable[..., str]) -> None:
    make("f", WORKS)
    make("g", WORKS)
    with Crowd(lab, "f", 2, n=1) as first:
        assert together(lab, "g", 2, n=2) == {"served": 1, FULL: 1}
        assert first.running == 2
    assert first.tally == {"served": 2}


def test_a_function_that_knows_of_no_crowd_keeps_nobody_waiting(
    lab: Lab, make: Callable[..., str]
) -> None:
    make("f", SHORT)
    with Crowd(lab, "f", 2) as crowd:
        assert crowd.running == 0
    assert crowd.answers == ["short", "short"]


def test_a_function_that_fails_was_not_served(lab: Lab, make: Callable[..., str]) -> None:
    make("f", WORKS)
    assert together(lab, "f", 2) == {"failed: KeyError": 2}


def test_work_without_a_crowd_is_over_at_once(lab: Lab, make: Callable[..., str]) -> None:
    make("f", WORKS)
    answer = lab.client("lambda").invoke(FunctionName="f", Payload=b'{"n": 3}')
    assert answer["Payload"].read() == b"3"


def test_what_is_no_throttle_is_raised(lab: Lab) -> None:
    with pytest.raises(ClientError, match="Function not found"):
        together(lab, "nobody", 2)


def test_an_error_in_the_block_comes_first(lab: Lab, make: Callable[..., str]) -> None:
    make("f", WORKS)
    with pytest.raises(ZeroDivisionError), Crowd(lab, "f", 1, n=1):
        raise ZeroDivisionError
    assert together(lab, "f", 0) == {}
    assert together(lab, "f", 1, n=1) == {"served": 1}


def test_the_answers_of_a_block_that_failed_are_there(lab: Lab, make: Callable[..., str]) -> None:
    make("f", WORKS)
    crowd: Any = Crowd(lab, "f", 1, n=5)
    with pytest.raises(ZeroDivisionError), crowd:
        raise ZeroDivisionError
    assert crowd.answers == [5]
