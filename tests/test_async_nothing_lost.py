"""No event is lost: each ends handled, given up where one can see it, or still queued."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from lambdalab import Lab
from tests.conftest import wait_until_settled
from tests.engine import RUNTIME, supervisors_of
from tests.queueing import OBEYS, bodies, make_places, of_kind, send, take

# What events ask for: an answer, an error, the end of the process, time in which one can be killed.
EVENTS = [{}, {"fail": "no"}, {"exit": 1}, {"sleep": 0.02}]


class Queue(RuleBasedStateMachine):
    """One function with a dead-letter queue and destinations, and all that can befall it."""

    lab: Lab

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, Any] = {}
        self.records: dict[str, str] = {}
        self.letters: set[str] = set()

    @initialize(retries=st.integers(0, 2), age=st.sampled_from([60, 600, 21_600]))
    def begin(self, retries: int, age: int) -> None:
        self.lab.reset()
        self.lam = self.lab.client("lambda")
        places = make_places(self.lab)
        self.lam.create_function(
            FunctionName="f", Runtime=RUNTIME, Handler="app.handler", Role=self.lab.role(),
            Code={"ZipFile": self.lab.zip({"app.py": OBEYS})},
            DeadLetterConfig={"TargetArn": places.topic},
        )  # fmt: skip
        wait_until_settled(self.lam, "f")
        to_queue = {"Destination": places.queue}
        self.lam.put_function_event_invoke_config(
            FunctionName="f", MaximumRetryAttempts=retries, MaximumEventAgeInSeconds=age,
            DestinationConfig={"OnSuccess": to_queue, "OnFailure": to_queue},
        )  # fmt: skip

    @rule(events=st.lists(st.sampled_from(EVENTS), min_size=1, max_size=8))
    def send(self, events: list[Any]) -> None:
        for event in events:
            self.sent[send(self.lam, "f", event)] = event

    @rule(reserved=st.sampled_from([0, 1, 2, None]))
    def reserve(self, reserved: int | None) -> None:
        if reserved is None:
            self.lam.delete_function_concurrency(FunctionName="f")
        else:
            self.lam.put_function_concurrency(
                FunctionName="f", ReservedConcurrentExecutions=reserved
            )

    @rule()
    def kill_every_environment(self) -> None:
        for supervisor in supervisors_of(self.lab):
            os.kill(supervisor, signal.SIGKILL)

    @rule()
    def deploy(self) -> None:
        code = self.lab.zip({"app.py": f"{OBEYS}# {len(self.sent)}\n"})
        self.lam.update_function_code(FunctionName="f", ZipFile=code)
        wait_until_settled(self.lam, "f")

    @rule(seconds=st.sampled_from([0.5, 30, 61, 130, 4000]))
    def wind(self, seconds: float) -> None:
        self.lab.clock.advance(seconds=seconds)

    @invariant()
    def what_is_told_was_sent(self) -> None:
        if self.sent:
            self.collect()
            assert set(self.records) | self.letters <= set(self.sent)

    def collect(self) -> None:
        for record in bodies(self.lab, "queue"):
            context = record["requestContext"]
            request_id = context["requestId"]
            assert request_id not in self.records, "an event has one end"
            assert record["requestPayload"] == self.sent[request_id]
            self.records[request_id] = context["condition"]
        for message in take(self.lab, "topic"):
            self.letters.add(message["MessageAttributes"]["RequestID"]["StringValue"])

    def teardown(self) -> None:
        if not self.sent:
            return
        self.reserve(None)
        self.lab.clock.run_until_idle()
        self.collect()
        assert set(self.records) == set(self.sent)
        failed = {one for one, condition in self.records.items() if condition != "Success"}
        assert self.letters == failed
        runs = of_kind(self.lab, "invoke")
        handled = {run.request_id for run in runs if run.detail["status"] == "success"}
        assert handled == set(self.sent) - failed
        assert {record.request_id for record in of_kind(self.lab, "dropped")} == failed


@pytest.fixture(scope="module")
def machine(start_lab: Any) -> Iterator[type[Queue]]:
    with start_lab() as lab:
        Queue.lab = lab
        yield Queue


def test_every_event_comes_to_an_end_that_one_can_see(machine: type[Queue]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=20, stateful_step_count=12, deadline=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
