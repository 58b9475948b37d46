"""From the result of an operation to the HTTP answer, by the service model (REST-JSON)."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

from botocore.model import OperationModel

from lambdalab.errors import AwsError
from lambdalab.functions.model import text_member
from lambdalab.wire import Response, StreamedResponse

__all__ = ["answer", "refusal"]

_JSON = ("Content-Type", "application/json")


@cache
def _places(model: OperationModel) -> tuple[list[tuple[str, str]], str | None, str | None]:
    """Which members travel as headers, which one is the status code, which one the body."""
    shape = model.output_shape
    if shape is None:
        return [], None, None
    headers, status = [], None
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        if location == "header":
            headers.append((name, member.serialization.get("name", name)))
        elif location == "statusCode":
            status = name
    return headers, status, shape.serialization.get("payload")


def answer(model: OperationModel, result: dict[str, Any], request_id: str) -> Response:
    """The answer that carries ``result``; members that are absent from it are not sent."""
    header_members, status_member, payload = _places(model)
    status = result.get(status_member) if status_member else None
    headers = [_JSON, ("x-amzn-RequestId", request_id)]
    headers += [(wire, result[name]) for name, wire in header_members if name in result]
    if payload and isinstance(result.get(payload), AsyncIterator):
        return StreamedResponse(status or 200, result[payload], tuple(headers[1:]))
    body = result.get(payload, b"") if payload else _body(model, result, header_members)
    return Response(status or model.http.get("responseCode", 200), body, tuple(headers))


def _body(
    model: OperationModel, result: dict[str, Any], header_members: list[tuple[str, str]]
) -> bytes:
    if model.output_shape is None:
        return b""
    elsewhere = {name for name, _ in header_members} | {_places(model)[1]}
    members = {name: value for name, value in result.items() if name not in elsewhere}
    return json.dumps(members, default=_other, separators=(",", ":")).encode()


def _other(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(f"{type(value).__name__} has no place in an answer")


def refusal(error: AwsError, request_id: str) -> Response:
    """The answer that carries an error."""
    body = json.dumps(error.body(text_member(error.code)), separators=(",", ":")).encode()
    headers = (_JSON, ("x-amzn-RequestId", request_id), ("x-amzn-ErrorType", error.code))
    return Response(error.status, body, headers)
