"""Templates as CloudFormation reads them: what they are transformed by, and what they may do.

A template that names a transform is kept as it came, beside the one that it stands for: moto reads
the second, and whoever asks for the template is shown the first. What a stack may do without its
creator's word, its capabilities, is judged by the template that comes out.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error, not_implemented
from lambdalab.neighbours.stacks import sam
from lambdalab.neighbours.stacks.templates import extensions, includes
from lambdalab.neighbours.stacks.templates.early import Early
from lambdalab.neighbours.stacks.templates.structure import has_parts, section
from lambdalab.neighbours.stacks.templates.text import read

__all__ = [
    "AUTO_EXPAND",
    "Processed",
    "TransformError",
    "iam_types",
    "insufficient",
    "missing",
    "needed_by",
    "original",
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
    listed = [_name(one) for one in (named if isinstance(named, list) else [named])]
    return listed + ([includes.NAME] if has_parts(template) else [])


def _name(one: Any) -> str:
    return str(one.get("Name")) if isinstance(one, dict) else str(one)


def process(
    text: str, parameters: dict[str, Any], pseudo: dict[str, Any], place: tuple[str, str]
) -> str:
    """The template that is to be deployed; raises TransformError where a transform refuses.

    ``pseudo`` are the pseudo parameters that are known, ``place`` is the account and the Region.
    """
    made = template = read(text)
    names = transforms(template)
    for name in names:
        if name not in _OURS:
            raise _unknown(name)
    if not names:
        return text
    # The parts that stand elsewhere come before all else, whatever they are in.
    for name in sorted(names, key=lambda name: name != includes.NAME):
        try:
            early = Early(made, parameters, pseudo, place)
            made = _OURS[name](made, early, parameters, place)
        except sam.SamError as error:
            raise _failed(name, error) from error
        except AwsError as error:
            if error.code == "NotImplementedException":
                raise
            raise _failed(name, error.message) from error
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # What is not made as templates are: its form is checked when it is whole.
            raise _failed(name, "Internal transform failure.") from error
    made.pop("Transform", None)
    processed = Processed(json.dumps(made))
    processed.original = text
    return processed


def _failed(transform: str, reason: object) -> TransformError:
    text = facts.message("stack.transform-failed").format(transform=transform, reason=reason)
    return TransformError(text)


def _included(template: Json, early: Early, _: Json, place: tuple[str, str]) -> Json:
    """A template with its parts; those of the template itself are named beside its transforms."""
    named = template.get("Transform", [])
    listed = named if isinstance(named, list) else [named]
    own = [one for one in listed if isinstance(one, dict)]
    found = {**template, **({"Fn::Transform": own} if own else {})}
    made: Json = includes.include(found, early, place[0])
    return made


_OURS: dict[str, Callable[[Json, Early, Json, tuple[str, str]], Json]] = {
    includes.NAME: _included,
    extensions.NAME: lambda template, early, _, __: extensions.extend(template, early),
    sam.NAME: lambda template, _, given, place: sam.translate(template, given, place[1]),
}


def insufficient(template: Json, given: list[str] | None) -> AwsError | None:
    """The refusal of a template that may do more than was said; None where all was said.

    Nobody asks where nothing could have been said: ``given`` is None.
    """
    if given is None:
        return None
    needed = needed_by(template)
    allowed = set(given)
    if "CAPABILITY_NAMED_IAM" in allowed:
        allowed.add("CAPABILITY_IAM")
    if needed is None or needed in allowed:
        return None
    return missing(needed)


def missing(capability: str) -> AwsError:
    """The refusal for the lack of one capability."""
    return aws_error("stack.capabilities", capability=capability)


def needed_by(template: Json) -> str | None:
    """The capability that a template needs."""
    found = None
    for described in section(template, "Resources").values():
        kind = described["Type"]
        if kind not in _IAM:
            continue
        name = _IAM[kind]
        if name and name in described.get("Properties", {}):
            return "CAPABILITY_NAMED_IAM"
        found = "CAPABILITY_IAM"
    return found


def iam_types(template: Json) -> list[str]:
    """The types of the resources for which a template needs a capability."""
    kinds = {one["Type"] for one in section(template, "Resources").values()}
    return sorted(kind for kind in kinds if kind in _IAM)


def _unknown(name: str) -> Exception:
    if name.startswith(_KNOWN):
        return not_implemented(f"the transform {name}")
    return aws_error("stack.no-transform", transform=name)
