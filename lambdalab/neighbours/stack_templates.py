"""Templates as CloudFormation reads them: what they are transformed by, and what they may do.

A template that names a transform is kept as it came, beside the one that it stands for: moto reads
the second, and whoever asks for the template is shown the first. What a stack may do without its
creator's word, its capabilities, is judged by the template that comes out.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
"""

from __future__ import annotations

import contextlib
import json
from functools import cache
from typing import Any

from moto.cloudformation.models import ChangeSet, Stack

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error, not_implemented
from lambdalab.neighbours import sam, stack_order

__all__ = [
    "AUTO_EXPAND",
    "Processed",
    "TransformError",
    "circular",
    "install",
    "insufficient",
    "missing",
    "original",
    "parsed",
    "process",
    "transforms",
]

Json = dict[str, Any]

AUTO_EXPAND = "CAPABILITY_AUTO_EXPAND"
# The types that need a word, and the property by which one of them is given a name.
_IAM = {
    "AWS::IAM::AccessKey": "",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": "",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::UserToGroupAddition": "",
}
# Transforms of AWS's own that are not macros of an account.
_KNOWN = ("AWS::", "Fn::")


class TransformError(Exception):
    """A transform that refuses its template: the stack fails, and says why."""


class Processed(str):
    """The text of a template that a transform has made, in JSON; ``original`` is what it was."""

    original: str

    __slots__ = ("original",)


def original(template: Any) -> Any:
    """A template as it was given."""
    return template.original if isinstance(template, Processed) else template


def transforms(template: Any) -> list[str]:
    """The transforms that a template names."""
    named = template.get("Transform", []) if isinstance(template, dict) else []
    return [str(one) for one in (named if isinstance(named, list) else [named])]


def process(text: str, parameters: dict[str, Any], region: str) -> str:
    """The template that is to be deployed; raises TransformError where a transform refuses."""
    template = parsed(text)
    names = transforms(template)
    for name in names:
        if name != sam.NAME:
            raise _unknown(name)
    if not names:
        return text
    try:
        made = sam.translate(template, parameters, region)
    except sam.SamError as error:
        reason = facts.message("stack.transform-failed").format(transform=sam.NAME, reason=error)
        raise TransformError(reason) from error
    made.pop("Transform", None)
    processed = Processed(json.dumps(made))
    processed.original = text
    return processed


def insufficient(template: str, given: list[str]) -> AwsError | None:
    """The refusal of a template that may do more than was said; None where all was said."""
    needed = _needed(parsed(template))
    allowed = set(given)
    if "CAPABILITY_NAMED_IAM" in allowed:
        allowed.add("CAPABILITY_IAM")
    if needed is None or needed in allowed:
        return None
    return missing(needed)


def circular(template: str) -> AwsError | None:
    """The refusal of a template whose resources need each other in a circle."""
    resources = _resources(parsed(template))
    found = stack_order.circular(resources)
    return aws_error("stack.circular", resources=", ".join(found)) if found else None


def _resources(template: Any) -> Json:
    """The resources of a template, those that are objects."""
    found = template.get("Resources") if isinstance(template, dict) else None
    named = found.items() if isinstance(found, dict) else ()
    return {name: one for name, one in named if isinstance(one, dict)}


def missing(capability: str) -> AwsError:
    """The refusal for the lack of one capability."""
    return aws_error("stack.capabilities", capability=capability)


def _needed(template: Any) -> str | None:
    found = None
    for described in _resources(template).values():
        kind = described.get("Type")
        if kind not in _IAM:
            continue
        name = _IAM[kind]
        if name and name in (described.get("Properties") or {}):
            return "CAPABILITY_NAMED_IAM"
        found = "CAPABILITY_IAM"
    return found


def parsed(text: str) -> Any:
    """A template as moto reads it; None where it cannot, which moto itself will say."""
    try:
        return Stack.parse_template(text)
    except Exception:
        return None


@cache
def install() -> None:
    """Let moto read templates in this way; once is enough."""
    read = Stack.parse_template

    def parse(template: str) -> Any:
        """JSON as what it is: moto reads it as YAML too, which takes a hundred times as long."""
        if template.lstrip().startswith("{"):
            with contextlib.suppress(ValueError):
                return _listed(json.loads(template))
        return _listed(read(template))

    def parse_change_set(change_set: Any) -> None:
        change_set.template_dict = parse(change_set.template)

    Stack.parse_template = staticmethod(parse)
    ChangeSet._parse_template = parse_change_set


def _listed(value: Any) -> Any:
    """A template in which each Fn::GetAtt is a list: ``Name.Attribute`` is as good to AWS."""
    if isinstance(value, list):
        return [_listed(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _listed(item) for key, item in value.items()}
    named = found.get("Fn::GetAtt")
    if isinstance(named, str):
        found["Fn::GetAtt"] = named.split(".", 1)
    return found


def _unknown(name: str) -> Exception:
    if name.startswith(_KNOWN):
        return not_implemented(f"the transform {name}")
    return aws_error("stack.no-transform", transform=name)
