"""What ``$request.header.name`` and its like stand for.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from lambdalab.sources.api_gateway.json_path import MISSING, found
from lambdalab.sources.gateway.call import SOURCE_IP, Call, Place

__all__ = ["context_value", "mapped", "selected"]

_GAP = re.compile(r"\$\{([^}]+)\}")


def selected(
    expression: str, call: Call, place: Place, key: str, path: Mapping[str, str] | None = None
) -> str | None:
    """The value of one expression; None where the request has no such thing."""
    kind, _, name = expression.removeprefix("$").partition(".")
    if kind == "stageVariables":
        return place.variables.get(name)
    if kind == "context":
        return context_value(name, call, place, key)
    if kind != "request":
        return None
    part, _, name = name.partition(".")
    if part == "header":
        headers = [value for one, value in call.headers if one.lower() == name.lower()]
        return ",".join(headers) if headers else None
    if part == "querystring":
        values = call.query.get(name)
        return ",".join(values) if values else None
    if part == "path":
        return (path or {}).get(name) if name else call.path
    return _of_body(call.body, name) if part == "body" else None


def _of_body(body: bytes, path: str) -> str | None:
    """The body, or what a path means in it: JSON where that is no text."""
    if not path:
        return body.decode("utf-8", "replace")
    try:
        there = found(json.loads(body), f"$.{path}")
    except (ValueError, RecursionError):
        return None
    if there is MISSING or there is None:
        return None
    return there if isinstance(there, str) else json.dumps(there, separators=(",", ":"))


def mapped(
    text: str, call: Call, place: Place, key: str, path: Mapping[str, str] | None = None
) -> str:
    """A parameter's value: an expression, or a text that has some in ``${}``."""
    if text.startswith("$") and not text.startswith("${"):
        return selected(text, call, place, key, path) or ""
    return _GAP.sub(lambda gap: selected(gap[1], call, place, key, path) or "", text)


def context_value(name: str, call: Call, place: Place, key: str) -> str | None:
    """What ``$context`` has under a name."""
    known = {
        "accountId": place.account,
        "apiId": place.api,
        "domainName": place.domain,
        "domainPrefix": place.api,
        "extendedRequestId": call.extended_id,
        "httpMethod": call.method,
        "identity.sourceIp": SOURCE_IP,
        "identity.userAgent": call.header("user-agent") or "",
        "path": call.sent_path,
        "protocol": "HTTP/1.1",
        "requestId": call.extended_id,
        "requestTime": call.when,
        "requestTimeEpoch": str(call.milliseconds),
        "routeKey": key,
        "stage": place.stage,
    }
    return known.get(name)
