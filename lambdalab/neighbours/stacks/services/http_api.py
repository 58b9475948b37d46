"""An HTTP API from its OpenAPI document: integrations, routes, authorizers.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-open-api.html
"""

from __future__ import annotations

from typing import Any

from lambdalab.neighbours.stacks.services.service_type import Json, Work

__all__ = ["prepare", "read_document"]

_PREFIX = "x-amazon-apigateway-"
_ANY = f"{_PREFIX}any-method"
_METHODS = frozenset(("get", "put", "post", "delete", "options", "head", "patch", _ANY))
_DEFAULT = "$default"


def prepare(properties: Json) -> Json:
    """What the document says of the API itself stands for what the template does not say."""
    body = properties.get("Body")
    if not isinstance(body, dict):
        return properties
    found: Json = {"Name": (body.get("info") or {}).get("title"), "ProtocolType": "HTTP"}
    cors = body.get(f"{_PREFIX}cors")
    if cors:
        found["CorsConfiguration"] = cors
    return {name: value for name, value in found.items() if value} | properties


def read_document(work: Work) -> None:
    """Make of an API what its document says, instead of what it was."""
    body = work.properties.get("Body")
    if not isinstance(body, dict) or not work.changed("Body"):
        return
    api = {"ApiId": work.known["ApiId"]}
    if work.before:
        _clear(work, api)
    security = _Security(work, api, body)
    for path, operations in (body.get("paths") or {}).items():
        for name, operation in (operations or {}).items():
            if name in _METHODS:
                verb = "ANY" if name == _ANY else name.upper()
                key = _DEFAULT if path.strip("/") == _DEFAULT else f"{verb} {path}"
                _route(work, api, key, operation or {}, security)


def _clear(work: Work, api: Json) -> None:
    for one in work.act("GetRoutes", **api)["Items"]:
        work.act("DeleteRoute", **api, RouteId=one["RouteId"])
    for one in work.act("GetIntegrations", **api)["Items"]:
        work.act("DeleteIntegration", **api, IntegrationId=one["IntegrationId"])
    for one in work.act("GetAuthorizers", **api)["Items"]:
        work.act("DeleteAuthorizer", **api, AuthorizerId=one["AuthorizerId"])


def _route(work: Work, api: Json, key: str, operation: Json, security: _Security) -> None:
    described = operation.get(f"{_PREFIX}integration") or {}
    given: Json = {}
    if described:
        integration = work.act("CreateIntegration", **api, **_integration(described))
        given["Target"] = f"integrations/{integration['IntegrationId']}"
    work.act("CreateRoute", **api, RouteKey=key, **given, **security.of(operation))


def _integration(described: Json) -> Json:
    names = {
        "uri": "IntegrationUri", "httpMethod": "IntegrationMethod",
        "payloadFormatVersion": "PayloadFormatVersion", "credentials": "CredentialsArn",
        "timeoutInMillis": "TimeoutInMillis", "requestParameters": "RequestParameters",
        "subtype": "IntegrationSubtype", "connectionId": "ConnectionId",
        "connectionType": "ConnectionType",
    }  # fmt: skip
    given = {member: described[name] for name, member in names.items() if name in described}
    given["IntegrationType"] = described["type"].upper()
    given["PayloadFormatVersion"] = str(given.get("PayloadFormatVersion", "1.0"))
    return given


class _Security:
    """The document's authorizers, and which of them a route needs."""

    def __init__(self, work: Work, api: Json, body: Json) -> None:
        schemes: Json = (body.get("components") or {}).get("securitySchemes") or {}
        self._schemes = schemes
        self._default = body.get("security")
        self._made = {
            name: self._make(work, api, name, scheme)
            for name, scheme in schemes.items()
            if f"{_PREFIX}authorizer" in scheme
        }

    def of(self, operation: Json) -> Json:
        """What a route needs of whoever calls it."""
        for need in operation.get("security", self._default) or []:
            for name, scopes in need.items():
                found = self._one(name, scopes)
                if found:
                    return found
        return {}

    def _one(self, name: str, scopes: Any) -> Json:
        if name in self._made:
            kind, identifier = self._made[name]
            more = {"AuthorizationScopes": scopes} if scopes else {}
            return {"AuthorizationType": kind, "AuthorizerId": identifier, **more}
        if self._schemes.get(name, {}).get(f"{_PREFIX}authtype") == "awsSigv4":
            return {"AuthorizationType": "AWS_IAM"}
        return {}

    @staticmethod
    def _make(work: Work, api: Json, name: str, scheme: Json) -> tuple[str, str]:
        described = scheme[f"{_PREFIX}authorizer"]
        is_token = described["type"].lower() == "jwt"
        source = described.get("identitySource") or "$request.header.Authorization"
        sources = [one.strip() for one in source.split(",")] if isinstance(source, str) else source
        given: Json = {
            "Name": name,
            "AuthorizerType": "JWT" if is_token else "REQUEST",
            "IdentitySource": sources,
        }
        if is_token:
            token = described["jwtConfiguration"]
            audience = token.get("audience", [])
            given["JwtConfiguration"] = {
                "Audience": audience if isinstance(audience, list) else [audience],
                "Issuer": token["issuer"],
            }
        else:
            given |= _function_authorizer(described)
        made = work.act("CreateAuthorizer", **api, **given)
        return ("JWT" if is_token else "CUSTOM"), str(made["AuthorizerId"])


def _function_authorizer(described: Json) -> Json:
    names = {
        "authorizerUri": "AuthorizerUri",
        "authorizerCredentials": "AuthorizerCredentialsArn",
        "authorizerPayloadFormatVersion": "AuthorizerPayloadFormatVersion",
        "enableSimpleResponses": "EnableSimpleResponses",
        "authorizerResultTtlInSeconds": "AuthorizerResultTtlInSeconds",
    }
    return {member: described[name] for name, member in names.items() if name in described}
