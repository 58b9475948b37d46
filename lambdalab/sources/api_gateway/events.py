"""The context of a request to a REST API, and the event of a proxy integration.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
and events recorded on AWS in 2026 (https://github.com/radkawar/stackd).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from lambdalab.neighbours.callers import Signer
from lambdalab.sources.api_gateway.resources import Found
from lambdalab.sources.gateway.call import SOURCE_IP, Call, Place, gathered

__all__ = ["body_of", "context_of", "event", "is_binary", "request_part", "signed"]

_UNSIGNED = dict.fromkeys(
    (
        "cognitoIdentityPoolId", "accountId", "cognitoIdentityId", "caller", "sourceIp",
        "principalOrgId", "accessKey", "cognitoAuthenticationType", "cognitoAuthenticationProvider",
        "userArn", "userAgent", "user",
    )
)  # fmt: skip


def context_of(call: Call, place: Place, found: Found | None) -> dict[str, Any]:
    """What is known of a request before anybody has judged it: ``$context``."""
    known: dict[str, Any] = {
        "resourceId": found.resource.id if found else "",
        "resourcePath": found.resource.path if found else "",
        "operationName": found.method.operation if found else None,
        "httpMethod": call.method,
        "extendedRequestId": call.extended_id,
        "requestTime": call.when,
        "path": f"/{place.stage}{call.path}",
        "accountId": place.account,
        "protocol": "HTTP/1.1",
        "stage": place.stage,
        "domainPrefix": place.api,
        "requestTimeEpoch": call.milliseconds,
        "requestId": call.request_id,
        "identity": _UNSIGNED | {"sourceIp": SOURCE_IP, "userAgent": call.header("user-agent")},
        "domainName": place.domain,
        "deploymentId": place.deployment,
        "apiId": place.api,
    }
    if known["operationName"] is None:
        del known["operationName"]
    return known


def signed(context: dict[str, Any], signer: Signer) -> None:
    """Tell the context who signed the request."""
    context["identity"] |= {
        "accountId": signer.account,
        "caller": signer.user_id,
        "accessKey": signer.access_key,
        "userArn": signer.arn,
        "user": signer.user_id,
    }


def request_part(call: Call, place: Place, found: Found, *, is_signed: bool) -> dict[str, Any]:
    """What events of proxy integrations and of authorizers tell alike."""
    hidden = {"authorization"} if is_signed else set()
    pairs = [(_spelled(n), value) for n, value in call.headers if n.lower() not in hidden]
    headers = dict(sorted(gathered(pairs).items()))
    return {
        "resource": found.resource.path,
        "path": call.path,
        "httpMethod": call.method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: v[-1] for name, v in call.query.items()},
        "multiValueQueryStringParameters": call.query,
        "pathParameters": found.parameters,
        "stageVariables": dict(place.variables),
    }


def event(
    call: Call, place: Place, found: Found, context: dict[str, Any], binary: Sequence[str]
) -> dict[str, Any]:
    """The event of a proxy integration; what is empty is null in it."""
    is_signed = context["identity"]["accessKey"] is not None
    made = request_part(call, place, found, is_signed=is_signed)
    made = {name: None if value == {} else value for name, value in made.items()}
    body, encoded = body_of(call, binary)
    return made | {"requestContext": context, "body": body, "isBase64Encoded": encoded}


def body_of(call: Call, binary: Sequence[str]) -> tuple[str | None, bool]:
    """A body as text, and whether it is base64: that of a type which the API calls binary."""
    if not call.body:
        return None, False
    if is_binary(call.header("content-type"), binary):
        return b64encode(call.body).decode(), True
    return call.body.decode("utf-8", "replace"), False


def is_binary(media_type: str | None, binary: Sequence[str]) -> bool:
    """Whether a type, the first of several, is one that the API calls binary."""
    kind = (media_type or "").partition(",")[0].partition(";")[0].strip().lower()
    return any(one == "*/*" or fnmatchcase(kind, one.lower()) for one in binary)


def _spelled(name: str) -> str:
    """Two names are spelled alike whatever the client wrote."""
    return name.title() if name.lower() in ("authorization", "user-agent", "host") else name
