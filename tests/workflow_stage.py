"""What tests of Step Functions share: a lab of their own, functions, machines, histories."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lambdalab import Lab
from tests.engine import RUNTIME

# Does what its event asks for: fails, fails a few times, sleeps, or tells what it got.
WORKER = """import json, time
tries = {}
def handler(event, context):
    if "fail" in event:
        raise type(event["fail"], (Exception,), {})(event.get("message", "as the event wants it"))
    if "until" in event:
        tries[event["key"]] = tries.get(event["key"], 0) + 1
        if tries[event["key"]] < event["until"]:
            raise LookupError("not yet")
        return tries[event["key"]]
    if "big" in event:
        return "x" * event["big"]
    return {"got": event}
"""
# Keeps the task token that it gets, for whoever asks.
KEEPER = """
kept = []
def handler(event, context):
    if event.get("token"):
        kept.append(event["token"])
    return kept[-1] if kept else None
"""
# Answers for itself with the token that it gets.
ANSWERS = """import json, boto3
def handler(event, context):
    boto3.client("stepfunctions").send_task_success(
        taskToken=event["token"], output=json.dumps({"by": context.function_name}))
"""
INVOKE = "arn:aws:states:::lambda:invoke"


class Flows:
    """A lab with two functions and a role, and the words of these tests."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.sfn: Any = lab.client("stepfunctions")
        self.lam: Any = lab.client("lambda")
        self.role = self.make_role("flow", "states.amazonaws.com")
        self.worker = self.function("worker", WORKER)
        self.keeper = self.function("keeper", KEEPER)
        # While the year is young: no function can be created when its runtime has run out.
        self.function("answers", ANSWERS, Timeout=20)
        self._numbers = itertools.count(1)

    def make_role(self, name: str, service: str) -> str:
        """A role that a service may assume."""
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        iam = self.lab.client("iam")
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy)
        return str(made["Role"]["Arn"])

    def function(self, name: str, code: str, **settings: Any) -> str:
        """Make a function; gives its ARN."""
        made = self.lam.create_function(
            FunctionName=name, Runtime=RUNTIME, Handler="lambda_function.handler",
            Role=self.lab.role(), Code={"ZipFile": self.lab.zip({"lambda_function.py": code})},
            **settings,
        )  # fmt: skip
        self.lab.clock.advance(seconds=1)
        return str(made["FunctionArn"])

    def machine(self, states: dict[str, Any], kind: str = "STANDARD", **members: Any) -> str:
        """Make a state machine that starts at its first state; gives its ARN."""
        definition = {"StartAt": next(iter(states)), "States": states, **members}
        return self.define(json.dumps(definition), kind)

    def define(self, definition: str, kind: str = "STANDARD", **settings: Any) -> str:
        name = f"machine-{next(self._numbers)}"
        wanted = {"name": name, "roleArn": self.role, "type": kind} | settings
        made = self.sfn.create_state_machine(definition=definition, **wanted)
        return str(made["stateMachineArn"])

    def start(self, machine: str, given: Any = None, **settings: Any) -> str:
        """Start an execution; gives its ARN when it has ended, or waits for something."""
        made = self.sfn.start_execution(
            stateMachineArn=machine, input=json.dumps(given or {}), **settings
        )
        self.wind()
        return str(made["executionArn"])

    def run(self, states: dict[str, Any], given: Any = None, **members: Any) -> str:
        """Start an execution of a new machine; gives its ARN."""
        return self.start(self.machine(states, **members), given)

    def result(self, states: dict[str, Any], given: Any = None, **members: Any) -> Any:
        """The output of an execution of a new machine."""
        return self.output(self.run(states, given, **members))

    def status(self, execution: str) -> str:
        return str(self.told(execution)["status"])

    def told(self, execution: str) -> dict[str, Any]:
        told: dict[str, Any] = self.sfn.describe_execution(executionArn=execution)
        return told

    def output(self, execution: str) -> Any:
        told = self.told(execution)
        assert told["status"] == "SUCCEEDED", told
        return json.loads(told["output"])

    def failure(self, execution: str) -> tuple[str, str]:
        told = self.told(execution)
        assert told["status"] == "FAILED", told
        return told["error"], told.get("cause", "")

    def events(self, execution: str, **wanted: Any) -> list[dict[str, Any]]:
        found = self.sfn.get_execution_history(executionArn=execution, **wanted)
        events: list[dict[str, Any]] = found["events"]
        return events

    def types(self, execution: str) -> list[str]:
        return [event["type"] for event in self.events(execution)]

    def times(self, execution: str, kind: str) -> list[int]:
        """The seconds from the start of an execution at which events of a type happened."""
        events = self.events(execution)
        begin = events[0]["timestamp"]
        return [
            round((event["timestamp"] - begin).total_seconds())
            for event in events
            if event["type"] == kind
        ]

    def token(self) -> str:
        """The last token that the keeper got."""
        answer = self.lam.invoke(FunctionName="keeper", Payload=b"{}")
        return str(json.loads(answer["Payload"].read()))

    def wind(self, seconds: float = 0) -> None:
        """Wind the clock; whatever was started is over then, or waits."""
        self.lab.clock.advance(seconds=seconds)


@contextmanager
def flows(start_lab: Any) -> Iterator[Flows]:
    """A lab of one module's own: its clock is wound."""
    with start_lab() as lab:
        yield Flows(lab)


def task(resource: str, **members: Any) -> dict[str, Any]:
    """A task that ends its machine, unless it is told what comes next."""
    end = {} if "Next" in members else {"End": True}
    return {"Type": "Task", "Resource": resource, **end, **members}


def invoke(function: str, **members: Any) -> dict[str, Any]:
    """A task that invokes by the optimized integration, with its whole input."""
    parameters = {"FunctionName": function, "Payload.$": "$"}
    return task(INVOKE, **{"Parameters": parameters, **members})


def waiting(**members: Any) -> dict[str, Any]:
    """A task that gives the keeper its token, and waits."""
    payload = {"token.$": "$$.Task.Token"}
    parameters = {"FunctionName": "keeper", "Payload": payload}
    return task(f"{INVOKE}.waitForTaskToken", **{"Parameters": parameters, **members})
