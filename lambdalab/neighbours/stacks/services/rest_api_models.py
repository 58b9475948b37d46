"""What an OpenAPI document says of bodies and of what is checked of requests.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-validation-set-up.html
"""

from __future__ import annotations

import json
from typing import Any

from lambdalab.neighbours.stacks.services.service_type import Json, Work

__all__ = ["Models"]

_VALIDATOR = "x-amazon-apigateway-request-validator"
_JSON = "application/json"
_PLACES = ("#/definitions/", "#/components/schemas/")
_OWN = ("Empty", "Error")


class Models:
    """The models and the validators of an API, made of its document."""

    def __init__(self, work: Work, api: Json, body: Json) -> None:
        self._work = work
        self._api = api
        self._body = body
        self._schemas: Json = (
            body.get("definitions") or (body.get("components") or {}).get("schemas") or {}
        )
        if work.before:
            self._clear()
        for name, schema in self._schemas.items():
            self._make(name, schema)
        self._validators = {
            name: work.act(
                "CreateRequestValidator",
                **api,
                name=name,
                validateRequestBody=bool(one.get("validateRequestBody")),
                validateRequestParameters=bool(one.get("validateRequestParameters")),
            )["id"]
            for name, one in (body.get(f"{_VALIDATOR}s") or {}).items()
        }

    def of(self, operation: Json) -> Json:
        """What a method is told of its requests' bodies, and who checks them."""
        found: Json = {}
        models = {kind: self._named(schema) for kind, schema in self._bodies(operation).items()}
        if models:
            found["requestModels"] = models
        chosen = operation.get(_VALIDATOR) or self._body.get(_VALIDATOR)
        if chosen in self._validators:
            found["requestValidatorId"] = self._validators[chosen]
        return found

    def _clear(self) -> None:
        for one in self._work.act("GetModels", **self._api).get("items", []):
            if one["name"] not in _OWN:
                self._work.act("DeleteModel", **self._api, modelName=one["name"])
        for one in self._work.act("GetRequestValidators", **self._api).get("items", []):
            self._work.act("DeleteRequestValidator", **self._api, requestValidatorId=one["id"])

    def _bodies(self, operation: Json) -> Json:
        """The schemas of a request's body by content type; both versions say it in their way."""
        content = (operation.get("requestBody") or {}).get("content") or {}
        found = {kind: one["schema"] for kind, one in content.items() if one.get("schema")}
        consumed = operation.get("consumes") or self._body.get("consumes") or [_JSON]
        for one in operation.get("parameters") or []:
            if one.get("in") == "body" and one.get("schema"):
                found |= dict.fromkeys(consumed, one["schema"])
        return found

    def _named(self, schema: Json) -> str:
        """The name of a schema's model; one without is given one."""
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        if name not in self._schemas:
            name = f"Model{len(self._schemas) + 1}"
            self._schemas[name] = schema
            self._make(name, schema)
        return name

    def _make(self, name: str, schema: Any) -> None:
        text = json.dumps(schema)
        for place in _PLACES:
            address = f"https://apigateway.amazonaws.com/restapis/{self._api['restApiId']}/models/"
            text = text.replace(f'"{place}', f'"{address}')
        self._work.act("CreateModel", **self._api, name=name, schema=text, contentType=_JSON)
