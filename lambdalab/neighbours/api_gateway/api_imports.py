"""APIs from OpenAPI documents: ImportRestApi, PutRestApi, ImportApi and ReimportApi.

moto reads some documents of version 3 and little of them; stacks have readers of their own, which
make the calls that an importer makes. Here these are answered without a way over the network.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-import-api.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from lambdalab import facts
from lambdalab.errors import AwsError
from lambdalab.imports import after_load
from lambdalab.neighbours.api_gateway.rest_api_checks import refusing
from lambdalab.wire import Request, Response

__all__ = ["install"]

Json = dict[str, Any]
_Call = Callable[[Request, str], Response]

_BASE = "http://127.0.0.1"


def install(call: _Call) -> None:
    """Complete moto's modules as soon as they are loaded; ``call`` lets moto answer a request."""
    after_load("moto.apigateway.responses", lambda module: _mend_rest(module, call))
    after_load("moto.apigatewayv2.responses", lambda module: _mend_http(module, call))


def _mend_rest(module: ModuleType, call: _Call) -> None:
    kind = module.APIGatewayResponse

    def import_rest_api(request: Any) -> Any:
        document, importer = _document(request.body), _Importer.of(request, call, "apigateway")
        known = importer.act("CreateRestApi", **_of_rest_api(document))
        importer.read(rest=True, known=known, document=document, before={})
        return 201, {}, json.dumps(request.backend.get_rest_api(known["id"]).to_dict())

    def put_rest_api(request: Any) -> Any:
        document, importer = _document(request.body), _Importer.of(request, call, "apigateway")
        api = request.backend.get_rest_api(request.path.split("/")[2])
        overwritten = request._get_param("mode") == "overwrite"
        importer.read(
            rest=True, known={"id": api.id}, document=document, before={"Body": 0} if overwritten
            else {},
        )  # fmt: skip
        changed = _of_rest_api(document)
        api.name = changed["name"] if overwritten else api.name
        api.binaryMediaTypes = changed.get("binaryMediaTypes", api.binaryMediaTypes)
        return 200, {}, json.dumps(api.to_dict())

    kind.import_rest_api, kind.put_rest_api = refusing(import_rest_api), refusing(put_rest_api)


def _mend_http(module: ModuleType, call: _Call) -> None:
    kind = module.ApiGatewayV2Response

    def import_api(request: Any) -> Any:
        document, importer = _told(request, call)
        known = importer.act("CreateApi", ProtocolType="HTTP", **_of_http_api(document))
        return answered(request, importer, known["ApiId"], document, {})

    def reimport_api(request: Any) -> Any:
        document, importer = _told(request, call)
        key = request.path.split("/")[-1]
        importer.act("UpdateApi", ApiId=key, **_of_http_api(document))
        return answered(request, importer, key, document, {"Body": 0})

    def answered(request: Any, importer: _Importer, key: str, document: Json, before: Json) -> Any:
        importer.read(rest=False, known={"ApiId": key}, document=document, before=before)
        return 201, {}, json.dumps(request.apigatewayv2_backend.get_api(key).to_json())

    kind.import_api, kind.reimport_api = refusing(import_api), refusing(reimport_api)


def _told(request: Any, call: _Call) -> tuple[Json, _Importer]:
    document = _document(json.loads(request.body).get("body") or "", versions=("3.",))
    return document, _Importer.of(request, call, "apigatewayv2")


def _document(given: str | bytes, versions: tuple[str, ...] = ("2.", "3.")) -> Json:
    import yaml

    try:
        found = yaml.safe_load(given)
    except (yaml.YAMLError, ValueError, RecursionError):
        found = None
    version = found.get("swagger") or found.get("openapi") if isinstance(found, dict) else None
    if not str(version or "").startswith(versions):
        message = facts.message("rest-api-control.bad-document")
        raise AwsError("BadRequestException", message.text, 400)
    # Names such as the status 200 are numbers to YAML; dates are texts.
    document: Json = json.loads(json.dumps(found, default=str))
    return document


def _of_rest_api(document: Json) -> Json:
    from lambdalab.neighbours.stacks.services import rest_api

    found = rest_api.prepare({"Body": document})
    policy = found.get("Policy")
    named = {
        "name": found.get("Name") or "imported",
        "description": (document.get("info") or {}).get("description"),
        "binaryMediaTypes": found.get("BinaryMediaTypes"),
        "apiKeySource": found.get("ApiKeySourceType"),
        "policy": json.dumps(policy) if isinstance(policy, dict) else policy,
    }
    return {name: value for name, value in named.items() if value}


def _of_http_api(document: Json) -> Json:
    from lambdalab.neighbours.stacks.services import http_api

    found = http_api.prepare({"Body": document})
    about = document.get("info") or {}
    cors = found.get("CorsConfiguration") or {}
    named = {
        "Name": found.get("Name") or "imported",
        "Description": about.get("description"),
        "Version": str(about.get("version") or ""),
        "CorsConfiguration": {name[0].upper() + name[1:]: one for name, one in cors.items()},
    }
    return {name: value for name, value in named.items() if value}


class _Importer:
    """Makes the calls of an import, for one account in one Region."""

    def __init__(self, account: str, region: str, service: str, call: _Call) -> None:
        self._place = account, region, service
        self._calls = _calls(call)

    @classmethod
    def of(cls, request: Any, call: _Call, service: str) -> _Importer:
        return cls(request.current_account, request.region, service, call)

    def act(self, operation: str, /, **given: Any) -> Json:
        answer: Json = self._calls.act(*self._place, operation, given)
        return answer

    def read(self, *, rest: bool, known: Json, document: Json, before: Json) -> None:
        from lambdalab.neighbours.stacks.services import http_api, rest_api
        from lambdalab.neighbours.stacks.services.service_type import Work

        reader = rest_api if rest else http_api
        reader.read_document(Work(self.act, known, {"Body": document}, before))


@cache
def _calls(call: _Call) -> Any:
    from lambdalab.neighbours.stacks.services.calls import Calls

    class Within(Calls):
        """Calls that moto answers in this thread."""

        def _client(self, account: str, region: str, service: str) -> Any:
            client = super()._client(account, region, service)
            client.meta.events.register("before-send", answer, unique_id="within")
            return client

    def answer(request: Any, **_: Any) -> Any:
        from botocore.awsrequest import AWSResponse, HeadersDict

        parts = urlsplit(request.url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        headers = [
            (name.encode(), value if isinstance(value, bytes) else str(value).encode("latin-1"))
            for name, value in request.headers.items()
        ]
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else bytes(body)
        made = call(Request(request.method, target.encode("latin-1"), headers, body), _BASE)
        told = HeadersDict(made.headers)
        return AWSResponse(request.url, made.status, told, _Body(made.body))  # type: ignore[arg-type]

    return Within(_BASE)


class _Body:
    """A body as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._body
