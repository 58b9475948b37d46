"""Test events of services that the lab does not have: Amazon SES, AWS Config, Amazon Lex, ..."""

from __future__ import annotations

import json
from typing import Any

from lambdalab import facts
from lambdalab.lab.control import Control
from lambdalab.lab.errors import ServiceRefusedError

__all__ = ["send_event"]

# The condition keys that the members of a permission stand for.
_KEYS = {
    "SourceArn": "aws:SourceArn",
    "SourceAccount": "aws:SourceAccount",
    "EventSourceToken": "lambda:EventSourceToken",
}


def send_event(control: Control, service: str, function: str, event: Any) -> dict[str, Any]:
    """Call a function, by its ARN, as the service of that name in ``facts.services()`` does."""
    found = facts.service(service)
    if event is None and found.event is not None:
        event = facts.example_event(found.event).value
    grant = found.permission_example
    answer = control.send_event(
        {
            "function": function,
            "event": event,
            "principal": found.principal or found.name,
            "by_role": not grant,
            "context": {key: grant[name] for name, key in _KEYS.items() if name in grant},
            "waits": found.modes[0] == "S",
        }
    )
    if "refused" in answer:
        raise ServiceRefusedError(*answer["refused"])
    if "Payload" in answer:
        answer["Payload"] = json.loads(answer["Payload"])
    return answer
