"""Nothing is lost: whatever happens, each message ends processed, dead, or still in its queue."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from lambdalab import Lab
from tests.conftest import StartLab, wait_until_settled
from tests.engine import RUNTIME, everybody
from tests.queue_stage import Stage

# Does as the bodies say, and tells which messages it has done with.
CODE = """import json, os
def handler(event, context):
    done, failed = [], []
    for one in event["Records"]:
        wish = json.loads(one["body"])["wish"]
        first = one["attributes"]["ApproximateReceiveCount"] == "1"
        if wish == "die":
            os._exit(3)
        if wish == "be killed":
            os.kill(os.getpid(), 9)
        if wish == "raise" or (wish == "raise once" and first):
            raise ValueError(wish)
        (failed if wish == "name" or (wish == "name once" and first) else done).append(one)
    print("DONE " + json.dumps([one["messageId"] for one in done]))
    return {"batchItemFailures": [{"itemIdentifier": one["messageId"]} for one in failed]}
"""
WISHES = ["do", "do", "do", "die", "be killed", "raise", "raise once", "name", "name once"]
MOST_RECEIVES, VISIBILITY = 3, 30


@pytest.fixture(scope="module")
def lab(start_lab: StartLab) -> Iterator[Lab]:
    with start_lab() as lab:
        yield lab


class Queues(RuleBasedStateMachine):
    """A queue with a dead-letter queue, a mapping, and all kinds of trouble."""

    lab: ClassVar[Lab]

    @initialize(fifo=st.booleans(), batch=st.sampled_from([1, 4, 10]), partial=st.booleans())
    def begin(self, fifo: bool, batch: int, partial: bool) -> None:
        self.lab.reset()
        self.stage = Stage(self.lab, self.make)
        self.stage.make_function(CODE)
        self.fifo = fifo
        self.sent: dict[str, str] = {}
        self.redriven: set[str] = set()
        name = "q.fifo" if fifo else "q"
        self.arn, self.grave = self.stage.with_grave(
            MOST_RECEIVES, name, VisibilityTimeout=str(VISIBILITY)
        )
        # Where it is not asked which messages failed, naming them says nothing.
        self.partial = partial
        kinds = ["ReportBatchItemFailures"] if partial else []
        self.mapping = self.stage.read("f", self.arn, BatchSize=batch, FunctionResponseTypes=kinds)

    def make(self, code: str) -> str:
        lam = self.lab.client("lambda")
        lam.create_function(
            FunctionName="f", Runtime=RUNTIME, Role=self.lab.role(), Handler="a.handler",
            Code={"ZipFile": self.lab.zip({"a.py": code})},
        )  # fmt: skip
        wait_until_settled(lam, "f")
        return "f"

    @rule(wishes=st.lists(st.sampled_from(WISHES), min_size=1, max_size=8))
    def send(self, wishes: list[str]) -> None:
        for wish in wishes:
            if wish.startswith("name") and not self.partial:
                continue
            body = json.dumps({"wish": wish, "number": len(self.sent)})
            more: dict[str, Any] = {}
            if self.fifo:
                more = {"MessageGroupId": f"g{len(self.sent) % 2}"}
            (sent,) = self.stage.send(self.arn, body, **more)
            self.sent[sent] = wish

    @rule(seconds=st.sampled_from([0, 1, VISIBILITY, 100]))
    def wind(self, seconds: int) -> None:
        self.stage.wind(seconds)

    @rule(throttled=st.booleans())
    def throttle(self, throttled: bool) -> None:
        if throttled:
            self.stage.lam.put_function_concurrency(
                FunctionName="f", ReservedConcurrentExecutions=0
            )
        else:
            self.stage.lam.delete_function_concurrency(FunctionName="f")

    @rule()
    def kill(self) -> None:
        """Kill whatever environments there are; one that handles is killed by a message's wish."""
        self.stage.wind()
        for pid in everybody(self.lab):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @rule(enabled=st.booleans())
    def switch(self, enabled: bool) -> None:
        self.stage.lam.update_event_source_mapping(UUID=self.mapping, Enabled=enabled)
        self.stage.wind(1)

    @precondition(lambda self: self.stage.counts(self.grave)[0])
    @rule()
    def redrive(self) -> None:
        """What is dead is sent again, as a new message, with a wish that can be met."""
        for message in self.drain(self.grave):
            self.redriven.add(message["MessageId"])
            self.send(["do"])

    def drain(self, arn: str) -> list[dict[str, Any]]:
        """Receive and delete all that can be received."""
        found: list[dict[str, Any]] = []
        url = self.stage.url(arn)
        while got := self.stage.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"]
        ).get("Messages"):
            found += got
            for one in got:
                self.stage.sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return found

    def done(self) -> set[str]:
        logs = self.lab.client("logs")
        if not logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/f")["logGroups"]:
            return set()
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName="/aws/lambda/f", filterPattern="DONE"
        )
        lines = [one["message"] for page in pages for one in page["events"]]
        return {message for line in lines for message in json.loads(line.removeprefix("DONE "))}

    def teardown(self) -> None:
        """Let what is in flight come to rest, then look for every message."""
        if not hasattr(self, "mapping"):
            return
        self.stage.lam.update_event_source_mapping(UUID=self.mapping, Enabled=False)
        self.stage.wind(VISIBILITY + 1)
        # In this order: to receive is what brings a message to the dead-letter queue.
        waiting = {one["MessageId"] for one in self.drain(self.arn)}
        dead = {one["MessageId"] for one in self.drain(self.grave)} | self.redriven
        gone = set(self.sent) - dead - waiting
        # Whatever is in no queue any more has been done with; nothing is in two places.
        assert gone <= self.done()
        assert not dead & waiting
        assert dead | waiting <= set(self.sent)


def test_each_message_ends_processed_dead_or_in_its_queue(lab: Lab) -> None:
    Queues.lab = lab
    run_state_machine_as_test(
        Queues,
        settings=settings(
            max_examples=12, stateful_step_count=12, deadline=None,
            # Each example takes half a second: what it has found is told as it was found.
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )  # fmt: skip


def test_what_can_succeed_does_once_the_trouble_is_over(lab: Lab) -> None:
    Queues.lab = lab
    story = Queues()
    story.begin(fifo=False, batch=1, partial=True)
    story.send(["do", "raise once", "name once", "die", "be killed", "raise", "name"])
    story.kill()
    story.wind(MOST_RECEIVES * VISIBILITY)
    done = {story.sent[message] for message in story.done()}
    assert done == {"do", "raise once", "name once"}
    dead = {story.sent[one["MessageId"]] for one in story.drain(story.grave)}
    assert dead == {"die", "be killed", "raise", "name"}
    assert story.stage.counts(story.arn) == (0, 0, 0)
