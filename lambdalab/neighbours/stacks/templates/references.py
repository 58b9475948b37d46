"""Names in a template that stand for nothing; found before anything starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from lambdalab.errors import aws_error
from lambdalab.neighbours.stacks.templates.functions import gaps
from lambdalab.neighbours.stacks.templates.scopes import PSEUDO
from lambdalab.neighbours.stacks.templates.structure import section

__all__ = ["check"]

Json = dict[str, Any]
# Whether a resource type has an attribute.
Gives = Callable[[str, str], bool]

# The parts of a resource in which names may stand.
_PARTS = ("Properties", "Metadata", "UpdatePolicy")


class _Name(NamedTuple):
    """One name that a function uses."""

    function: str
    name: str
    attribute: str = ""


def check(template: Json, gives: Gives) -> None:
    """Refuse a template in which names stand for nothing; raises AwsError."""
    resources = section(template, "Resources")
    parts = [one.get(part) for one in resources.values() for part in _PARTS]
    _check("Resources", template, parts, gives, list(_depended(resources)))
    outputs = section(template, "Outputs")
    _check("Outputs", template, [one.get("Value") for one in outputs.values()], gives, [])
    _check("Outputs", template, [one.get("Export") for one in outputs.values()], gives, [])
    for part, members in (("Resources", resources), ("Outputs", outputs)):
        for one in members.values():
            name = one.get("Condition")
            if name is not None and name not in section(template, "Conditions"):
                raise aws_error("template.condition-missing", name=name, section=part)


def _depended(resources: Json) -> Iterator[_Name]:
    for one in resources.values():
        named = one.get("DependsOn", [])
        for name in [named] if isinstance(named, str) else named:
            yield _Name("DependsOn", name)


def _check(part: str, template: Json, values: list[Any], gives: Gives, more: list[_Name]) -> None:
    resources = section(template, "Resources")
    names = [*more, *(name for value in values for name in _names(value))]
    known = {"DependsOn": set(resources)}
    plain = set(resources) | set(section(template, "Parameters")) | PSEUDO
    unresolved = {
        one.name
        for one in names
        if not one.attribute and one.name not in known.get(one.function, plain)
        if one.function != "Fn::If"
    }
    if unresolved:
        raise aws_error("template.unresolved", names=", ".join(sorted(unresolved)), section=part)
    for one in names:
        _check_one(one, resources, section(template, "Conditions"), gives)


def _check_one(one: _Name, resources: Json, conditions: Json, gives: Gives) -> None:
    if one.function == "Fn::If" and one.name not in conditions:
        raise aws_error("template.condition-unknown", name=one.name, function="Fn::If")
    if not one.attribute:
        return
    described = resources.get(one.name)
    if described is not None and gives(described["Type"], one.attribute):
        return
    if one.function == "Fn::Sub":
        raise aws_error("template.sub-attribute", name=f"{one.name}.{one.attribute}")
    if described is None:
        raise aws_error("template.attribute-resource", name=one.name)
    raise aws_error("template.attribute", name=one.name, attribute=one.attribute)


def _names(value: Any) -> Iterator[_Name]:
    """The names that a value uses."""
    if isinstance(value, list):
        for item in value:
            yield from _names(item)
    if not isinstance(value, dict):
        return
    if len(value) == 1:
        ((function, argument),) = value.items()
        yield from _direct(function, argument)
    for item in value.values():
        yield from _names(item)


def _direct(function: str, argument: Any) -> Iterator[_Name]:
    first = argument[0] if isinstance(argument, list) and argument else argument
    if not isinstance(first, str):
        return
    if function == "Ref" and isinstance(argument, str):
        yield _Name("Ref", first)
    elif function == "Fn::If":
        yield _Name("Fn::If", first)
    elif function == "Fn::GetAtt" and len(argument) > 1:
        rest = argument[1:]
        if all(isinstance(part, str) and part for part in rest):
            yield _Name("Fn::GetAtt", first, ".".join(rest))
    elif function == "Fn::Sub":
        yield from _substituted(first, argument)


def _substituted(text: str, argument: Any) -> Iterator[_Name]:
    given = argument[1] if isinstance(argument, list) and len(argument) > 1 else {}
    for name in gaps(text):
        if name not in (given if isinstance(given, dict) else {}):
            resource, _, attribute = name.partition(".")
            yield _Name("Fn::Sub", resource, attribute)
