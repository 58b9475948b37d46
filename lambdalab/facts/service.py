"""A service that invokes functions, and how it does."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from typing import Any

__all__ = ["Service"]

_MODES = {"S": "synchronous", "A": "asynchronous", "P": "polled"}


@dataclass(frozen=True)
class Service:
    """A service that invokes functions, or from which Lambda reads for them.

    Attributes:
        name: short name, such as ``s3``.
        title: its name as AWS writes it.
        modes: letters of how it invokes, the usual one first: S synchronous, A asynchronous, P
            polled.
        permission: whose policy lets it: ``resource policy`` (it calls as itself), ``role of the
            caller``, ``execution role`` (Lambda reads with it), ``identity policy``.
        failure: what the caller sees when the function fails.
        source: where it is described: a public address.
        checked: day on which it was last compared with the source.
        principal: the service principal that calls, or that takes the role; None where none does.
        grant: an example of what AddPermission is given, as JSON; None without resource policy.
        event: the name of its event in ``example_event``, where the lab has no such service.
        note: what else is to be known.

    """

    name: str
    title: str
    modes: tuple[str, ...]
    permission: str
    failure: str
    source: str
    checked: datetime.date
    principal: str | None = None
    grant: str | None = None
    event: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "modes", tuple(self.modes))

    def __str__(self) -> str:
        """Return the name as AWS writes it."""
        return self.title

    @property
    def how(self) -> str:
        """How it invokes, in words: ``synchronous or asynchronous``."""
        return " or ".join(_MODES[mode] for mode in self.modes)

    @property
    def permission_example(self) -> dict[str, Any]:
        """What AddPermission is given beside function and statement id; empty without a policy."""
        found: dict[str, Any] = json.loads(self.grant or "{}")
        return found
