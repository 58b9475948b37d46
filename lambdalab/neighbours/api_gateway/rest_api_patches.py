"""Operations of REST APIs that moto does not have: those that change what is there by patches.

A patch operation names a member by its path in the answer's JSON (``/requestParameters/name``), in
which ``~1`` stands for a slash.
Source: https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from lambdalab.neighbours.api_gateway.rest_apis import FLUSHES

__all__ = ["OPERATIONS"]

# The member of the path, and the attribute of moto's object.
_METHOD = {
    "authorizationType": "authorization_type",
    "authorizerId": "authorizer_id",
    "apiKeyRequired": "api_key_required",
    "requestValidatorId": "request_validator_id",
    "operationName": "operation_name",
    "requestParameters": "request_parameters",
    "requestModels": "request_models",
    "authorizationScopes": "authorization_scopes",
}
_INTEGRATION = {
    "type": "integration_type",
    "uri": "uri",
    "httpMethod": "http_method",
    "credentials": "credentials",
    "requestTemplates": "request_templates",
    "requestParameters": "request_parameters",
    "passthroughBehavior": "passthrough_behaviour",
    "timeoutInMillis": "timeout_in_millis",
    "contentHandling": "content_handling",
    "cacheNamespace": "cache_namespace",
    "cacheKeyParameters": "cache_key_parameters",
    "connectionType": "connection_type",
}
_INTEGRATION_RESPONSE = {
    "statusCode": "status_code",
    "selectionPattern": "selection_pattern",
    "responseTemplates": "response_templates",
    "responseParameters": "response_parameters",
    "contentHandling": "content_handling",
}
_METHOD_RESPONSE = {
    "statusCode": "status_code",
    "responseModels": "response_models",
    "responseParameters": "response_parameters",
}
_GATEWAY_RESPONSE = {
    "statusCode": "status_code",
    "responseParameters": "response_parameters",
    "responseTemplates": "response_templates",
}
_DEPLOYMENT = {"description": "description"}
_MODEL = {"description": "description", "schema": "schema"}
# Members that are lists: the value is one of them.
_LISTS = {"authorizationScopes", "cacheKeyParameters"}
_NUMBERS = {"timeoutInMillis"}


def _patched(one: Any, members: dict[str, str], operations: list[dict[str, Any]]) -> None:
    for operation in operations or []:
        name, _, key = operation["path"].removeprefix("/").partition("/")
        if name not in members:
            from moto.apigateway.exceptions import BadRequestException

            raise BadRequestException(f"Invalid patch path {operation['path']}")
        attribute = members[name]
        value = _value(one, attribute, name, key.replace("~1", "/").replace("~0", "~"), operation)
        setattr(one, attribute, value)


def _value(one: Any, attribute: str, name: str, key: str, operation: dict[str, Any]) -> Any:
    """What the member is after an operation."""
    given, remove = operation.get("value"), operation["op"] == "remove"
    if name in _LISTS:
        kept = [item for item in getattr(one, attribute) or [] if item != (key or given)]
        return kept if remove else [*kept, key or given]
    if key:
        others = {k: v for k, v in (getattr(one, attribute) or {}).items() if k != key}
        return others if remove else others | {key: _typed(given)}
    if remove or given == "":
        return None
    return int(str(given)) if name in _NUMBERS else _typed(given)


def _typed(given: Any) -> Any:
    return {"true": True, "false": False}.get(given, given) if isinstance(given, str) else given


def _update(
    find: Callable[[Any, list[str]], Any], members: dict[str, str], told: str = "to_json"
) -> Callable[[Any], Any]:
    def update(request: Any) -> Any:
        one = find(request.backend, request.path.strip("/").split("/"))
        _patched(one, members, request._get_param("patchOperations"))
        return 200, {}, json.dumps(getattr(one, told)())

    return update


def _integration(backend: Any, parts: list[str]) -> Any:
    found = backend.get_integration(parts[1], parts[3], parts[5])
    if found is None:
        from moto.apigateway.exceptions import NoIntegrationDefined

        raise NoIntegrationDefined
    return found


def _update_resource(request: Any) -> Any:
    """Move a resource below another, or give it another part of the path."""
    parts = request.path.strip("/").split("/")
    one = request.backend.get_resource(parts[1], parts[3])
    for operation in request._get_param("patchOperations") or []:
        attribute = {"/pathPart": "path_part", "/parentId": "parent_id"}.get(operation["path"])
        if attribute:
            setattr(one, attribute, operation["value"])
    return 200, {}, json.dumps(one.to_dict())


def _flush_authorizers(request: Any) -> Any:
    parts = request.path.strip("/").split("/")
    stage = request.backend.get_stage(parts[1], parts[3])
    setattr(stage, FLUSHES, getattr(stage, FLUSHES, 0) + 1)
    return 202, {"status": 202}, ""


OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "update_method": _update(lambda b, p: b.get_method(p[1], p[3], p[5]), _METHOD),
    "update_integration": _update(_integration, _INTEGRATION),
    "update_integration_response": _update(
        lambda b, p: b.get_integration_response(p[1], p[3], p[5], p[8]), _INTEGRATION_RESPONSE
    ),
    "update_method_response": _update(
        lambda b, p: b.get_method_response(p[1], p[3], p[5], p[7]), _METHOD_RESPONSE
    ),
    "update_gateway_response": _update(
        lambda b, p: b.get_gateway_response(p[1], p[3]), _GATEWAY_RESPONSE
    ),
    "update_deployment": _update(lambda b, p: b.get_deployment(p[1], p[3]), _DEPLOYMENT),
    "update_model": _update(lambda b, p: b.get_model(p[1], p[3]), _MODEL),
    "update_resource": _update_resource,
    "flush_stage_authorizers_cache": _flush_authorizers,
}
