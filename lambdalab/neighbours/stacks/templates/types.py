"""Which resource types there are, and what ``Fn::GetAtt`` knows of them: AWS's own schemas.

They come with cfn-lint, which moto brings along. Its data are read as files: to import it takes
longer than to make a stack.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = [
    "definition",
    "exists",
    "gives",
    "identifier",
    "is_custom",
    "properties",
    "replaced",
    "required",
    "shape",
]

Json = dict[str, Any]

_CUSTOM = ("Custom::", "AWS::CloudFormation::CustomResource")
# What AWS::CloudFormation::Stack gives besides: the outputs of the stack inside.
_OPEN = {"AWS::CloudFormation::Stack": "Outputs.", "AWS::ServiceCatalog": "Outputs."}


def is_custom(kind: str) -> bool:
    """Whether resources of a type are made by somebody's function."""
    return kind.startswith(_CUSTOM)


def exists(kind: str) -> bool:
    """Whether CloudFormation has a resource type."""
    return is_custom(kind) or kind in _files()


def gives(kind: str, attribute: str) -> bool:
    """Whether ``Fn::GetAtt`` knows an attribute of a type; of custom ones only functions know."""
    if is_custom(kind):
        return True
    if kind in _OPEN and attribute.startswith(_OPEN[kind]):
        return True
    schema = _schema(kind)
    told = [_dotted(path) for path in schema.get("readOnlyProperties", [])]
    # A structure may be asked for its members.
    return any(attribute == one or attribute.startswith(f"{one}.") for one in told)


def properties(kind: str) -> frozenset[str]:
    """The properties that a template may give to a type, none where the type is free."""
    schema = _schema(kind)
    if is_custom(kind) or schema.get("additionalProperties") is not False:
        return frozenset()
    told = {_dotted(path) for path in schema.get("readOnlyProperties", [])}
    return frozenset(schema.get("properties", {})) - told


def shape(kind: str, name: str) -> Json:
    """What the schema says of a property."""
    found: Json = _schema(kind).get("properties", {}).get(name, {})
    return found


def definition(kind: str, shape: Json) -> Json:
    """What the schema says of something, where it says so by a reference."""
    name = shape.get("$ref", "").rpartition("/")[2]
    found: Json = _schema(kind).get("definitions", {}).get(name, {}) if name else shape
    return found


def replaced(kind: str) -> frozenset[str]:
    """The properties of which a change makes another resource."""
    paths = _schema(kind).get("createOnlyProperties", [])
    return frozenset(_dotted(path).partition(".")[0] for path in paths)


def identifier(kind: str) -> str:
    """The property or attribute that tells a resource from others; empty where several do."""
    paths = _schema(kind).get("primaryIdentifier", [])
    return _dotted(paths[0]) if len(paths) == 1 else ""


def required(kind: str) -> tuple[str, ...]:
    """The properties that a template must give to a type."""
    return () if is_custom(kind) else tuple(_schema(kind).get("required", ()))


def _dotted(path: str) -> str:
    return path.removeprefix("/properties/").replace("/", ".")


@cache
def _files() -> dict[str, str]:
    found: dict[str, str] = json.loads((_folder() / "providers" / "us-east-1.json").read_text())
    return found


@cache
def _schema(kind: str) -> Json:
    name = _files().get(kind)
    path = _folder() / "resources" / f"{name}.json"
    found: Json = json.loads(path.read_text()) if name else {}
    return found


@cache
def _folder() -> Path:
    spec = find_spec("cfnlint")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("cfnlint", name="cfnlint")
    return Path(spec.origin).parent / "data" / "schemas"
