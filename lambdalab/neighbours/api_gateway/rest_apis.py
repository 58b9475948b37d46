"""REST APIs in moto's API Gateway, as the data plane reads them.

moto keeps what PutMethod and its like are told, and answers no request for functions. A stage shows
what was deployed to it: ``rest_api_changes`` keeps that beside moto's deployment.
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lambdalab import facts

__all__ = [
    "Authorizer",
    "Deployed",
    "GatewayResponse",
    "Integration",
    "IntegrationResponse",
    "Method",
    "Resource",
    "RestApi",
    "Stage",
    "find",
    "keys_of",
    "read",
]

_TIMEOUT = facts.quota("api-gateway.rest-timeout").seconds * 1000
_TTL = int(facts.quota("api-gateway.authorizer-ttl").seconds)
# What moto's deployment carries.
DEPLOYED = "lambdalab_deployed"
# How often moto's stage was told to forget what authorizers have said.
FLUSHES = "lambdalab_flushes"


@dataclass(frozen=True)
class IntegrationResponse:
    """What a client is answered for what the integration has answered."""

    status: int
    pattern: str
    templates: Mapping[str, str | None]
    parameters: Mapping[str, str]
    content: str | None


@dataclass(frozen=True)
class Integration:
    """What stands behind a method. ``timeout`` is in seconds."""

    kind: str
    uri: str
    method: str | None
    credentials: str | None
    templates: Mapping[str, str]
    parameters: Mapping[str, str]
    passthrough: str
    content: str | None
    timeout: float
    responses: tuple[IntegrationResponse, ...]


@dataclass(frozen=True)
class Method:
    """A method of a resource. ``responses`` maps a status to the headers that it may have."""

    verb: str
    authorization: str
    authorizer: str | None
    scopes: tuple[str, ...]
    key_required: bool
    parameters: Mapping[str, bool]
    models: Mapping[str, str]
    validator: str | None
    integration: Integration | None
    responses: Mapping[str, Mapping[str, Any]]
    operation: str | None


@dataclass(frozen=True)
class Resource:
    """A path, and its methods by their verb."""

    id: str
    path: str
    methods: Mapping[str, Method]


@dataclass(frozen=True)
class Authorizer:
    """Who judges requests. ``ttl`` is in seconds; ``sources`` are request parameters."""

    id: str
    kind: str
    uri: str | None
    credentials: str | None
    sources: tuple[str, ...]
    validation: str | None
    ttl: int
    pools: tuple[str, ...]


@dataclass(frozen=True)
class GatewayResponse:
    """What is answered in place of the API's own texts; ``status`` is None for the usual one."""

    status: int | None
    parameters: Mapping[str, str]
    templates: Mapping[str, str]


@dataclass(frozen=True)
class Deployed:
    """What one deployment holds. ``validators`` tell whether body and parameters are checked."""

    id: str
    resources: tuple[Resource, ...]
    authorizers: Mapping[str, Authorizer]
    responses: Mapping[str, GatewayResponse]
    models: Mapping[str, str]
    validators: Mapping[str, tuple[bool, bool]]
    binary: tuple[str, ...]
    policy: Any


@dataclass(frozen=True)
class Stage:
    """One stage, and what is deployed to it. ``settings`` are those of its methods."""

    name: str
    variables: Mapping[str, str]
    deployed: Deployed | None
    settings: Mapping[str, Mapping[str, Any]]
    flushes: int
    access_log: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RestApi:
    """One API. ``key_source`` says whether keys come in a header or from the authorizer."""

    id: str
    account: str
    region: str
    stages: Mapping[str, Stage]
    disabled: bool
    key_source: str


def find(api_id: str) -> RestApi | None:
    """The REST API of that id, whichever account and Region it is in; None where there is none."""
    if "moto.apigateway.models" not in sys.modules:
        return None
    from moto.apigateway.models import apigateway_backends

    for account, regions in list(apigateway_backends.items()):
        for region, backend in list(regions.items()):
            api = backend.apis.get(api_id)
            if api is not None:
                return _api(api, account, region)
    return None


def keys_of(api: RestApi) -> Any:
    """Moto's backend that holds an API: its keys and usage plans."""
    from moto.apigateway.models import apigateway_backends

    return apigateway_backends[api.account][api.region]


def read(api: Any, deployment_id: str) -> Deployed:
    """What a deployment of moto's API holds, made at this moment."""
    return Deployed(
        deployment_id,
        tuple(_resource(one) for one in list(api.resources.values())),
        {key: _authorizer(one) for key, one in list(api.authorizers.items())},
        {key: _response(one) for key, one in list(api.gateway_responses.items())},
        {name: one.schema or "{}" for name, one in list(api.models.items())},
        {key: _validator(one) for key, one in list(api.request_validators.items())},
        tuple(one.replace("~1", "/") for one in api.binaryMediaTypes or ()),
        _policy(api.policy),
    )


def _api(api: Any, account: str, region: str) -> RestApi:
    stages = {name: _stage(api, one) for name, one in list(api.stages.items())}
    return RestApi(
        api.id,
        account,
        region,
        stages,
        str(api.disableExecuteApiEndpoint).lower() == "true",
        api.api_key_source or "HEADER",
    )


def _stage(api: Any, stage: Any) -> Stage:
    deployment = api.deployments.get(stage.deployment_id)
    deployed = getattr(deployment, DEPLOYED, None)
    flushes = getattr(stage, FLUSHES, 0)
    settings = stage.method_settings or {}
    access_log = getattr(stage, "access_log_settings", None) or {}
    return Stage(stage.name, dict(stage.variables or {}), deployed, settings, flushes, access_log)


def _policy(given: Any) -> Any:
    if not isinstance(given, str) or not given:
        return given or None
    try:
        return json.loads(given.replace('\\"', '"'))
    except ValueError:
        return None


def _resource(one: Any) -> Resource:
    methods = {verb: _method(m) for verb, m in list(one.resource_methods.items())}
    return Resource(one.id, one.get_path(), methods)


def _method(one: Any) -> Method:
    return Method(
        one.http_method,
        (one.authorization_type or "NONE").upper(),
        one.authorizer_id,
        tuple(one.authorization_scopes or ()),
        str(one.api_key_required).lower() == "true",
        {name: bool(needed) for name, needed in (one.request_parameters or {}).items()},
        dict(one.request_models or {}),
        one.request_validator_id or None,
        _integration(one.method_integration) if one.method_integration else None,
        {
            code: copy.deepcopy(response.response_parameters or {})
            for code, response in list(one.method_responses.items())
        },
        one.operation_name,
    )


def _integration(one: Any) -> Integration:
    return Integration(
        one.integration_type,
        one.uri or "",
        one.http_method,
        one.credentials,
        dict(one.request_templates or {}),
        dict(one.request_parameters or {}),
        one.passthrough_behaviour or "WHEN_NO_MATCH",
        one.content_handling,
        int(one.timeout_in_millis or _TIMEOUT) / 1000,
        tuple(_integration_response(r) for r in (one.integration_responses or {}).values()),
    )


def _integration_response(one: Any) -> IntegrationResponse:
    return IntegrationResponse(
        int(one.status_code),
        one.selection_pattern or "",
        dict(one.response_templates or {}),
        dict(one.response_parameters or {}),
        one.content_handling,
    )


def _authorizer(one: Any) -> Authorizer:
    ttl = one.authorizer_result_ttl
    sources = str(one.identity_source or "")
    return Authorizer(
        one.id,
        one.type,
        one.authorizer_uri,
        one.authorizer_credentials,
        tuple(part.strip() for part in sources.split(",") if part.strip()),
        one.identity_validation_expression or None,
        _TTL if ttl is None else int(ttl),
        tuple(one.provider_arns or ()),
    )


def _response(one: Any) -> GatewayResponse:
    return GatewayResponse(
        int(one.status_code) if one.status_code else None,
        dict(one.response_parameters or {}),
        dict(one.response_templates or {}),
    )


def _validator(one: Any) -> tuple[bool, bool]:
    return bool(one.validate_request_body), bool(one.validate_request_parameters)
