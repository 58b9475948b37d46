"""From an HTTP request to the parameters of an operation, by the service model (REST-JSON)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from sys import float_info
from typing import Any
from urllib.parse import parse_qs

from botocore.model import OperationModel, Shape

from lambdalab.errors import AwsError
from lambdalab.functions import bodies
from lambdalab.wire import Request

__all__ = ["parameters"]

_JSON_NAMES: dict[type, str] = {
    str: "STRING_VALUE",
    bool: "TRUE_VALUE",
    int: "NUMBER_VALUE",
    float: "NUMBER_VALUE",
    dict: "START_OBJECT",
    list: "START_ARRAY",
}
# Python's own reading of numbers knows more: signs of other scripts, blanks, underscores.
_WHOLE = re.compile(r"[+-]?[0-9]{1,100}")


def parameters(model: OperationModel, labels: dict[str, str], request: Request) -> dict[str, Any]:
    """The parameters that a request carries; raises SerializationException on a wrong type."""
    shape = model.input_shape
    if shape is None:
        return {}
    found = _located(shape, labels, request)
    payload = shape.serialization.get("payload")
    if payload is not None:
        found[payload] = request.body
    elif request.body:
        found |= _body_members(shape, request.body)
    return found


def _located(shape: Any, labels: dict[str, str], request: Request) -> dict[str, Any]:
    """The members that travel in the path, the query string and the headers."""
    query = parse_qs(request.query_string, keep_blank_values=True) if request.query_string else {}
    found: dict[str, Any] = {}
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        wire_name = member.serialization.get("name", name)
        text: Any = None
        if location == "uri":
            text = labels.get(wire_name)
        elif location == "querystring":
            text = query.get(wire_name)
        elif location == "header":
            text = request.headers.get(wire_name.lower())
        if text is not None:
            found[name] = _from_text(member, text)
    return found


def _from_text(shape: Shape, text: Any) -> Any:
    if shape.type_name == "list":
        return text
    single = text[-1] if isinstance(text, list) else text
    return _TEXT_READERS.get(shape.type_name, str)(single)


def _number(text: str) -> int:
    number = int(text) if _WHOLE.fullmatch(text) else None
    if number is None or not -(2**63) <= number < 2**63:
        raise _wrong_type("STRING_VALUE", "an Integer")
    return number


_TEXT_READERS: dict[str, Callable[[str], Any]] = {
    "integer": _number,
    "long": _number,
    "boolean": lambda text: text.lower() == "true",
}


def _body_members(shape: Any, body: bytes) -> dict[str, Any]:
    try:
        document = bodies.document(body)
    except (ValueError, RecursionError):
        raise AwsError(
            "SerializationException", "Could not parse request body into json."
        ) from None
    if not isinstance(document, dict):
        raise _wrong_type(_json_name(document), "Object")
    in_body = {
        name: member
        for name, member in shape.members.items()
        if "location" not in member.serialization
    }
    return _structure(in_body, document)


def _structure(members: dict[str, Shape], document: dict[str, Any]) -> dict[str, Any]:
    """Known members only; one that is null counts as absent, an unknown one is ignored."""
    found = {}
    for name, member in members.items():
        value = document.get(member.serialization.get("name", name))
        if value is not None:
            found[name] = _from_json(member, value)
    return found


def _from_json(shape: Any, value: Any) -> Any:
    reader = _JSON_READERS.get(shape.type_name)
    return reader(shape, value) if reader else value


def _read_structure(shape: Any, value: Any) -> dict[str, Any]:
    return _structure(shape.members, _expect(value, dict, "Object"))


def _read_list(shape: Any, value: Any) -> list[Any]:
    return [_from_json(shape.member, item) for item in _expect(value, list, "List")]


def _read_map(shape: Any, value: Any) -> dict[str, Any]:
    document = _expect(value, dict, "Map")
    return {
        _read_string(shape.key, key): _from_json(shape.value, item)
        for key, item in document.items()
    }


def _read_string(shape: Any, value: Any) -> str:  # noqa: ARG001
    text = str(_expect(value, str, "a String"))
    try:
        text.encode()
    except UnicodeEncodeError:
        # An escape such as \ud800 alone: no text that can be written anywhere.
        raise AwsError("SerializationException", "A string is not valid Unicode.") from None
    return text


def _read_blob(shape: Any, value: Any) -> bytes:  # noqa: ARG001
    if isinstance(value, bytes):
        return value  # a large package, which was decoded by itself
    try:
        return base64.b64decode(_expect(value, str, "a Blob"), validate=True)
    except ValueError:  # also for a letter that is not of ASCII
        raise AwsError("SerializationException", "Invalid Base64 in a blob member.") from None


def _read_integer(shape: Any, value: Any) -> int:  # noqa: ARG001
    if isinstance(value, bool) or not isinstance(value, int):
        if isinstance(value, float) and value.is_integer():
            return int(value)
        raise _wrong_type(_json_name(value), "an Integer")
    return value


def _read_float(shape: Any, value: Any) -> float:  # noqa: ARG001
    if not _is_number(value):
        raise _wrong_type(_json_name(value), "a Double")
    return float(value)


def _read_timestamp(shape: Any, value: Any) -> float:  # noqa: ARG001
    """Seconds since the epoch."""
    if not _is_number(value):
        raise _wrong_type(_json_name(value), "a Timestamp")
    return float(value)


def _is_number(value: Any) -> bool:
    """Whether a value is a number that a floating-point number can be."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) <= float_info.max


def _read_boolean(shape: Any, value: Any) -> bool:  # noqa: ARG001
    return bool(_expect(value, bool, "a Boolean"))


_JSON_READERS: dict[str, Callable[[Any, Any], Any]] = {
    "structure": _read_structure,
    "list": _read_list,
    "map": _read_map,
    "string": _read_string,
    "blob": _read_blob,
    "integer": _read_integer,
    "long": _read_integer,
    "float": _read_float,
    "double": _read_float,
    "boolean": _read_boolean,
    "timestamp": _read_timestamp,
}


def _expect(value: Any, kind: type, name: str) -> Any:
    if not isinstance(value, kind):
        raise _wrong_type(_json_name(value), name)
    return value


def _json_name(value: Any) -> str:
    if value is False:
        return "FALSE_VALUE"
    return _JSON_NAMES.get(type(value), "VALUE_NULL")


def _wrong_type(found: str, wanted: str) -> AwsError:
    return AwsError("SerializationException", f"{found} can not be converted to {wanted}")
