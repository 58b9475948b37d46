"""What an invocation is answered with."""

from __future__ import annotations

import base64
from typing import Any

from lambdalab import facts
from lambdalab.execution.spec import Outcome
from lambdalab.functions.lookup import Located

__all__ = ["answer", "tail_of"]


def answer(target: Located, outcome: Outcome, *, tail: bool) -> dict[str, Any]:
    """The members of the answer to Invoke; ``tail`` adds the end of the log."""
    result: dict[str, Any] = {
        "StatusCode": 200,
        "ExecutedVersion": target.version.deployed.version,
        "Payload": outcome.payload,
    }
    if outcome.failed:
        result["FunctionError"] = "Unhandled"
    if tail:
        result["LogResult"] = tail_of(outcome.log)
    return result


def tail_of(events: list[str]) -> str:
    """The end of a log in base64; every event starts a line."""
    text = "".join(event if event.endswith("\n") else f"{event}\n" for event in events).encode()
    return base64.b64encode(text[-facts.quota("payload.log-tail").bytes :]).decode("ascii")
