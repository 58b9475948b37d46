"""What renderings share: variables, and what parts of templates are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["LOOPS", "Node", "Scope", "Value"]

# As often as API Gateway goes through a loop.
LOOPS = 1000
# A template that writes more, or has more turns in all its loops, has gone wrong.
LARGEST = 10_000_000
TURNS = 100_000


@dataclass
class Scope:
    """The variables of one rendering."""

    variables: dict[str, Any]
    written: int = 0
    turns: int = 0

    def grow(self, size: int) -> None:
        """Count what is written; ValueError when it is too much."""
        self.written += size
        if self.written > LARGEST:
            raise ValueError("the template's output is too large")

    def turn(self) -> None:
        """Count a turn of a loop; ValueError when there are too many."""
        self.turns += 1
        if self.turns > TURNS:
            raise ValueError("the template's loops do not end")


class Node(Protocol):
    """Something that gives text."""

    def render(self, scope: Scope) -> str:
        """The text."""


class Value(Protocol):
    """Something that gives a value."""

    def value(self, scope: Scope) -> Any:
        """The value; None is null."""
