"""The events that HTTP APIs send to functions, in payload formats 2.0 and 1.0.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
and events recorded on AWS (2025, https://github.com/aws/aws-lambda-dotnet, folder
Tools/LambdaTestTool-v2/tests; 2026, https://github.com/radkawar/stackd).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from lambdalab.sources.gateway.call import SOURCE_IP, Call, Place, gathered
from lambdalab.sources.http_api.routes import Taken

__all__ = ["body_of", "event", "headers_of", "joined"]

_CAPITALS = {"content-length", "content-type", "cookie", "host", "user-agent"}
_TEXT = re.compile(r"text/.*|application/(?:json|xml|javascript|.*\+json|.*\+xml)", re.IGNORECASE)


def event(
    call: Call, place: Place, taken: Taken, authorizer: dict[str, Any] | None, version: str
) -> dict[str, Any]:
    """The event for a request, in the payload format of that version."""
    make = _second if version == "2.0" else _first
    body, encoded = body_of(call)
    made = make(call, place, taken, authorizer)
    if version != "2.0" or body is not None:
        made["body"] = body
    made["isBase64Encoded"] = encoded
    return made


def body_of(call: Call) -> tuple[str | None, bool]:
    """A body as text, and whether it is base64: what is not text by its type is."""
    if not call.body:
        return None, False
    kind = (call.header("content-type") or "").partition(";")[0].strip()
    if _TEXT.fullmatch(kind):
        try:
            return call.body.decode(), False
        except UnicodeDecodeError:
            pass
    return b64encode(call.body).decode(), True


def headers_of(call: Call) -> dict[str, list[str]]:
    """The values of each header; all names in small letters."""
    found = gathered([(name.lower(), value) for name, value in call.headers])
    return dict(sorted((found | {"content-length": [str(len(call.body))]}).items()))


def joined(values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The values of each name with commas between them."""
    return {name: ",".join(given) for name, given in values.items()}


def _spelled(headers: dict[str, list[str]]) -> dict[str, list[str]]:
    """The names as format 1.0 has them: some begin with capitals, most do not."""
    named = {
        "-".join(part.capitalize() for part in name.split("-"))
        if name in _CAPITALS or name.startswith("x-")
        else name: values
        for name, values in headers.items()
    }
    return dict(sorted(named.items()))


def _second(
    call: Call, place: Place, taken: Taken, authorizer: dict[str, Any] | None
) -> dict[str, Any]:
    headers = headers_of(call)
    cookies = [one.strip() for value in headers.pop("cookie", []) for one in value.split(";")]
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": taken.route.key,
        "rawPath": unquote(call.sent_path),
        "rawQueryString": call.raw_query,
    }
    if cookies:
        made["cookies"] = [one for one in cookies if one]
    made["headers"] = joined(headers)
    if call.query:
        made["queryStringParameters"] = joined(call.query)
    if taken.parameters:
        made["pathParameters"] = taken.parameters
    if place.variables:
        made["stageVariables"] = dict(place.variables)
    made["requestContext"] = _second_context(call, place, taken, authorizer)
    return made


def _second_context(
    call: Call, place: Place, taken: Taken, authorizer: dict[str, Any] | None
) -> dict[str, Any]:
    context: dict[str, Any] = {
        "accountId": place.account,
        "apiId": place.api,
        "domainName": place.domain,
        "domainPrefix": place.api,
        "http": {
            "method": call.method,
            "path": unquote(call.sent_path),
            "protocol": "HTTP/1.1",
            "sourceIp": SOURCE_IP,
            "userAgent": call.header("user-agent") or "",
        },
        "requestId": call.extended_id,
        "routeKey": taken.route.key,
        "stage": place.stage,
        "time": call.when,
        "timeEpoch": call.milliseconds,
    }
    if authorizer is not None:
        context["authorizer"] = authorizer
    return context


def _first(
    call: Call, place: Place, taken: Taken, authorizer: dict[str, Any] | None
) -> dict[str, Any]:
    headers = _spelled(headers_of(call))
    return {
        "version": "1.0",
        "resource": _resource(taken),
        "path": call.sent_path,
        "httpMethod": call.method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: v[-1] for name, v in call.query.items()} or None,
        "multiValueQueryStringParameters": call.query or None,
        "requestContext": _first_context(call, place, taken, authorizer),
        "pathParameters": taken.parameters or None,
        "stageVariables": dict(place.variables) or None,
    }


def _resource(taken: Taken) -> str:
    return taken.route.key.partition(" ")[2] or taken.route.key


def _first_context(
    call: Call, place: Place, taken: Taken, authorizer: dict[str, Any] | None
) -> dict[str, Any]:
    context: dict[str, Any] = {
        "accountId": place.account,
        "apiId": place.api,
        "domainName": place.domain,
        "domainPrefix": place.api,
        "extendedRequestId": call.extended_id,
        "httpMethod": call.method,
        "identity": _identity(call, authorizer),
        "path": unquote(call.sent_path),
        "protocol": "HTTP/1.1",
        "requestId": call.extended_id,
        "requestTime": call.when,
        "requestTimeEpoch": call.milliseconds,
        "resourceId": taken.route.key,
        "resourcePath": _resource(taken),
        "stage": place.stage,
    }
    if authorizer is not None:
        # What format 2.0 keeps apart lies here side by side.
        context["authorizer"] = authorizer.get("jwt") or authorizer.get("lambda") or {}
    return context


_IDENTITY = (
    "accessKey", "accountId", "caller", "cognitoAmr", "cognitoAuthenticationProvider",
    "cognitoAuthenticationType", "cognitoIdentityId", "cognitoIdentityPoolId", "principalOrgId",
)  # fmt: skip


def _identity(call: Call, authorizer: dict[str, Any] | None) -> dict[str, Any]:
    signed = (authorizer or {}).get("iam") or {}
    found: dict[str, Any] = dict.fromkeys(_IDENTITY)
    found |= {
        "accessKey": signed.get("accessKey"),
        "accountId": signed.get("accountId"),
        "caller": signed.get("callerId"),
        "sourceIp": SOURCE_IP,
        "user": signed.get("userId"),
        "userAgent": call.header("user-agent") or "",
        "userArn": signed.get("userArn"),
    }
    return found
