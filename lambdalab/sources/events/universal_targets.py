"""The two ways in which a schedule names its target: by its ARN, or by the operation to be called.

Whatever is named, EventBridge Scheduler calls an operation: that is what a dead letter tells of.
Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from lambdalab.errors import AwsError, aws_error

__all__ = ["Call", "Message", "call_of", "message_of", "operation_of"]

_OPERATION = "arn:aws:scheduler:::aws-sdk:{operation}"
_INVOKE = _OPERATION.format(operation="lambda:invoke")
# Operations that hand a text to something: the members of their requests that say to what, and it.
_MESSAGES = {
    _OPERATION.format(operation=operation): members
    for operation, members in {
        "sfn:startExecution": ("StateMachineArn", "Input"),
        "sns:publish": ("TopicArn", "Message"),
        "sqs:sendMessage": ("QueueUrl", "MessageBody"),
    }.items()
}


class Call(NamedTuple):
    """A call of a function; ``waits`` says whether the schedule waits for its answer."""

    function: str
    payload: bytes
    waits: bool


class Message(NamedTuple):
    """A text for a target that is no function, as the targets of rules are."""

    target: str
    text: str
    settings: Mapping[str, Any]


def message_of(target: Mapping[str, Any], text: str, region: str) -> Message:
    """The message that a target and its input mean."""
    arn = str(target["Arn"])
    if arn not in _MESSAGES:
        return Message(arn, text, target)
    to, what = _MESSAGES[arn]
    try:
        given: Any = json.loads(text)
        name, body = str(given[to]), given.get(what, "{}")
        if to == "QueueUrl":
            account, queue = name.rstrip("/").split("/")[-2:]
            name = f"arn:aws:sqs:{region}:{account}:{queue}"
    except (ValueError, TypeError, LookupError, AttributeError):
        raise _invalid(arn) from None
    group = {"MessageGroupId": given.get("MessageGroupId")}
    said = body if isinstance(body, str) else json.dumps(body)
    return Message(name, said, {"SqsParameters": group})


def operation_of(target: str, text: str, account: str, region: str) -> tuple[str, str]:
    """The operation that a target and its input mean, as an ARN, and the request for it, as JSON.

    Those of targets that are not here stay as they are.
    """
    name = target.rpartition(":")[2]
    queue = f"https://sqs.{region}.amazonaws.com/{account}/{name}"
    requests: dict[str, tuple[str, dict[str, str]]] = {
        "lambda": (
            "lambda:invoke",
            {"FunctionName": target, "InvocationType": "Event", "Payload": text},
        ),
        "sns": ("sns:publish", {"Message": text, "TopicArn": target}),
        "sqs": ("sqs:sendMessage", {"MessageBody": text, "QueueUrl": queue}),
        "states": ("sfn:startExecution", {"Input": text, "StateMachineArn": target}),
    }
    found = requests.get(target.split(":")[2]) if target.count(":") >= 5 else None
    if found is None:
        return target, text
    operation, request = found
    return _OPERATION.format(operation=operation), json.dumps(request)


def call_of(target: str, text: str, account: str, region: str) -> Call | None:
    """The call that a target and its input mean; None where no function is meant."""
    if target == _INVOKE:
        return _universal(text, account, region)
    return Call(target, text.encode(), waits=False) if ":lambda:" in target else None


def _universal(text: str, account: str, region: str) -> Call:
    """The input is that of the operation Invoke; the payload in it is text."""
    try:
        given: Any = json.loads(text)
        name, payload = str(given["FunctionName"]), given.get("Payload", "{}")
    except (ValueError, TypeError, LookupError, AttributeError):
        raise _invalid(_INVOKE) from None
    arn = name if name.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:function:{name}"
    if given.get("Qualifier"):
        arn = f"{arn}:{given['Qualifier']}"
    body = payload if isinstance(payload, str) else json.dumps(payload)
    return Call(arn, body.encode(), given.get("InvocationType", "RequestResponse") != "Event")


def _invalid(target: str) -> AwsError:
    return aws_error("scheduler.universal-invalid", operation=target.rpartition(":")[2])
