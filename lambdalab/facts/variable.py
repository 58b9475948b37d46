"""The environment variables that Lambda sets for a function."""

from __future__ import annotations

import datetime
from dataclasses import dataclass


@dataclass(frozen=True)
class Variable:
    """A variable in the environment of every function.

    Attributes:
        name: name of the variable.
        source: where it is described.
        checked: day on which it was last compared with the source.
        value: what Lambda puts there, ``{gaps}`` filled per function; None where it differs.
        reserved: True if the function's own configuration may not set it.
        hidden: True if extensions do not see it.
        note: condition under which it is there.
        since: when AWS added it, where that matters.

    """

    name: str
    source: str
    checked: datetime.date
    value: str | None = None
    reserved: bool = False
    hidden: bool = False
    note: str | None = None
    since: str | None = None

    def __str__(self) -> str:
        """Return the name."""
        return self.name
