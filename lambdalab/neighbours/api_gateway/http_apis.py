"""HTTP APIs in moto's API Gateway V2, as the data plane reads them.

moto keeps what CreateApi and its like are told, and answers no request. What a stage shows is what
was deployed to it: ``http_api_changes`` keeps that beside moto's stage.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lambdalab import facts

__all__ = [
    "Authorizer",
    "Configuration",
    "HttpApi",
    "Integration",
    "Route",
    "Stage",
    "find",
    "read",
]

_TIMEOUT = facts.quota("api-gateway.http-timeout").seconds * 1000
# What moto's stage carries when something was deployed to it by hand.
DEPLOYED = "lambdalab_deployed"
# How often the stage was told to forget what authorizers have said.
FLUSHES = "lambdalab_flushes"


@dataclass(frozen=True)
class Integration:
    """What stands behind routes. ``timeout`` is in seconds."""

    kind: str
    uri: str
    method: str | None
    payload: str
    timeout: float
    credentials: str | None
    parameters: Mapping[str, str]
    response_parameters: Mapping[str, Mapping[str, str]]
    subtype: str | None


@dataclass(frozen=True)
class Authorizer:
    """Who judges requests: a function (REQUEST) or the issuer of tokens (JWT).

    ``ttl`` is in seconds, 0 where nothing is cached; ``sources`` are selection expressions.
    """

    id: str
    kind: str
    uri: str | None
    credentials: str | None
    payload: str
    simple: bool
    ttl: int
    sources: tuple[str, ...]
    issuer: str | None = None
    audience: tuple[str, ...] = ()


@dataclass(frozen=True)
class Route:
    """Which requests go where."""

    key: str
    target: str | None
    authorization: str
    authorizer: str | None
    scopes: tuple[str, ...]
    operation: str | None = None


@dataclass(frozen=True)
class Configuration:
    """What one deployment holds."""

    routes: tuple[Route, ...]
    integrations: Mapping[str, Integration]
    authorizers: Mapping[str, Authorizer]
    cors: Mapping[str, Any] | None


@dataclass(frozen=True)
class Stage:
    """One stage, and what is deployed to it."""

    name: str
    variables: Mapping[str, str]
    deployed: Configuration | None
    flushes: int
    route_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    default_settings: Mapping[str, Any] = field(default_factory=dict)
    access_log: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HttpApi:
    """One API. ``disabled`` says that its execute-api address answers nobody."""

    id: str
    account: str
    region: str
    stages: Mapping[str, Stage]
    disabled: bool


def find(api_id: str) -> HttpApi | None:
    """The HTTP API of that id, whichever account and Region it is in; None where there is none."""
    if "moto.apigatewayv2.models" not in sys.modules:
        return None
    from moto.apigatewayv2.models import apigatewayv2_backends

    for account, regions in list(apigatewayv2_backends.items()):
        for region, backend in list(regions.items()):
            api = backend.apis.get(api_id)
            if api is not None and api.protocol_type == "HTTP":
                return _api(api, account, region)
    return None


def read(api: Any) -> Configuration:
    """What a deployment of moto's API holds at this moment."""
    return Configuration(
        tuple(_route(one) for one in list(api.routes.values())),
        {key: _integration(one) for key, one in list(api.integrations.items())},
        {key: _authorizer(one) for key, one in list(api.authorizers.items())},
        dict(api.cors_configuration) if api.cors_configuration else None,
    )


def _api(api: Any, account: str, region: str) -> HttpApi:
    live = read(api)
    stages = {name: _stage(one, live) for name, one in list(api.stages.items())}
    return HttpApi(api.api_id, account, region, stages, bool(api.disable_execute_api_endpoint))


def _stage(stage: Any, live: Configuration) -> Stage:
    deployed = live if stage.auto_deploy else getattr(stage, DEPLOYED, None)
    return Stage(
        stage.name,
        dict(stage.stage_variables or {}),
        deployed,
        getattr(stage, FLUSHES, 0),
        stage.route_settings or {},
        stage.default_route_settings or {},
        stage.access_log_settings or {},
    )


def _route(route: Any) -> Route:
    target = (route.target or "").removeprefix("integrations/")
    return Route(
        route.route_key,
        target or None,
        route.authorization_type or "NONE",
        route.authorizer_id,
        tuple(route.authorization_scopes or ()),
        route.operation_name,
    )


def _integration(one: Any) -> Integration:
    return Integration(
        one.integration_type,
        one.integration_uri or "",
        one.integration_method,
        one.payload_format_version or "1.0",
        (one.timeout_in_millis or _TIMEOUT) / 1000,
        one.credentials_arn,
        one.request_parameters or {},
        one.response_parameters or {},
        one.integration_subtype,
    )


def _authorizer(one: Any) -> Authorizer:
    tokens = one.jwt_config or {}
    sources = one.identity_source or ()
    return Authorizer(
        one.id,
        one.authorizer_type,
        one.authorizer_uri,
        one.auth_creds_arn,
        one.auth_payload_format_version or "1.0",
        bool(one.enable_simple_response),
        int(one.auth_result_ttl or 0),
        tuple([sources] if isinstance(sources, str) else sources),
        tokens.get("issuer"),
        tuple(tokens.get("audience") or ()),
    )
