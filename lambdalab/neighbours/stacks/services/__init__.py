"""Resources of stacks that moto's CloudFormation does not make, or not whole.

Each is made by the calls that a client would make, to the lab's own port: so whatever the services
check, hear of and answer there holds for stacks as well.
"""

from __future__ import annotations

from typing import Any

from lambdalab.neighbours.stacks.services.calls import Calls
from lambdalab.neighbours.stacks.services.resource import ServiceResource
from lambdalab.neighbours.stacks.services.table import TYPES

__all__ = ["install"]


def install(known: dict[str, Any], calls: Calls) -> None:
    """Put a class for each type into moto's map."""
    for kind, row in TYPES.items():
        members = {"CALLS": calls, "ROW": row, "TYPE": kind}
        known[kind] = type(kind.rpartition(":")[2], (ServiceResource,), members)
