"""What is known while a transform runs: parameters, mappings, where the stack is to be."""

from __future__ import annotations

from typing import Any

from lambdalab.neighbours.stacks.templates import parameters
from lambdalab.neighbours.stacks.templates.functions import evaluate
from lambdalab.neighbours.stacks.templates.scopes import Conditions
from lambdalab.neighbours.stacks.templates.terms import UNKNOWN

__all__ = ["Early"]

Json = dict[str, Any]


class Early(Conditions):
    """The scope of a transform: what is known of a resource is nothing."""

    def __init__(self, template: Json, values: Json, pseudo: Json, place: tuple[str, str]) -> None:
        found = parameters.resolved(template, values, place)
        super().__init__(template, pseudo | found, place)

    def ref(self, name: str) -> Any:
        """A parameter, or what is not known yet."""
        return self._parameters.get(name, UNKNOWN)

    def attribute(self, name: str, attribute: str) -> Any:  # noqa: ARG002
        """What a resource will have."""
        return UNKNOWN

    def imported(self, name: str) -> Any:  # noqa: ARG002
        """What another stack gives."""
        return UNKNOWN

    def value(self, written: Any) -> Any:
        """What a value of the template stands for, UNKNOWN where that comes later."""
        found = evaluate(written, self)
        return UNKNOWN if "UNKNOWN" in repr(found) else found
