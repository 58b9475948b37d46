"""Which operations of other services an HTTP API can be integrated with.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-aws-services-reference.html
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["LACKING", "SUBTYPES", "Subtype"]


class Subtype(NamedTuple):
    """An operation, the service that its requests are signed for, and what must be given.

    ``entry`` is the list in the operation's input in which the parameters stand, if any.
    """

    service: str
    model: str
    operation: str
    protocol: str
    needed: tuple[str, ...]
    entry: str | None = None


def _queue(operation: str, *needed: str) -> Subtype:
    return Subtype("sqs", "sqs", operation, "query", ("QueueUrl", *needed))


def _machine(operation: str, needed: str) -> Subtype:
    return Subtype("states", "stepfunctions", operation, "json", (needed,))


# Those that the lab has; SQS answers in XML here.
SUBTYPES = {
    "EventBridge-PutEvents": Subtype(
        "events", "events", "PutEvents", "json", ("Detail", "DetailType", "Source"), "Entries"
    ),
    "SQS-SendMessage": _queue("SendMessage", "MessageBody"),
    "SQS-ReceiveMessage": _queue("ReceiveMessage"),
    "SQS-DeleteMessage": _queue("DeleteMessage", "ReceiptHandle"),
    "SQS-PurgeQueue": _queue("PurgeQueue"),
    "StepFunctions-StartExecution": _machine("StartExecution", "StateMachineArn"),
    "StepFunctions-StartSyncExecution": _machine("StartSyncExecution", "StateMachineArn"),
    "StepFunctions-StopExecution": _machine("StopExecution", "ExecutionArn"),
}
# Those that AWS has besides; calls to them are refused by name.
LACKING = frozenset({"AppConfig-GetConfiguration", "Kinesis-PutRecord"})
