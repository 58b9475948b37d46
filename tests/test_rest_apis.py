"""API Gateway's REST APIs with proxy integrations, asked over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from lambdalab.sources.api_gateway.validating import violations
from tests.engine import refusal
from tests.gateway_stage import (
    ECHO_PROXY,
    OBEDIENT,
    Api,
    Functions,
    allow,
    answer,
    b64,
    client,
    deploy,
    function_arn,
    mapped,
    method,
    pushes,
    resource,
    rest_api,
    uri,
)
from tests.gateway_stage import (
    proxy as proxied,
)

if TYPE_CHECKING:
    from lambdalab import Lab

Make = Callable[[str], str]
FORBIDDEN = {"message": "Forbidden"}
BROKEN = {"message": "Internal server error"}


@pytest.fixture(scope="module")
def functions(shared_lab: Lab) -> Functions:
    return Functions(shared_lab)


@pytest.fixture
def lab(shared_lab: Lab) -> Lab:
    """Not emptied: each test has an API of its own."""
    return shared_lab


@pytest.fixture
def lam(lab: Lab) -> Any:
    return client(lab, "lambda")


@pytest.fixture
def make(functions: Functions) -> Make:
    """A function that API Gateway may call, by its code."""
    return functions.kept


@pytest.fixture(scope="module")
def obedient(shared_lab: Lab, functions: Functions) -> Api:
    """An API whose function answers as it is told; ``image/png`` is binary for it."""
    api = rest_api(shared_lab, binaryMediaTypes=["image/png"])
    proxied(shared_lab, api, "GET", "/", functions.kept(OBEDIENT))
    deploy(shared_lab, api)
    return api


def mocked(lab: Lab, named: dict[str, str]) -> None:
    """Let a method answer by itself."""
    templates = {"application/json": '{"statusCode": 200}'}
    mapped(lab, named, {"type": "MOCK", "requestTemplates": templates})


# ---- answers


@pytest.mark.parametrize(
    ("returned", "status", "body"),
    [
        ({"statusCode": 200, "body": "text"}, 200, b"text"),
        ({"statusCode": 200}, 200, b""),
        ({}, 200, b""),
        ({"statusCode": "404", "body": None}, 404, b""),
        ({"statusCode": 200, "headers": {"X-A": True}}, 200, b""),
        ({"statusCode": 200, "wrongValue": "value"}, 502, None),
        ({"statusCode": 200, "body": {"not": "text"}}, 502, None),
        ({"statusCode": "OK"}, 502, None),
        ({"statusCode": 200, "headers": {"X-A": 1}}, 502, None),
        ({"statusCode": 200, "headers": ["X-A"]}, 502, None),
        ({"statusCode": 200, "multiValueHeaders": {"X-A": "1"}}, 502, None),
        ("text", 502, None),
        (None, 502, None),
    ],
)
def test_what_a_function_returns(
    shared_lab: Lab, obedient: Api, returned: Any, status: int, body: bytes | None
) -> None:
    response = shared_lab.http.get(obedient.url, params=answer(returned))
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    if body is None:
        assert response.json() == BROKEN
        assert response.headers["x-amzn-errortype"] == "InternalServerErrorException"
    else:
        assert response.content == body


def test_headers_of_an_answer(shared_lab: Lab, obedient: Api) -> None:
    returned = {
        "statusCode": 200,
        "headers": {"X-One": "1", "Content-Type": "text/html", "Server": "own"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
    }
    response = shared_lab.http.get(obedient.url, params=answer(returned))
    assert response.raw.headers.getlist("set-cookie") == ["a=1", "b=2"]
    assert (response.headers["x-one"], response.headers["content-type"]) == ("1", "text/html")
    assert response.headers["x-amzn-remapped-server"] == "own"
    assert response.headers["x-amzn-trace-id"].startswith("Root=1-")
    assert {"x-amzn-requestid", "x-amz-apigw-id"} <= {name.lower() for name in response.headers}


@pytest.mark.parametrize(
    ("accept", "body"), [("image/png", b"\x89PNG"), ("text/html", b64(b"\x89PNG").encode())]
)
def test_base64_is_read_for_who_accepts_a_binary_type(
    shared_lab: Lab, obedient: Api, accept: str, body: bytes
) -> None:
    returned = {"statusCode": 200, "body": b64(b"\x89PNG"), "isBase64Encoded": True}
    headers = {"Accept": accept}
    response = shared_lab.http.get(obedient.url, params=answer(returned), headers=headers)
    assert response.content == body


def test_an_error_of_the_function_is_not_shown(shared_lab: Lab, obedient: Api) -> None:
    response = shared_lab.http.get(obedient.url, params={"raise": "secret"})
    assert (response.status_code, response.json()) == (502, BROKEN)


# ---- events


def test_the_event_of_a_proxy_integration(lab: Lab, make: Make) -> None:
    api = rest_api(lab)
    named = proxied(lab, api, "ANY", "/pets/{proxy+}", make(ECHO_PROXY))
    deployment = deploy(lab, api, variables={"colour": "red"})
    host = f"{api.id}.execute-api.us-east-1.amazonaws.com"
    response = lab.http.post(
        f"{api.url}/pets/user/a%2Bb@c.com/?email=a%2Bb&plus=a+b&many=1&many=2",
        json={"message": "hello"},
        headers={
            "tEsT-HEADeR": "aValUE", "authorization": "random", "User-Agent": "agent",
            "X-Amzn-Trace-Id": "Root=1-6ab58520-70315d7939e4c191321149a9",
        },
    )  # fmt: skip
    event = response.json()
    headers = event.pop("headers")
    assert event.pop("multiValueHeaders") == {name: [one] for name, one in headers.items()}
    assert headers == {
        "Accept": "*/*",
        "Accept-Encoding": headers["Accept-Encoding"],
        "Authorization": "random",
        "Content-Type": "application/json",
        "Host": host,
        "User-Agent": "agent",
        "X-Amzn-Trace-Id": "Root=1-6ab58520-70315d7939e4c191321149a9",
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
        "tEsT-HEADeR": "aValUE",
    }
    context = event.pop("requestContext")
    assert event == {
        "resource": "/pets/{proxy+}",
        "path": "/pets/user/a%2Bb@c.com/",
        "httpMethod": "POST",
        "queryStringParameters": {"email": "a+b", "plus": "a b", "many": "2"},
        "multiValueQueryStringParameters": {
            "email": ["a+b"], "plus": ["a b"], "many": ["1", "2"],
        },
        "pathParameters": {"proxy": "user/a%2Bb@c.com"},
        "stageVariables": {"colour": "red"},
        "body": '{"message": "hello"}',
        "isBase64Encoded": False,
    }  # fmt: skip
    identity = context.pop("identity")
    assert {name for name, value in identity.items() if value is not None} == {
        "sourceIp", "userAgent",
    }  # fmt: skip
    assert len(identity) == 12
    assert context == {
        "resourceId": named["resourceId"],
        "resourcePath": "/pets/{proxy+}",
        "httpMethod": "POST",
        "extendedRequestId": response.headers["x-amz-apigw-id"],
        "requestTime": context["requestTime"],
        "path": "/dev/pets/user/a%2Bb@c.com/",
        "accountId": "123456789012",
        "protocol": "HTTP/1.1",
        "stage": "dev",
        "domainPrefix": api.id,
        "requestTimeEpoch": context["requestTimeEpoch"],
        "requestId": response.headers["x-amzn-requestid"],
        "domainName": host,
        "deploymentId": deployment,
        "apiId": api.id,
    }


def test_what_is_empty_is_null(lab: Lab, make: Make) -> None:
    api = rest_api(lab)
    proxied(lab, api, "GET", "/x", make(ECHO_PROXY))
    deploy(lab, api)
    event = lab.http.get(f"{api.url}//x").json()
    for member in (
        "body", "pathParameters", "queryStringParameters", "multiValueQueryStringParameters",
        "stageVariables",
    ):  # fmt: skip
        assert event[member] is None
    assert (event["path"], event["requestContext"]["path"]) == ("/x", "/dev//x")


@pytest.mark.parametrize(
    ("sent", "path", "proxy", "told"),
    [
        ("/dev/a//b", "/a//b", "a//b", "/dev/a//b"),
        ("//dev/a", "/a", "a", "/dev/a"),
        ("/dev//a", "/a", "a", "/dev//a"),
        ("/dev/a/", "/a/", "a", "/dev/a/"),
    ],
)
def test_slashes_in_a_path(
    lab: Lab, make: Make, sent: str, path: str, proxy: str, told: str
) -> None:
    """As recorded on AWS."""
    api = rest_api(lab)
    proxied(lab, api, "ANY", "/{proxy+}", make(ECHO_PROXY))
    deploy(lab, api)
    event = lab.http.get(f"{api.url.removesuffix('/dev')}{sent}").json()
    assert (event["path"], event["pathParameters"]) == (path, {"proxy": proxy})
    assert event["requestContext"]["path"] == told


def test_headers_that_an_event_does_not_have(lab: Lab, make: Make) -> None:
    api = rest_api(lab)
    parameters = {"integration.request.header.X-Mapped": "'no'"}
    integration = {"requestParameters": parameters}
    proxied(lab, api, "GET", "/", make(ECHO_PROXY), integration=integration)
    deploy(lab, api)
    hidden = (
        "Content-MD5", "Max-Forwards", "Proxy-Authenticate", "Server", "TE", "Trailer", "Upgrade",
        "WWW-Authenticate",
    )  # fmt: skip
    sent = dict.fromkeys(hidden, "1") | {"Via": "v", "Warn": "w", "Age": "a"}
    headers = lab.http.get(api.url, headers=sent).json()["headers"]
    assert {"Via", "Warn", "Age"} <= set(headers)
    assert not {*hidden, "X-Mapped", "Connection"} & set(headers)


@pytest.mark.parametrize(
    ("binary", "content_type", "encoded"),
    [([], "image/png", False), (["image/*"], "image/png", True), (["*/*"], "text/plain", True)],
)
def test_bodies_of_binary_types_come_in_base64(
    lab: Lab, make: Make, binary: list[str], content_type: str, encoded: bool
) -> None:
    api = rest_api(lab, binaryMediaTypes=binary)
    proxied(lab, api, "POST", "/", make(ECHO_PROXY))
    deploy(lab, api)
    headers = {"Content-Type": content_type, "Accept": "none/none"}
    event = lab.http.post(api.url, data=b"abc", headers=headers).json()
    assert (event["body"], event["isBase64Encoded"]) == (
        b64(b"abc") if encoded else "abc", encoded,
    )  # fmt: skip


# ---- resources, stages, deployments


def test_the_most_specific_resource_with_the_method(lab: Lab, make: Make) -> None:
    api, name = rest_api(lab), make(ECHO_PROXY)
    for verb, path in (
        ("POST", "/test"), ("ANY", "/test/any"), ("OPTIONS", "/{proxy+}"), ("GET", "/test/{id}"),
        ("GET", "/"),
    ):  # fmt: skip
        proxied(lab, api, verb, path, name)
    deploy(lab, api)

    def taken(verb: str, path: str) -> str:
        return str(lab.http.request(verb, f"{api.url}{path}").json()["resource"])

    assert taken("POST", "/test") == "/test"
    assert taken("OPTIONS", "/test") == "/{proxy+}"
    assert taken("GET", "/test/any") == "/test/any"
    assert taken("GET", "/test/7") == "/test/{id}"
    assert taken("GET", "/test/7/") == "/test/{id}"
    assert taken("GET", "") == taken("GET", "/") == "/"


def test_what_is_not_there(lab: Lab, make: Make) -> None:
    api = rest_api(lab)
    proxied(lab, api, "GET", "/x", make(ECHO_PROXY))
    deploy(lab, api)
    for verb, path in (("GET", "/y"), ("POST", "/x"), ("GET", "/")):
        missing = lab.http.request(verb, f"{api.url}{path}")
        assert (missing.status_code, missing.json()) == (
            403, {"message": "Missing Authentication Token"},
        )  # fmt: skip
        assert missing.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    stage = lab.http.get(f"{api.url.removesuffix('dev')}prod/x")
    assert (stage.status_code, stage.json()) == (403, FORBIDDEN)
    assert stage.headers["x-amzn-errortype"] == "ForbiddenException"


def test_only_what_is_deployed_answers(lab: Lab, make: Make) -> None:
    gateway, name = client(lab, "apigateway"), make(ECHO_PROXY)
    api = rest_api(lab)
    proxied(lab, api, "GET", "/one", name)
    assert lab.http.get(f"{api.url}/one").json() == FORBIDDEN
    first = deploy(lab, api)
    proxied(lab, api, "GET", "/two", name)
    assert lab.http.get(f"{api.url}/two").status_code == 403
    second = deploy(lab, api)
    assert lab.http.get(f"{api.url}/two").status_code == 200
    back = [{"op": "replace", "path": "/deploymentId", "value": first}]
    gateway.update_stage(restApiId=api.id, stageName="dev", patchOperations=back)
    assert lab.http.get(f"{api.url}/two").status_code == 403
    active = refusal(gateway.delete_deployment, restApiId=api.id, deploymentId=first)
    assert (active.status, active.code) == (400, "BadRequestException")
    gateway.delete_deployment(restApiId=api.id, deploymentId=second)
    gateway.create_stage(restApiId=api.id, stageName="prod", deploymentId=first)
    assert lab.http.get(f"{api.url.removesuffix('dev')}prod/one").status_code == 200


def test_a_new_deployment_keeps_the_stage(lab: Lab, make: Make) -> None:
    gateway, api = client(lab, "apigateway"), rest_api(lab)
    proxied(lab, api, "GET", "/", make(ECHO_PROXY))
    deploy(lab, api, variables={"a": "1"})
    deploy(lab, api, variables={"b": "2"})
    shown = gateway.get_stage(restApiId=api.id, stageName="dev")
    assert shown["variables"] == {"a": "1", "b": "2"}
    assert lab.http.get(api.url).json()["stageVariables"] == {"a": "1", "b": "2"}


def test_a_method_is_changed_by_patches(lab: Lab, make: Make) -> None:
    gateway, api = client(lab, "apigateway"), rest_api(lab)
    named = proxied(lab, api, "GET", "/", make(ECHO_PROXY))
    gateway.update_method(
        **named, patchOperations=[
            {"op": "replace", "path": "/authorizationType", "value": "AWS_IAM"},
            {"op": "add", "path": "/requestParameters/method.request.header.x", "value": "true"},
        ],
    )  # fmt: skip
    gateway.update_integration(
        **named, patchOperations=[{"op": "replace", "path": "/timeoutInMillis", "value": "1000"}]
    )
    shown = gateway.get_method(**named)
    assert shown["authorizationType"] == "AWS_IAM"
    assert shown["requestParameters"] == {"method.request.header.x": True}
    assert shown["methodIntegration"]["timeoutInMillis"] == 1000
    deploy(lab, api)
    assert lab.http.get(api.url).status_code == 403
    bad = refusal(
        gateway.update_method, **named, patchOperations=[{"op": "replace", "path": "/nothing"}]
    )
    assert bad.code == "BadRequestException"


def test_a_disabled_address_answers_nobody(lab: Lab, make: Make) -> None:
    api = rest_api(lab, disableExecuteApiEndpoint=True)
    proxied(lab, api, "GET", "/", make(ECHO_PROXY))
    deploy(lab, api)
    assert lab.http.get(api.url).json() == FORBIDDEN
    on = [{"op": "replace", "path": "/disableExecuteApiEndpoint", "value": "false"}]
    client(lab, "apigateway").update_rest_api(restApiId=api.id, patchOperations=on)
    assert lab.http.get(api.url).status_code == 200


# ---- what is refused


def test_what_cannot_be_made_of_an_api(lab: Lab) -> None:
    """As recorded on AWS; moto takes most of it."""
    gateway, api = client(lab, "apigateway"), rest_api(lab)
    named = method(lab, api, "GET", "/pets/{proxy+}")
    pets, greedy = resource(lab, api, "/pets"), named["resourceId"]
    here, there = {"restApiId": api.id}, {"restApiId": "none"}
    at = here | {"resourceId": pets, "httpMethod": "GET"}
    stage, plan = {"restApiId": api.id, "stageName": "dev"}, gateway.create_usage_plan(name="p")
    mocked(lab, named)
    deploy(lab, api)

    def patch(path: str, op: str = "replace", **more: str) -> dict[str, Any]:
        return {"patchOperations": [{"op": op, "path": path, **more}]}

    rows: list[tuple[str, dict[str, Any], int, str]] = [
        ("create_rest_api", {"name": "x", "description": ""}, 400, "Description cannot be an"),
        ("get_rest_api", there, 404, "Invalid API identifier specified 123456789012:none"),
        ("delete_rest_api", there, 404, "Invalid API identifier specified 123456789012:none"),
        ("update_rest_api", here | patch("/binaryMediaTypes", "add", value="a/b"), 400,
         "Invalid patch path /binaryMediaTypes"),
        ("create_resource", here | {"parentId": "none", "pathPart": "x"}, 404,
         "Invalid Resource identifier specified"),
        ("create_resource", here | {"parentId": api.root, "pathPart": "pets"}, 409,
         "Another resource with the same parent already has this name: pets"),
        ("create_resource", here | {"parentId": greedy, "pathPart": "x"}, 400,
         "Cannot create a child of a resource with a greedy path variable: {proxy+}"),
        ("create_resource", here | {"parentId": pets, "pathPart": "{id}"}, 400,
         "A sibling ({proxy+}) of this resource already has a variable path part"),
        ("update_resource", here | {"resourceId": pets} | patch("/no"), 400,
         "Invalid patch path  '/no' specified for op 'replace'. Must be one of: [/parentId, "),
        ("update_resource", here | {"resourceId": pets} | patch("/pathPart", "remove"), 400,
         "Invalid patch path  '/pathPart' specified for op 'remove'. Please choose supported"),
        ("update_resource", here | {"resourceId": pets} | patch("/parentId", value=greedy), 400,
         "Resources cannot be cyclical."),
        ("delete_resource", here | {"resourceId": api.root}, 400, "Cannot delete root resource"),
        ("put_method", at | {"httpMethod": "X", "authorizationType": "NONE"}, 400,
         "Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD"),
        ("put_method", at | {"authorizationType": "CUSTOM"}, 400, "Invalid authorizer ID"),
        ("put_method", at | {"authorizationType": "NONE", "requestValidatorId": "x"}, 400,
         "Invalid Request Validator identifier specified"),
        ("put_method", at | {"authorizationType": "NONE", "requestModels": {"a/b": "X"}}, 400,
         "Invalid model identifier specified: X"),
        ("put_integration", named | {"type": "AWS_PROXY", "integrationHttpMethod": "POST"}, 400,
         "Invalid ARN specified in the request"),
        ("put_integration", named | {"type": "MOCK", "timeoutInMillis": 40}, 400,
         "Timeout should be between 50 ms and 29000 ms"),
        ("create_model", here | {"name": "Empty", "contentType": "a/b", "schema": "{}"}, 409,
         "Model name already exists for this REST API"),
        ("create_model", here | {"name": "Other", "contentType": "a/b"}, 400,
         "Model schema must have at least 1 property or array items defined"),
        ("get_model", here | {"modelName": "Other"}, 404, "Invalid model name specified: Other"),
        ("create_request_validator", there, 400, "Invalid REST API identifier specified"),
        ("get_request_validator", here | {"requestValidatorId": "x"}, 404,
         "Invalid Request Validator identifier specified"),
        ("create_stage", here | {"stageName": "a b", "deploymentId": "x"}, 400, "Stage name only"),
        ("create_stage", here | {"stageName": "a", "deploymentId": "x"}, 404, "Invalid Deployment"),
        ("update_stage", stage | patch("/tags/tag1", value="1"), 400,
         "Invalid method setting path: /tags/tag1. Must be one of: [/deploymentId, "),
        ("update_stage", stage | patch("/*/*", "remove"), 400,
         "Cannot remove method setting */* because there is no method setting for this method "),
        ("update_usage_plan", {"usagePlanId": plan["id"]} | patch("/apiStages", "add"), 400,
         "Invalid API Stage specified"),
        ("update_usage_plan",
         {"usagePlanId": plan["id"]} | patch("/apiStages", "add", value=f"{api.id}:no"), 404,
         f"Invalid API Stage {{api: {api.id}, stage: no}} specified for usageplan {plan['id']}"),
    ]  # fmt: skip
    for operation, given, status, text in rows:
        refused = refusal(getattr(gateway, operation), **given)
        assert (refused.status, refused.message[: len(text)]) == (status, text), operation
    assert gateway.get_rest_api(restApiId=api.id)["id"] == api.id
    assert lab.http.get(f"{api.url}/pets/x").status_code == 200


def test_what_an_api_tells_of_itself(lab: Lab) -> None:
    gateway, api = client(lab, "apigateway"), rest_api(lab)
    named = method(lab, api, "GET", "/above/below", authorizationType="none")
    assert refusal(gateway.get_integration, **named).message == (
        "Invalid Integration identifier specified"
    )
    told = gateway.put_integration(**named, type="MOCK", uri="http://example.com")
    assert told.pop("ResponseMetadata")["HTTPStatusCode"] == 201
    assert told == {
        "type": "MOCK", "passthroughBehavior": "WHEN_NO_MATCH", "timeoutInMillis": 29000,
        "cacheNamespace": named["resourceId"], "cacheKeyParameters": [],
    }  # fmt: skip
    shown = gateway.get_method(**named)
    assert (shown["authorizationType"], "methodResponses" in shown) == ("NONE", False)
    kind = "MISSING_AUTHENTICATION_TOKEN"
    usual = gateway.get_gateway_response(restApiId=api.id, responseType=kind)
    assert (usual["defaultResponse"], usual["statusCode"]) == (True, "403")
    own = gateway.put_gateway_response(restApiId=api.id, responseType=kind, statusCode="404")
    assert (own["defaultResponse"], own["statusCode"]) == (False, "404")
    assert own["responseTemplates"] == usual["responseTemplates"]
    listed = gateway.get_gateway_responses(restApiId=api.id)["items"]
    assert (len(listed), [one for one in listed if not one["defaultResponse"]]) == (
        21, [{name: own[name] for name in own if name != "ResponseMetadata"}],
    )  # fmt: skip
    gateway.delete_resource(restApiId=api.id, resourceId=resource(lab, api, "/above"))
    assert [one["path"] for one in gateway.get_resources(restApiId=api.id)["items"]] == ["/"]


def test_stages_leave_a_usage_plan(lab: Lab) -> None:
    gateway, api = client(lab, "apigateway"), rest_api(lab)
    mocked(lab, method(lab, api, "GET", "/", apiKeyRequired=True))
    deploy(lab, api)
    key = gateway.create_api_key(name="key", enabled=True)
    plan = gateway.create_usage_plan(name="plan")["id"]
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    rate = [{"op": "replace", "path": "/throttle/rateLimit", "value": "50.5"}]
    changed = gateway.update_usage_plan(usagePlanId=plan, patchOperations=rate)
    assert changed["throttle"] == {"rateLimit": 50.5}
    for op, status in (("add", 200), ("remove", 403)):
        patch = [{"op": op, "path": "/apiStages", "value": f"{api.id}:dev"}]
        gateway.update_usage_plan(usagePlanId=plan, patchOperations=patch)
        assert lab.http.get(api.url, headers={"x-api-key": key["value"]}).status_code == status


# ---- permission and failures


def test_the_function_must_let_the_method_in(lab: Lab, lam: Any, functions: Functions) -> None:
    name, api = functions.fresh(ECHO_PROXY), rest_api(lab)
    proxied(lab, api, "ANY", "/pets/{id}", name)
    deploy(lab, api)
    refused = lab.http.get(f"{api.url}/pets/1")
    assert (refused.status_code, refused.json()) == (500, BROKEN)
    allow(lam, name, f"{api.id}/dev/GET/pets/*")
    assert lab.http.get(f"{api.url}/pets/1").status_code == 200
    assert lab.http.post(f"{api.url}/pets/1").status_code == 500
    assert pushes(lab, name) == ["refused", "push", "refused"]


def test_a_condition_on_the_account(lab: Lab, lam: Any, functions: Functions) -> None:
    name, api = functions.fresh(ECHO_PROXY), rest_api(lab)
    proxied(lab, api, "GET", "/", name)
    deploy(lab, api)
    allow(lam, name, SourceAccount="111111111111")
    assert lab.http.get(api.url).status_code == 500


def test_a_proxy_integration_posts(lab: Lab, make: Make) -> None:
    api = rest_api(lab)
    proxied(lab, api, "GET", "/", make(ECHO_PROXY), integration={"integrationHttpMethod": "GET"})
    deploy(lab, api)
    response = lab.http.get(api.url)
    assert (response.status_code, response.json()) == (500, BROKEN)


def test_an_integration_that_takes_too_long(lab: Lab, make: Make) -> None:
    api = rest_api(lab)
    proxied(lab, api, "GET", "/", make(OBEDIENT), integration={"timeoutInMillis": 150})
    deploy(lab, api)
    response = lab.http.get(api.url, params={"sleep": "1.5"})
    assert (response.status_code, response.json()) == (
        504, {"message": "Endpoint request timed out"},
    )  # fmt: skip


def test_a_function_that_is_gone_or_throttled(lab: Lab, lam: Any, functions: Functions) -> None:
    name, api = functions.fresh(ECHO_PROXY), rest_api(lab)
    allow(lam, name)
    proxied(lab, api, "GET", "/", name)
    deploy(lab, api)
    lam.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert lab.http.get(api.url).status_code == 500
    lam.delete_function(FunctionName=name)
    assert lab.http.get(api.url).json() == BROKEN


def test_a_body_that_is_too_large(lab: Lab, make: Make) -> None:
    api = rest_api(lab)
    proxied(lab, api, "POST", "/", make(ECHO_PROXY))
    deploy(lab, api)
    response = lab.http.post(api.url, data=b"x" * (10 * 1024 * 1024 + 1))
    assert (response.status_code, response.json()) == (413, {"message": "Request Too Long"})


def test_an_integration_that_the_lab_does_not_have(lab: Lab) -> None:
    api = rest_api(lab)
    named = method(lab, api, "GET", "/")
    client(lab, "apigateway").put_integration(
        **named, type="HTTP_PROXY", integrationHttpMethod="GET", uri="https://example.com/x"
    )
    deploy(lab, api)
    response = lab.http.get(api.url)
    assert response.status_code == 501
    assert "HTTP_PROXY" in response.json()["message"]


# ---- gateway responses


def test_customized_gateway_responses(lab: Lab, make: Make) -> None:
    gateway, api = client(lab, "apigateway"), rest_api(lab)
    proxied(lab, api, "GET", "/x/{id}", make(OBEDIENT))
    gateway.put_gateway_response(
        restApiId=api.id,
        responseType="MISSING_AUTHENTICATION_TOKEN",
        statusCode="404",
        responseParameters={
            "gatewayresponse.header.Access-Control-Allow-Origin": "'*'",
            "gatewayresponse.header.x-path": "context.path",
            "gatewayresponse.header.x-echo": "method.request.header.x-own",
        },
        responseTemplates={
            "application/json": '{"error": $context.error.messageString, "at": "$context.stage"}'
        },
    )
    gateway.put_gateway_response(
        restApiId=api.id, responseType="DEFAULT_5XX", statusCode="503",
        responseParameters={
            "gatewayresponse.header.x-id": "method.request.path.id",
            "gatewayresponse.header.x-colour": "stageVariables.colour",
        },
        responseTemplates={"application/json": "$stageVariables.colour. ${context.resourcePath}"},
    )  # fmt: skip
    deploy(lab, api, variables={"colour": "red"})
    missing = lab.http.get(f"{api.url}/none", headers={"x-own": "mine"})
    assert (missing.status_code, missing.json()) == (
        404, {"error": "Missing Authentication Token", "at": "dev"},
    )  # fmt: skip
    shown = ("access-control-allow-origin", "x-path", "x-echo")
    assert [missing.headers[name] for name in shown] == ["*", "/dev/none", "mine"]
    broken = lab.http.get(f"{api.url}/x/7", params=answer("malformed"))
    assert (broken.status_code, broken.text) == (503, "red. /x/{id}")
    assert (broken.headers["x-id"], broken.headers["x-colour"]) == ("7", "red")


# ---- keys and usage plans


def test_a_method_that_needs_a_key(lab: Lab, make: Make) -> None:
    gateway, api = client(lab, "apigateway"), rest_api(lab)
    proxied(lab, api, "GET", "/", make(ECHO_PROXY), apiKeyRequired=True)
    deploy(lab, api)
    key = gateway.create_api_key(name="key", enabled=True)

    def asked(value: str | None) -> Any:
        return lab.http.get(api.url, headers={"x-api-key": value} if value else {})

    assert (asked(None).status_code, asked(None).json()) == (403, FORBIDDEN)
    assert asked(key["value"]).status_code == 403
    plan = gateway.create_usage_plan(name="plan", apiStages=[{"apiId": api.id, "stage": "dev"}])
    gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    identity = asked(key["value"]).json()["requestContext"]["identity"]
    assert (identity["apiKey"], identity["apiKeyId"]) == (key["value"], key["id"])
    off = [{"op": "replace", "path": "/enabled", "value": "false"}]
    gateway.update_api_key(apiKey=key["id"], patchOperations=off)
    assert asked(key["value"]).status_code == 403


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"quota": {"limit": 2, "period": "DAY"}}, "Limit Exceeded"),
        ({"throttle": {"rateLimit": 0.001, "burstLimit": 2}}, "Too Many Requests"),
    ],
)
def test_a_usage_plan_has_its_limits(
    lab: Lab, make: Make, limits: dict[str, Any], message: str
) -> None:
    gateway, api = client(lab, "apigateway"), rest_api(lab)
    proxied(lab, api, "GET", "/", make(ECHO_PROXY), apiKeyRequired=True)
    deploy(lab, api)
    key = gateway.create_api_key(name="key", enabled=True)
    stages = [{"apiId": api.id, "stage": "dev"}]
    plan = gateway.create_usage_plan(name="plan", apiStages=stages, **limits)
    gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    headers = {"x-api-key": key["value"]}
    answers = [lab.http.get(api.url, headers=headers) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[-1].json() == {"message": message}


def test_the_throttle_of_a_stage(lab: Lab, make: Make) -> None:
    api = rest_api(lab)
    proxied(lab, api, "GET", "/", make(ECHO_PROXY))
    deploy(lab, api)
    limits = [
        {"op": "replace", "path": "/*/*/throttling/burstLimit", "value": "1"},
        {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "0.001"},
    ]
    gateway = client(lab, "apigateway")
    gateway.update_stage(restApiId=api.id, stageName="dev", patchOperations=limits)
    assert [lab.http.get(api.url).status_code for _ in range(2)] == [200, 429]


# ---- request validation


def test_a_request_validator(lab: Lab, make: Make) -> None:
    gateway, api = client(lab, "apigateway"), rest_api(lab)
    validator = gateway.create_request_validator(
        restApiId=api.id, name="all", validateRequestParameters=True, validateRequestBody=True
    )["id"]
    number = {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]}
    gateway.create_model(
        restApiId=api.id, name="Number", contentType="application/json", schema=json.dumps(number)
    )
    reference = f"https://apigateway.amazonaws.com/restapis/{api.id}/models/Number"
    gateway.create_model(
        restApiId=api.id, name="Numbers", contentType="application/json",
        schema=json.dumps({"type": "array", "items": {"$ref": reference}}),
    )  # fmt: skip
    proxied(
        lab, api, "POST", "/{id}", make(ECHO_PROXY), requestValidatorId=validator,
        requestModels={"application/json": "Numbers"},
        requestParameters={
            "method.request.path.id": True, "method.request.querystring.q": True,
            "method.request.header.x-h": True, "method.request.querystring.optional": False,
        },
    )  # fmt: skip
    deploy(lab, api)

    def sent(body: Any, q: str = "1", **headers: str) -> tuple[int, Any]:
        response = lab.http.post(f"{api.url}/7", json=body, params={"q": q}, headers=headers)
        return response.status_code, response.json().get("message")

    missing = lab.http.post(f"{api.url}/7", json=[])
    assert (missing.status_code, missing.json()) == (
        400, {"message": "Missing required request parameters: [x-h, q]"},
    )  # fmt: skip
    given = {"x-h": "1"}
    assert sent([{"a": 1}], **given)[0] == 200
    refused: list[Any] = [[{"a": "1"}], [{}], {"a": 1}, None]
    for bad in refused:
        assert sent(bad, **given) == (400, "Invalid request body")
    shown = {"application/json": '{"message": "$context.error.validationErrorString"}'}
    gateway.put_gateway_response(
        restApiId=api.id, responseType="BAD_REQUEST_BODY", responseTemplates=shown
    )
    deploy(lab, api)
    assert sent([], **given)[0] == 200
    assert "instance type (object) does not match" in lab.http.post(
        f"{api.url}/7", json={}, params={"q": "1"}, headers=given
    ).text  # fmt: skip


def test_models_that_name_each_other(lab: Lab) -> None:
    """An empty body is an empty object; a model may name itself, and has definitions of its own."""
    gateway, api = client(lab, "apigateway"), rest_api(lab)
    at = f"https://apigateway.amazonaws.com/restapis/{api.id}/models"
    models = {
        "House": {"type": "object", "required": ["kind"], "properties": {
            "in": {"type": "array", "items": {"$ref": f"{at}/Person"}},
            "next": {"oneOf": [{"type": "null"}, {"$ref": f"{at}/House"}]},
        }},
        "Person": {"definitions": {"text": {"type": "string"}}, "type": "object", "properties": {
            "name": {"$ref": "#/definitions/text"}, "house": {"$ref": f"{at}/House"},
        }},
    }  # fmt: skip
    for name, schema in models.items():
        kind = {"contentType": "application/json", "schema": json.dumps(schema)}
        gateway.create_model(restApiId=api.id, name=name, **kind)
    validator = gateway.create_request_validator(
        restApiId=api.id, name="body", validateRequestBody=True
    )["id"]
    kinds = {"application/json": "Person"}
    named = method(
        lab, api, "POST", "/", requestValidatorId=validator, requestModels=kinds
    )  # fmt: skip
    mocked(lab, named)
    deploy(lab, api)
    assert lab.http.post(api.url).status_code == 200
    bodies: list[tuple[Any, int]] = [
        ({"name": "a", "house": {"kind": 1, "in": [{"name": "b"}], "next": None}}, 200),
        ({"name": "a", "house": {"kind": 1, "next": {"kind": 2}}}, 200),
        ({"name": 1}, 400),
        ({"house": {}}, 400),
        ({"house": {"kind": 1, "in": [{"name": 1}]}}, 400),
        ({"house": {"kind": 1, "next": {}}}, 400),
    ]
    for body, status in bodies:
        assert lab.http.post(api.url, json=body).status_code == status, body


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, 'object has missing required properties (["a","b"])'),
        ({"a": "x", "b": 1}, 'instance type (string) does not match any allowed primitive type '
         '(allowed: ["integer","number"])'),
        ({"a": 0, "b": 1}, "numeric instance is lower than the required minimum "
         "(minimum: 1, found: 0)"),
        ({"a": 1, "b": 3}, "instance value (3) not found in enum (possible values: [1,2])"),
        ({"a": 1, "b": 1, "c": ""}, 'string "" is too short (length: 0, required minimum: 1)'),
        ({"a": 1, "b": 1, "c": "b"}, 'ECMA 262 regex "^a" does not match input string "b"'),
        ({"a": 1, "b": 1, "d": []}, "array is too short: must have at least 1 elements but "
         "instance has 0 elements"),
        ({"a": 1, "b": 1, "e": 1}, "object instance has properties which are not allowed by the "
         'schema: ["e"]'),
        ({"a": 1, "b": 1}, None),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_body(body: Any, text: str | None) -> None:
    """Gateway responses may show it."""
    schema = {
        "type": "object", "required": ["b", "a"], "additionalProperties": False,
        "properties": {
            "a": {"type": "number", "minimum": 1}, "b": {"enum": [1, 2]},
            "c": {"type": "string", "minLength": 1, "pattern": "^a"},
            "d": {"type": "array", "minItems": 1},
        },
    }  # fmt: skip
    found = violations(body, "M", {"M": json.dumps(schema)})
    assert found[:1] == ([] if text is None else [text])


def test_an_api_comes_with_two_models(lab: Lab) -> None:
    models = client(lab, "apigateway").get_models(restApiId=rest_api(lab).id)["items"]
    assert {one["name"] for one in models} == {"Empty", "Error"}


# ---- aliases


def test_a_stage_variable_names_the_alias(lab: Lab, lam: Any, functions: Functions) -> None:
    name = functions.fresh(
        "def handler(event, context):\n"
        '    return {"statusCode": 200, "body": context.invoked_function_arn}\n'
    )
    lam.publish_version(FunctionName=name)
    lam.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    allow(lam, name, Qualifier="live")
    api = rest_api(lab)
    address = uri(name).replace(function_arn(name), f"{function_arn(name)}:${{stageVariables.a}}")
    proxied(lab, api, "GET", "/", name, integration={"uri": address})
    deploy(lab, api, variables={"a": "live"})
    assert lab.http.get(api.url).text.endswith(f"{name}:live")


def test_the_trace_goes_on(lab: Lab, make: Make) -> None:
    api = rest_api(lab)
    code = (
        "import os\ndef handler(event, context):\n"
        "    return {'statusCode': 200, 'body': os.environ['_X_AMZN_TRACE_ID']}\n"
    )
    proxied(lab, api, "GET", "/", make(code))
    deploy(lab, api)
    root = "Root=1-6ab58520-70315d7939e4c191321149a9"
    response = lab.http.get(api.url, headers={"X-Amzn-Trace-Id": root})
    assert response.text.startswith(root)
    assert response.headers["x-amzn-trace-id"].startswith(root)


# ---- trials


def test_a_method_is_tried_before_it_is_deployed(lab: Lab, make: Make) -> None:
    gateway, api = client(lab, "apigateway"), rest_api(lab)
    echo = proxied(lab, api, "ANY", "/pets/{id}", make(ECHO_PROXY), authorizationType="AWS_IAM")
    told = gateway.test_invoke_method(
        **echo | {"httpMethod": "POST"}, pathWithQueryString="/pets/a b?q=1", body='{"a": 1}',
        headers={"X-Own": "1"}, multiValueHeaders={"X-Two": ["1", "2"]}, stageVariables={"v": "x"},
    )  # fmt: skip
    assert (told["status"], told["latency"] >= 0) == (200, True)
    event = json.loads(told["body"])
    assert (event["httpMethod"], event["path"], event["body"]) == (
        "POST",
        "/pets/a%20b",
        '{"a": 1}',
    )
    assert event["multiValueHeaders"] == {"X-Own": ["1"], "X-Two": ["1", "2"]}
    assert (event["queryStringParameters"], event["stageVariables"]) == ({"q": "1"}, {"v": "x"})
    context = event["requestContext"]
    assert (context["stage"], context["domainPrefix"]) == ("test-invoke-stage", "testPrefix")
    assert context["identity"]["apiKey"] == "test-invoke-api-key"
    assert "Method completed with status: 200" in told["log"]
    for line in (
        "Method request path: {id=a%20b}", "Method request query string: {q=1}",
        "Method request headers: {X-Own=1, X-Two=2}",
        "Method response headers: {Content-Type=application/json, X-Amzn-Trace-Id=",
    ):  # fmt: skip
        assert f" : {line}" in told["log"]
    bare = json.loads(gateway.test_invoke_method(**echo)["body"])
    assert (bare["httpMethod"], bare["headers"], bare["body"]) == ("GET", None, None)


def test_trials_that_fail(lab: Lab, make: Make, functions: Functions) -> None:
    gateway, api = client(lab, "apigateway"), rest_api(lab)
    fails = proxied(lab, api, "GET", "/", make(OBEDIENT))
    told = gateway.test_invoke_method(**fails, pathWithQueryString="/?raise=x")
    assert (told["status"], json.loads(told["body"])) == (502, {"message": "Internal server error"})
    locked = proxied(lab, api, "GET", "/locked", functions.fresh(ECHO_PROXY))
    assert gateway.test_invoke_method(**locked)["status"] == 500
    refused = refusal(gateway.test_invoke_method, **fails | {"httpMethod": "PUT"})
    assert (refused.status, refused.code) == (404, "NotFoundException")
