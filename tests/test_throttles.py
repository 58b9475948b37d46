"""An account of two: how each kind of caller feels that there is no room, and settings for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from lambdalab import Lab
from tests.conftest import StartLab, wait_until_settled
from tests.engine import (
    ARRIVE,
    RUNTIME,
    SIGNED_FOR_LAMBDA,
    Gate,
    invoke,
    port_of,
    refusal,
    request,
    wait_until,
)

ONCE = Config(retries={"total_max_attempts": 1})
WAITS = (
    ARRIVE
    + """
def handler(event, context):
    if isinstance(event, dict) and "Records" in event:
        event = GATE
    arrive(event) if event else None
    return "done"
"""
)


@pytest.fixture(scope="module")
def two(start_lab: StartLab) -> Iterator[Lab]:
    with start_lab(concurrency=2, unreserved_floor=1) as lab:
        yield lab


@pytest.fixture
def lab(two: Lab) -> Lab:
    two.reset()
    return two


@pytest.fixture
def lam(lab: Lab) -> Any:
    return lab.client("lambda", config=ONCE)


@pytest.fixture
def make(lab: Lab, lam: Any) -> Callable[..., str]:
    def make(name: str = "f", code: str = WAITS, **settings: Any) -> str:
        lam.create_function(
            FunctionName=name,
            Runtime=RUNTIME,
            Handler="lambda_function.handler",
            Role=lab.role(
                "all", ("arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole",)
            ),
            Timeout=60,
            Code={"ZipFile": lab.zip({"lambda_function.py": code})},
            **settings,
        )
        wait_until_settled(lam, name)
        return name

    return make


@contextmanager
def taken(lam: Any, name: str, gate: Gate, count: int = 2) -> Iterator[None]:
    """While so many invocations of a function run."""
    with ThreadPoolExecutor(count) as callers:
        running = [callers.submit(invoke, lam, name, gate.port) for _ in range(count)]
        gate.wait_for(count)
        yield
        gate.open()
        assert [one.result().value for one in running] == ["done"] * count


def reason(lam: Any, name: str, **given: Any) -> str:
    with pytest.raises(ClientError) as caught:
        lam.invoke(FunctionName=name, **given)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    return str(caught.value.response["Reason"])


# ---- callers


def test_the_answer_byte_for_byte(lab: Lab, lam: Any, make: Callable[..., str], gate: Gate) -> None:
    name = make()
    with taken(lam, name, gate):
        path = f"/2015-03-31/functions/{name}/invocations"
        reply = request(port_of(lab), "POST", path, b"0", Authorization=SIGNED_FOR_LAMBDA)
    assert reply.status == 429
    assert reply.headers["x-amzn-errortype"] == "TooManyRequestsException"
    assert reply.headers["content-type"] == "application/json"
    assert reply.body == (
        b'{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}'
    )


def test_the_account_is_shared_and_what_is_reserved_is_not(
    lam: Any, make: Callable[..., str], gate: Gate
) -> None:
    make("mine")
    make("others")
    lam.put_function_concurrency(FunctionName="mine", ReservedConcurrentExecutions=1)
    with taken(lam, "others", gate, 1):
        assert reason(lam, "others") == "ConcurrentInvocationLimitExceeded"
        assert invoke(lam, "mine", 0).value == "done"
    lam.put_function_concurrency(FunctionName="mine", ReservedConcurrentExecutions=0)
    assert reason(lam, "mine") == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert invoke(lam, "others", 0).value == "done"


def test_a_streamed_response_is_refused_alike(
    lam: Any, make: Callable[..., str], gate: Gate
) -> None:
    name = make()
    with taken(lam, name, gate):
        refused = refusal(lam.invoke_with_response_stream, FunctionName=name, Payload=b"0")
    assert refused == (429, "TooManyRequestsException", "Rate Exceeded.")


def test_requests_come_ten_a_second_for_each_that_may_run(start_lab: StartLab) -> None:
    # Platform time goes slowly here: a slow machine is not too slow for the limit.
    with start_lab(speed=0.01) as lab:
        lam = lab.client("lambda", config=ONCE)
        lam.create_function(
            FunctionName="f",
            Runtime=RUNTIME,
            Handler="a.b",
            Role=lab.role(),
            Code={"ZipFile": lab.zip({"a.py": "def b(event, context): pass\n"})},
        )
        lab.clock.advance(seconds=1)
        lam.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
        reasons = []
        for _ in range(200):
            try:
                lam.invoke(FunctionName="f")
            except ClientError as refused:
                reasons.append(refused.response["Reason"])
                break
        assert reasons == ["ReservedFunctionInvocationRateLimitExceeded"]
        lab.clock.advance(seconds=1)
        assert invoke(lam, "f").value is None


def test_events_are_not_counted_against_the_rate(
    lab: Lab, lam: Any, make: Callable[..., str]
) -> None:
    name = make(code="def handler(event, context): pass\n")
    lam.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    for _ in range(40):
        lam.invoke(FunctionName=name, InvocationType="Event")
    lab.clock.run_until_idle()
    refused = {one.detail["reason"] for one in lab.timeline if one.kind == "throttle"}
    assert refused <= {"ReservedFunctionConcurrentInvocationLimitExceeded"}
    assert len([one for one in lab.timeline if one.kind == "invoke"]) == 40


def test_an_event_waits_in_its_queue_for_room(
    lab: Lab, lam: Any, make: Callable[..., str], gate: Gate
) -> None:
    name = make()
    with taken(lam, name, gate):
        assert lam.invoke(FunctionName=name, InvocationType="Event", Payload=b"0")[
            "StatusCode"
        ] == 202  # fmt: skip
        wait_until(lambda: [one for one in lab.timeline if one.kind == "retry"])
    lab.clock.run_until_idle()
    runs = [one for one in lab.timeline if one.kind == "invoke"]
    assert len(runs) == 3
    assert [one for one in lab.timeline if one.kind == "dropped"] == []


def test_messages_come_back_into_their_queue(
    lab: Lab, lam: Any, make: Callable[..., str], gate: Gate
) -> None:
    name = make(code=WAITS.replace("GATE", "0"))
    sqs = lab.client("sqs")
    url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    with taken(lam, name, gate):
        lam.create_event_source_mapping(FunctionName=name, EventSourceArn=arn)
        sqs.send_message(QueueUrl=url, MessageBody="x")
        # At real speed: winding would wait for the handlers.
        wait_until(lambda: [one for one in lab.timeline if one.kind == "throttle"], seconds=40)
        assert not [one for one in lab.timeline if one.kind == "deleted"]
    lab.clock.advance(minutes=3)
    assert [one for one in lab.timeline if one.kind == "deleted"]
    assert len([one for one in lab.timeline if one.kind == "invoke"]) == 3


# ---- settings


def test_the_account_says_what_it_has(lab: Lab, lam: Any, make: Callable[..., str]) -> None:
    limit = lam.get_account_settings()["AccountLimit"]
    assert (limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]) == (2, 2)
    make()
    put = lam.put_function_concurrency
    refused = refusal(put, FunctionName="f", ReservedConcurrentExecutions=2)
    assert refused.message.endswith("below its minimum value of [1].")
    put(FunctionName="f", ReservedConcurrentExecutions=1)
    limit = lam.get_account_settings()["AccountLimit"]
    assert limit["UnreservedConcurrentExecutions"] == 1
