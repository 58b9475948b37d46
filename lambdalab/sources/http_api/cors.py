"""CORS of HTTP APIs: the API answers preflights, and its headers stand for those of functions.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambdalab.access.conditions import like
from lambdalab.sources.gateway.call import Call
from lambdalab.wire import Response

__all__ = ["is_preflight", "preflight", "shared"]

_PREFIX = "access-control-"


def is_preflight(call: Call) -> bool:
    """Whether a browser asks what it may send."""
    return call.method == "OPTIONS" and bool(
        call.header("origin") and call.header("access-control-request-method")
    )


def preflight(cors: Mapping[str, Any], call: Call) -> Response:
    """The answer to a preflight; without CORS headers for an origin that may not call."""
    headers = _origin_headers(cors, call)
    if headers:
        for member, name in (("allowMethods", "methods"), ("allowHeaders", "headers")):
            if cors.get(member):
                headers.append((f"{_PREFIX}allow-{name}", ",".join(cors[member])))
        if cors.get("maxAge") is not None:
            headers.append((f"{_PREFIX}max-age", str(cors["maxAge"])))
    return Response(204, b"", tuple(headers))


def shared(cors: Mapping[str, Any] | None, call: Call, answer: Response) -> Response:
    """A response with the API's own CORS headers in place of the function's."""
    if cors is None:
        return answer
    kept = [one for one in answer.headers if not one[0].lower().startswith(_PREFIX)]
    return Response(answer.status, answer.body, (*kept, *_origin_headers(cors, call)))


def _origin_headers(cors: Mapping[str, Any], call: Call) -> list[tuple[str, str]]:
    origin = call.header("origin")
    allowed = [str(one) for one in cors.get("allowOrigins") or ()]
    if origin is None or not any(_means(one, origin) for one in allowed):
        return []
    anybody = "*" in allowed and not cors.get("allowCredentials")
    headers = [(f"{_PREFIX}allow-origin", "*" if anybody else origin)]
    if cors.get("allowCredentials"):
        headers.append((f"{_PREFIX}allow-credentials", "true"))
    if cors.get("exposeHeaders"):
        headers.append((f"{_PREFIX}expose-headers", ",".join(cors["exposeHeaders"])))
    return headers


def _means(allowed: str, origin: str) -> bool:
    return like(allowed.lower(), origin.lower())
