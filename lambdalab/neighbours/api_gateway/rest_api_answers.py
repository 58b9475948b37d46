"""What REST APIs answer of themselves, where moto answers less, or otherwise.

- An integration tells its defaults; a method without responses tells none.
- Every type of gateway response is there, customized or not.
- A stage's settings of methods begin as AWS's do; the rate of a usage plan may have a fraction.

Recorded on AWS in LocalStack's snapshot tests: https://github.com/localstack/localstack
"""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

from lambdalab import facts
from lambdalab.imports import after_load

__all__ = ["install"]

_TIMEOUT = int(facts.quota("api-gateway.rest-timeout").seconds * 1000)
_TEMPLATES = {"application/json": '{"message":$context.error.messageString}'}
# The types of gateway responses, and the status that AWS tells of each.
_TYPES = {
    "ACCESS_DENIED": "403", "API_CONFIGURATION_ERROR": "500",
    "AUTHORIZER_CONFIGURATION_ERROR": "500", "AUTHORIZER_FAILURE": "500",
    "BAD_REQUEST_BODY": "400", "BAD_REQUEST_PARAMETERS": "400", "DEFAULT_4XX": None,
    "DEFAULT_5XX": None, "EXPIRED_TOKEN": "403", "INTEGRATION_FAILURE": "504",
    "INTEGRATION_TIMEOUT": "504", "INVALID_API_KEY": "403", "INVALID_SIGNATURE": "403",
    "MISSING_AUTHENTICATION_TOKEN": "403", "QUOTA_EXCEEDED": "429", "REQUEST_TOO_LARGE": "413",
    "RESOURCE_NOT_FOUND": "404", "THROTTLED": "429", "UNAUTHORIZED": "401",
    "UNSUPPORTED_MEDIA_TYPE": "415", "WAF_FILTERED": "403",
}  # fmt: skip
_SETTINGS = {
    "throttlingRateLimit": 10000.0, "throttlingBurstLimit": 5000, "cacheDataEncrypted": False,
}  # fmt: skip


def install() -> None:
    """Complete moto's modules as soon as they are loaded."""
    after_load("moto.apigateway.models", _mend_models)
    after_load("moto.apigateway.responses", _mend_responses)


def _mend_models(models: ModuleType) -> None:
    _also(models.Integration, "to_json", _told_of_integration)
    _also(models.Method, "to_json", _told_of_method)
    _also(models.Stage, "_get_default_method_settings", lambda _, told: told | _SETTINGS)
    _also(models.GatewayResponse, "to_json", _told_of_response)
    _also(models.RestAPI, "to_dict", _told_of_api)
    _also(models.Stage, "to_json", _told_of_stage)
    _mend_rates(models.UsagePlan)
    put = models.APIGatewayBackend.put_integration

    def put_integration(backend: Any, api: str, resource: str, *given: Any, **options: Any) -> Any:
        options["cache_namespace"] = options.get("cache_namespace") or resource
        return put(backend, api, resource, *given, **options)

    models.APIGatewayBackend.put_integration = put_integration


def _mend_rates(kind: Any) -> None:
    """A rate need not be a whole number, as moto has it."""
    apply = kind.apply_patch_operations

    def apply_patch_operations(plan: Any, operations: list[dict[str, Any]]) -> None:
        for one in operations:
            if one["op"] != "remove" and one["path"] == "/throttle/rateLimit":
                plan.throttle["rateLimit"] = float(one["value"])
            else:
                apply(plan, [one])

    kind.apply_patch_operations = apply_patch_operations


def _also(kind: Any, name: str, change: Callable[[Any, dict[str, Any]], dict[str, Any]]) -> None:
    """Change what a method of moto's gives."""
    act = getattr(kind, name)
    setattr(kind, name, lambda one: change(one, act(one)))


def _told_of_integration(one: Any, told: dict[str, Any]) -> dict[str, Any]:
    told["passthroughBehavior"] = told["passthroughBehavior"] or "WHEN_NO_MATCH"
    told["timeoutInMillis"] = told["timeoutInMillis"] or _TIMEOUT
    if one.integration_type == "MOCK":
        told["uri"] = None
    if one.integration_type in ("HTTP", "HTTP_PROXY"):
        told["connectionType"] = told["connectionType"] or "INTERNET"
    return {name: value for name, value in told.items() if value is not None}


def _told_of_method(one: Any, told: dict[str, Any]) -> dict[str, Any]:
    told["authorizationType"] = (one.authorization_type or "NONE").upper()
    empty = ("methodResponses", "requestModels", "requestParameters")
    return {name: value for name, value in told.items() if value or name not in empty}


def _told_of_api(one: Any, told: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    """Nobody can give an API the version that moto tells."""
    place = told.get("endpointConfiguration") or {}
    told["endpointConfiguration"] = {"ipAddressType": "ipv4"} | place
    return {
        name: value
        for name, value in told.items()
        if name != "version" and (value or name != "binaryMediaTypes")
    }


def _told_of_stage(one: Any, told: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    told = {"cacheClusterStatus": "NOT_AVAILABLE", "tracingEnabled": False} | told
    return {name: value for name, value in told.items()
            if value or name not in ("variables", "description")}  # fmt: skip


def _told_of_response(one: Any, told: dict[str, Any]) -> dict[str, Any]:
    """What was not customized is as it is by itself."""
    usual = _usual(one.response_type)
    return usual | {name: value for name, value in told.items() if value not in (None, {})}


def _usual(kind: str) -> dict[str, Any]:
    """A gateway response that nobody has customized."""
    status = {"statusCode": _TYPES[kind]} if _TYPES.get(kind) else {}
    return {
        "responseType": kind, "defaultResponse": True, "responseParameters": {},
        "responseTemplates": _TEMPLATES,
    } | status  # fmt: skip


def _mend_responses(module: ModuleType) -> None:
    def get_gateway_response(request: Any) -> Any:
        _, api, _, kind = request.path.strip("/").split("/")
        own = request.backend.get_rest_api(api).gateway_responses.get(kind)
        if own is None and kind not in _TYPES:
            return get_one(request)
        return 200, {}, json.dumps(_usual(kind) if own is None else own.to_json())

    def get_gateway_responses(request: Any) -> Any:
        own = request.backend.get_rest_api(request.path.strip("/").split("/")[1]).gateway_responses
        told = [own[kind].to_json() if kind in own else _usual(kind) for kind in _TYPES]
        return 200, {}, json.dumps({"item": told})

    kind = module.APIGatewayResponse
    get_one = kind.get_gateway_response
    kind.get_gateway_response = get_gateway_response
    kind.get_gateway_responses = get_gateway_responses
    for name, status in {"create_rest_api": 201, "delete_rest_api": 202}.items():
        setattr(kind, name, _with_status(getattr(kind, name), status))


def _with_status(act: Callable[[Any], Any], status: int) -> Callable[[Any], Any]:
    def run(request: Any) -> Any:
        answer = act(request)
        return (status, {"status": status}, answer[2]) if answer[0] == 200 else answer

    return run
