"""What stacks tell: an event for each step of a stack and of each of its resources.

moto tells of stacks only, and takes the state of a stack for that of each resource.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from moto.cloudformation import models
from moto.core.utils import iso_8601_datetime_with_milliseconds

__all__ = ["State", "of_resource", "of_stack", "states"]

Json = dict[str, Any]


class State(NamedTuple):
    """How it stands with a resource."""

    status: str
    reason: str | None
    time: Any
    physical_id: str
    type: str


def states(stack: Any) -> dict[str, State]:
    """How it stands with the resources of a stack, by their logical ids."""
    found: dict[str, State] = stack.__dict__.setdefault("states", {})
    return found


def of_stack(stack: Any, status: str, reason: str | None = None) -> None:
    """A stack has come to another state."""
    stack._add_stack_event(status, resource_status_reason=reason)
    stack.status, stack.status_reason = status, reason


def of_resource(
    stack: Any,
    logical_id: str,
    kind: str,
    status: str,
    *,
    physical_id: str = "",
    reason: str | None = None,
    properties: Json | None = None,
    current: bool = True,
) -> None:
    """A resource has come to another state; ``current``: it is the one of its logical id."""
    event = models.Event(
        stack_id=stack.stack_id,
        stack_name=stack.name,
        logical_resource_id=logical_id,
        physical_resource_id=physical_id,
        resource_type=kind,
        resource_status=status,
        resource_status_reason=reason,
        resource_properties=json.dumps(properties, default=str) if properties else None,
    )
    moment = iso_8601_datetime_with_milliseconds(event.timestamp)
    event.event_id = f"{logical_id}-{status}-{moment}"
    event.sendToSns(stack.account_id, stack.region_name, stack.notification_arns)
    stack.events.append(event)
    if current:
        states(stack)[logical_id] = State(status, reason, event.timestamp, physical_id, kind)
