"""Request validation: parameters that must be there, bodies that must fit a model.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lambdalab.neighbours.api_gateway.rest_apis import Deployed, Method
from lambdalab.sources.api_gateway.refusals import RefusedError
from lambdalab.sources.api_gateway.resources import Found
from lambdalab.sources.gateway.call import Call

__all__ = ["check"]

_MODEL = "/models/"
_JSON = "application/json"


def check(call: Call, found: Found, deployed: Deployed) -> None:
    """RefusedError for a request that the method's validator does not let through."""
    body, parameters = deployed.validators.get(found.method.validator or "", (False, False))
    if parameters:
        missing = [
            name.rpartition(".")[2]
            for name, needed in sorted(found.method.parameters.items())
            if needed and not _given(name, call, found)
        ]
        if missing:
            raise RefusedError("bad-request-parameters", names=", ".join(missing))
    if body:
        _check_body(call, found.method, deployed.models)


def _given(name: str, call: Call, found: Found) -> bool:
    part, _, member = name.removeprefix("method.request.").partition(".")
    if part == "path":
        return bool(found.parameters.get(member))
    if part in ("querystring", "multivaluequerystring"):
        return any(call.query.get(member) or ())
    return bool(call.header(member))


def _check_body(call: Call, method: Method, models: Mapping[str, str]) -> None:
    kind = (call.header("content-type") or _JSON).partition(";")[0].strip().lower()
    name = method.models.get(kind) or method.models.get("$default")
    if name is None or name not in models:
        return
    try:
        value = json.loads(call.body)
    except (ValueError, RecursionError):
        raise RefusedError("bad-request-body") from None
    if not _fits(value, name, models):
        raise RefusedError("bad-request-body")


def _fits(value: Any, name: str, models: Mapping[str, str]) -> bool:
    from jsonschema import Draft4Validator
    from jsonschema.exceptions import SchemaError, ValidationError

    try:
        schema = _resolved(json.loads(models[name]), models, (name,))
        Draft4Validator(schema).validate(value)
    except (ValidationError, SchemaError, ValueError, RecursionError):
        return False
    return True


def _resolved(schema: Any, models: Mapping[str, str], within: tuple[str, ...]) -> Any:
    """A schema with the models that it names by their address put in their place."""
    if isinstance(schema, list):
        return [_resolved(one, models, within) for one in schema]
    if not isinstance(schema, dict):
        return schema
    target = str(schema.get("$ref", ""))
    if _MODEL in target:
        name = target.rpartition(_MODEL)[2]
        if name in within or name not in models:
            return {}
        return _resolved(json.loads(models[name]), models, (*within, name))
    return {key: _resolved(value, models, within) for key, value in schema.items()}
