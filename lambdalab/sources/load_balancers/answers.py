"""What clients of a load balancer get: what functions return, and what it says itself.

Source:
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html#respond-to-load-balancer
"""

from __future__ import annotations

import base64
import binascii
import json
from http import HTTPStatus
from typing import Any

from lambdalab import facts
from lambdalab.execution.spec import Outcome
from lambdalab.sources.http_messages import HOP, may_be_sent
from lambdalab.wire import Response

__all__ = ["LARGEST", "Headers", "made", "page", "returned"]

# Bytes of a request's body, and of what a function returns.
LARGEST = facts.quota("integrations.load-balancer-body").bytes
_LEAST_STATUS, _MOST_STATUS = 200, 599
_OWN = {"content-length", "date", "server", *HOP}

Headers = list[tuple[str, str]]


def page(status: int, headers: Headers | None = None) -> Response:
    """A page of the balancer's own, which only says the status."""
    said = f"{status} {HTTPStatus(status).phrase}"
    text = (
        f"<html>\r\n<head><title>{said}</title></head>\r\n<body>\r\n"
        f"<center><h1>{said}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    return made(status, text.encode(), [*(headers or []), ("Content-Type", "text/html")])


def made(status: int, body: bytes, headers: Headers) -> Response:
    """An answer with the balancer's name on it."""
    return Response(status, body, (("Server", "awselb/2.0"), *headers))


def returned(outcome: Outcome, *, multi_value: bool) -> Response | None:
    """The answer that a function gave; None where it failed, or gave none that makes sense."""
    if outcome.failed or len(outcome.payload) > LARGEST:
        return None
    try:
        result = json.loads(outcome.payload)
        return _response(result, multi_value=multi_value) if isinstance(result, dict) else None
    except (ValueError, RecursionError):
        return None


def _response(result: dict[str, Any], *, multi_value: bool) -> Response | None:
    status, headers = result.get("statusCode"), _headers(result, multi_value=multi_value)
    if isinstance(status, bool) or not isinstance(status, int) or headers is None:
        return None
    body = _body(result)
    if body is None or not _LEAST_STATUS <= status <= _MOST_STATUS:
        return None
    if all(name.lower() != "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/octet-stream"))
    return made(status, body, headers)


def _headers(result: dict[str, Any], *, multi_value: bool) -> Headers | None:
    """The fields of the member that the target group's setting names; the other does not count."""
    given = result.get("multiValueHeaders" if multi_value else "headers", {})
    if not isinstance(given, dict):
        return None
    lists = given if multi_value else {name: [value] for name, value in given.items()}
    fields: Headers = []
    for name, values in lists.items():
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            return None
        fields += [(name, value) for value in values]
    if not all(may_be_sent(*field) for field in fields):
        return None
    return [field for field in fields if field[0].lower() not in _OWN]


def _body(result: dict[str, Any]) -> bytes | None:
    body, encoded = result.get("body", ""), result.get("isBase64Encoded", False)
    if not isinstance(body, str) or not isinstance(encoded, bool):
        return None
    if not encoded:
        return body.encode("utf-8", "replace")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None
