"""Tumbling windows: records are aggregated in a state, which ends with its window."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import Gate
from tests.stream_stage import (
    TELLING,
    make_queue,
    make_stream,
    map_stream,
    put,
    received,
    texts,
    to,
    wait_until,
)  # fmt: skip

MakeFunction = Callable[..., str]
SHARD = "shardId-000000000000"


@pytest.fixture
def telling(make_function: MakeFunction, gate: Gate) -> str:
    """A function that tells the gate what it gets, and counts records in the state."""
    gate.open()
    return make_function(TELLING, Environment={"Variables": {"GATE": str(gate.port)}})


def begin_of_minute(lab: Lab) -> datetime:
    """Wind to just after a full minute."""
    now = lab.clock.now()
    lab.clock.advance(seconds=60.2 - now.second - now.microsecond / 1e6)
    return lab.clock.now().replace(microsecond=0)


def test_a_window_hands_its_state_on_and_ends_with_an_empty_batch(
    lab: Lab, telling: str, gate: Gate
) -> None:
    arn = make_stream(lab)
    map_stream(lab, arn, telling, TumblingWindowInSeconds=60)
    start = begin_of_minute(lab)
    put(lab, "a", "b")
    gate.wait_for(1)
    put(lab, "c")
    gate.wait_for(2)
    lab.clock.advance(minutes=1)
    window = {
        "start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{start + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}",
    }
    rest = {
        "window": window,
        "shardId": SHARD,
        "eventSourceARN": arn,
        "isWindowTerminatedEarly": False,
    }
    told = [
        {name: value for name, value in one.items() if name != "Records"} for one in gate.arrived
    ]
    assert told == [
        rest | {"state": {}, "isFinalInvokeForWindow": False},
        rest | {"state": {"count": 2}, "isFinalInvokeForWindow": False},
        rest | {"state": {"count": 3}, "isFinalInvokeForWindow": True},
    ]
    assert [len(one["Records"]) for one in gate.arrived] == [2, 1, 0]
    put(lab, "d")  # the next window begins with no state
    assert gate.wait_for(4)[3]["state"] == {}


def test_no_batch_holds_records_of_two_windows(lab: Lab, telling: str, gate: Gate) -> None:
    arn = make_stream(lab)
    begin_of_minute(lab)
    put(lab, "a", "b")
    lab.clock.advance(minutes=1)
    put(lab, "c")
    lab.clock.advance(minutes=1)
    map_stream(lab, arn, telling, TumblingWindowInSeconds=60)
    got = [(texts(one), one["isFinalInvokeForWindow"], one["state"]) for one in gate.wait_for(4)]
    assert got == [
        (["a", "b"], False, {}),
        ([], True, {"count": 2}),
        (["c"], False, {}),
        ([], True, {"count": 1}),
    ]


def test_an_answer_without_a_state_has_failed(
    lab: Lab, make_function: MakeFunction, gate: Gate
) -> None:
    gate.open()
    code = TELLING.replace('if "window" in event', "if False")
    function = make_function(code, Environment={"Variables": {"GATE": str(gate.port)}})
    arn = make_stream(lab)
    begin_of_minute(lab)
    put(lab, "a")
    map_stream(
        lab, arn, function, TumblingWindowInSeconds=900, MaximumRetryAttempts=1,
        DestinationConfig=to(make_queue(lab)),
    )  # fmt: skip
    lab.clock.advance(seconds=10)
    (record,) = received(lab)
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["responseContext"]["functionError"] is None


def test_a_state_that_grows_too_large_ends_the_window_early(
    lab: Lab, make_function: MakeFunction, gate: Gate
) -> None:
    gate.open()
    code = TELLING.replace(
        '{"count": event["state"].get("count", 0) + len(texts)}',
        '{"text": event["state"].get("text", "") + "x" * 600_000}',
    ).replace("  told(event)", "  told(event | {'state': len(event['state'].get('text', ''))})")
    function = make_function(
        code, MemorySize=512, Environment={"Variables": {"GATE": str(gate.port)}}
    )
    arn = make_stream(lab)
    begin_of_minute(lab)
    put(lab, "a", "b", "c")
    map_stream(lab, arn, function, TumblingWindowInSeconds=900, BatchSize=1)
    got = [(texts(one), one["state"], one["isWindowTerminatedEarly"]) for one in gate.wait_for(4)]
    assert got == [
        (["a"], 0, False),
        (["b"], 600_000, False),
        ([], 1_200_000, True),
        (["c"], 0, False),
    ]
    assert not any(one["isFinalInvokeForWindow"] for one in gate.arrived)


def test_the_end_of_a_window_is_tried_until_it_is_through(
    lab: Lab, make_function: MakeFunction, gate: Gate
) -> None:
    gate.open()
    code = TELLING.replace(
        "    texts = [",
        "    if event.get('isFinalInvokeForWindow') and GO.pop(): 1 / 0\n    texts = [",
    ).replace("def told", "GO = [False, True, True, True, True]\n\ndef told")
    function = make_function(code, Environment={"Variables": {"GATE": str(gate.port)}})
    arn = make_stream(lab)
    begin_of_minute(lab)
    put(lab, "a")
    map_stream(lab, arn, function, TumblingWindowInSeconds=60, MaximumRetryAttempts=1)
    lab.clock.advance(minutes=1)
    put(lab, "b")
    lab.clock.advance(minutes=1)
    finals = [one["state"] for one in gate.arrived if one["isFinalInvokeForWindow"]]
    assert finals[:5] == [{"count": 1}] * 5
    got = [texts(one) for one in gate.arrived if one["Records"]]
    assert got == [["a"], ["b"]]


def test_a_batch_named_in_part_keeps_the_state_of_what_is_done(
    lab: Lab, telling: str, gate: Gate
) -> None:
    arn = make_stream(lab)
    begin_of_minute(lab)
    put(lab, "a", "named")
    map_stream(
        lab, arn, telling, TumblingWindowInSeconds=900, MaximumRetryAttempts=1,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )  # fmt: skip
    lab.clock.advance(seconds=10)
    states: list[Any] = [one["state"] for one in gate.arrived]
    assert states == [{}, {"count": 2}]
    assert wait_until(lambda: texts(gate.arrived[-1])) == ["named"]
