"""moto's API Gateway, with what REST APIs need and moto lacks.

- A deployment holds the API as it was when it was made; moto's holds nothing.
- A stage that is deployed to again keeps its settings; moto makes another.
- An authorizer keeps its identity validation expression, an API its binary media types.
- The authorizers' cache of a stage can be flushed; what moto's patches get wrong is right.
- A deployment that a stage shows cannot be deleted.
- An API comes with the models Empty and Error.

Source: https://docs.aws.amazon.com/apigateway/latest/api/
"""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

from lambdalab.imports import after_load
from lambdalab.neighbours.api_gateway import rest_api_patches
from lambdalab.neighbours.api_gateway.rest_apis import DEPLOYED, read

__all__ = ["install"]

_SCHEMA = "http://json-schema.org/draft-04/schema#"
_MODELS: dict[str, dict[str, Any]] = {
    "Empty": {"title": "Empty Schema"},
    "Error": {"title": "Error Schema", "properties": {"message": {"type": "string"}}},
}


def install() -> None:
    """Complete moto's modules as soon as they are loaded."""
    after_load("moto.apigateway.models", _mend_models)
    after_load("moto.apigateway.responses", _mend_responses)
    after_load("moto.apigateway.urls", _mend_urls)


def _mend_models(models: ModuleType) -> None:
    _mend_deployments(models.RestAPI)
    _mend_patches(models.RestAPI)
    _mend_backend(models.APIGatewayBackend)
    init = models.Authorizer.__init__

    def authorizer(one: Any, *args: Any, **given: Any) -> None:
        init(one, *args, **given)
        # moto hands it on under a name that it does not read.
        one.identity_validation_expression = given.get("identiy_validation_expression")

    models.Authorizer.__init__ = authorizer


def _mend_deployments(kind: Any) -> None:
    create, delete = kind.create_deployment, kind.delete_deployment

    def create_deployment(api: Any, name: str, description: str, variables: Any = None) -> Any:
        stage = api.stages.get(name)
        made = create(api, name, description, variables)
        setattr(made, DEPLOYED, read(api, made.id))
        if stage is not None:
            stage.deployment_id = made.id
            stage.variables.update(variables or {})
            api.stages[name] = stage
        return made

    def delete_deployment(api: Any, deployment_id: str) -> Any:
        from moto.apigateway.exceptions import StageStillActive

        if any(one.deployment_id == deployment_id for one in api.stages.values()):
            raise StageStillActive
        if deployment_id in api.deployments:
            # moto asks by the stage that it was made for, which may show another by now.
            api.deployments[deployment_id].stage_name = None
        return delete(api, deployment_id)

    # moto makes answers for a library that stands in for real requests: nobody here asks it.
    kind.update_integration_mocks = lambda *_: None
    kind.create_deployment, kind.delete_deployment = create_deployment, delete_deployment


def _mend_patches(kind: Any) -> None:
    """A media type stands in the path of its patch; a text is not true because it is one."""
    apply = kind.apply_patch_operations

    def apply_patch_operations(api: Any, operations: list[dict[str, Any]]) -> None:
        for operation in operations or []:
            name, _, key = operation["path"].removeprefix("/").partition("/")
            if name == "binaryMediaTypes" and key:
                _change_types(api, key.replace("~1", "/"), operation)
            elif name == "disableExecuteApiEndpoint":
                api.disableExecuteApiEndpoint = str(operation.get("value")).lower() == "true"
            else:
                apply(api, [operation])

    kind.apply_patch_operations = apply_patch_operations


def _change_types(api: Any, key: str, operation: dict[str, Any]) -> None:
    types = [one for one in api.binaryMediaTypes if one != key]
    if operation["op"] == "add":
        types.append(key)
    elif operation["op"] == "replace":
        types.append(operation.get("value") or key)
    api.binaryMediaTypes = types


def _mend_backend(kind: Any) -> None:
    create = kind.create_rest_api

    def create_rest_api(backend: Any, *args: Any, **given: Any) -> Any:
        api = create(backend, *args, **given)
        for name, more in _MODELS.items():
            schema = json.dumps({"$schema": _SCHEMA, "type": "object"} | more)
            text = f"This is a default {name.lower()} schema model"
            api.add_model(name, text, schema, "application/json")
        return api

    kind.create_rest_api = create_rest_api


def _mend_urls(module: ModuleType) -> None:
    stage = "{0}/restapis/(?P<function_id>[^/]+)/stages/(?P<stage_name>[^/]+)"
    module.url_paths[f"{stage}/cache/authorizers$"] = module.url_paths["{0}/restapis$"]


def _mend_responses(module: ModuleType) -> None:
    kind = module.APIGatewayResponse
    kind.create_rest_api = _with_binary_types(kind.create_rest_api)
    for operation, act in rest_api_patches.OPERATIONS.items():
        setattr(kind, operation, act)


def _with_binary_types(create: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def create_rest_api(request: Any) -> Any:
        answer = create(request)
        given = json.loads(request.body)
        types = given.get("binaryMediaTypes")
        if types and answer[0] == 200:
            told = json.loads(answer[2])
            request.backend.get_rest_api(told["id"]).binaryMediaTypes = list(types)
            answer = (200, {}, json.dumps(told | {"binaryMediaTypes": types}))
        return answer

    return create_rest_api
