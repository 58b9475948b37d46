"""References: a variable and what follows its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lambdalab.sources.velocity.scope import Scope, Value
from lambdalab.sources.velocity.values import call, member, text_of

__all__ = ["Call", "Index", "Member", "Reference"]


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
class Reference:
    """``$name`` and what follows it; ``source`` is shown where there is no value."""

    name: str
    steps: list[Member | Index | Call]
    quiet: bool
    source: str

    def value(self, scope: Scope) -> Any:
        """The value; None where there is none."""
        found = scope.variables.get(self.name)
        for step in self.steps:
            if found is None:
                return None
            found = step.of(found, scope)
        return found

    def assign(self, scope: Scope, given: Any) -> None:
        """Give what is named a value."""
        if not self.steps:
            scope.variables[self.name] = given
            return
        whole = Reference(self.name, self.steps[:-1], self.quiet, self.source).value(scope)
        if whole is not None:
            self.steps[-1].put(whole, scope, given)

    def render(self, scope: Scope) -> str:
        """The value as text."""
        found = self.value(scope)
        text = text_of(found) if found is not None else "" if self.quiet else self.source
        scope.grow(len(text))
        return text
