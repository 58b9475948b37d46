"""What moto's API Gateway V2 takes, and AWS refuses.

An update is judged by what it leads to: what is there, with what is given in its place.

Sources: refusals recorded on AWS in September 2026, at https://github.com/radkawar/stackd and
https://github.com/badmintoncryer/cdk-preflight, and public reports.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import signature
from types import ModuleType
from typing import Any

from lambdalab.neighbours.api_gateway import http_api_authorizers, http_api_integrations
from lambdalab.neighbours.api_gateway.http_api_refusals import Given, changed, refused

__all__ = ["check_settings", "mend"]

_Check = Callable[[Any, Given], None]

_SELECTION = "${request.method} ${request.path}"
_DEFAULT = "$default"
_KEY = re.compile(r"(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|ANY) /(?P<path>.*)")
_PART = re.compile(r"\{[\w.:-]+\+?\}|[a-zA-Z0-9.:_-]+")
_STAGE = re.compile(r"\$default|[a-zA-Z0-9_-]+")
_TARGET = "integrations/<integration_id>"
_REQUEST_IDS = ("$context.requestId", "$context.extendedRequestId")


def mend(models: ModuleType) -> None:
    """Let moto's APIs ask first."""
    for kind, checks in ((models.ApiGatewayV2Backend, _OF_ALL), (models.Api, _OF_ONE)):
        for name, check in checks.items():
            setattr(kind, name, _checked(getattr(kind, name), check))


def _checked(act: Callable[..., Any], check: _Check) -> Callable[..., Any]:
    named = signature(act)

    @wraps(act)
    def checked(owner: Any, *given: Any, **more: Any) -> Any:
        check(owner, dict(named.bind(owner, *given, **more).arguments))
        return act(owner, *given, **more)

    return checked


# APIs.


def _create_api(_: Any, given: Given) -> None:
    if not given.get("name"):
        raise refused("api-name")
    _check_api(given)


def _update_api(backend: Any, given: Given) -> None:
    backend.get_api(given["api_id"])
    _check_api(given)


def _check_api(given: Given) -> None:
    selection = given.get("route_selection_expression")
    if selection and selection not in (_SELECTION, "$request.method $request.path"):
        raise refused("route-selection", expression=_SELECTION)
    cors = given.get("cors_configuration") or {}
    if cors.get("allowCredentials") and "*" in (cors.get("allowOrigins") or ()):
        raise refused("cors-credentials")


# Routes.


def _create_route(api: Any, given: Given) -> None:
    key = given.get("route_key") or ""
    _check_key(key)
    if any(one.route_key == key for one in api.routes.values() if one is not given.get("route")):
        raise refused("route-exists", key=key)
    if given.get("api_key_required"):
        raise refused("api-key")
    _check_target(api, given.get("target"), given.get("route_id"))
    _check_authorization(api, given)


def _check_key(key: str) -> None:
    if not key:
        raise refused("route-key-missing")
    found = _KEY.fullmatch(key)
    if found is None and key != _DEFAULT:
        raise refused("route-key")
    parts = found["path"].split("/") if found and found["path"] else []
    greedy = any(one.endswith("+}") for one in parts[:-1])
    if greedy or not all(_PART.fullmatch(one) for one in parts):
        raise refused("route-path", pattern=f"^({_PART.pattern})$")


def _check_target(api: Any, target: str | None, route: str | None) -> None:
    if target:
        kind, _, integration = target.partition("/")
        if kind != "integrations" or not integration:
            raise refused("route-target", route=route or "null", form=_TARGET)
        api.get_integration(integration)


def _check_authorization(api: Any, given: Given) -> None:
    kind = given.get("authorization_type") or "NONE"
    if given.get("authorization_scopes") and kind != "JWT":
        raise refused("route-scopes")
    if kind not in ("NONE", "AWS_IAM", "JWT", "CUSTOM"):
        raise refused("route-authorization", kind=kind)
    if kind in ("JWT", "CUSTOM"):
        wanted = "JWT" if kind == "JWT" else "REQUEST"
        found = api.authorizers.get(given.get("authorizer_id"))
        if found is None or found.authorizer_type != wanted:
            raise refused(f"route-authorizer-{kind.lower()}")


def _update_route(api: Any, given: Given) -> None:
    route = api.get_route(given["route_id"])
    # Scopes that a route has had with another authorization are not held against it.
    scopes = {"authorization_scopes": given.get("authorization_scopes")}
    _create_route(api, changed(route, given) | {"route": route} | scopes)


def _delete_route(api: Any, given: Given) -> None:
    api.get_route(given["route_id"])


# Stages.


def _create_stage(api: Any, given: Given) -> None:
    config: Mapping[str, Any] = given["config"]
    name = config.get("stageName") or ""
    if not _STAGE.fullmatch(name):
        raise refused("stage-name")
    if name in api.stages:
        raise refused("stage-exists")
    check_settings(api, config)


def check_settings(api: Any, config: Mapping[str, Any]) -> None:
    """Refuse settings of a stage that cannot be."""
    routes: Mapping[str, Any] = config.get("routeSettings") or {}
    keys = {one.route_key for one in api.routes.values()}
    for key in routes:
        if key not in keys:
            raise refused("stage-route", key=key)
    settings: Iterable[Any] = (config.get("defaultRouteSettings") or {}, *routes.values())
    if any(one.get("loggingLevel") or one.get("dataTraceEnabled") for one in settings):
        raise refused("stage-logging")
    log = config.get("accessLogSettings") or {}
    if log.get("format") and not any(one in log["format"] for one in _REQUEST_IDS):
        raise refused("stage-log-format", format=log["format"])


_OF_ALL: Mapping[str, _Check] = {
    "create_api": _create_api,
    "delete_api": lambda backend, given: backend.get_api(given["api_id"]),
    "update_api": _update_api,
}
_OF_ONE: Mapping[str, _Check] = {
    "create_authorizer": http_api_authorizers.create,
    "create_integration": http_api_integrations.create,
    "create_route": _create_route,
    "create_stage": _create_stage,
    "delete_authorizer": http_api_authorizers.delete,
    "delete_integration": http_api_integrations.delete,
    "delete_route": _delete_route,
    "delete_stage": lambda api, given: api.get_stage(given["stage_name"]),
    "update_authorizer": http_api_authorizers.update,
    "update_integration": http_api_integrations.update,
    "update_route": _update_route,
}
