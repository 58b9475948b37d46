"""Asynchronous invocation: what is retried, for how long, and what is counted."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from lambdalab import Lab
from tests.conftest import wait_until_settled
from tests.engine import (
    ARRIVE,
    RUNTIME,
    SIGNED_FOR_LAMBDA,
    Gate,
    Reply,
    port_of,
    refusal,
    request,
    supervisors_of,
    wait_until,
)
from tests.queueing import OBEYS, bodies, make_places, of_kind, send, total, wait_for

MakeFunction = Callable[..., str]
HOUR = 3600


def waits(lab: Lab) -> list[float]:
    """The platform seconds from the end of each run to the beginning of the next."""
    runs = of_kind(lab, "invoke")
    return [
        later.time - earlier.time - (earlier.duration or 0) for earlier, later in pairwise(runs)
    ]


# ---- function errors


@pytest.mark.parametrize(
    ("event", "status"),
    [({"fail": "no"}, "error"), ({"exit": 3}, "crash"), ({"sleep": 3}, "timeout")],
)
def test_a_function_error_is_retried_after_one_and_two_minutes(
    lab: Lab, lam: Any, make_function: MakeFunction, event: Any, status: str
) -> None:
    request_id = send(lam, make_function(OBEYS, Timeout=1), event)
    lab.clock.run_until_idle()
    runs = of_kind(lab, "invoke")
    assert [run.detail["status"] for run in runs] == [status] * 3
    assert {run.request_id for run in runs} == {request_id}
    # The time of a run begins after a reset's INIT, which the wait does not know of.
    assert waits(lab) == pytest.approx([60, 120], abs=2.5)
    assert [(one.detail["reason"], one.detail["delay"]) for one in of_kind(lab, "retry")] == [
        ("function error", 60), ("function error", 120),
    ]  # fmt: skip
    (dropped,) = of_kind(lab, "dropped")
    assert dropped.request_id == request_id
    assert dropped.detail == {"condition": "RetriesExhausted", "attempts": 3}


def test_nothing_is_retried_before_its_time(lab: Lab, lam: Any, make_function: Any) -> None:
    send(lam, make_function(OBEYS), {"fail": "no"})
    wait_for(lab, "retry")
    lab.clock.advance(seconds=55)
    assert len(of_kind(lab, "invoke")) == 1
    lab.clock.advance(seconds=6)
    assert len(of_kind(lab, "invoke")) == 2
    lab.clock.advance(seconds=110)
    assert len(of_kind(lab, "invoke")) == 2


@pytest.mark.parametrize("retries", [0, 1, 2])
@pytest.mark.parametrize("qualifier", [None, "1", "live"])
def test_each_function_version_and_alias_has_its_own_number_of_retries(
    lab: Lab, lam: Any, make_function: MakeFunction, retries: int, qualifier: str | None
) -> None:
    name = make_function(OBEYS)
    lam.publish_version(FunctionName=name)
    wait_until_settled(lam, name)
    lam.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    for one in ({}, {"Qualifier": "1"}, {"Qualifier": "live"}):
        mine = one.get("Qualifier") == qualifier
        lam.put_function_event_invoke_config(
            FunctionName=name, MaximumRetryAttempts=retries if mine else 2 - retries // 2, **one
        )
    send(lam, name, {"fail": "no"}, **({"Qualifier": qualifier} if qualifier else {}))
    lab.clock.run_until_idle()
    assert len(of_kind(lab, "invoke")) == 1 + retries


def test_what_succeeds_at_last_is_not_given_up(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function("runs = []\ndef handler(e, c):\n    runs.append(1)\n    runs[2]\n")
    send(lam, name)
    lab.clock.run_until_idle()
    assert [run.detail["status"] for run in of_kind(lab, "invoke")] == ["error", "error", "success"]
    assert of_kind(lab, "dropped") == []
    assert total(lab, name, "AsyncEventsDropped") == 0


# ---- age


@pytest.mark.parametrize(("age", "attempts"), [(60, 1), (120, 2), (179, 2), (200, 3), (None, 3)])
def test_an_event_that_would_be_too_old_at_its_next_attempt_is_given_up(
    lab: Lab, lam: Any, make_function: MakeFunction, age: int | None, attempts: int
) -> None:
    name = make_function(OBEYS)
    if age is not None:
        lam.put_function_event_invoke_config(FunctionName=name, MaximumEventAgeInSeconds=age)
    send(lam, name, {"fail": "no"})
    lab.clock.run_until_idle()
    (dropped,) = of_kind(lab, "dropped")
    condition = "RetriesExhausted" if attempts == 3 else "EventAgeExceeded"
    assert dropped.detail == {"condition": condition, "attempts": attempts}


WAITS = ARRIVE + "def handler(event, context):\n    arrive(event['gate'], event)\n"


@pytest.fixture
def throttled(lab: Lab, lam: Any, make_function: MakeFunction, gate: Gate) -> Any:
    """A function of which no more may run: one that waits at the gate for as long as needed."""
    name = make_function(WAITS, Timeout=900)
    lam.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    caller = threading.Thread(
        target=lambda: lab.client("lambda").invoke(
            FunctionName=name, Payload=f'{{"gate": {gate.port}}}'
        )
    )
    caller.start()
    gate.wait_for(1)
    yield name
    gate.open()
    caller.join()


def test_six_hours_of_throttles_pass_in_two_seconds(lab: Lab, lam: Any, throttled: str) -> None:
    began = lab.clock.now()
    request_id = send(lam, throttled, {"gate": 0})
    real = time.monotonic()
    lab.clock.run_until_idle()
    assert time.monotonic() - real < 2
    assert (lab.clock.now() - began).total_seconds() == pytest.approx(6 * HOUR, abs=2)
    delays = [one.detail["delay"] for one in of_kind(lab, "retry")]
    assert 72 <= len(delays) < 170
    for number, delay in enumerate(delays[:-1]):
        assert min(300, 2**number) / 2 <= delay <= min(300, 2**number)
    assert {one.request_id for one in of_kind(lab, "throttle", "retry", "dropped")} == {request_id}
    (dropped,) = of_kind(lab, "dropped")
    assert dropped.detail == {"condition": "EventAgeExceeded", "attempts": 0}
    assert total(lab, throttled, "Throttles") == len(delays)


def test_a_throttled_event_is_handled_as_soon_as_there_is_room(
    lab: Lab, lam: Any, throttled: str, gate: Gate
) -> None:
    send(lam, throttled, {"gate": gate.port, "queued": True})
    lab.clock.advance(minutes=30)
    assert len(of_kind(lab, "throttle")) > 8
    gate.open()
    wait_for(lab, "invoke")
    lab.clock.run_until_idle()
    assert len(of_kind(lab, "invoke")) == 2
    assert gate.arrived[-1]["queued"] is True


def test_the_same_seed_gives_the_same_retries(start_lab: Any) -> None:
    """Two labs tell the same story: all but the milliseconds that work takes."""
    one, other = (story(start_lab) for _ in range(2))
    assert [told for told, _ in one] == [told for told, _ in other]
    assert [time for _, time in one] == pytest.approx([time for _, time in other], abs=3)


def story(start_lab: Any) -> list[tuple[Any, float]]:
    """Everything that a lab's timeline tells of six hours, each thing with its time."""
    with start_lab(seed=7) as lab:
        lam = lab.client("lambda")
        for name, reserved in (("fails", None), ("never", 0), ("works", None)):
            lam.create_function(
                FunctionName=name, Runtime=RUNTIME, Handler="app.handler",
                Role=lab.role(), Code={"ZipFile": lab.zip({"app.py": OBEYS})},
            )  # fmt: skip
            wait_until_settled(lam, name)
            if reserved is not None:
                lam.put_function_concurrency(
                    FunctionName=name, ReservedConcurrentExecutions=reserved
                )
            send(lam, name, {"fail": "no"} if name == "fails" else {})
            lab.clock.run_until_idle()
        lab.clock.advance(hours=6)
        began = lab.timeline[0].time
        return [
            (
                (*record[1:5], {k: v for k, v in record.detail.items() if k != "memory_mb"}),
                record.time - began,
            )
            for record in lab.timeline
        ]


# ---- reserved concurrency of 0


def test_without_any_concurrency_an_event_is_given_up_at_once(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(OBEYS)
    lam.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    send(lam, name)
    (dropped,) = wait_for(lab, "dropped")
    assert dropped.detail == {"condition": "ZeroReservedConcurrency", "attempts": 0}
    assert of_kind(lab, "invoke", "throttle") == []


# ---- what changes meanwhile


def test_a_retry_runs_the_code_of_its_time(lab: Lab, lam: Any, make_function: Any) -> None:
    name = make_function(OBEYS)
    send(lam, name, {"fail": "no"})
    wait_for(lab, "retry")
    code = lab.zip({"lambda_function.py": "def handler(e, c):\n    return 'new'\n"})
    lam.update_function_code(FunctionName=name, ZipFile=code)
    lab.clock.run_until_idle()
    assert [run.detail["status"] for run in of_kind(lab, "invoke")] == ["error", "success"]


def test_the_settings_that_hold_when_an_attempt_ends_decide(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(OBEYS)
    send(lam, name, {"fail": "no"})
    wait_for(lab, "retry")
    lam.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    lab.clock.run_until_idle()
    assert len(of_kind(lab, "invoke")) == 2


@pytest.mark.parametrize("what", ["function", "alias", "version"])
def test_an_event_goes_with_what_it_was_for(
    lab: Lab, lam: Any, make_function: MakeFunction, what: str
) -> None:
    name = make_function(OBEYS)
    lam.publish_version(FunctionName=name)
    wait_until_settled(lam, name)
    lam.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    send(lam, name, {"fail": "no"}, Qualifier="1" if what == "version" else "live")
    wait_for(lab, "retry")
    if what == "function":
        lam.delete_function(FunctionName=name)
        make_function(OBEYS, FunctionName=name)  # another one, that the event does not know
    else:
        lam.delete_alias(FunctionName=name, Name="live")
    if what == "version":
        lam.delete_function(FunctionName=name, Qualifier="1")
    lab.clock.run_until_idle()
    assert len(of_kind(lab, "invoke")) == 1
    (dropped,) = of_kind(lab, "dropped")
    assert dropped.detail == {"condition": "FunctionDeleted", "attempts": 1}


def test_a_reset_forgets_the_queue(lab: Lab, lam: Any, make_function: Any, gate: Gate) -> None:
    name = make_function(WAITS, Timeout=60)
    for _ in range(3):
        send(lam, name, {"gate": gate.port})
    failing = make_function(OBEYS)
    send(lam, failing, {"fail": "no"})
    wait_for(lab, "retry")
    gate.wait_for(3)
    lab.reset()
    gate.open()
    lab.clock.run_until_idle()
    lab.clock.advance(hours=7)
    assert list(lab.timeline) == []
    assert lab.clock.now().timestamp() - time.time() == pytest.approx(7 * HOUR, abs=5)


# ---- crashes


def test_queued_events_survive_the_crash_of_every_environment(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    sent = {send(lam, name) for name in [make_function(OBEYS)] for _ in range(400)}
    wait_for(lab, "invoke", 20)
    for supervisor in supervisors_of(lab):
        os.kill(supervisor, signal.SIGKILL)
    lab.clock.run_until_idle()
    runs = of_kind(lab, "invoke")
    assert {run.request_id for run in runs if run.detail["status"] == "success"} == sent


def test_winding_waits_for_what_it_starts(lab: Lab, lam: Any, make_function: MakeFunction) -> None:
    """One function's retries run for 0.3 s; what is due seconds later comes when they are over."""
    code = "import time\ndef handler(e, c):\n    time.sleep(e['s'])\n    raise ValueError\n"
    slow, quick = make_function(code), make_function(code)
    send(lam, slow, {"s": 0.3})
    wait_for(lab, "retry")
    lab.clock.advance(seconds=5)
    send(lam, quick, {"s": 0})
    wait_for(lab, "retry", 2)
    lab.clock.advance(hours=1)
    runs, ends = ([r for r in of_kind(lab, *kinds) if r.function == slow] for kinds in KINDS)
    assert len(runs) == len(ends) == 3
    for run, end in zip(runs, ends, strict=True):
        assert 0.3 <= run.duration < 2
        assert end.time == pytest.approx(run.time + run.duration, abs=1)


KINDS = (("invoke",), ("retry", "dropped"))


# ---- what is counted


def test_metrics_tell_what_became_of_events(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(OBEYS)
    send(lam, name, {"fail": "no"})
    send(lam, name)
    lab.clock.run_until_idle()
    found = {
        metric: total(lab, name, metric)
        for metric in ("AsyncEventsReceived", "AsyncEventsDropped", "Invocations", "Errors")
    }
    assert found == {
        "AsyncEventsReceived": 2, "AsyncEventsDropped": 1, "Invocations": 4, "Errors": 3,
    }  # fmt: skip
    # In milliseconds: at once, at once, after one minute, after three.
    assert total(lab, name, "AsyncEventAge") == pytest.approx(240_000, abs=3000)


# ---- circles

CALLS_ITSELF = """
import boto3, json, os
def handler(event, context):
    if event["left"]:
        boto3.client("lambda").invoke(
            FunctionName=context.function_name, InvocationType=event["type"],
            Payload=json.dumps(event | {"left": event["left"] - 1}),
        )["Payload"].read()
"""


def test_a_function_that_queues_itself_in_a_circle_is_stopped(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(CALLS_ITSELF, Timeout=30)
    places = make_places(lab)
    lam.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnFailure": {"Destination": places.queue}}
    )
    send(lam, name, {"left": 19, "type": "Event"})
    lab.clock.run_until_idle()
    assert len(of_kind(lab, "invoke")) == 16
    assert total(lab, name, "RecursiveInvocationsDropped") == 1
    (record,) = bodies(lab, "queue")
    assert record["requestPayload"]["left"] == 3
    assert record["requestContext"]["approximateInvokeCount"] == 0


TELLS_TRACE = "import os\ndef handler(e, c):\n    return os.environ['_X_AMZN_TRACE_ID']\n"


def chain(lab: Lab, names: list[str], rounds: int) -> list[Reply]:
    """Call functions in turn, each with the trace that the one before it saw."""
    trace, replies = "", []
    for number in range(rounds):
        path = f"/2015-03-31/functions/{names[number % len(names)]}/invocations"
        signed = {"Authorization": SIGNED_FOR_LAMBDA, "X_Amzn_Trace_Id": trace}
        replies.append(request(port_of(lab), "POST", path, b"{}", **signed))
        trace = replies[-1].json if replies[-1].status == 200 else trace
    return replies


@pytest.mark.parametrize("count", [1, 3])
def test_a_circle_of_synchronous_calls_ends_with_an_error(
    lab: Lab, make_function: MakeFunction, count: int
) -> None:
    names = [make_function(TELLS_TRACE) for _ in range(count)]
    *before, last = chain(lab, names, 16 * count + 1)
    assert {reply.status for reply in before} == {200}
    assert last.status == 400
    assert last.headers["x-amzn-errortype"].startswith("RecursiveInvocationException")


def test_a_circle_may_be_allowed(lab: Lab, lam: Any, make_function: MakeFunction) -> None:
    name = make_function(TELLS_TRACE)
    lam.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    assert {reply.status for reply in chain(lab, [name], 20)} == {200}
    lam.put_function_recursion_config(FunctionName=name, RecursiveLoop="Terminate")
    assert chain(lab, [name], 17)[-1].status == 400


def test_separate_calls_are_no_circle(lab: Lab, lam: Any, make_function: MakeFunction) -> None:
    name = make_function(OBEYS)
    for _ in range(20):
        send(lam, name)
    lab.clock.run_until_idle()
    assert len(of_kind(lab, "invoke")) == 20


# ---- what is refused at once


def test_an_event_for_nothing_is_refused_and_not_queued(lab: Lab, lam: Any) -> None:
    refused = refusal(lam.invoke, FunctionName="none", InvocationType="Event")
    assert (refused.status, refused.code) == (404, "ResourceNotFoundException")
    wait_until(lambda: of_kind(lab, "accepted") == [])
