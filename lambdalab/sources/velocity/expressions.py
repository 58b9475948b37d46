"""The operands and operations of expressions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lambdalab.sources.velocity.scope import LOOPS, Node, Scope, Value
from lambdalab.sources.velocity.values import text_of

__all__ = ["Constant", "Interpolated", "ListOf", "MapOf", "Operation", "RangeOf"]


@dataclass
class Constant:
    """A number, a truth, null, or a text in single quotes."""

    given: Any

    def value(self, scope: Scope) -> Any:  # noqa: ARG002
        """The constant."""
        return self.given


@dataclass
class Interpolated:
    """A text in double quotes: a template of its own."""

    block: Node

    def value(self, scope: Scope) -> str:
        """Its text."""
        return self.block.render(scope)


@dataclass
class ListOf:
    """``[a, b]``."""

    items: list[Value]

    def value(self, scope: Scope) -> list[Any]:
        """The list."""
        return [item.value(scope) for item in self.items]


@dataclass
class RangeOf:
    """``[1..3]``."""

    first: Value
    last: Value

    def value(self, scope: Scope) -> list[int]:
        """The numbers, as many as a loop goes through."""
        first, last = int(self.first.value(scope)), int(self.last.value(scope))
        step = 1 if last >= first else -1
        return list(range(first, last + step, step)[:LOOPS])


@dataclass
class MapOf:
    """``{"a": 1}``."""

    pairs: list[tuple[Value, Value]]

    def value(self, scope: Scope) -> dict[str, Any]:
        """The mapping."""
        return {text_of(name.value(scope)): value.value(scope) for name, value in self.pairs}


@dataclass
class Operation:
    """An operator and what it works on."""

    act: Callable[..., Any]
    given: list[Value]

    def value(self, scope: Scope) -> Any:
        """The result; the operators that need not look at all see to that themselves."""
        return self.act(scope, *self.given)
