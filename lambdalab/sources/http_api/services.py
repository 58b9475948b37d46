"""Integrations of HTTP APIs with services beside Lambda: one operation each, called a subtype.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-aws-services-reference.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlencode

from lambdalab.neighbours.api_gateway.http_api_services import SUBTYPES, Subtype
from lambdalab.neighbours.api_gateway.http_apis import Integration
from lambdalab.sources.gateway.call import Call, Place
from lambdalab.sources.gateway.functions import filled
from lambdalab.sources.gateway.services import Order, Services
from lambdalab.sources.http_api.expressions import mapped
from lambdalab.sources.http_api.routes import Taken
from lambdalab.sources.http_messages import may_be_sent
from lambdalab.wire import Response

__all__ = ["ask"]

_PLURAL = re.compile(r"^((?:Message|MessageSystem)?Attribute(?:Name)?)s\.")


async def ask(
    services: Services, integration: Integration, call: Call, place: Place, taken: Taken
) -> Response:
    """What the service of an integration answers; raises as ``Services.ask`` does."""
    subtype = SUBTYPES[integration.subtype or ""]
    given = {
        name: mapped(text, call, place, taken.route.key, taken.parameters)
        for name, text in integration.parameters.items()
    }
    region = given.pop("Region", "") or place.region
    role = filled(integration.credentials or "", place.variables)
    order = _order(subtype, region, {name: value for name, value in given.items() if value})
    answer = await services.ask(order, role, call, integration.timeout)
    kind = answer.header("content-type") or "application/json"
    kept = (("content-type", kind),)
    return Response(answer.status, answer.body, tuple(one for one in kept if may_be_sent(*one)))


def _order(subtype: Subtype, region: str, given: Mapping[str, str]) -> Order:
    from botocore.serialize import create_serializer

    operation = _operation(subtype.model, subtype.operation)
    shape = operation.input_shape
    if subtype.entry is not None:
        inner = shape.members[subtype.entry].member
        members: dict[str, Any] = {subtype.entry: [_read(inner, given)]}
    else:
        members = _read(shape, given)
    serializer = create_serializer(subtype.protocol, include_validation=False)
    made = serializer.serialize_to_request(members, operation)
    body = made["body"]
    if isinstance(body, dict):
        body = urlencode({_as_in_forms(name): value for name, value in body.items()})
    sent = body.encode() if isinstance(body, str) else body
    return Order(subtype.service, region, headers=made["headers"], body=sent)


def _as_in_forms(name: str) -> str:
    """A parameter as SQS's forms have it: botocore knows the names of its JSON protocol only."""
    name = _PLURAL.sub(r"\1.", name)
    return name.replace(".key", ".Name").replace(".value", ".Value")


def _read(shape: Any, given: Mapping[str, str]) -> dict[str, Any]:
    """The members of an operation: all parameters are text, and what is not stands in JSON.

    Some services begin their members' names with small letters; the parameters' have capitals.
    """
    names = {f"{name[0].upper()}{name[1:]}": name for name in shape.members}
    return {
        names[name]: _value(shape.members[names[name]], text)
        for name, text in given.items()
        if name in names
    }


def _value(shape: Any, text: str) -> Any:
    if shape.type_name not in ("structure", "map", "list", "integer", "boolean"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return [text] if shape.type_name == "list" else text


@cache
def _operation(model: str, name: str) -> Any:
    from botocore.session import get_session

    return get_session().get_service_model(model).operation_model(name)
