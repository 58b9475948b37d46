"""One event source mapping: a source that Lambda reads from, for a function."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from lambdalab import facts
from lambdalab.functions.arns import FunctionId
from lambdalab.functions.mapping_kinds import Kind

__all__ = ["EventSourceMapping", "shown"]

NOTHING_READ = facts.message("poll.none").text


@dataclass(eq=False)
class EventSourceMapping:
    """An event source mapping.

    ``function`` is the function that was named, with the qualifier that was given. ``settings``
    holds the members of the API that come from requests, by their API names, with the defaults of
    the kind of source filled in. ``last_modified`` is platform time in seconds since the epoch.
    ``at_rest`` is set while it is not on its way to another state, and when it is gone.
    ``last_result`` is what became of what was read last; AWS shows it for some kinds of sources
    alone, the lab for the others too when it tells of a problem.
    """

    uuid: str
    kind: Kind
    function: FunctionId
    settings: dict[str, Any]
    state: str
    last_modified: float
    tags: dict[str, str] = field(default_factory=dict)
    at_rest: asyncio.Event = field(default_factory=asyncio.Event)
    last_result: str = NOTHING_READ

    @property
    def arn(self) -> str:
        """The ARN of the mapping, in the account and Region of its function."""
        place = f"{self.function.region}:{self.function.account}"
        return f"arn:aws:lambda:{place}:event-source-mapping:{self.uuid}"

    @property
    def function_arn(self) -> str:
        """The ARN of the function as it was named."""
        arn, qualifier = self.function.arn, self.function.qualifier
        return f"{arn}:{qualifier}" if qualifier else arn

    @property
    def moving(self) -> bool:
        """Whether it is on its way from one state to another."""
        return self.state not in ("Enabled", "Disabled")


def shown(mapping: EventSourceMapping) -> dict[str, Any]:
    """The mapping as the API shows it."""
    members: dict[str, Any] = {
        "UUID": mapping.uuid,
        "EventSourceMappingArn": mapping.arn,
        "FunctionArn": mapping.function_arn,
        "LastModified": round(mapping.last_modified, 3),
        "State": mapping.state,
        "StateTransitionReason": mapping.kind.reason,
        **mapping.settings,
    }
    if mapping.kind.tells_result or mapping.last_result.startswith("PROBLEM"):
        members["LastProcessingResult"] = mapping.last_result
    return members
