"""Integrations of REST APIs with services beside Lambda, as their URIs name them.

``arn:aws:apigateway:<region>:<service>:action/<operation>`` calls an operation; with
``path/`` in place of ``action/`` a request goes to a path of the service.
Source: https://docs.aws.amazon.com/apigateway/latest/api/API_Integration.html
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from lambdalab.neighbours.api_gateway.rest_apis import Integration
from lambdalab.sources.api_gateway.integrations import Mapper, Prepared
from lambdalab.sources.gateway.functions import filled
from lambdalab.sources.gateway.services import Order

__all__ = ["order_of"]

_URI = re.compile(
    r"arn:[^:]+:apigateway:(?P<region>[^:]+):(?P<service>[^:]+):(?P<kind>path|action)/(?P<rest>.*)"
)
_FORM = "application/x-www-form-urlencoded"
_GAP = re.compile(r"\{([^{}]+)\}")
# Those that the lab has, as URIs name them, and what botocore calls their models.
_MODELS = {
    "dynamodb": "dynamodb",
    "events": "events",
    "firehose": "firehose",
    "kinesis": "kinesis",
    "s3": "s3",
    "sns": "sns",
    "sqs": "sqs",
    "states": "stepfunctions",
}


def order_of(integration: Integration, mapper: Mapper, prepared: Prepared) -> Order | None:
    """The request that an integration sends; None where the lab has no such service."""
    named = _URI.fullmatch(filled(integration.uri, mapper.place.variables))
    if named is None or named["service"] not in _MODELS:
        return None
    service, query, body = named["service"], mapper.sent(integration, "querystring"), prepared.body
    headers = {name.lower(): value for name, value in prepared.headers.items()}
    path = f"/{_placed(named['rest'], mapper.sent(integration, 'path'))}"
    if named["kind"] == "action":
        if service == "s3":
            return None
        path, more, own = _operation(service, named["rest"])
        if more:
            # Forms and query strings are one to such services; what has another type is none.
            given = [body] if headers.get("content-type", "") == _FORM and body else []
            query, body = {}, b"&".join([urlencode(query | more).encode(), *given])
            headers["content-type"] = _FORM
        headers = own | headers
    headers.setdefault("content-type", mapper.call.header("content-type") or "application/json")
    verb = integration.method or "POST"
    return Order(service, named["region"], verb, path, query, headers, body)


def _operation(service: str, name: str) -> tuple[str, dict[str, str], dict[str, str]]:
    """Where an operation is named: in the query string, or in a header."""
    metadata = _metadata(_MODELS[service])
    if metadata["protocol"] == "query" or "awsQueryCompatible" in metadata:
        action = {"Action": name, "Version": metadata["apiVersion"]}
        return "/", action, {}
    kind = f"application/x-amz-json-{metadata['jsonVersion']}"
    return "/", {}, {"x-amz-target": f"{metadata['targetPrefix']}.{name}", "content-type": kind}


@cache
def _metadata(model: str) -> dict[str, Any]:
    from botocore.session import get_session

    found: dict[str, Any] = get_session().get_service_model(model).metadata
    return found


def _placed(path: str, values: dict[str, str]) -> str:
    """A path with the values of its parameters; one that has none stays."""
    return _GAP.sub(
        lambda gap: quote(values[gap[1]], safe="/") if gap[1] in values else gap[0], path
    )
