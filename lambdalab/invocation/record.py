"""The record of an asynchronous invocation, as a destination gets it.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from lambdalab import facts
from lambdalab.errors import aws_error
from lambdalab.invocation.queued import QueuedEvent

__all__ = ["dead_letter", "detail_type", "invocation_record", "object_key"]

_ERROR_MESSAGE = facts.quota("asynchronous.dead-letter-message").bytes


def invocation_record(event: QueuedEvent, condition: str, now: float) -> dict[str, Any]:
    """What was asked, how it ended, and what the last run answered, if there was one."""
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": _stamp(now),
        "requestContext": {
            "requestId": event.invocation.request_id,
            "functionArn": event.function.qualified_arn(event.target.key),
            "condition": condition,
            "approximateInvokeCount": event.attempts,
        },
        "requestPayload": json.loads(event.invocation.event),
    }
    if event.last is not None:
        outcome, executed = event.last
        context = {"statusCode": 200, "executedVersion": executed}
        if outcome.failed:
            context["functionError"] = "Unhandled"
        record["responseContext"] = context
        record["responsePayload"] = _read(outcome.payload)
    return record


def detail_type(condition: str) -> str:
    """The detail type under which EventBridge carries a record."""
    result = "Success" if condition == "Success" else "Failure"
    return f"Lambda Function Invocation Result - {result}"


def object_key(event: QueuedEvent, now: float, unique: str) -> str:
    """The key under which S3 keeps a record."""
    time = datetime.fromtimestamp(now, UTC)
    name = event.function.id.name
    return f"aws/lambda/async/{name}/{time:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{unique}"


def dead_letter(event: QueuedEvent) -> dict[str, tuple[str, str]]:
    """The attributes of an event in a dead-letter queue: data type and value by name.

    What is told is the last run's error, or why the function was not run at all.
    """
    if event.last is None:
        refused = event.refused or aws_error("throttle.invoke")
        code, message = refused.status, refused.message
    else:
        answer = _read(event.last.outcome.payload)
        told = answer.get("errorMessage") if isinstance(answer, dict) else None
        code, message = 200, str(told or "")
    short = message.encode()[:_ERROR_MESSAGE].decode(errors="ignore")
    attributes = {
        "RequestID": ("String", event.invocation.request_id),
        "ErrorCode": ("Number", str(code)),
        "ErrorMessage": ("String", short),
    }
    # A message attribute cannot be empty.
    return {name: typed for name, typed in attributes.items() if typed[1]}


def _stamp(now: float) -> str:
    time = datetime.fromtimestamp(now, UTC)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"


def _read(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode("utf-8", "replace")
