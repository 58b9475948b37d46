"""A template is checked as a whole, before anything of its stack is made."""

from __future__ import annotations

from typing import Any

from lambdalab.errors import aws_error
from lambdalab.neighbours.stacks import order
from lambdalab.neighbours.stacks.templates import (
    functions,
    parameters,
    references,
    rules,
    structure,
)
from lambdalab.neighbours.stacks.templates.references import Gives
from lambdalab.neighbours.stacks.templates.scopes import Preview
from lambdalab.neighbours.stacks.templates.structure import section

__all__ = ["check", "check_values"]

Json = dict[str, Any]


def check(template: Json, gives: Gives) -> None:
    """Refuse a template that no values could make right; raises AwsError.

    ``gives`` tells whether ``Fn::GetAtt`` knows an attribute of a type.
    """
    structure.check(template)
    if structure.is_unfinished(template):
        return
    references.check(template, gives)
    circle = order.circular(section(template, "Resources"))
    if circle:
        raise aws_error("stack.circular", resources=", ".join(circle))


def check_values(template: Json, given: Json, pseudo: Json, place: tuple[str, str]) -> set[str]:
    """Refuse what the values of the parameters make wrong; raises AwsError.

    ``pseudo`` are the pseudo parameters that are known, ``place`` is the account and the Region.
    Gives the exports of other stacks that this one needs.
    """
    found = parameters.values(template, given)
    if structure.is_unfinished(template):
        return set()
    preview = Preview(template, pseudo | parameters.resolved(template, found, place), place)
    preview.conditions.evaluated()
    rules.check(template, preview.conditions)
    for one in section(template, "Resources").values():
        if preview.conditions.active(one):
            functions.evaluate(one.get("Properties", {}), preview)
    preview.part = "Outputs"
    for name, one in section(template, "Outputs").items():
        if preview.conditions.active(one):
            _check_output(name, one, preview)
    return preview.imports


def _check_output(name: str, one: Json, preview: Preview) -> None:
    value = functions.evaluate(one["Value"], preview)
    if isinstance(value, dict | list):
        raise aws_error("template.output-value", name=name)
    functions.evaluate(one.get("Export", {}), preview)
