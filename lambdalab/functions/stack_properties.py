"""From the properties of a template to the parameters of an operation, by the service model.

CloudFormation converts between texts, numbers and truths where the other is meant; what cannot be
converted, is not known or is missing is refused before Lambda is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lambdalab.errors import aws_error
from lambdalab.functions import inline_code, model
from lambdalab.functions.stack_type import ResourceType

__all__ = ["check", "ignored", "parameters"]

Properties = dict[str, Any]


def check(row: ResourceType, logical_id: str, properties: Properties) -> None:
    """Refuse properties that a type does not have, and those that it needs and does not get."""
    wrong = [_extraneous("#", name) for name in properties if name not in row.properties]
    wrong += [_missing("#", name) for name in row.required if name not in properties]
    _refuse(logical_id, wrong)


def parameters(
    row: ResourceType, operation: str, logical_id: str, properties: Properties
) -> dict[str, Any]:
    """What an operation gets of the properties, as the service takes it: only what it knows."""
    members = _members(operation)
    given: dict[str, Any] = {}
    wrong: list[str] = []
    for name, value in properties.items():
        reader = _Reader()
        formed = _FORMS[name](reader, value, properties) if name in _FORMS else value
        member = row.renamed.get(name, name)
        if member in members:
            given[member] = reader.read(members[member], formed, f"#/{name}")
        elif _SPREAD.get(name) == operation:
            given |= reader.spread(members, formed, f"#/{name}")
        wrong += reader.wrong
    _refuse(logical_id, wrong)
    return given


def ignored(row: ResourceType, operations: list[str]) -> list[str]:
    """The properties of a type that neither these operations take nor any that go with them."""
    taken = {name for one in operations for name in _members(one)}
    known = {name for name, operation in _SPREAD.items() if operation in operations}
    known |= row.companions.keys() | {"Tags"}
    return [
        name for name in sorted(row.properties - known) if row.renamed.get(name, name) not in taken
    ]


def _members(operation: str) -> dict[str, Any]:
    shape: Any = model.operation(operation).input_shape
    members: dict[str, Any] = shape.members
    return members


def _refuse(logical_id: str, wrong: list[str]) -> None:
    if wrong:
        failures = ", ".join(dict.fromkeys(wrong))
        raise aws_error("stack.bad-properties", resource=logical_id, failures=failures)


def _extraneous(path: str, key: str) -> str:
    return f"{path}: extraneous key [{key}] is not permitted"


def _missing(path: str, key: str) -> str:
    return f"{path}: required key [{key}] not found"


class _Reader:
    """Reads values by shapes of the service model; ``wrong`` tells what does not fit."""

    def __init__(self) -> None:
        self.wrong: list[str] = []

    def read(self, shape: Any, value: Any, path: str) -> Any:
        """The value as the service takes it."""
        kind = shape.type_name
        if kind == "structure" and isinstance(value, dict):
            return self.spread(shape.members, value, path)
        if kind == "map" and isinstance(value, dict):
            return {
                key: self.read(shape.value, item, f"{path}/{key}") for key, item in value.items()
            }
        if kind == "list" and isinstance(value, list):
            return [
                self.read(shape.member, item, f"{path}/{place}") for place, item in enumerate(value)
            ]
        convert = _SIMPLE.get(kind)
        found = convert(value) if convert else None
        if found is None:
            self.expected(_EXPECTED[kind], value, path)
        return found

    def expected(self, kind: str, value: Any, path: str) -> None:
        """Note that a value is of another kind."""
        self.wrong.append(
            f"{path}: expected type: {kind}, found: {_FOUND.get(type(value), 'String')}"
        )

    def table(self, value: Any, path: str, key: str, item: str) -> Any:
        """A list of pairs as the map that the service takes instead."""
        if not isinstance(value, list):
            self.expected("JSONArray", value, path)
            return {}
        found = {}
        for place, pair in enumerate(value):
            here = f"{path}/{place}"
            if not isinstance(pair, dict):
                self.expected("JSONObject", pair, here)
                continue
            self.wrong += [_missing(here, name) for name in (key, item) if name not in pair]
            self.wrong += [_extraneous(here, name) for name in pair if name not in (key, item)]
            if key in pair and item in pair:
                found[str(pair[key])] = pair[item]
        return found

    def spread(self, members: dict[str, Any], value: Any, path: str) -> dict[str, Any]:
        """The members of a structure."""
        if not isinstance(value, dict):
            self.expected("JSONObject", value, path)
            return {}
        self.wrong += [_extraneous(path, name) for name in value if name not in members]
        return {
            name: self.read(members[name], item, f"{path}/{name}")
            for name, item in value.items()
            if name in members
        }


# ---- simple values


def _string(value: Any) -> str | None:
    if isinstance(value, dict | list):
        return None
    # A day is what YAML makes of a text that looks like one.
    return str(value).lower() if isinstance(value, bool) else str(value)


def _integer(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number.is_integer() else None


def _number(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool | list | dict) else float(value)
    except (ValueError, OverflowError):
        return None


def _boolean(value: Any) -> bool | None:
    return {"true": True, "false": False}.get(str(value).lower())


def _blob(value: Any) -> bytes | None:
    return value if isinstance(value, bytes) else None


_SIMPLE: dict[str, Callable[[Any], Any]] = {
    "string": _string,
    "integer": _integer,
    "long": _integer,
    "float": _number,
    "double": _number,
    "timestamp": _number,
    "boolean": _boolean,
    "blob": _blob,
}
_EXPECTED = {
    "structure": "JSONObject",
    "map": "JSONObject",
    "list": "JSONArray",
    "string": "String",
    "integer": "Integer",
    "long": "Integer",
    "float": "Number",
    "double": "Number",
    "timestamp": "Number",
    "boolean": "Boolean",
    "blob": "String",
}
_FOUND: dict[type, str] = {
    dict: "JSONObject",
    list: "JSONArray",
    int: "Integer",
    float: "Double",
    bool: "Boolean",
}


# ---- properties that have another form than the members of the operations


def _code(reader: _Reader, value: Any, properties: Properties) -> Any:  # noqa: ARG001
    if not isinstance(value, dict) or not isinstance(value.get("ZipFile"), str):
        return value
    runtime = str(properties.get("Runtime", ""))
    return {**value, "ZipFile": inline_code.packed(value["ZipFile"], runtime)}


def _tags(reader: _Reader, value: Any, properties: Properties) -> Any:  # noqa: ARG001
    return reader.table(value, "#/Tags", "Key", "Value")


def _routing(reader: _Reader, value: Any, properties: Properties) -> Any:  # noqa: ARG001
    name = "AdditionalVersionWeights"
    if not isinstance(value, dict) or name not in value:
        return value
    path = f"#/RoutingConfig/{name}"
    weights = reader.table(value[name], path, "FunctionVersion", "FunctionWeight")
    return {**value, name: weights}


def _kafka(reader: _Reader, value: Any, properties: Properties) -> Any:  # noqa: ARG001
    if not isinstance(value, dict) or not isinstance(value.get("Endpoints"), dict):
        return value
    names = {"KafkaBootstrapServers": "KAFKA_BOOTSTRAP_SERVERS"}
    endpoints = {names.get(name, name): item for name, item in value["Endpoints"].items()}
    return {**value, "Endpoints": endpoints}


def _layer_version(reader: _Reader, value: Any, properties: Properties) -> Any:  # noqa: ARG001
    name, _, number = str(value).rpartition(":")
    return {"LayerName": name, "VersionNumber": number}


_FORMS: dict[str, Callable[[_Reader, Any, Properties], Any]] = {
    "Code": _code,
    "LayerVersionArn": _layer_version,
    "RoutingConfig": _routing,
    "SelfManagedEventSource": _kafka,
    "Tags": _tags,
}
# Properties of which one operation takes the members, instead of the whole.
_SPREAD = {
    "Code": "UpdateFunctionCode",
    "LayerVersionArn": "AddLayerVersionPermission",
    "ProvisionedConcurrencyConfig": "PutProvisionedConcurrencyConfig",
    "RuntimeManagementConfig": "PutRuntimeManagementConfig",
    "RuntimePolicy": "PutRuntimeManagementConfig",
}
