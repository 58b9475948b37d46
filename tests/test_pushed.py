"""Services that call functions: what the timeline tells of it, and for what they wait."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lambdalab import Lab, facts
from lambdalab.lab.errors import ServiceRefusedError
from tests.conftest import MakeFunction
from tests.engine import Gate
from tests.event_stage import Stage, stage

__all__ = ["stage"]

# Waits at the gate after each invocation, when the function has answered.
LAGGARD = """#!/usr/bin/env python3
import http.client, json, os, pathlib, socket, sys
name = pathlib.Path(sys.argv[0]).name
def call(method, path, body=None, **headers):
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    api.request(method, "/2020-01-01/extension/" + path, body, headers)
    answer = api.getresponse()
    answer.read()
    return answer.headers
key = call("POST", "register", json.dumps({"events": ["INVOKE"]}),
           **{"Lambda-Extension-Name": name})["Lambda-Extension-Identifier"]
while True:
    call("GET", "event/next", **{"Lambda-Extension-Identifier": key})
    with socket.create_connection(("127.0.0.1", int(os.environ["GATE"]))) as connection:
        connection.sendall(b'{"who": "extension"}\\n')
        connection.recv(1)
"""


def test_a_service_waits_for_the_function_not_for_its_extensions(
    lab: Lab, make_function: MakeFunction, gate: Gate
) -> None:
    layer = lab.client("lambda").publish_layer_version(
        LayerName="laggard", Content={"ZipFile": lab.zip({"extensions/laggard": LAGGARD})}
    )
    make_function(
        FunctionName="slow", Layers=[layer["LayerVersionArn"]], Timeout=60,
        Environment={"Variables": {"GATE": str(gate.port)}},
    )  # fmt: skip
    with ThreadPoolExecutor(1) as threads:
        try:
            asked = threads.submit(lab.send_event, "s3-batch", "slow", {"n": 1})
            assert asked.result(30)["Payload"] == {"n": 1}
        finally:
            gate.open()


def schedule(stage: Stage, target: str) -> None:
    """One call by EventBridge Scheduler, which takes a role."""
    stage.lab.client("scheduler").create_schedule(
        Name="once", ScheduleExpression="rate(1 minute)", FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": target, "RoleArn": stage.role("scheduler.amazonaws.com"), "Input": '"x"'},
    )  # fmt: skip
    stage.lab.clock.advance(seconds=90)


def test_a_call_by_a_role_names_its_service(stage: Stage) -> None:
    schedule(stage, stage.arn)
    told = stage.told("push")[0]
    arn = f"arn:aws:scheduler:{stage.lab.region}:{stage.lab.account}:schedule/default/once"
    assert told == {"service": "scheduler.amazonaws.com", "source": arn, "how": "asynchronous"}


def test_a_refusal_of_a_call_by_a_role_names_its_service(stage: Stage) -> None:
    schedule(stage, f"{stage.arn}x")
    told = stage.told("refused")[0]
    assert told["service"] == "scheduler.amazonaws.com"
    assert told["reason"].startswith("Function not found")


@pytest.mark.parametrize(
    ("service", "size", "words"),
    [("iot", 1_100_000, "1048576 byte"), ("lex", 6_300_000, "6291456 byte")],
)
def test_an_event_that_lambda_does_not_take_is_on_the_timeline(
    stage: Stage, service: str, size: int, words: str
) -> None:
    """Services that leave the event behind, and those that wait."""
    grant = facts.service(service).permission_example
    stage.lam.add_permission(FunctionName="fn", StatementId="row", **grant)
    with pytest.raises(ServiceRefusedError) as caught:
        stage.lab.send_event(service, "fn", "x" * size)
    assert caught.value.code == "RequestEntityTooLargeException"
    (told,) = stage.told("refused")
    assert told["service"] == facts.service(service).principal
    assert words in told["reason"]
    assert stage.gate.arrived == []


def test_a_throttle_is_told_once(stage: Stage) -> None:
    stage.lam.put_function_concurrency(FunctionName="fn", ReservedConcurrentExecutions=0)
    with pytest.raises(ServiceRefusedError) as caught:
        stage.lab.send_event("s3-batch", "fn", 1)
    assert caught.value.code == "TooManyRequestsException"
    assert len(stage.told("throttle")) == 1
    assert stage.told("refused") == []


def test_a_state_machine_is_named_too(stage: Stage) -> None:
    states = stage.lab.client("stepfunctions")
    state: dict[str, Any] = {"Type": "Task", "Resource": stage.arn, "End": True}
    machine = states.create_state_machine(
        name="m", roleArn=stage.role("states.amazonaws.com"),
        definition=json.dumps({"StartAt": "S", "States": {"S": state}}),
    )  # fmt: skip
    states.start_execution(stateMachineArn=machine["stateMachineArn"])
    assert stage.events() == [{}]
    assert [one["service"] for one in stage.told("push")] == ["states.amazonaws.com"]
