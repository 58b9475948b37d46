"""The event that a function URL makes of a request: payload format 2.0.

Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads, and events
recorded on AWS in 2026 (https://github.com/radkawar/stackd).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from lambdalab.neighbours.callers import Signer
from lambdalab.sources.http_messages import HOP, SOURCE_IP, body_of, fields_of, joined
from lambdalab.wire import Request

__all__ = ["event"]

_DEFAULT = "$default"
# As AWS's own edge says it of a client of today: the lab speaks no TLS.
_EDGE = {
    "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256",
    "x-amzn-tls-version": "TLSv1.3",
    "x-forwarded-proto": "https",
    "x-forwarded-port": "443",
}
# One for all: json.dumps would make one for each event.
_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode
_WITHOUT_LENGTH = {"HEAD", "OPTIONS"}


def event(
    request: Request, path: str, *, domain: str, caller: Signer | None, request_id: str, trace: str,
    now: float,
) -> bytes:  # fmt: skip
    """The event; ``trace`` is what its header says, ``now`` platform time in seconds.

    ``caller`` is who signed the request; None where nobody has to.
    """
    sent = _sent(tuple(request.raw_headers), signed=caller is not None)
    parameters = _parameters(request.query_string)
    text, encoded = body_of(request) if request.body else (None, False)
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": _DEFAULT,
        "rawPath": path,
        "rawQueryString": request.query_string,
        **({"cookies": sent.cookies} if sent.cookies else {}),
        "headers": _headers(request, sent.headers, domain, trace),
        **({"queryStringParameters": parameters} if parameters else {}),
        "requestContext": _context(request, path, domain, caller, request_id, now),
        **({"body": text} if text is not None else {}),
        "isBase64Encoded": encoded,
    }
    return _json(made).encode("utf-8", "surrogatepass")


class _Sent(NamedTuple):
    """What an event tells of the header fields that a client has sent."""

    headers: dict[str, str]
    cookies: list[str]


@lru_cache(maxsize=64)  # clients send the same ones again and again
def _sent(raw: tuple[tuple[bytes, bytes], ...], *, signed: bool) -> _Sent:
    fields = fields_of(raw)
    left_out = {*HOP, "authorization"} if signed else HOP
    headers = joined(field for field in fields if field[0] not in left_out)
    headers.setdefault("x-forwarded-for", SOURCE_IP)
    return _Sent(headers, list(_cookies(fields)))


def _cookies(fields: list[tuple[str, str]]) -> Iterator[str]:
    for name, value in fields:
        if name == "cookie":
            yield from (one.strip() for one in value.split(";") if one.strip())


@lru_cache(maxsize=64)
def _parameters(query: str) -> dict[str, str]:
    return joined(parse_qsl(query, keep_blank_values=True)) if query else {}


def _headers(request: Request, sent: dict[str, str], domain: str, trace: str) -> dict[str, str]:
    headers = {**sent, **_EDGE, "host": domain, "x-amzn-trace-id": trace}
    if request.body or request.method not in _WITHOUT_LENGTH:
        headers["content-length"] = str(len(request.body))
    return headers


@lru_cache(maxsize=4)
def _date(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%d/%b/%Y:%H:%M:%S +0000}"


def _context(
    request: Request, path: str, domain: str, caller: Signer | None, request_id: str, now: float
) -> dict[str, Any]:
    prefix = domain.partition(".")[0]
    return {
        "accountId": caller.account if caller else "anonymous",
        "apiId": prefix,
        **({"authorizer": {"iam": _iam(caller)}} if caller else {}),
        "domainName": domain,
        "domainPrefix": prefix,
        "http": {
            "method": request.method,
            "path": unquote(path),
            "protocol": "HTTP/1.1",
            "sourceIp": SOURCE_IP,
            "userAgent": request.headers.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": _DEFAULT,
        "stage": _DEFAULT,
        "time": _date(int(now)),
        "timeEpoch": int(now * 1000),
    }


def _iam(caller: Signer) -> dict[str, Any]:
    return {
        "accessKey": caller.access_key,
        "accountId": caller.account,
        "callerId": caller.user_id,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": caller.arn,
        "userId": caller.user_id,
    }
