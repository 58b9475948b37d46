"""The two ways in which a schedule names a function: its ARN, or the operation that invokes it.

Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from lambdalab.errors import aws_error

__all__ = ["Call", "call_of"]

_INVOKE = "arn:aws:scheduler:::aws-sdk:lambda:invoke"


class Call(NamedTuple):
    """A call of a function; ``waits`` says whether the schedule waits for its answer."""

    function: str
    payload: bytes
    waits: bool


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
        raise aws_error("scheduler.universal-invalid") from None
    arn = name if name.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:function:{name}"
    if given.get("Qualifier"):
        arn = f"{arn}:{given['Qualifier']}"
    body = payload if isinstance(payload, str) else json.dumps(payload)
    return Call(arn, body.encode(), given.get("InvocationType", "RequestResponse") != "Event")
