"""The text of a template, JSON or YAML, as data.

moto reads YAML with a loader that runs whatever a text asks for, and answers a malformed one with
an internal error. This reader takes the part of YAML that CloudFormation takes: no aliases, no
tags but those of its functions, dates as the texts that they are.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
"""

from __future__ import annotations

import json
from typing import Any

from lambdalab.errors import AwsError, aws_error

__all__ = ["read"]

Json = dict[str, Any]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PLAIN = "tag:yaml.org,2002:"
_TYPES = frozenset(
    ["bool", "float", "int", "map", "merge", "null", "seq", "str", "timestamp", "value"]
)
_MADE = ("bool", "float", "int", "null")
_SHORT = {"!Ref": "Ref", "!Condition": "Condition"}
_FUNCTIONS = _names(
    "And Base64 Cidr Contains EachMemberEquals EachMemberIn Equals FindInMap GetAZs GetAtt"
    " If ImportValue Join Length Not Or RefAll Select Split Sub ToJsonString Transform"
    " ValueOf ValueOfAll"
)


def read(text: str) -> Json:
    """A template's data; raises AwsError as CloudFormation refuses it."""
    if not text.strip():
        raise aws_error("template.missing")
    try:
        found = _json(text) if text.lstrip().startswith("{") else _yaml(text)
    except RecursionError as error:
        raise aws_error("template.structure") from error
    if not isinstance(found, dict):
        raise aws_error("template.structure")
    return found


def _json(text: str) -> Any:
    try:
        return _listed(json.loads(text, parse_constant=_no_constant))
    except json.JSONDecodeError as error:
        # CloudFormation's parser names the place behind what it could not take.
        column = error.colno + (error.pos < len(text))
        raise aws_error("template.json", line=error.lineno, column=column) from error


def _no_constant(name: str) -> Any:
    """NaN and infinities are Python's, not JSON's."""
    raise json.JSONDecodeError(name, name, 0)


def _listed(value: Any) -> Any:
    """A value in which each Fn::GetAtt is a list: ``Name.Attribute`` is as good to AWS."""
    if isinstance(value, list):
        return [_listed(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _listed(item) for key, item in value.items()}
    named = found.get("Fn::GetAtt")
    if isinstance(named, str):
        found["Fn::GetAtt"] = named.split(".", 1)
    return found


# ---- YAML


def _yaml(text: str) -> Any:
    import yaml

    try:
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _malformed(mark) from error
    except yaml.YAMLError as error:
        raise _malformed(None) from error
    return _listed(_Reader().value(root)) if root is not None else None


def _malformed(mark: Any) -> AwsError:
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    return aws_error("template.yaml", line=line, column=column)


class _Reader:
    """Makes data of YAML's nodes."""

    def __init__(self) -> None:
        from yaml.constructor import SafeConstructor

        self._constructor = SafeConstructor()
        self._seen: set[int] = set()

    def value(self, node: Any) -> Any:
        """The data of a node; one that is met again stands for an alias."""
        if id(node) in self._seen:
            raise aws_error("template.aliases")
        self._seen.add(id(node))
        tag: str = node.tag
        if tag.startswith(_PLAIN):
            return self._plain(node)
        name = _SHORT.get(tag, f"Fn::{tag[1:]}")
        if not tag.startswith("!") or (tag not in _SHORT and tag[1:] not in _FUNCTIONS):
            raise _malformed(node.start_mark)
        return {name: self._inner(node)}

    def _plain(self, node: Any) -> Any:
        from yaml.constructor import ConstructorError

        kind = node.tag.removeprefix(_PLAIN)
        if kind not in _TYPES:
            raise _malformed(node.start_mark)
        if node.id != "scalar" or kind not in _MADE:
            return self._inner(node)
        try:
            return getattr(self._constructor, f"construct_yaml_{kind}")(node)
        except (ValueError, ConstructorError):
            return node.value

    def _inner(self, node: Any) -> Any:
        if node.id == "scalar":
            return node.value
        if node.id == "sequence":
            return [self.value(item) for item in node.value]
        found: Json = {}
        for key, item in node.value:
            if key.id != "scalar" or key.value in found:
                raise _malformed(key.start_mark)
            found[key.value] = self.value(item)
        return found
