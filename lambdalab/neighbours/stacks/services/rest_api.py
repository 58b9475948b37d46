"""A REST API from its OpenAPI document: resources, methods, integrations, authorizers, models.

moto reads some documents of version 3 and refuses those of version 2, which SAM writes; here the
calls are made that an importer makes.
Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
"""

from __future__ import annotations

import contextlib
from typing import Any

from lambdalab.errors import AwsError
from lambdalab.neighbours.stacks.services.rest_api_models import Models
from lambdalab.neighbours.stacks.services.service_type import Json, Work
from lambdalab.neighbours.stacks.services.steps import document_of

__all__ = ["leave_stage", "prepare", "read_document", "set_up_stage"]

_PREFIX = "x-amazon-apigateway-"
_METHODS = frozenset(("get", "put", "post", "delete", "options", "head", "patch", "trace"))
_ANY = f"{_PREFIX}any-method"
# What an integration is called in a document, and in a call.
_INTEGRATION = {
    "uri": "uri", "httpMethod": "integrationHttpMethod", "credentials": "credentials",
    "passthroughBehavior": "passthroughBehavior", "contentHandling": "contentHandling",
    "timeoutInMillis": "timeoutInMillis", "requestParameters": "requestParameters",
    "requestTemplates": "requestTemplates", "cacheKeyParameters": "cacheKeyParameters",
    "cacheNamespace": "cacheNamespace", "connectionType": "connectionType",
    "connectionId": "connectionId",
}  # fmt: skip


def prepare(properties: Json) -> Json:
    """What the document says of the API itself stands for what the template does not say."""
    body = properties.get("Body")
    found: Json = {}
    if isinstance(body, dict):
        found["Name"] = (body.get("info") or {}).get("title")
        found["BinaryMediaTypes"] = body.get(f"{_PREFIX}binary-media-types")
        found["ApiKeySourceType"] = body.get(f"{_PREFIX}api-key-source")
        found["Policy"] = body.get(f"{_PREFIX}policy")
    return {name: value for name, value in found.items() if value} | properties


def read_document(work: Work) -> None:
    """Make of an API what its document says, instead of what it was."""
    body = _body(work)
    if body is None:
        return
    api = {"restApiId": work.known["id"]}
    paths = _cleared(work, api) if work.before else _paths(work, api)
    authorizers, models = _Authorizers(work, api, body), Models(work, api, body)
    for path, operations in (body.get("paths") or {}).items():
        resource = _resource(work, api, paths, path)
        shared = (operations or {}).get("parameters") or []
        for name, given in (operations or {}).items():
            if name in _METHODS or name == _ANY:
                operation = _whole(given or {}, shared, body)
                verb = "ANY" if name == _ANY else name.upper()
                place = {**api, "resourceId": resource, "httpMethod": verb}
                needs = authorizers.of(operation) | models.of(operation)
                _method(work, place, operation, needs)
    for kind, response in (body.get(f"{_PREFIX}gateway-responses") or {}).items():
        _gateway_response(work, api, kind, response)


def _body(work: Work) -> Json | None:
    """The document; None where it is as before."""
    if not work.changed("Body"):
        return None
    body: Any = work.properties.get("Body")
    return body if isinstance(body, dict) else None


def _whole(operation: Json, shared: list[Any], body: Json) -> Json:
    """An operation with the parameters that its path has for all, and what others name for it."""
    own = [_named(one, body) for one in operation.get("parameters") or []]
    taken = {(one.get("name"), one.get("in")) for one in own}
    more = [one for one in (_named(one, body) for one in shared)
            if (one.get("name"), one.get("in")) not in taken]  # fmt: skip
    found = operation | {"parameters": own + more}
    if isinstance(found.get("requestBody"), dict):
        found["requestBody"] = _named(found["requestBody"], body)
    return found


def _named(one: Any, body: Json) -> Json:
    """What a reference within the document names; other things are what they are."""
    address = one.get("$ref") if isinstance(one, dict) else None
    if not isinstance(address, str) or not address.startswith("#/"):
        return one if isinstance(one, dict) else {}
    found: Any = body
    for part in address[2:].split("/"):
        found = found.get(part.replace("~1", "/").replace("~0", "~"), {}) if (
            isinstance(found, dict)) else {}  # fmt: skip
    return found if isinstance(found, dict) else {}


def _gateway_response(work: Work, api: Json, kind: str, response: Json) -> None:
    names = ("responseParameters", "responseTemplates")
    more = {name: response[name] for name in names if response.get(name)}
    if response.get("statusCode"):
        more["statusCode"] = str(response["statusCode"])
    work.act("PutGatewayResponse", **api, responseType=kind, **more)


def _paths(work: Work, api: Json) -> dict[str, str]:
    """The resources that are there; of a new API the root."""
    items = work.act("GetResources", **api, limit=500)["items"]
    return {one["path"]: one["id"] for one in items}


def _cleared(work: Work, api: Json) -> dict[str, str]:
    """Delete what an earlier document has made; gives the root."""
    items = work.act("GetResources", **api, limit=500)["items"]
    for one in sorted(items, key=lambda one: -len(one["path"])):
        if one["path"] != "/":
            with contextlib.suppress(AwsError):
                work.act("DeleteResource", **api, resourceId=one["id"])
    root = next(one for one in items if one["path"] == "/")
    for verb in root.get("resourceMethods") or {}:
        work.act("DeleteMethod", **api, resourceId=root["id"], httpMethod=verb)
    for one in work.act("GetAuthorizers", **api).get("items", []):
        work.act("DeleteAuthorizer", **api, authorizerId=one["id"])
    return {"/": root["id"]}


def _resource(work: Work, api: Json, paths: dict[str, str], path: str) -> str:
    """The resource at a path; those above it are made as well."""
    whole = "/" + path.strip("/")
    if whole not in paths:
        above, _, part = whole.rpartition("/")
        parent = _resource(work, api, paths, above or "/")
        made = work.act("CreateResource", **api, parentId=parent, pathPart=part)
        paths[whole] = made["id"]
    return paths[whole]


def _method(work: Work, place: Json, operation: Json, needs: Json) -> None:
    parameters = {
        f"method.request.{_PLACES[one['in']]}.{one['name']}": bool(one.get("required"))
        for one in operation.get("parameters") or []
        if one.get("in") in _PLACES
    }
    more: Json = {"requestParameters": parameters} if parameters else {}
    if operation.get("operationId"):
        more["operationName"] = operation["operationId"]
    work.act("PutMethod", **place, **needs, **more)
    for status in operation.get("responses") or {}:
        headers = operation["responses"][status].get("headers") or {}
        declared = {f"method.response.header.{name}": False for name in headers}
        if str(status).isdigit():
            work.act(
                "PutMethodResponse", **place, statusCode=str(status), responseParameters=declared
            )
    integration = operation.get(f"{_PREFIX}integration")
    if integration:
        _integration(work, place, integration)


_PLACES = {"query": "querystring", "header": "header", "path": "path"}


def _integration(work: Work, place: Json, described: Json) -> None:
    given = {member: described[name] for name, member in _INTEGRATION.items() if name in described}
    work.act("PutIntegration", **place, type=described["type"].upper(), **given)
    for pattern, response in (described.get("responses") or {}).items():
        names = ("responseParameters", "responseTemplates", "contentHandling")
        more = {name: response[name] for name in names if name in response}
        work.act(
            "PutIntegrationResponse",
            **place,
            statusCode=str(response["statusCode"]),
            selectionPattern="" if pattern == "default" else pattern,
            **more,
        )


class _Authorizers:
    """The document's security: authorizers that its methods name, IAM, and API keys."""

    def __init__(self, work: Work, api: Json, body: Json) -> None:
        components = body.get("components") or {}
        self._schemes: Json = (
            body.get("securityDefinitions") or components.get("securitySchemes") or {}
        )
        self._default = body.get("security")
        self._ids = {
            name: self._make(work, api, name, scheme)
            for name, scheme in self._schemes.items()
            if f"{_PREFIX}authorizer" in scheme
        }

    def of(self, operation: Json) -> Json:
        """What a method needs of whoever calls it."""
        found: Json = {"authorizationType": "NONE", "apiKeyRequired": False}
        for need in operation.get("security", self._default) or []:
            for name, scopes in need.items():
                found |= self._one(name, scopes)
        return found

    def _one(self, name: str, scopes: Any) -> Json:
        scheme = self._schemes.get(name, {})
        kind = scheme.get(f"{_PREFIX}authtype", "")
        if name in self._ids:
            cognito = kind == "cognito_user_pools"
            more = {"authorizationScopes": scopes} if cognito and scopes else {}
            chosen = "COGNITO_USER_POOLS" if cognito else "CUSTOM"
            return {"authorizationType": chosen, "authorizerId": self._ids[name], **more}
        if kind == "awsSigv4":
            return {"authorizationType": "AWS_IAM"}
        return {"apiKeyRequired": True} if name == "api_key" or scheme.get("name") == "x-api-key" \
            else {}  # fmt: skip

    @staticmethod
    def _make(work: Work, api: Json, name: str, scheme: Json) -> str:
        described = scheme[f"{_PREFIX}authorizer"]
        kind = described["type"].upper()
        given: Json = {"name": name, "type": kind}
        header = described.get("identitySource") or f"method.request.header.{scheme.get('name')}"
        given["identitySource"] = header
        names = {
            "authorizerUri": "authorizerUri", "authorizerCredentials": "authorizerCredentials",
            "identityValidationExpression": "identityValidationExpression",
            "providerARNs": "providerARNs",
        }  # fmt: skip
        given |= {member: described[key] for key, member in names.items() if described.get(key)}
        if "authorizerResultTtlInSeconds" in described:
            given["authorizerResultTtlInSeconds"] = int(described["authorizerResultTtlInSeconds"])
        return str(work.act("CreateAuthorizer", **api, **given)["id"])


def set_up_stage(work: Work) -> None:
    """A stage's access log, and the settings of its methods."""
    wanted = []
    log = work.properties.get("AccessLogSetting")
    if log and work.changed("AccessLogSetting"):
        for name in ("DestinationArn", "Format"):
            if log.get(name):
                member = name[0].lower() + name[1:]
                path = f"/accessLogSettings/{member}"
                wanted.append({"op": "replace", "path": path, "value": document_of(log[name])})
    if work.changed("MethodSettings"):
        for setting in work.properties.get("MethodSettings") or []:
            wanted += _method_setting(setting)
    if wanted:
        work.act(
            "UpdateStage",
            restApiId=work.known["restApiId"],
            stageName=work.known["stageName"],
            patchOperations=wanted,
        )


_SETTINGS = {
    "ThrottlingRateLimit": "throttling/rateLimit",
    "ThrottlingBurstLimit": "throttling/burstLimit",
    "LoggingLevel": "logging/loglevel",
    "DataTraceEnabled": "logging/dataTrace",
    "MetricsEnabled": "metrics/enabled",
    "CachingEnabled": "caching/enabled",
    "CacheTtlInSeconds": "caching/ttlInSeconds",
}


def _method_setting(setting: Json) -> list[Json]:
    path = str(setting.get("ResourcePath", "/*")).replace("/", "~1")
    path = "*" if path == "~1*" else path
    place = f"/{path}/{setting.get('HttpMethod', '*')}"
    return [
        {"op": "replace", "path": f"{place}/{_SETTINGS[name]}", "value": str(value).lower()}
        if name != "LoggingLevel"
        else {"op": "replace", "path": f"{place}/{_SETTINGS[name]}", "value": str(value)}
        for name, value in setting.items()
        if name in _SETTINGS
    ]


def leave_stage(work: Work) -> None:
    """A deployment that made a stage of its own takes it along, unless it serves another by now."""
    stage = work.properties.get("StageName")
    if not stage:
        return
    place = {"restApiId": work.known["restApiId"], "stageName": stage}
    with contextlib.suppress(AwsError):
        if work.act("GetStage", **place).get("deploymentId") == work.known["id"]:
            work.act("DeleteStage", **place)
