"""What tests of pushed events share: a function that tells what it got, its permission, queues."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lambdalab import Lab
from tests.conftest import MakeFunction
from tests.engine import Gate

# Tells the gate what came, and whose trace it follows; an event of "fail" fails.
TELLING = """
import json, os, socket

def handler(event, context):
    told = {"event": event, "trace": os.environ.get("_X_AMZN_TRACE_ID")}
    with socket.create_connection(("127.0.0.1", int(os.environ["GATE"]))) as connection:
        connection.sendall(json.dumps(told).encode() + b"\\n")
        connection.recv(1)
    if event == "fail":
        raise ValueError("as asked")
    return event
"""


class Stage:
    """A lab with a function ``fn`` that tells what it gets."""

    def __init__(self, lab: Lab, make_function: MakeFunction, gate: Gate) -> None:
        gate.open()
        self.lab = lab
        self.gate = gate
        self.lam = lab.client("lambda")
        environment = {"Variables": {"GATE": str(gate.port)}}
        make_function(TELLING, FunctionName="fn", Environment=environment)
        self.arn: str = f"arn:aws:lambda:{lab.region}:{lab.account}:function:fn"

    def allow(self, principal: str, source: str, **more: str) -> None:
        """Let a service call the function for one of its resources."""
        self.lam.add_permission(
            FunctionName="fn", StatementId=f"s{abs(hash((principal, source)))}",
            Action="lambda:InvokeFunction", Principal=principal, SourceArn=source, **more,
        )  # fmt: skip

    def events(self) -> list[Any]:
        """What the function has got since the last call, once nothing waits any more."""
        self.lab.clock.run_until_idle()
        told = [one["event"] for one in self.gate.arrived]
        self.gate.arrived.clear()
        return told

    def role(self, principal: str) -> str:
        """A role that a service may assume."""
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole",
                     "Principal": {"Service": principal}}  # fmt: skip
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        made = self.lab.client("iam").create_role(
            RoleName=f"for-{principal}", AssumeRolePolicyDocument=document
        )
        return str(made["Role"]["Arn"])

    def queue(self, name: str) -> str:
        """The ARN of a new queue."""
        self.lab.client("sqs").create_queue(QueueName=name)
        return f"arn:aws:sqs:{self.lab.region}:{self.lab.account}:{name}"

    def messages(self, name: str) -> list[dict[str, Any]]:
        """What a queue holds: ``body``, read as JSON, and ``attributes``."""
        sqs = self.lab.client("sqs")
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        got = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return [
            {
                "body": json.loads(one["Body"]),
                "attributes": {
                    key: value["StringValue"]
                    for key, value in one.get("MessageAttributes", {}).items()
                },
            }
            for one in got.get("Messages", [])
        ]

    def far_hour(self, zone: str = "UTC") -> int:
        """An hour of the day, there, that is about half a day away: no test is in its way."""
        return (self.lab.clock.now().astimezone(ZoneInfo(zone)) + timedelta(hours=12)).hour

    def told(self, kind: str) -> list[dict[str, Any]]:
        """The details of the records of one kind in the timeline."""
        return [record.detail for record in self.lab.timeline if record.kind == kind]


@pytest.fixture
def stage(lab: Lab, make_function: MakeFunction, gate: Gate) -> Iterator[Stage]:
    yield Stage(lab, make_function, gate)
