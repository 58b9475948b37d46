"""What an HTTP API makes of a function's answer.

In format 2.0 an answer without a status code is the body itself; in format 1.0 it must say the
status.
Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
and answers recorded on AWS in 2025 (https://github.com/aws/aws-lambda-dotnet, folder
Tools/LambdaTestTool-v2/tests).
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from lambdalab.sources.http_messages import HOP, may_be_sent
from lambdalab.wire import Response

__all__ = ["MalformedError", "response"]

_JSON = "application/json"
_PLAIN = "text/plain; charset=utf-8"


class MalformedError(Exception):
    """The function's answer is not one that an API can pass on."""


def response(payload: bytes, version: str) -> Response:
    """The response to the client; MalformedError where the answer has not the format."""
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError):
        raise MalformedError from None
    if isinstance(answer, dict) and "statusCode" in answer:
        return _described(answer, version)
    if version != "2.0":
        raise MalformedError
    body = answer if isinstance(answer, str) else json.dumps(answer, separators=(",", ":"))
    return Response(200, body.encode("utf-8", "replace"), (("content-type", _JSON),))


def _described(answer: Mapping[str, Any], version: str) -> Response:
    headers = _headers(answer, version)
    body = _body(answer)
    if not any(name == "content-type" for name, _ in headers):
        headers.insert(0, ("content-type", _PLAIN))
    return Response(_status(answer["statusCode"]), body, tuple(headers))


def _status(given: Any) -> int:
    try:
        status = int(given)
    except (TypeError, ValueError, OverflowError):
        raise MalformedError from None
    is_whole = not isinstance(given, float) or given.is_integer()
    if isinstance(given, bool) or not is_whole or not 200 <= status <= 599:
        raise MalformedError
    return status


def _headers(answer: Mapping[str, Any], version: str) -> list[tuple[str, str]]:
    found: dict[str, list[Any]] = {}
    # Names that differ in their case only are one header with several values.
    for name, value in _mapping(answer.get("headers")).items():
        found.setdefault(name.lower(), []).append(value)
    if version == "2.0":
        cookies = answer.get("cookies") or []
        if not isinstance(cookies, list):
            raise MalformedError
        found |= {"set-cookie": [*found.get("set-cookie", []), *cookies]} if cookies else {}
    else:
        for name, values in _mapping(answer.get("multiValueHeaders")).items():
            if not isinstance(values, list):
                raise MalformedError
            found.setdefault(name.lower(), []).extend(values)
    pairs = [(name, _text(value)) for name, values in found.items() for value in values]
    if not all(may_be_sent(*one) for one in pairs):
        raise MalformedError
    return [one for one in pairs if one[0] not in HOP and one[0] != "content-length"]


def _mapping(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise MalformedError
    return given


def _text(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        raise MalformedError
    return str(value).lower() if isinstance(value, bool) else str(value)


def _body(answer: Mapping[str, Any]) -> bytes:
    body = answer.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedError
    if not answer.get("isBase64Encoded"):
        return body.encode("utf-8", "replace")
    try:
        return b64decode(body, validate=True)
    except ValueError:
        raise MalformedError from None
