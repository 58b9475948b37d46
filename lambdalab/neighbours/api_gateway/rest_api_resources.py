"""Which resources, methods and integrations a REST API refuses, and moto takes.

Recorded on AWS in LocalStack's snapshot tests: https://github.com/localstack/localstack
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error

__all__ = [
    "create_resource",
    "delete_resource",
    "integration_is_there",
    "patches",
    "put_integration",
    "put_method",
    "refuse",
    "resource_is_there",
    "told",
    "update_resource",
]

_VERBS = frozenset(("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "ANY"))
_LEAST = facts.quota("api-gateway.least-timeout").seconds * 1000
_MOST = facts.quota("api-gateway.rest-timeout").seconds * 1000


def refuse(name: str, /, **fields: Any) -> AwsError:
    """The refusal whose text stands in the facts under that name."""
    return aws_error(f"rest-api-control.{name}", **fields)


def told(request: Any) -> dict[str, Any]:
    """The members of a request's body."""
    given = json.loads(request.body or "{}")
    return given if isinstance(given, dict) else {}


def patches(request: Any) -> list[dict[str, Any]]:
    """The patch operations of a request."""
    return [one for one in told(request).get("patchOperations") or [] if isinstance(one, dict)]


def resource_is_there(request: Any, parts: list[str]) -> None:
    """The request must name a resource that is there."""
    api = request.backend.apis.get(parts[1])
    if api is None or parts[3] not in api.resources:
        raise refuse("no-resource")


def create_resource(request: Any, parts: list[str]) -> None:
    """There may be one such resource below its parent."""
    _check_place(request.backend.apis[parts[1]], parts[3], str(told(request).get("pathPart")))


def _check_place(api: Any, parent: str, part: str, own: str = "") -> None:
    """Whether there may be a resource below another."""
    above = api.resources[parent].path_part
    if above.endswith("+}"):
        raise refuse("below-greedy", name=above)
    for one in api.resources.values():
        if one.parent_id == parent and one.id != own:
            if one.path_part == part:
                raise refuse("resource-exists", name=part)
            if one.path_part.startswith("{") and part.startswith("{"):
                raise refuse("second-variable", name=one.path_part)


def update_resource(request: Any, parts: list[str]) -> None:
    """A resource may be moved, or renamed, to where there may be one."""
    api = request.backend.apis[parts[1]]
    one = api.resources[parts[3]]
    parent, part = one.parent_id, one.path_part
    for patch in patches(request):
        path, op = patch.get("path"), patch.get("op")
        if op != "replace":
            raise refuse("patch-operation", path=path, op=op)
        if path not in ("/parentId", "/pathPart"):
            raise refuse("patch-path-of", path=path, paths="/parentId, /pathPart")
        if path == "/parentId":
            parent = patch.get("value")
        else:
            part = patch.get("value")
    if parent not in api.resources:
        raise refuse("no-resource")
    if one.id in _above(api, parent):
        raise refuse("cyclical")
    _check_place(api, parent, part, one.id)


def _above(api: Any, key: str) -> Iterator[str]:
    """A resource and all above it."""
    while key in api.resources:
        yield key
        key = api.resources[key].parent_id


def delete_resource(request: Any, parts: list[str]) -> None:
    """What is below a resource goes with it; moto leaves it behind."""
    api = request.backend.apis[parts[1]]
    if api.resources[parts[3]].parent_id is None:
        raise refuse("root-resource")
    for key in [one for one in api.resources if one != parts[3] and parts[3] in _above(api, one)]:
        del api.resources[key]


def put_method(request: Any, parts: list[str]) -> None:
    """What a method names must be there."""
    api, given = request.backend.apis[parts[1]], told(request)
    if parts[5] not in _VERBS:
        raise refuse("bad-verb")
    needs = str(given.get("authorizationType")).upper() in ("CUSTOM", "COGNITO_USER_POOLS")
    if needs and given.get("authorizerId") not in api.authorizers:
        raise refuse("bad-authorizer")
    validator = given.get("requestValidatorId")
    if validator and validator not in api.request_validators:
        raise refuse("bad-validator")
    for name in (given.get("requestModels") or {}).values():
        if name not in {one.name for one in api.models.values()}:
            raise refuse("bad-model", name=name)


def put_integration(request: Any, parts: list[str]) -> None:  # noqa: ARG001
    """An integration calls something, and waits for a time that may be."""
    given = told(request)
    calls = given.get("type") in ("AWS", "AWS_PROXY") and given.get("httpMethod")
    if calls and not given.get("uri"):
        raise refuse("bad-uri")
    timeout = given.get("timeoutInMillis")
    if timeout is not None and not _LEAST <= int(timeout) <= _MOST:
        raise refuse("bad-timeout", least=int(_LEAST), most=int(_MOST))


def integration_is_there(request: Any, parts: list[str]) -> None:
    """The method must have an integration."""
    methods = request.backend.apis[parts[1]].resources[parts[3]].resource_methods
    if parts[5] in methods and methods[parts[5]].method_integration is None:
        raise refuse("no-integration")
