"""What a REST API makes of the answer of a proxy integration.

None of the members must be there, and no others may be.
Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lambdalab.sources.api_gateway.events import is_binary
from lambdalab.sources.api_gateway.headers import let_out
from lambdalab.sources.api_gateway.refusals import RefusedError
from lambdalab.sources.gateway.call import Call
from lambdalab.sources.http_messages import decoded, may_be_sent
from lambdalab.wire import Response

__all__ = ["response"]

_MEMBERS = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}
_JSON = ("Content-Type", "application/json")
_LEAST, _MOST = 200, 599


def response(payload: bytes, call: Call, binary: Sequence[str]) -> Response:
    """The response to the client; RefusedError where the answer is malformed."""
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError):
        raise RefusedError("malformed") from None
    if not isinstance(answer, dict) or not answer.keys() <= _MEMBERS:
        raise RefusedError("malformed")
    headers = _headers(answer)
    if all(name.lower() != "content-type" for name, _ in headers):
        headers.insert(0, _JSON)
    body = _body(answer, call, binary)
    return Response(_status(answer.get("statusCode")), body, tuple(headers))


def _status(given: Any) -> int:
    if given is None:
        return _LEAST
    try:
        status = int(given)
    except (TypeError, ValueError, OverflowError):
        raise RefusedError("malformed") from None
    if isinstance(given, bool) or not _LEAST <= status <= _MOST:
        raise RefusedError("malformed")
    return status


def _headers(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """Headers of both kinds: of one that is in both, all values are sent."""
    single, multiple = answer.get("headers") or {}, answer.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(multiple, dict):
        raise RefusedError("malformed")
    found = {name: _listed(values) for name, values in multiple.items()}
    for name, value in single.items():
        if not any(name.lower() == one.lower() for one in multiple):
            found[name] = [_text(value)]
    pairs = [(name, value) for name, values in found.items() for value in values]
    if not all(may_be_sent(*one) for one in pairs):
        raise RefusedError("malformed")
    return let_out(pairs)


def _listed(values: Any) -> list[str]:
    if not isinstance(values, list):
        raise RefusedError("malformed")
    return [_text(value) for value in values]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    raise RefusedError("malformed")


def _body(answer: dict[str, Any], call: Call, binary: Sequence[str]) -> bytes:
    """The body; base64 is read for clients who accept one of the binary types."""
    body = answer.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise RefusedError("malformed")
    if answer.get("isBase64Encoded") is True and is_binary(call.header("accept") or "*/*", binary):
        return decoded(body)
    return body.encode("utf-8", "replace")
