"""The rows about layers: what stands in them filled in, sent, and compared with what came back."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any
from uuid import UUID

from botocore import xform_name
from botocore.exceptions import ClientError

__all__ = ["ROWS", "check", "filled", "kept_of", "send", "step"]

_DATA = tomllib.loads((Path(__file__).parent / "rows" / "layers.toml").read_text("utf-8"))
ROWS: list[dict[str, Any]] = _DATA["row"]
SOURCE: str = _DATA["source"]
LAYERS = "arn:aws:lambda:us-east-1:123456789012:layer:"


def filled(value: Any, given: dict[str, Any]) -> Any:
    """A value with what stands for something else replaced; ``given`` has the bytes and names."""
    if isinstance(value, dict):
        return {name: filled(item, given) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item, given) for item in value]
    if not isinstance(value, str) or not value.startswith("@"):
        return value
    if times := re.fullmatch(r"@(.)\*(\d+)", value):
        return times[1] * int(times[2])
    word, _, rest = value.partition(" ")
    return LAYERS + rest if word == "@layer" else given.get(value, value)


def send(lam: Any, operation: str, request: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
    """Status, code (empty for an answer that is none) and members of what came back."""
    try:
        answer = getattr(lam, xform_name(operation))(**request)
    except ClientError as error:
        response: dict[str, Any] = dict(error.response)
        return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response
    metadata = answer.pop("ResponseMetadata")
    return metadata["HTTPStatusCode"], "", answer


def step(lam: Any, name: str, given: dict[str, Any]) -> None:
    """Do one of the steps that rows name."""
    one = _DATA["step"][name]
    status, code, answer = send(lam, one["operation"], filled(one["request"], given))
    assert not code, (name, status, answer)


def check(row: dict[str, Any], given: dict[str, Any], got: tuple[int, str, dict[str, Any]]) -> None:
    """Compare what came back with what a row expects."""
    status, code, answer = got
    assert (status, code) == (row["status"], row.get("code", "")), answer
    if code:
        text = answer["Error"]["Message"]
        assert text == row.get("text", text)
        assert text.startswith(row.get("beginning", ""))
        assert text.endswith(row.get("ending", ""))
    else:
        assert set(answer) == set(row.get("only", answer))
        assert not set(answer) & set(row.get("absent", []))
        for name, wanted in filled(row.get("members", {}), given).items():
            compare(wanted, answer, name)


def compare(wanted: Any, answer: dict[str, Any], name: str) -> None:
    plain = name.removesuffix("@json")
    assert plain in answer, answer
    value = json.loads(answer[plain]) if plain != name else answer[plain]
    assert same(wanted, value), (name, wanted, value)


def same(wanted: Any, value: Any) -> bool:
    """Whether a value is what is wanted: objects member by member, lists item by item."""
    if wanted == "@...":
        return value is not None
    if wanted == "@uuid":
        return str(UUID(value)) == value
    if isinstance(wanted, dict):
        return wanted.keys() == value.keys() and all(same(wanted[n], value[n]) for n in wanted)
    if isinstance(wanted, list):
        return len(wanted) == len(value) and all(map(same, wanted, value))
    return bool(wanted == value)


def kept_of(lam: Any) -> Any:
    """All that the service shows of layers and functions: a refused call changes none of it."""
    layers = {}
    for layer in lam.list_layers()["Layers"]:
        name = layer["LayerName"]
        for version in lam.list_layer_versions(LayerName=name)["LayerVersions"]:
            place = {"LayerName": name, "VersionNumber": version["Version"]}
            policy = send(lam, "GetLayerVersionPolicy", place)[2]
            layers[name, version["Version"]] = (version, policy.get("Policy"))
    functions = lam.list_functions()["Functions"]
    account = lam.get_account_settings()["AccountUsage"]
    return layers, functions, account
