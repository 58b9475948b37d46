"""The directives of a template, and what each gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lambdalab.sources.velocity.references import Defined, Reference
from lambdalab.sources.velocity.scope import LOOPS, Node, Scope, Value
from lambdalab.sources.velocity.values import true

__all__ = ["Block", "Break", "Define", "Foreach", "If", "Set", "Stop", "Template", "Text"]


class BreakError(Exception):
    """The loop ends here; ``text`` was written in it before."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.text = text


class StopError(BreakError):
    """The template ends here."""


@dataclass
class Text:
    """Plain text."""

    text: str

    def render(self, scope: Scope) -> str:
        """The text."""
        scope.grow(len(self.text))
        return self.text


@dataclass
class Block:
    """Parts one after the other."""

    parts: list[Node] = field(default_factory=list)

    def render(self, scope: Scope) -> str:
        """The text of all parts; of a template, up to where it stops."""
        written: list[str] = []
        for part in self.parts:
            try:
                written.append(part.render(scope))
            except BreakError as ended:
                raise type(ended)("".join(written) + ended.text) from None
        return "".join(written)


@dataclass
class Template:
    """A whole template."""

    block: Block

    def render(self, scope: Scope) -> str:
        """The text, up to where it stops."""
        try:
            return self.block.render(scope)
        except BreakError as ended:
            return ended.text


@dataclass
class Set:
    """``#set``; a value of null changes nothing."""

    target: Reference
    given: Value

    def render(self, scope: Scope) -> str:
        """Nothing."""
        value = self.given.value(scope)
        if isinstance(value, str):
            scope.grow(len(value))
        if value is not None:
            self.target.assign(scope, value)
        return ""


@dataclass
class Define:
    """``#define``."""

    name: str
    block: Block

    def render(self, scope: Scope) -> str:
        """Nothing; the block is rendered where it is named."""
        scope.variables[self.name] = Defined(self.block)
        return ""


@dataclass
class If:
    """``#if`` with its other branches."""

    branches: list[tuple[Value | None, Block]]

    def render(self, scope: Scope) -> str:
        """The text of the first branch that holds."""
        for condition, block in self.branches:
            if condition is None or true(condition.value(scope)):
                return block.render(scope)
        return ""


@dataclass
class Foreach:
    """``#foreach``."""

    name: str
    items: Value
    block: Block

    def render(self, scope: Scope) -> str:
        """The text of all turns."""
        items = list(_items(self.items.value(scope)))[:LOOPS]
        outer = {name: scope.variables.get(name) for name in (self.name, *_COUNTERS)}
        written = []
        for index, item in enumerate(items):
            scope.turn()
            scope.variables |= _turn(self.name, item, index, len(items), outer["foreach"])
            try:
                written.append(self.block.render(scope))
            except StopError as ended:
                raise StopError("".join(written) + ended.text) from None
            except BreakError as ended:
                written.append(ended.text)
                break
        scope.variables |= outer
        return "".join(written)


_COUNTERS = ("foreach", "velocityCount", "velocityHasNext")


def _turn(name: str, item: Any, index: int, size: int, parent: Any) -> dict[str, Any]:
    last = index == size - 1
    told = {
        "index": index, "count": index + 1, "hasNext": not last, "first": index == 0, "last": last,
        "parent": parent,
    }  # fmt: skip
    return {name: item, "foreach": told, "velocityCount": index + 1, "velocityHasNext": not last}


def _items(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


class Break:
    """``#break``."""

    def render(self, scope: Scope) -> str:  # noqa: ARG002
        """Ends the loop."""
        raise BreakError


class Stop:
    """``#stop``."""

    def render(self, scope: Scope) -> str:  # noqa: ARG002
        """Ends the template."""
        raise StopError
