"""APIs that are made of OpenAPI documents, by the calls that do so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ECHO
from tests.engine import refusal
from tests.gateway_stage import ECHO_PROXY, REGION, Functions, client, uri

if TYPE_CHECKING:
    from lambdalab import Lab

Make = Callable[[str], str]

PREFIX = "x-amazon-apigateway-"
OWN = "https://page.example"


@pytest.fixture(scope="module")
def functions(shared_lab: Lab) -> Functions:
    return Functions(shared_lab)


@pytest.fixture
def lab(shared_lab: Lab) -> Lab:
    """Not emptied: each test has an API of its own."""
    return shared_lab


@pytest.fixture
def make(functions: Functions) -> Make:
    """A function that API Gateway may call, by its code."""
    return functions.kept


def proxied(name: str, **more: Any) -> dict[str, Any]:
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": uri(name)}
    return {"responses": {}, f"{PREFIX}integration": integration} | more


def shown(lab: Lab, api: str) -> str:
    """Deploy an API; gives where it is."""
    client(lab, "apigateway").create_deployment(restApiId=api, stageName="dev")
    return f"https://{api}.execute-api.{REGION}.amazonaws.com/dev"


PET = {"type": "object", "required": ["name"], "properties": {"name": {"$ref": "#/definitions/N"}}}


def test_a_document_of_version_2(lab: Lab, make: Make) -> None:
    name = make(ECHO_PROXY)
    document = {
        "swagger": "2.0",
        "info": {"title": "pets", "version": "1", "description": "All pets."},
        f"{PREFIX}binary-media-types": ["image/png"],
        f"{PREFIX}request-validators": {"all": {
            "validateRequestBody": True, "validateRequestParameters": True,
        }},
        f"{PREFIX}gateway-responses": {
            "BAD_REQUEST_BODY": {"statusCode": 422, "responseTemplates": {"application/json": "{}"}}
        },
        "definitions": {"N": {"type": "string"}, "Pet": PET},
        "paths": {
            "/pets/{id}": {
                f"{PREFIX}any-method": proxied(name),
                "post": proxied(name, **{
                    f"{PREFIX}request-validator": "all",
                    "parameters": [
                        {"in": "query", "name": "q", "required": True, "type": "string"},
                        {"in": "body", "name": "b", "schema": {"$ref": "#/definitions/Pet"}},
                    ],
                }),
            },
            "/signed": {"get": proxied(name, security=[{"sigv4": []}])},
        },
        "securityDefinitions": {
            "sigv4": {"type": "apiKey", "name": "Authorization", "in": "header",
                      f"{PREFIX}authtype": "awsSigv4"},
        },
    }  # fmt: skip
    gateway = client(lab, "apigateway")
    made = gateway.import_rest_api(body=json.dumps(document))
    assert (made["name"], made["description"]) == ("pets", "All pets.")
    assert made["binaryMediaTypes"] == ["image/png"]
    url = shown(lab, made["id"])
    event = lab.http.get(f"{url}/pets/7").json()
    assert (event["resource"], event["pathParameters"]) == ("/pets/{id}", {"id": "7"})
    assert lab.http.post(f"{url}/pets/7?q=1", json={"name": "Rex"}).status_code == 200
    assert lab.http.post(f"{url}/pets/7", json={"name": "Rex"}).status_code == 400
    assert lab.http.post(f"{url}/pets/7?q=1", json={"name": 1}).status_code == 422
    assert lab.http.get(f"{url}/signed").json() == {"message": "Missing Authentication Token"}


TEXT = """
openapi: 3.0.1
info: {title: mocked, version: 2020-01-01}
paths:
  /mock:
    get:
      responses:
        200: {description: fine, headers: {X-Own: {schema: {type: string}}}}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses:
          default:
            statusCode: 200
            responseParameters: {method.response.header.X-Own: "'mine'"}
            responseTemplates: {application/json: '{"a": 1}'}
    put:
      requestBody:
        content: {application/json: {schema: {type: array}}}
      responses: {200: {description: fine}}
      x-amazon-apigateway-request-validator: bodies
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses: {default: {statusCode: 200}}
x-amazon-apigateway-request-validators: {bodies: {validateRequestBody: true}}
"""


def test_a_document_in_yaml(lab: Lab) -> None:
    made = client(lab, "apigateway").import_rest_api(body=TEXT)
    url = shown(lab, made["id"])
    response = lab.http.get(f"{url}/mock")
    assert (response.json(), response.headers["x-own"]) == ({"a": 1}, "mine")
    assert lab.http.put(f"{url}/mock", json=[]).status_code == 200
    assert lab.http.put(f"{url}/mock", json={}).status_code == 400


def test_what_operations_of_a_path_share(lab: Lab, make: Make) -> None:
    name = make(ECHO_PROXY)
    document = {
        "openapi": "3.0.1",
        "info": {"title": "shared"},
        f"{PREFIX}request-validators": {"all": {"validateRequestParameters": True}},
        f"{PREFIX}request-validator": "all",
        "components": {"parameters": {"own": {"in": "header", "name": "X-Own", "required": True}}},
        "paths": {
            "/pets": {
                "parameters": [
                    {"$ref": "#/components/parameters/own"},
                    {"in": "query", "name": "q", "required": True},
                ],
                "get": proxied(name, operationId="listPets"),
                "post": proxied(name, parameters=[{"in": "query", "name": "q"}]),
            },
        },
    }
    url = shown(lab, client(lab, "apigateway").import_rest_api(body=json.dumps(document))["id"])
    refused = lab.http.get(f"{url}/pets").json()
    assert refused == {"message": "Missing required request parameters: [X-Own, q]"}
    refused = lab.http.post(f"{url}/pets").json()
    assert refused == {"message": "Missing required request parameters: [X-Own]"}
    event = lab.http.get(f"{url}/pets?q=1", headers={"X-Own": "1"}).json()
    assert event["requestContext"]["operationName"] == "listPets"


def test_a_rest_api_is_changed_by_a_document(lab: Lab, make: Make) -> None:
    gateway, name = client(lab, "apigateway"), make(ECHO_PROXY)

    def document(path: str) -> bytes:
        paths = {path: {"get": proxied(name)}}
        given = {"openapi": "3.0.1", "info": {"title": path, "version": "1"}, "paths": paths}
        return json.dumps(given).encode()

    api = gateway.import_rest_api(body=document("/a/b"))["id"]
    gateway.put_rest_api(restApiId=api, mode="merge", body=document("/a/c"))
    url = shown(lab, api)
    assert [lab.http.get(f"{url}/a/{one}").status_code for one in "bc"] == [200, 200]
    told = gateway.put_rest_api(restApiId=api, mode="overwrite", body=document("/a/d"))
    assert (told["id"], told["name"]) == (api, "/a/d")
    assert [lab.http.get(f"{url}/a/{one}").status_code for one in "bcd"] == [200, 200, 403]
    url = shown(lab, api)
    assert [lab.http.get(f"{url}/a/{one}").status_code for one in "bcd"] == [403, 403, 200]


def test_an_http_api_of_a_document(lab: Lab, make: Make) -> None:
    v2 = client(lab, "apigatewayv2")

    def document(path: str, **more: Any) -> str:
        integration = {
            "type": "aws_proxy", "httpMethod": "POST", "uri": uri(make(ECHO)),
            "payloadFormatVersion": "2.0",
        }  # fmt: skip
        operation = {"responses": {}, f"{PREFIX}integration": integration}
        paths = {path: {"get": operation}, "/$default": {f"{PREFIX}any-method": operation}}
        about = {"title": path, "version": "1"}
        return json.dumps({"openapi": "3.0.1", "info": about, "paths": paths} | more)

    cors = {f"{PREFIX}cors": {"allowOrigins": [OWN], "maxAge": 5}}
    made = v2.import_api(Body=document("/a", **cors))
    assert (made["Name"], made["CorsConfiguration"]["AllowOrigins"]) == ("/a", [OWN])
    v2.create_stage(ApiId=made["ApiId"], StageName="$default", AutoDeploy=True)
    response = lab.http.get(f"{made['ApiEndpoint']}/a", headers={"Origin": OWN})
    assert response.json()["routeKey"] == "GET /a"
    assert response.headers["access-control-allow-origin"] == OWN
    assert lab.http.put(f"{made['ApiEndpoint']}/x").json()["routeKey"] == "$default"
    again = v2.reimport_api(ApiId=made["ApiId"], Body=document("/b"))
    assert (again["ApiId"], again["Name"]) == (made["ApiId"], "/b")
    keys = {one["RouteKey"] for one in v2.get_routes(ApiId=made["ApiId"])["Items"]}
    assert keys == {"GET /b", "$default"}


def test_what_is_no_document(lab: Lab) -> None:
    gateway, v2 = client(lab, "apigateway"), client(lab, "apigatewayv2")
    swagger = json.dumps({"swagger": "2.0", "info": {"title": "t", "version": "1"}, "paths": {}})
    for call, given in (
        (gateway.import_rest_api, {"body": b"not: [a document"}),
        (gateway.import_rest_api, {"body": b"plain"}),
        (gateway.import_rest_api, {"body": b"{}"}),
        (v2.import_api, {"Body": swagger}),
    ):
        refused = refusal(call, **given)
        assert (refused.status, refused.code) == (400, "BadRequestException")
    missing = refusal(gateway.put_rest_api, restApiId="none", body=swagger.encode())
    assert (missing.status, missing.code) == (404, "NotFoundException")
