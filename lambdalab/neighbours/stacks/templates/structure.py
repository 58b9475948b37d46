"""The sections of a template, and what may stand in each.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error, not_implemented
from lambdalab.neighbours.stacks.templates import types

__all__ = ["check", "has_parts", "is_unfinished", "section"]

Json = dict[str, Any]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SECTIONS = (
    "AWSTemplateFormatVersion", "Conditions", "Description", "Hooks", "Mappings", "Metadata",
    "Outputs", "Parameters", "Resources", "Rules", "Transform",
)  # fmt: skip
# Sections that nothing here acts on.
_MISSING = ("Hooks",)
_NAMES = {
    "Outputs": "Output", "Parameters": "Parameter", "Resources": "Resource", "Mappings": "Mapping",
}  # fmt: skip
_RESOURCE = _names(
    "Condition CreationPolicy DeletionPolicy DependsOn Metadata Properties Type"
    " UpdatePolicy UpdateReplacePolicy"
)
# What a custom resource may have besides: its makers number what they send.
_VERSIONED = frozenset(("Version",))
_OUTPUT = frozenset(("Condition", "Description", "Export", "Value"))
_PARAMETER = _names(
    "AllowedPattern AllowedValues ConstraintDescription Default Description MaxLength"
    " MaxValue MinLength MinValue NoEcho Type"
)
_POLICIES = {
    "DeletionPolicy": ("Delete", "Retain", "RetainExceptOnCreate", "Snapshot"),
    "UpdateReplacePolicy": ("Delete", "Retain", "Snapshot"),
}
_LISTED = ("AWS::EC2::", "AWS::Route53::", "AWS::SSM::")


def section(template: Json, name: str) -> Json:
    """A section of a template, empty where there is none."""
    found = template.get(name)
    return found if isinstance(found, dict) else {}


def is_unfinished(value: Any) -> bool:
    """Whether a transform is to make a template of this, or of a part of it."""
    return isinstance(value, dict) and ("Transform" in value or has_parts(value))


def has_parts(value: Any) -> bool:
    """Whether a transform stands in the place of a part of a value."""
    if isinstance(value, list):
        return any(map(has_parts, value))
    if not isinstance(value, dict):
        return False
    return "Fn::Transform" in value or any(map(has_parts, value.values()))


def check(template: Json) -> None:
    """Refuse a template that is not made as templates are; raises AwsError.

    What a transform is to make whole is judged by the transform, but for its parameters.
    """
    if is_unfinished(template):
        for one in section(template, "Parameters").values():
            _parameter(one)
        return
    _sections(template)
    nothing = next(_nulls(template, ""), None)
    if nothing is not None:
        raise aws_error("template.null", path=nothing)
    for name in ("Parameters", "Mappings", "Conditions", "Resources", "Outputs"):
        _size(name, section(template, name))
    for name, one in section(template, "Parameters").items():
        _parameter(one)
        _alphanumeric("Parameters", name)
    for name, one in section(template, "Mappings").items():
        _mapping(name, one)
    for name, one in section(template, "Resources").items():
        _resource(name, one)
    for name, one in section(template, "Outputs").items():
        _output(name, one)
    _types(template)


def _sections(template: Json) -> None:
    unknown = [name for name in template if name not in _SECTIONS]
    if unknown:
        raise aws_error("template.sections", names=", ".join(unknown))
    version = template.get("AWSTemplateFormatVersion", "2010-09-09")
    if version != "2010-09-09":
        raise aws_error("template.version", version=version)
    longest = facts.quota("stack.description").value
    described = template.get("Description", "")
    if not isinstance(described, str) or len(described.encode()) > int(longest):
        raise aws_error("template.description", most=longest)
    for name in _MISSING:
        if name in template:
            raise not_implemented(f"the section {name} of a template")
    for name in ("Parameters", "Mappings", "Conditions", "Outputs"):
        if name in template and not isinstance(template[name], dict | None):
            raise aws_error("template.not-a-map", section=name)
    if not isinstance(template.get("Resources"), dict) or not template["Resources"]:
        raise aws_error("template.no-resources")


def _nulls(value: Any, path: str) -> Iterator[str]:
    """The places in which there is nothing."""
    if value is None:
        yield path
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _nulls(one, f"{path}/{name}")
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _nulls(one, f"{path}/{number}")


def _size(name: str, members: Json) -> None:
    if name != "Conditions":
        most = facts.quota(f"stack.{name.lower()}").value
        if len(members) > int(most):
            raise _too_many(name, len(members), most)


def _too_many(name: str, count: int, most: object) -> AwsError:
    return aws_error("template.too-many", section=name.lower(), count=count, most=most)


def _alphanumeric(name: str, member: str) -> None:
    if not (member.isascii() and member.isalnum()):
        raise aws_error("template.name", kind=_NAMES[name], name=member)


def _object(name: str, one: Any, known: frozenset[str], refused: str) -> None:
    if not isinstance(one, dict):
        raise aws_error("template.member", section=name)
    for key in one:
        if key not in known:
            raise aws_error(refused, key=key)


def _parameter(one: Any) -> None:
    _object("Parameters", one, _PARAMETER, "template.parameter-key")
    kind = one.get("Type")
    if not isinstance(kind, str):
        raise aws_error("template.parameter-type-missing")
    inner = kind.removeprefix("AWS::SSM::Parameter::Value").strip("<>")
    inner = inner.removeprefix("List<").rstrip(">")
    plain = inner in ("String", "Number", "CommaDelimitedList")
    if not plain and not (inner.startswith(_LISTED) and inner.count("::") >= 2):
        raise aws_error("template.parameter-type", type=kind)


def _mapping(name: str, one: Any) -> None:
    if not isinstance(one, dict):
        raise aws_error("template.mapping", name=name)
    for key, attributes in one.items():
        if not isinstance(attributes, dict):
            raise aws_error("template.mapping", name=key)
        for value in attributes.values():
            if isinstance(value, dict):
                raise aws_error("template.mapping-value")


def _resource(name: str, one: Any) -> None:
    if not isinstance(one, dict):
        raise aws_error("template.member", section="Resources")
    if not isinstance(one.get("Type"), str):
        raise aws_error("template.no-type", name=name)
    keys = _RESOURCE | _VERSIONED if types.is_custom(one["Type"]) else _RESOURCE
    _object("Resources", one, keys, "template.resource-key")
    _alphanumeric("Resources", name)
    if not isinstance(one.get("Properties", {}), dict):
        raise aws_error("template.properties", name=name)
    needed = one.get("DependsOn", [])
    listed = needed if isinstance(needed, list) else [needed]
    if not all(isinstance(other, str) for other in listed):
        raise aws_error("template.depends-on")
    for policy, known in _POLICIES.items():
        value = one.get(policy, "Delete")
        if value not in known:
            raise aws_error("template.policy", policy=policy, value=value, name=name)
        if value == "Snapshot":
            raise not_implemented(f"{policy} Snapshot")
    if "CreationPolicy" in one:
        raise not_implemented("the attribute CreationPolicy of a resource")


def _output(name: str, one: Any) -> None:
    if not isinstance(one, dict) or "Value" not in one:
        raise aws_error("template.output")
    _object("Outputs", one, _OUTPUT, "template.output-key")
    _alphanumeric("Outputs", name)
    if "Export" in one:
        export = one["Export"]
        if not isinstance(export, dict) or list(export) != ["Name"]:
            raise aws_error("template.export", name=name)


def _types(template: Json) -> None:
    """Resource types that nobody knows."""
    named = [one["Type"] for one in template["Resources"].values()]
    unknown = [name for name in dict.fromkeys(named) if not types.exists(name)]
    if unknown:
        raise aws_error("template.unknown-types", types=", ".join(unknown))
