"""References: a variable and what follows its name.

API Gateway takes an empty text for whatever has no value, in conditions too: recorded on AWS in
https://github.com/localstack/airspeed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lambdalab.sources.velocity.scope import Node, Scope, Value
from lambdalab.sources.velocity.values import call, member, text_of

__all__ = ["Call", "Defined", "Index", "Member", "Reference"]


@dataclass
class Member:
    """``.name``."""

    name: str

    def of(self, value: Any, scope: Scope) -> Any:  # noqa: ARG002
        """The member."""
        return member(value, self.name)

    def put(self, value: Any, scope: Scope, given: Any) -> None:  # noqa: ARG002
        """Give the member a value."""
        if isinstance(value, dict):
            value[self.name] = given


@dataclass
class Index:
    """``[...]``."""

    key: Value

    def of(self, value: Any, scope: Scope) -> Any:
        """The item."""
        key = self.key.value(scope)
        if isinstance(value, dict):
            return value.get(key)
        inside = (
            isinstance(value, list) and isinstance(key, int) and -len(value) <= key < len(value)
        )
        return value[key] if inside else None

    def put(self, value: Any, scope: Scope, given: Any) -> None:
        """Give the item a value."""
        if isinstance(value, dict | list):
            value[self.key.value(scope)] = given


@dataclass
class Call:
    """``.name(...)``."""

    name: str
    given: list[Value]

    def of(self, value: Any, scope: Scope) -> Any:
        """What the method gives; null where it cannot."""
        try:
            return call(value, self.name, [one.value(scope) for one in self.given])
        except (IndexError, KeyError, AttributeError, TypeError):
            return None

    def put(self, value: Any, scope: Scope, given: Any) -> None:
        """Nothing can be put into a call."""


@dataclass
class Defined:
    """What ``#define`` has given a name to: a block that is rendered wherever it is named."""

    block: Node


@dataclass
class Reference:
    """``$name`` and what follows it."""

    name: str
    steps: list[Member | Index | Call]

    def value(self, scope: Scope) -> Any:
        """The value; an empty text where there is none."""
        found = scope.variables.get(self.name)
        if isinstance(found, Defined):
            found = found.block.render(scope)
        for step in self.steps:
            if found is None:
                break
            found = step.of(found, scope)
        return "" if found is None else found

    def assign(self, scope: Scope, given: Any) -> None:
        """Give what is named a value."""
        if not self.steps:
            scope.variables[self.name] = given
            return
        whole = Reference(self.name, self.steps[:-1]).value(scope)
        self.steps[-1].put(whole, scope, given)

    def render(self, scope: Scope) -> str:
        """The value as text."""
        text = text_of(self.value(scope))
        scope.grow(len(text))
        return text
