"""What REST APIs refuse and moto takes, or answers with a failure of its own.

Recorded on AWS in LocalStack's snapshot tests: https://github.com/localstack/localstack
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

from lambdalab.errors import AwsError
from lambdalab.imports import after_load
from lambdalab.neighbours.api_gateway import rest_api_resources as resources

__all__ = ["install", "refusing"]

_Check = Callable[[Any, list[str]], None]

# What patches of an API and of a stage may name.
_API_PATH = re.compile(
    r"/(name|description|policy|apiKeySource|disableExecuteApiEndpoint|minimumCompressionSize"
    r"|securityPolicy|endpointAccessMode|binaryMediaTypes/.+|endpointConfiguration(/.*)?)"
)
_STAGE_PATH = re.compile(
    r"/(deploymentId|description|cacheClusterEnabled|cacheClusterSize|clientCertificateId"
    r"|tracingEnabled|accessLogSettings(/(destinationArn|format))?|variables/.+|canarySettings.*"
    r"|[^/]+/[^/]+(/(metrics|logging|throttling|caching)/\w+)?)"
)
_SETTING = re.compile(r"/([^/]+/[^/]+)")
_STAGE = re.compile(r"[A-Za-z0-9_-]{1,128}")
# A word of AWS's text that looks like a gap in it.
_WORDS = {"variable_name": "{variable_name}"}


def install() -> None:
    """Complete moto's module as soon as it is loaded."""
    after_load("moto.apigateway.responses", _mend)


def refusing(act: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """An operation of moto's whose refusals are AWS's."""
    from moto.core.exceptions import JsonRESTError

    def run(request: Any) -> Any:
        try:
            return act(request)
        except AwsError as error:
            refused = JsonRESTError(error.code, error.message)
            refused.code = error.status
            raise refused from error

    return run


def _mend(module: ModuleType) -> None:
    kind = module.APIGatewayResponse
    for operation, check in _each():
        setattr(kind, operation, refusing(_checked(getattr(kind, operation), check)))


def _checked(act: Callable[[Any], Any], check: _Check) -> Callable[[Any], Any]:
    def run(request: Any) -> Any:
        check(request, request.path.strip("/").split("/"))
        return act(request)

    return run


def _each() -> Iterator[tuple[str, _Check]]:
    """Each check under its operation's name; of several, the last is the first to be made."""
    yield from _OWN.items()
    yield from dict.fromkeys(_OF_RESOURCES, resources.resource_is_there).items()
    yield from dict.fromkeys(_OF_APIS, _api_is_there).items()


# ---- APIs


def _api_is_there(request: Any, parts: list[str]) -> None:
    if parts[1] not in request.backend.apis:
        raise resources.refuse("no-api", account=request.current_account, api=parts[1])


def _create_rest_api(request: Any, parts: list[str]) -> None:  # noqa: ARG001
    if resources.told(request).get("description") == "":
        raise resources.refuse("empty-description")


def _update_rest_api(request: Any, parts: list[str]) -> None:  # noqa: ARG001
    for one in resources.patches(request):
        if not _API_PATH.fullmatch(str(one.get("path"))):
            raise resources.refuse("patch-path", path=one.get("path"))


# ---- models and validators


def _create_model(request: Any, parts: list[str]) -> None:
    given, api = resources.told(request), request.backend.apis[parts[1]]
    if not given.get("name"):
        raise resources.refuse("empty-model-name")
    if given["name"] in {one.name for one in api.models.values()}:
        raise resources.refuse("model-exists")
    if not given.get("schema"):
        raise resources.refuse("empty-model")


def _model_is_there(request: Any, parts: list[str]) -> None:
    api = request.backend.apis.get(parts[1])
    if api is None or parts[3] not in {one.name for one in api.models.values()}:
        raise resources.refuse("no-model", name=parts[3])


def _create_request_validator(request: Any, parts: list[str]) -> None:
    if parts[1] not in request.backend.apis:
        raise resources.refuse("no-api-for-validator")


def _validator_is_there(request: Any, parts: list[str]) -> None:
    api = request.backend.apis.get(parts[1])
    if api is None or parts[3] not in api.request_validators:
        raise resources.refuse("no-validator")


# ---- stages and usage plans


def _create_stage(request: Any, parts: list[str]) -> None:
    given = resources.told(request)
    if given.get("stageName") and not _STAGE.fullmatch(str(given["stageName"])):
        raise resources.refuse("bad-stage-name")
    if parts[2] == "stages" and given.get("deploymentId") not in (
        request.backend.apis[parts[1]].deployments
    ):
        raise resources.refuse("no-deployment")


def _update_stage(request: Any, parts: list[str]) -> None:
    stage = request.backend.get_stage(parts[1], parts[3])
    for one in resources.patches(request):
        path, setting = str(one.get("path")), _SETTING.fullmatch(str(one.get("path")))
        known = _STAGE_PATH.fullmatch(path) and not path.startswith("/tags/")
        if not known or (setting and one.get("op") != "remove" and "variables/" not in path
                         and "accessLogSettings/" not in path):  # fmt: skip
            raise resources.refuse("stage-path", path=path, **_WORDS)
        if setting and one.get("op") == "remove" and "variables/" not in path:
            _remove_setting(stage, setting[1])


def _remove_setting(stage: Any, name: str) -> None:
    if "accessLogSettings" in name:
        return
    if name not in stage.method_settings:
        raise resources.refuse("no-method-setting", name=name)
    del stage.method_settings[name]


def _update_usage_plan(request: Any, parts: list[str]) -> None:
    plan = request.backend.get_usage_plan(parts[1])
    for one in resources.patches(request):
        if one.get("path") == "/apiStages":
            key, colon, stage = str(one.get("value") or "").partition(":")
            if not colon:
                raise resources.refuse("bad-plan-stage")
            apis = request.backend.apis
            known = key in apis and stage in apis[key].stages
            if one.get("op") == "remove":
                known = {"apiId": key, "stage": stage} in plan.api_stages
            if not known:
                raise resources.refuse("no-plan-stage", api=key, stage=stage, plan=plan.id)


_OF_APIS = (
    "get_rest_api", "update_rest_api", "delete_rest_api", "get_models", "create_model",
    "get_request_validators", "get_authorizers", "create_stage", "create_deployment",
    "get_resources", "get_stages", "get_deployments",
)  # fmt: skip
_OF_RESOURCES = (
    "create_resource", "get_resource", "update_resource", "delete_resource", "put_method",
    "update_method", "get_integration", "delete_integration",
)  # fmt: skip
_OWN: Mapping[str, _Check] = {
    "create_rest_api": _create_rest_api,
    "update_rest_api": _update_rest_api,
    "create_resource": resources.create_resource,
    "update_resource": resources.update_resource,
    "delete_resource": resources.delete_resource,
    "put_method": resources.put_method,
    "put_integration": resources.put_integration,
    "get_integration": resources.integration_is_there,
    "delete_integration": resources.integration_is_there,
    "create_model": _create_model,
    "get_model": _model_is_there,
    "delete_model": _model_is_there,
    "update_model": _model_is_there,
    "create_request_validator": _create_request_validator,
    "get_request_validator": _validator_is_there,
    "delete_request_validator": _validator_is_there,
    "update_request_validator": _validator_is_there,
    "create_stage": _create_stage,
    "create_deployment": _create_stage,
    "update_stage": _update_stage,
    "update_usage_plan": _update_usage_plan,
}
