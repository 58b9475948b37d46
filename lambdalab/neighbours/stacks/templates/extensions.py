"""What ``AWS::LanguageExtensions`` makes of a template.

Loops are unrolled; lengths, JSON texts, defaults of mappings, and functions in the place of names
and policies are worked out, as far as parameters, mappings and pseudo parameters say.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-languageextensions.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from lambdalab.errors import aws_error
from lambdalab.neighbours.stacks.templates.early import Early
from lambdalab.neighbours.stacks.templates.terms import UNKNOWN

__all__ = ["NAME", "extend"]

Json = dict[str, Any]

NAME = "AWS::LanguageExtensions"
_LOOP = "Fn::ForEach::"
_LOOPED = ("Conditions", "Outputs", "Resources")
_POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")


def extend(template: Json, early: Early) -> Json:
    """The template without the functions of this transform; raises AwsError."""
    unrolled = {
        name: _unrolled(part, {}, early) if name in _LOOPED else part
        for name, part in template.items()
    }
    found: Json = {
        name: _resolved(part, early) if name in _LOOPED else part for name, part in unrolled.items()
    }
    for one in (found.get("Resources") or {}).values():
        for policy in _POLICIES:
            if isinstance(one, dict) and isinstance(one.get(policy), dict):
                one[policy] = _known(one[policy], early, policy)
    return found


def _known(written: Any, early: Early, function: str) -> Any:
    value = early.value(written)
    if value is UNKNOWN:
        raise aws_error("template.extension-unknown", function=function)
    return value


# ---- loops


def _unrolled(value: Any, bound: dict[str, str], early: Early) -> Any:
    """A value without loops; ``bound`` is what the identifiers around it stand for."""
    if isinstance(value, str):
        return _filled(value, bound)
    if isinstance(value, list):
        return [_unrolled(item, bound, early) for item in value]
    if not isinstance(value, dict):
        return value
    named = value.get("Ref")
    if len(value) == 1 and isinstance(named, str) and named in bound:
        return bound[named]
    found: Json = {}
    for name, item in value.items():
        if name.startswith(_LOOP):
            _add(found, _rounds(name, item, bound, early))
        else:
            _add(found, {_filled(name, bound): _unrolled(item, bound, early)})
    return found


def _add(found: Json, more: Json) -> None:
    for name, item in more.items():
        if name in found:
            raise aws_error("template.loop-key", key=name)
        found[name] = item


def _rounds(name: str, loop: Any, bound: dict[str, str], early: Early) -> Json:
    if not isinstance(loop, list) or len(loop) != 3 or not isinstance(loop[2], dict):
        raise aws_error("template.loop", name=name)
    identifier, collection, fragment = loop
    items = early.value(_unrolled(collection, bound, early))
    if not isinstance(identifier, str) or not isinstance(items, list):
        raise aws_error("template.loop", name=name)
    found: Json = {}
    for item in items:
        _add(found, _unrolled(fragment, {**bound, identifier: str(item)}, early))
    return found


def _filled(text: str, bound: dict[str, str]) -> str:
    """A text with what its identifiers stand for; ``&{name}`` is only what a name may have."""
    for name, value in bound.items():
        text = text.replace(f"${{{name}}}", value)
        text = text.replace(f"&{{{name}}}", re.sub(r"[^A-Za-z0-9]", "", value))
    return text


# ---- functions


def _resolved(value: Any, early: Early) -> Any:
    if isinstance(value, list):
        return [_resolved(item, early) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, argument),) = value.items()
        if name in _FUNCTIONS:
            return _FUNCTIONS[name](argument, early)
    return {name: _resolved(item, early) for name, item in value.items()}


def _length(argument: Any, early: Early) -> Any:
    found = _known(_resolved(argument, early), early, "Fn::Length")
    if not isinstance(found, list):
        raise aws_error("template.length")
    return len(found)


def _json_text(argument: Any, early: Early) -> Any:
    """The text of a structure; what is known later stands in gaps of the text."""
    gaps: Json = {}

    def known(value: Any) -> Any:
        if isinstance(value, list):
            return [known(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref")):
            found = early.value(value)
            if found is not UNKNOWN:
                return found
            gaps[f"Value{len(gaps)}"] = value
            return f"${{Value{len(gaps) - 1}}}"
        return {name: known(item) for name, item in value.items()}

    text = json.dumps(known(_resolved(argument, early)), separators=(",", ":"))
    return {"Fn::Sub": [text, gaps]} if gaps else text


def _find_in_map(argument: Any, early: Early) -> Any:
    """A value of a mapping, or what the template has for want of one."""
    if not isinstance(argument, list) or len(argument) not in (3, 4):
        raise aws_error("template.find-in-map")
    parts = [early.value(_resolved(part, early)) for part in argument[:3]]
    mapping, key, name = parts
    found = (early.mapping(str(mapping)) or {}).get(str(key), {}).get(str(name))
    if found is None and len(argument) == 4 and isinstance(argument[3], dict):
        return _resolved(argument[3].get("DefaultValue"), early)
    return (
        {"Fn::FindInMap": argument[:3] if UNKNOWN in parts else parts} if found is None else found
    )


def _named(function: str) -> Any:
    """Ref and Fn::GetAtt, whose names may be what a function gives."""

    def run(argument: Any, early: Early) -> Json:
        def name(part: Any) -> Any:
            return _known(part, early, function) if isinstance(part, dict) else part

        return {
            function: [name(part) for part in argument]
            if isinstance(argument, list)
            else name(argument)
        }

    return run


_FUNCTIONS = {
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAtt": _named("Fn::GetAtt"),
    "Fn::Length": _length,
    "Fn::ToJsonString": _json_text,
    "Ref": _named("Ref"),
}
