"""moto's API Gateway V2, with what HTTP APIs need and moto lacks.

- Deployments: a stage that does not deploy by itself answers what was deployed to it.
- Quick create: an API that is created with a target has a route, an integration and a stage.
- UpdateStage, GetAuthorizers, and lists that moto does not give.
- Refusals, which ``http_api_checks`` knows.

Source: https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/
"""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any
from urllib.parse import unquote

from lambdalab.imports import after_load
from lambdalab.neighbours.api_gateway import http_api_checks
from lambdalab.neighbours.api_gateway.http_api_refusals import refused
from lambdalab.neighbours.api_gateway.http_apis import DEPLOYED, FLUSHES, read

__all__ = ["install"]

Json = dict[str, Any]

_RESPONSES = "moto.apigatewayv2.responses"
_URLS = "moto.apigatewayv2.urls"
_SETTINGS = {
    "accessLogSettings": "access_log_settings",
    "autoDeploy": "auto_deploy",
    "clientCertificateId": "client_certificate_id",
    "defaultRouteSettings": "default_route_settings",
    "description": "description",
    "routeSettings": "route_settings",
    "stageVariables": "stage_variables",
}
# What AWS answers with to operations whose names begin so.
_STATUS = {"create": 201, "import": 201, "reimport": 201, "delete": 204}


def install() -> None:
    """Complete moto's module as soon as it is loaded."""
    after_load(_RESPONSES, _mend)
    after_load(_URLS, _mend_urls)


def _mend_urls(module: ModuleType) -> None:
    paths = module.url_paths
    dispatch = paths["{0}/v2/apis$"]
    api = "{0}/v2/apis/(?P<api_id>[^/]+)"
    base = f"{api}/deployments"
    paths[f"{api}/stages/(?P<stage_name>[^/]+)/cache/authorizers$"] = dispatch
    paths[f"{base}$"] = dispatch
    paths[f"{base}/(?P<deployment_id>[^/]+)$"] = dispatch


def _mend(module: ModuleType) -> None:
    kind = module.ApiGatewayV2Response
    from moto.apigatewayv2 import models

    http_api_checks.mend(models)
    for operation, act in _OPERATIONS.items():
        setattr(kind, operation, _operation(act))
    kind.create_api = _create_api(kind.create_api)
    models.Api.create_stage = _create_stage(models.Api.create_stage)
    models.Api.to_json = _telling(models.Api.to_json, ipAddressType="ipv4")
    models.Integration.to_json = _telling(models.Integration.to_json, connectionType="INTERNET")
    for name, act in list(vars(kind).items()):
        status = _STATUS.get(name.partition("_")[0])
        if status:
            setattr(kind, name, _answering(act, status))


def _telling(tell: Callable[[Any], Json], **more: str) -> Callable[[Any], Json]:
    """What moto tells, and what AWS tells besides where nothing else was given."""

    def to_json(one: Any) -> Json:
        return {**more, **{name: value for name, value in tell(one).items() if value is not None}}

    return to_json


def _answering(act: Callable[[Any], Any], status: int) -> Callable[[Any], Any]:
    """An operation that answers with AWS's status, which moto takes from a header."""

    def answer(request: Any) -> Any:
        _, headers, body = act(request)
        return status, {**headers, "status": status}, body

    return answer


def _operation(act: Callable[..., Json]) -> Callable[[Any], Any]:
    """An operation on one API: the path's parts name the API and what is below it."""

    def operation(request: Any) -> Any:
        parts = request.path.strip("/").split("/")[2:]
        backend = request.apigatewayv2_backend
        given = json.loads(request.body) if request.body else {}
        return 200, {}, json.dumps(act(backend, given, *parts))

    return operation


# Deployments.


def _deployments(api: Any) -> dict[str, Json]:
    found: dict[str, Json] = api.__dict__.setdefault("lambdalab_deployments", {})
    return found


def deploy(api: Any, stage_name: str | None, description: str | None = None) -> Json:
    """Make a deployment of an API as it is now, and put it on a stage."""
    from moto.core.utils import iso_8601_datetime_without_milliseconds, utcnow
    from moto.moto_api._internal import mock_random

    key = mock_random.get_random_string(length=6, lower_case=True)
    made = {
        "deploymentId": key,
        "deploymentStatus": "DEPLOYED",
        "autoDeployed": False,
        "createdDate": iso_8601_datetime_without_milliseconds(utcnow()),
    }
    if description:
        made["description"] = description
    _deployments(api)[key] = made | {"configuration": read(api)}
    if stage_name:
        point(api, api.get_stage(stage_name), key)
    return made


def point(api: Any, stage: Any, deployment_id: str) -> None:
    """Let a stage answer what was deployed."""
    setattr(stage, DEPLOYED, _deployment(api, deployment_id)["configuration"])
    stage.config["deploymentId"] = deployment_id


def _deployment(api: Any, deployment_id: str) -> Json:
    found = _deployments(api).get(deployment_id)
    if found is None:
        raise refused("deployment-missing")
    return found


def _create_deployment(backend: Any, given: Json, api_id: str, *_: str) -> Json:
    return deploy(backend.get_api(api_id), given.get("stageName"), given.get("description"))


def _get_deployments(backend: Any, _: Any, api_id: str, *__: str) -> Json:
    return {"items": [_told(one) for one in _deployments(backend.get_api(api_id)).values()]}


def _get_deployment(backend: Any, _: Any, api_id: str, __: str, key: str) -> Json:
    return _told(_deployment(backend.get_api(api_id), key))


def _delete_deployment(backend: Any, _: Any, api_id: str, __: str, key: str) -> Json:
    api = backend.get_api(api_id)
    _deployment(api, key)
    if any(stage.config.get("deploymentId") == key for stage in api.stages.values()):
        raise refused("deployment-active")
    del _deployments(api)[key]
    return {}


def _told(made: Json) -> Json:
    return {name: value for name, value in made.items() if name != "configuration"}


# Stages.


def _create_stage(create: Callable[[Any, Json], Any]) -> Callable[[Any, Json], Any]:
    def create_stage(api: Any, config: Json) -> Any:
        if config.get("deploymentId"):
            _deployment(api, config["deploymentId"])
        stage = create(api, config)
        if config.get("deploymentId"):
            point(api, stage, config["deploymentId"])
        return stage

    return create_stage


def _update_stage(backend: Any, given: Json, api_id: str, _: str, name: str) -> Json:
    api = backend.get_api(api_id)
    stage = api.get_stage(unquote(name))
    http_api_checks.check_settings(api, given)
    for member, attribute in _SETTINGS.items():
        if member in given:
            setattr(stage, attribute, given[member])
    if given.get("deploymentId"):
        point(api, stage, given["deploymentId"])
    told: Json = stage.to_json()
    return told


def _reset_authorizers(backend: Any, _: Any, api_id: str, __: str, name: str, *___: str) -> Json:
    stage = backend.get_api(api_id).get_stage(unquote(name))
    setattr(stage, FLUSHES, getattr(stage, FLUSHES, 0) + 1)
    return {}


# Lists.


def _get_authorizers(backend: Any, _: Any, api_id: str, *__: str) -> Json:
    return {"items": [one.to_json() for one in backend.get_api(api_id).authorizers.values()]}


def _get_models(backend: Any, _: Any, api_id: str, *__: str) -> Json:
    return {"items": [one.to_json() for one in backend.get_api(api_id).models.values()]}


_OPERATIONS: dict[str, Callable[..., Json]] = {
    "create_deployment": _create_deployment,
    "get_deployments": _get_deployments,
    "get_deployment": _get_deployment,
    "delete_deployment": _delete_deployment,
    "update_stage": _update_stage,
    "reset_authorizers_cache": _reset_authorizers,
    "get_authorizers": _get_authorizers,
    "get_models": _get_models,
}


# Quick create.


def _create_api(create: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def create_api(request: Any) -> Any:
        given = json.loads(request.body)
        status, headers, body = create(request)
        if given.get("target"):
            api = request.apigatewayv2_backend.get_api(json.loads(body)["apiId"])
            quick_create(api, given)
        return status, headers, body

    return create_api


def quick_create(api: Any, given: Json) -> None:
    """The integration, the route and the stage of an API that has a target."""
    target = given["target"]
    proxied = target.startswith("arn:")
    integration = api.create_integration(
        connection_type="INTERNET",
        credentials_arn=given.get("credentialsArn"),
        description=None,
        integration_method=None if proxied else "ANY",
        integration_type="AWS_PROXY" if proxied else "HTTP_PROXY",
        integration_uri=target,
        payload_format_version="2.0" if proxied else "1.0",
    )
    api.create_route(
        api_key_required=False,
        authorization_scopes=[],
        authorization_type="NONE",
        route_key=given.get("routeKey") or "$default",
        target=f"integrations/{integration.id}",
    )
    api.create_stage({"stageName": "$default", "autoDeploy": True})
