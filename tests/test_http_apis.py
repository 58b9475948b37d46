"""API Gateway's HTTP APIs, asked over HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore import xform_name

from tests.conftest import ECHO
from tests.engine import refusal
from tests.gateway_stage import (
    ACCOUNT,
    ECHO_PROXY,
    OBEDIENT,
    Api,
    Functions,
    allow,
    answer,
    b64,
    client,
    function_arn,
    http_api,
    pushes,
    quick_api,
    uri,
)

if TYPE_CHECKING:
    from lambdalab import Lab

Make = Callable[[str], str]


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


# ---- events


def test_the_event_of_format_2_0(lab: Lab, make: Make) -> None:
    api = http_api(lab, {"POST /pets/{id}/{rest+}": {"function": make(ECHO)}}, Version="1")
    client(lab, "apigatewayv2").update_stage(
        ApiId=api.id, StageName="$default", StageVariables={"colour": "red"}
    )
    host = api.url.removeprefix("https://")
    response = lab.http.post(
        f"{api.url}/pets/a%20b/c/d%2Fe?x=1&x=2&empty=&plus=%2B",
        data="text",
        headers={
            "Content-Type": "text/plain", "X-Mixed-Case": "Value", "Cookie": "a=1; b=2",
            "User-Agent": "agent", "X-Amzn-Trace-Id": "Root=1-6ab5851c-1bb85b584cfe89a91dc48dd8",
        },
    )  # fmt: skip
    event = response.json()
    context = event.pop("requestContext")
    assert event == {
        "version": "2.0",
        "routeKey": "POST /pets/{id}/{rest+}",
        "rawPath": "/pets/a b/c/d/e",
        "rawQueryString": "x=1&x=2&empty=&plus=%2B",
        "cookies": ["a=1", "b=2"],
        "headers": {
            "accept": "*/*",
            "accept-encoding": event["headers"]["accept-encoding"],
            "content-length": "4",
            "content-type": "text/plain",
            "host": host,
            "user-agent": "agent",
            "x-amzn-trace-id": "Root=1-6ab5851c-1bb85b584cfe89a91dc48dd8",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            "x-mixed-case": "Value",
        },
        "queryStringParameters": {"x": "1,2", "empty": "", "plus": "+"},
        "pathParameters": {"id": "a b", "rest": "c/d/e"},
        "stageVariables": {"colour": "red"},
        "body": "text",
        "isBase64Encoded": False,
    }
    assert context == {
        "accountId": "123456789012",
        "apiId": api.id,
        "domainName": host,
        "domainPrefix": api.id,
        "http": {
            "method": "POST",
            "path": "/pets/a b/c/d/e",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "agent",
        },
        "requestId": response.headers["apigw-requestid"],
        "routeKey": "POST /pets/{id}/{rest+}",
        "stage": "$default",
        "time": context["time"],
        "timeEpoch": context["timeEpoch"],
    }


def test_what_a_request_has_not_the_event_has_not(lab: Lab, make: Make) -> None:
    api = quick_api(lab, make(ECHO))
    event = lab.http.get(f"{api.url}/x").json()
    absent = {"cookies", "queryStringParameters", "pathParameters", "stageVariables", "body"}
    assert not absent & event.keys()
    assert "authorizer" not in event["requestContext"]
    assert event["headers"]["content-length"] == "0"


def test_the_event_of_format_1_0(lab: Lab, make: Make) -> None:
    api = http_api(lab, {"ANY /pets/{id}": {"function": make(ECHO_PROXY), "version": "1.0"}})
    response = lab.http.get(
        f"{api.url}/pets/%E2%98%95%20Mia?x=1&x=2",
        headers={"X-Tag": "v", "User-Agent": "agent", "content-type": "text/plain"},
    )
    event = response.json()
    context = event.pop("requestContext")
    headers = event.pop("headers")
    assert (headers["X-Tag"], headers["Content-Type"]) == ("v", "text/plain")
    assert event.pop("multiValueHeaders")["User-Agent"] == ["agent"]
    assert event == {
        "version": "1.0",
        "resource": "/pets/{id}",
        "path": "/pets/%E2%98%95%20Mia",
        "httpMethod": "GET",
        "queryStringParameters": {"x": "2"},
        "multiValueQueryStringParameters": {"x": ["1", "2"]},
        "pathParameters": {"id": "☕ Mia"},
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
    }
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert (context["resourcePath"], context["stage"]) == ("/pets/{id}", "$default")
    assert context["path"] == "/pets/☕ Mia"
    assert context["requestId"] == context["extendedRequestId"]
    assert re.fullmatch(r"[\w-]{15}=", context["requestId"])


@pytest.mark.parametrize(
    ("content_type", "encoded"),
    [
        ("application/json", False),
        ("application/vnd.api+json; charset=utf-8", False),
        ("text/csv", False),
        ("application/x-www-form-urlencoded", True),
        ("image/png", True),
    ],
)
def test_bodies_that_are_not_text_come_in_base64(
    shared_lab: Lab, bodies: Api, content_type: str, encoded: bool
) -> None:
    sent = shared_lab.http.post(bodies.url, data=b"a=1", headers={"Content-Type": content_type})
    event = sent.json()
    assert event["isBase64Encoded"] is encoded
    assert event["body"] == (b64(b"a=1") if encoded else "a=1")


@pytest.fixture(scope="module")
def bodies(shared_lab: Lab, functions: Functions) -> Api:
    """An API that shows its events."""
    return quick_api(shared_lab, functions.kept(ECHO))


@pytest.fixture(scope="module")
def obedient(shared_lab: Lab, functions: Functions) -> Api:
    """An API whose function answers as it is told."""
    return quick_api(shared_lab, functions.kept(OBEDIENT))


# ---- answers


@pytest.mark.parametrize(
    ("returned", "status", "kind", "body"),
    [
        ({"message": "hi"}, 200, "application/json", '{"message":"hi"}'),
        ("hello", 200, "application/json", "hello"),
        (None, 200, "application/json", "null"),
        ([1, 2], 200, "application/json", "[1,2]"),
        ({"statusCode": 201, "body": "made"}, 201, "text/plain; charset=utf-8", "made"),
        ({"statusCode": "404"}, 404, "text/plain; charset=utf-8", ""),
        (
            {"statusCode": 200, "headers": {"Content-Type": "text/html"}, "body": "<p>"},
            200, "text/html", "<p>",
        ),
        (
            {"statusCode": 200, "body": b64(b"\x00\xff"), "isBase64Encoded": True},
            200, "text/plain; charset=utf-8", "\x00\xff",
        ),
        ({"statusCode": 200, "body": {"not": "text"}}, 500, "application/json", None),
        ({"statusCode": "OK"}, 500, "application/json", None),
        ({"statusCode": 99}, 500, "application/json", None),
        ({"statusCode": 200.5}, 500, "application/json", None),
        ({"statusCode": 200, "headers": "none"}, 500, "application/json", None),
        ({"statusCode": 200, "cookies": "a=b"}, 500, "application/json", None),
        ({"statusCode": 200, "headers": {"x": "a\r\nB: c"}}, 500, "application/json", None),
        ({"statusCode": float("inf")}, 500, "application/json", None),
        ({"statusCode": 200, "body": "\ud800"}, 200, "text/plain; charset=utf-8", "?"),
        ("\udfff", 200, "application/json", "?"),
    ],
)  # fmt: skip
def test_what_a_function_returns_in_format_2_0(
    shared_lab: Lab, obedient: Api, returned: Any, status: int, kind: str, body: str | None
) -> None:
    response = shared_lab.http.get(obedient.url, params=answer(returned))
    assert (response.status_code, response.headers["content-type"]) == (status, kind)
    if body is None:
        assert response.json() == {"message": "Internal Server Error"}
    else:
        assert response.content.decode("latin-1") == body


def test_cookies_and_headers_of_an_answer(shared_lab: Lab, obedient: Api) -> None:
    response = shared_lab.http.get(
        obedient.url,
        params=answer(
            {
                "statusCode": 200,
                "cookies": ["a=1; Secure", "b=2"],
                "headers": {"X-N": 7, "X-T": True, "Connection": "close", "Content-Length": "1"},
            }
        ),
    )
    assert response.raw.headers.getlist("set-cookie") == ["a=1; Secure", "b=2"]
    assert (response.headers["x-n"], response.headers["x-t"]) == ("7", "true")
    assert response.headers["content-length"] == "0"
    assert "close" not in response.headers.get("connection", "")


def test_an_error_of_the_function_is_not_shown(shared_lab: Lab, obedient: Api) -> None:
    response = shared_lab.http.get(obedient.url, params={"raise": "secret"})
    assert (response.status_code, response.json()) == (500, {"message": "Internal Server Error"})


def test_format_1_0_wants_a_status(lab: Lab, make: Make) -> None:
    api = http_api(lab, {"GET /": {"function": make(OBEDIENT), "version": "1.0"}})
    refused = lab.http.get(f"{api.url}/", params=answer({"message": "hi"}))
    assert (refused.status_code, refused.json()) == (500, {"message": "Internal Server Error"})
    several = {
        "statusCode": 200, "headers": {"x-a": "0", "X-B": "1", "x-b": "2"},
        "multiValueHeaders": {"X-A": ["1", "2"]}, "body": "b",
    }  # fmt: skip
    response = lab.http.get(f"{api.url}/", params=answer(several))
    assert response.raw.headers.getlist("x-a") == ["0", "1", "2"]
    assert response.raw.headers.getlist("x-b") == ["1", "2"]
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


def test_an_integration_that_takes_too_long(lab: Lab, make: Make) -> None:
    short = {"TimeoutInMillis": 150}
    api = http_api(lab, {"GET /": {"function": make(OBEDIENT), "integration": short}})
    response = lab.http.get(f"{api.url}/", params={"sleep": "1.5"})
    assert (response.status_code, response.json()) == (503, {"message": "Service Unavailable"})


def test_a_throttled_function(lab: Lab, lam: Any, functions: Functions) -> None:
    name = functions.fresh(OBEDIENT)
    allow(lam, name)
    lam.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert lab.http.get(quick_api(lab, name).url).status_code == 503


# ---- routes and stages


def test_the_most_specific_route_is_taken(lab: Lab, make: Make) -> None:
    name = make(ECHO)
    keys = [
        "GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default",
    ]  # fmt: skip
    api = http_api(lab, {key: {"function": name} for key in keys})

    def taken(verb: str, path: str) -> str:
        return str(lab.http.request(verb, f"{api.url}{path}").json()["routeKey"])

    asked = [
        ("GET", "/pets/dog/1"), ("GET", "/pets/dog/2"), ("GET", "/pets/cat/1"), ("POST", "/test/5"),
        ("GET", "/"),
    ]  # fmt: skip
    assert [taken(*one) for one in asked] == keys


def test_no_route(lab: Lab, make: Make) -> None:
    api = http_api(lab, {"GET /pets": {"function": make(ECHO)}})
    for verb, path in (("POST", "/pets"), ("GET", "/pets/"), ("GET", "/")):
        response = lab.http.request(verb, f"{api.url}{path}")
        assert (response.status_code, response.json()) == (404, {"message": "Not Found"})


def test_a_named_stage_is_in_the_path(lab: Lab, make: Make) -> None:
    api = http_api(lab, {"GET /pets": {"function": make(ECHO)}})
    client(lab, "apigatewayv2").create_stage(ApiId=api.id, StageName="dev", AutoDeploy=True)
    event = lab.http.get(f"{api.url}/dev/pets").json()
    assert (event["rawPath"], event["requestContext"]["stage"]) == ("/dev/pets", "dev")
    assert event["requestContext"]["http"]["path"] == "/dev/pets"


def test_only_what_is_deployed_answers(lab: Lab, make: Make) -> None:
    v2, name = client(lab, "apigatewayv2"), make(ECHO)
    api = v2.create_api(Name="manual", ProtocolType="HTTP")
    named, url = {"ApiId": api["ApiId"]}, api["ApiEndpoint"]
    v2.create_stage(**named, StageName="$default")
    integration = v2.create_integration(
        **named, IntegrationType="AWS_PROXY", IntegrationUri=function_arn(name),
        PayloadFormatVersion="2.0",
    )  # fmt: skip
    target = f"integrations/{integration['IntegrationId']}"
    v2.create_route(**named, RouteKey="GET /one", Target=target)
    assert lab.http.get(f"{url}/one").status_code == 404
    first = v2.create_deployment(**named)["DeploymentId"]
    v2.update_stage(**named, StageName="$default", DeploymentId=first)
    assert lab.http.get(f"{url}/one").status_code == 200
    v2.create_route(**named, RouteKey="GET /two", Target=target)
    assert lab.http.get(f"{url}/two").status_code == 404
    second = v2.create_deployment(**named, StageName="$default")["DeploymentId"]
    assert lab.http.get(f"{url}/two").status_code == 200
    assert [one["DeploymentId"] for one in v2.get_deployments(**named)["Items"]] == [first, second]
    v2.update_stage(**named, StageName="$default", AutoDeploy=True)
    v2.create_route(**named, RouteKey="GET /three", Target=target)
    assert lab.http.get(f"{url}/three").status_code == 200


def test_a_stage_variable_names_the_alias(lab: Lab, lam: Any, functions: Functions) -> None:
    name = functions.fresh(
        "def handler(event, context):\n    return context.invoked_function_arn\n"
    )
    lam.publish_version(FunctionName=name)
    lam.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    allow(lam, name, Qualifier="live")
    api = http_api(lab, {"GET /": {"function": f"{name}:${{stageVariables.alias}}"}})
    client(lab, "apigatewayv2").update_stage(
        ApiId=api.id, StageName="$default", StageVariables={"alias": "live"}
    )
    assert lab.http.get(f"{api.url}/").text.endswith(f"{name}:live")


def test_an_address_by_path(lab: Lab, make: Make) -> None:
    api = quick_api(lab, make(ECHO))
    response = lab.http.get(f"{lab.endpoint_url}/_aws/execute-api/{api.id}/$default/a/b")
    assert response.json()["rawPath"].endswith("/a/b")
    assert lab.http.get(lab.browser_url(f"{api.url}/x")).json()["rawPath"] == "/x"


def test_a_disabled_address_answers_nobody(lab: Lab, make: Make) -> None:
    api = quick_api(lab, make(ECHO))
    client(lab, "apigatewayv2").update_api(ApiId=api.id, DisableExecuteApiEndpoint=True)
    assert lab.http.get(api.url).status_code == 404


def test_an_api_that_is_not_there(lab: Lab) -> None:
    response = lab.http.get("https://nothing123.execute-api.us-east-1.amazonaws.com/x")
    assert (response.status_code, response.json()) == (403, {"message": "Forbidden"})


# ---- permission


def test_the_function_must_let_the_api_in(lab: Lab, lam: Any, functions: Functions) -> None:
    name = functions.fresh(ECHO)
    api = http_api(lab, {"GET /pets/{id}": {"function": name}, "$default": {"function": name}})
    refused = lab.http.get(f"{api.url}/pets/1")
    assert (refused.status_code, refused.json()) == (500, {"message": "Internal Server Error"})
    assert pushes(lab, name) == ["refused"]
    allow(lam, name, f"{api.id}/*/GET/pets/*")
    assert lab.http.get(f"{api.url}/pets/1").status_code == 200
    assert lab.http.get(f"{api.url}/other").status_code == 500
    allow(lam, name, f"{api.id}/*/$default")
    assert lab.http.get(f"{api.url}/other").status_code == 200


def test_a_role_of_the_customer(lab: Lab, functions: Functions) -> None:
    name, iam = functions.fresh(ECHO), client(lab, "iam")

    def answered(service: str) -> int:
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
        role = iam.create_role(
            RoleName=service.partition(".")[0],
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]["Arn"]
        api = http_api(lab, {"GET /": {"function": name, "integration": {"CredentialsArn": role}}})
        return int(lab.http.get(f"{api.url}/").status_code)

    assert answered("apigateway.amazonaws.com") == 200
    assert answered("lambda.amazonaws.com") == 500


# ---- CORS

ORIGIN = "https://page.example"
CORS = {
    "AllowOrigins": [ORIGIN, "https://*.good.example"],
    "AllowMethods": ["GET", "POST"],
    "AllowHeaders": ["x-own"],
    "ExposeHeaders": ["date"],
    "MaxAge": 300,
    "AllowCredentials": True,
}


def test_a_preflight_is_answered_by_the_api(lab: Lab, make: Make) -> None:
    api = http_api(lab, {"GET /": {"function": make(ECHO)}}, CorsConfiguration=CORS)
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    response = lab.http.options(f"{api.url}/any/path", headers=asked)
    told = {k.lower(): v for k, v in response.headers.items() if k.lower().startswith("access-")}
    assert response.status_code == 204
    assert told == {
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "date",
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "x-own",
        "access-control-max-age": "300",
    }
    stranger = lab.http.options(f"{api.url}/", headers=asked | {"Origin": "https://bad.example"})
    assert not any(name.lower().startswith("access-") for name in stranger.headers)


def test_the_cors_of_the_api_stands_for_that_of_the_function(lab: Lab, make: Make) -> None:
    api = http_api(lab, {"GET /": {"function": make(OBEDIENT)}}, CorsConfiguration=CORS)
    own = answer({"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "*"}})
    response = lab.http.get(f"{api.url}/", params=own, headers={"Origin": "https://a.good.example"})
    assert response.headers["access-control-allow-origin"] == "https://a.good.example"
    assert "access-control-allow-origin" not in lab.http.get(f"{api.url}/", params=own).headers


def test_without_cors_a_preflight_is_a_request(lab: Lab, make: Make) -> None:
    api = quick_api(lab, make(ECHO))
    response = lab.http.options(
        api.url, headers={"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    )
    assert response.json()["requestContext"]["http"]["method"] == "OPTIONS"


# ---- parameter mapping


def test_requests_and_responses_are_changed(lab: Lab, make: Make) -> None:
    given = {
        "RequestParameters": {
            "append:header.x-tag": "$context.stage",
            "overwrite:querystring.who": "${request.header.x-who}-${stageVariables.v}",
            "remove:querystring.secret": "",
        },
        "ResponseParameters": {
            "200": {"append:header.x-back": "static", "overwrite:statuscode": "202"}
        },
    }
    api = http_api(lab, {"GET /p/{id}": {"function": make(ECHO), "integration": given}})
    response = lab.http.get(
        f"{api.url}/p/7?secret=s&who=x", headers={"x-tag": "own", "x-who": "me"}
    )
    event = response.json()
    assert (response.status_code, response.headers["x-back"]) == (202, "static")
    assert event["headers"]["x-tag"] == "own,$default"
    assert event["queryStringParameters"] == {"who": "me-"}


def test_what_is_decoded_does_not_begin_another_header(lab: Lab, make: Make) -> None:
    given = {
        "ResponseParameters": {
            "200": {
                "overwrite:header.x-back": "$request.querystring.who",
                "overwrite:statuscode": "$request.querystring.status",
            }
        }
    }
    api = http_api(lab, {"GET /": {"function": make(ECHO), "integration": given}})
    response = lab.http.get(f"{api.url}/?who=a%0D%0ASet-Cookie:%20b&status=999")
    assert response.status_code == 200
    assert not {"x-back", "set-cookie"} & {name.lower() for name in response.headers}


def test_throttled_routes(lab: Lab, make: Make) -> None:
    api = http_api(lab, {key: {"function": make(ECHO)} for key in ("GET /slow", "GET /fast")})
    client(lab, "apigatewayv2").update_stage(
        ApiId=api.id, StageName="$default",
        DefaultRouteSettings={"ThrottlingBurstLimit": 100, "ThrottlingRateLimit": 100.0},
        RouteSettings={"GET /slow": {"ThrottlingBurstLimit": 2, "ThrottlingRateLimit": 0.001}},
    )  # fmt: skip
    answers = [lab.http.get(f"{api.url}/slow") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[-1].json() == {"message": "Too Many Requests"}
    assert [lab.http.get(f"{api.url}/fast").status_code for _ in range(3)] == [200] * 3


def test_an_integration_that_is_no_function(lab: Lab) -> None:
    v2 = client(lab, "apigatewayv2")
    api = v2.create_api(Name="proxy", ProtocolType="HTTP", Target="https://example.com/pets")
    response = lab.http.get(api["ApiEndpoint"])
    assert response.status_code == 501
    assert "HTTP_PROXY with https://example.com/pets" in response.json()["message"]


# ---- refusals of the control plane

BAD, GONE, CONFLICT = (
    (400, "BadRequestException"),
    (404, "NotFoundException"),
    (409, "ConflictException"),
)
FUNCTION = {"AuthorizerType": "REQUEST", "AuthorizerUri": uri("f"), "Name": "judge",
            "AuthorizerPayloadFormatVersion": "2.0", "IdentitySource": []}  # fmt: skip
TOKENS = {"AuthorizerType": "JWT", "Name": "tokens", "IdentitySource": ["$request.header.a"],
          "JwtConfiguration": {"Issuer": "https://example.com", "Audience": ["app"]}}  # fmt: skip
PROXY = {"IntegrationType": "AWS_PROXY", "IntegrationUri": function_arn("f"),
         "PayloadFormatVersion": "2.0"}  # fmt: skip
FORMAT = (
    "The provided route key is not formatted properly for HTTP protocol. "
    'Format should be "[HTTP METHOD] /[RESOURCE PATH]" or "$default"'
)
PARTS = (
    "One or more path parts appear to be invalid. Parts are validated against this regular "
    r"expression: ^(\{[\w.:-]+\+?\}|[a-zA-Z0-9.:_-]+)$"
)
MAPPING = "Invalid mapping expression specified: Validation Result: warnings : [], errors : [{}]"
EVENTS = "EventBridge-PutEvents"


@pytest.fixture(scope="module")
def taken(shared_lab: Lab, functions: Functions) -> dict[str, str]:
    """An API with a route ``GET /`` to an integration, and an authorizer that the route uses."""
    api = http_api(shared_lab, {"GET /": {"function": functions.kept(ECHO)}})
    v2 = client(shared_lab, "apigatewayv2")
    route = v2.get_routes(ApiId=api.id)["Items"][0]
    authorizer = v2.create_authorizer(ApiId=api.id, **FUNCTION)["AuthorizerId"]
    known = {"ApiId": api.id, "RouteId": route["RouteId"], "AuthorizerId": authorizer,
             "IntegrationId": route["Target"].partition("/")[2]}  # fmt: skip
    v2.update_route(**{name: known[name] for name in ("ApiId", "RouteId", "AuthorizerId")},
                    AuthorizationType="CUSTOM")  # fmt: skip
    return known


@pytest.mark.parametrize(
    ("operation", "given", "refused", "text"),
    [
        ("CreateApi", {"ProtocolType": "HTTP", "Name": ""}, BAD, "Invalid API name specified"),
        (
            "CreateApi", {"ProtocolType": "HTTP", "Name": "a", "RouteSelectionExpression": "$x"},
            BAD, 'Route selection expression is currently limited to "${request.method} '
            '${request.path}"',
        ),
        (
            "UpdateApi ApiId",
            {"CorsConfiguration": {"AllowCredentials": True, "AllowOrigins": ["*"]}},
            BAD, "allow-credentials is not supported if 'allow-origin' is *",
        ),
        ("DeleteApi", {"ApiId": "none"}, GONE, "Invalid API identifier specified none"),
        ("CreateRoute ApiId", {"RouteKey": "GET /"}, CONFLICT,
         "Route with key GET / already exists for this API"),
        ("CreateRoute ApiId", {"RouteKey": ""}, BAD, "Route key is required"),
        ("CreateRoute ApiId", {"RouteKey": "TRACE /a"}, BAD, FORMAT),
        ("CreateRoute ApiId", {"RouteKey": "POST/a"}, BAD, FORMAT),
        ("UpdateRoute ApiId RouteId", {"RouteKey": "$connect"}, BAD, FORMAT),
        ("CreateRoute ApiId", {"RouteKey": "GET /voice/*"}, BAD, PARTS),
        ("CreateRoute ApiId", {"RouteKey": "GET /{rest+}/a"}, BAD, PARTS),
        ("CreateRoute ApiId", {"RouteKey": "GET /a", "ApiKeyRequired": True}, BAD,
         "ApiKeyRequired is not currently supported for HTTP APIs."),
        ("CreateRoute ApiId", {"RouteKey": "GET /a", "Target": "x"}, BAD,
         "Unexpected or malformed target in route null. Correct format should be "
         "integrations/<integration_id>."),
        ("CreateRoute ApiId", {"RouteKey": "GET /a", "Target": "integrations/x"}, GONE,
         "Invalid Integration identifier specified x"),
        ("CreateRoute ApiId AuthorizerId", {"RouteKey": "GET /a", "AuthorizationType": "JWT"}, BAD,
         "Invalid authorizer ID specified. Setting the authorization type to JWT requires a valid "
         "JWT authorizer."),
        ("CreateRoute ApiId", {"RouteKey": "GET /a", "AuthorizationType": "CUSTOM"}, BAD,
         "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or "
         "COGNITO_USER_POOLS requires a valid authorizer."),
        ("CreateRoute ApiId", {"RouteKey": "GET /a", "AuthorizationScopes": ["a"]}, BAD,
         "Invalid Route authorization type specified. Authorization Scopes are only valid for "
         "COGNITO_USER_POOLS and JWT authorization types"),
        ("DeleteRoute ApiId", {"RouteId": "x"}, GONE, "Invalid Route identifier specified x"),
        ("CreateIntegration ApiId", PROXY | {"IntegrationType": "AWS"}, BAD,
         "Currently, an API with a protocol type of HTTP may only be associated with proxy "
         "integrations (AWS_PROXY, HTTP_PROXY)"),
        ("CreateIntegration ApiId", {"IntegrationType": "AWS_PROXY"}, BAD,
         "PayloadFormatVersion is a required parameter for integration"),
        ("CreateIntegration ApiId", PROXY | {"PayloadFormatVersion": "3.0"}, BAD,
         "Unsupported PayloadFormatVersion: 3.0"),
        ("CreateIntegration ApiId", PROXY | {"IntegrationType": "HTTP_PROXY"}, BAD,
         "PayloadFormatVersion 2.0 is not supported for integration of type HTTP_PROXY"),
        (
            "CreateIntegration ApiId",
            {"IntegrationType": "HTTP_PROXY", "PayloadFormatVersion": "1.0"},
            BAD, "HttpMethod parameter method must be specified for integrationType HTTPPROXY",
        ),
        ("UpdateIntegration ApiId IntegrationId", {"TimeoutInMillis": 30_001}, BAD,
         "Timeout should be between 50 ms and 30000 ms"),
        ("UpdateIntegration ApiId", {"IntegrationId": "x"}, GONE,
         "Invalid Integration identifier specified x"),
        ("CreateIntegration ApiId", PROXY | {"RequestParameters": {"add:header.x": "1"}}, BAD,
         MAPPING.format("Invalid Request Actioned Parameter destination specified: add:header.x")),
        (
            "CreateIntegration ApiId",
            PROXY | {"ResponseParameters": {"200": {"append:path": "1"}}},
            BAD,
            MAPPING.format(
                "Invalid Response Actioned Parameter destination specified: append:path"
            ),
        ),
        (
            "CreateIntegration ApiId",
            PROXY | {"ResponseParameters": {"199": {"append:header.x": "1"}}},
            BAD, MAPPING.format("Status Code 199 is not valid."),
        ),
        (
            "CreateIntegration ApiId",
            {"IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "1.0",
             "IntegrationSubtype": "EventBridge-PutEvent"},
            BAD, "Operation: EventBridge-PutEvent is not supported.",
        ),
        (
            "CreateIntegration ApiId",
            {"IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "1.0",
             "IntegrationSubtype": EVENTS},
            BAD,
            f"Role ARN must be specified for AWS integration configuration with Subtype: {EVENTS}",
        ),
        (
            "CreateIntegration ApiId",
            {"IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "1.0",
             "IntegrationSubtype": EVENTS, "CredentialsArn": f"arn:aws:iam::{ACCOUNT}:role/r"},
            BAD,
            f"Operation: {EVENTS} requires enabling passthrough, or defining all of the following "
            "parameters in the parameter mapping: [Detail, DetailType, Source]",
        ),
        ("DeleteIntegration ApiId IntegrationId", {}, CONFLICT,
         "Cannot delete Integration because it is referenced by the following Routes with Ids: "
         "[@RouteId]"),
        ("CreateAuthorizer ApiId", FUNCTION | {"AuthorizerPayloadFormatVersion": "3.0"}, BAD,
         "AuthorizerPayloadFormatVersion 3.0 is not supported"),
        (
            "CreateAuthorizer ApiId",
            FUNCTION | {"AuthorizerPayloadFormatVersion": "1.0", "EnableSimpleResponses": True},
            BAD, 'EnableSimpleResponses can only be set for AuthorizerPayloadFormatVersion "2.0".',
        ),
        ("CreateAuthorizer ApiId", FUNCTION | {"AuthorizerResultTtlInSeconds": 3601}, BAD,
         "Authorizer result TTL outside allowable range. TTL must be between 0 and 3600 seconds."),
        ("UpdateAuthorizer ApiId AuthorizerId", {"AuthorizerResultTtlInSeconds": 60}, BAD,
         "Identity source must be set if authorizer caching is enabled (TTL is greater than 0)"),
        (
            "CreateAuthorizer ApiId",
            FUNCTION | {"IdentitySource": ["method.request.header.Authorization"]},
            BAD,
            "Invalid identity source expression: method.request.header.Authorization. The source "
            "must be a request header, request querystring, stage variable or context parameter",
        ),
        ("CreateAuthorizer ApiId", FUNCTION | {"AuthorizerUri": ""}, BAD,
         "AuthorizerUri is a required field in an Authorizer"),
        ("CreateAuthorizer ApiId", FUNCTION | {"AuthorizerType": "TOKEN"}, BAD,
         "Invalid authorizer type. Only JWT authorizer type is supported on HTTP protocol Apis."),
        ("CreateAuthorizer ApiId", TOKENS | {"JwtConfiguration": {}}, BAD,
         "JwtConfiguration must not be null for JWT Authorizer"),
        ("CreateAuthorizer ApiId", TOKENS | {"JwtConfiguration": {"Issuer": "me"}}, BAD,
         "Invalid issuer: Issuer is not a valid URL for JWT Authorizer"),
        ("CreateAuthorizer ApiId", TOKENS | {"JwtConfiguration": {"Issuer": "https://a.b"}}, BAD,
         "Audience list must have at least 1 item for JWT Authorizer"),
        ("DeleteAuthorizer ApiId AuthorizerId", {}, CONFLICT,
         "Cannot delete authorizer 'judge', is referenced in route: GET /"),
        ("CreateStage ApiId", {"StageName": "$default"}, CONFLICT, "Stage already exists"),
        ("CreateStage ApiId", {"StageName": "a.b"}, BAD, "Stage name only allows a-zA-Z0-9_"),
        ("CreateStage ApiId", {"StageName": "a", "RouteSettings": {"GET /no": {}}}, GONE,
         "Unable to find Route by key GET /no within the provided RouteSettings"),
        (
            "UpdateStage ApiId",
            {"StageName": "$default", "DefaultRouteSettings": {"LoggingLevel": "INFO"}},
            BAD, "Execution logs are not supported on protocolType HTTP",
        ),
        (
            "UpdateStage ApiId",
            {"StageName": "$default", "AccessLogSettings": {"Format": "$context.stage"}},
            BAD,
            "The following errors are found in Access Log Format: Access Log format must include "
            "either $context.requestId or $context.extendedRequestId : '$context.stage'",
        ),
        ("UpdateStage ApiId", {"StageName": "$default", "DeploymentId": "x"}, GONE,
         "Unable to find Deployment by id"),
        ("CreateStage ApiId", {"StageName": "a", "DeploymentId": "x"}, GONE,
         "Unable to find Deployment by id"),
    ],
)  # fmt: skip
def test_what_cannot_be(
    shared_lab: Lab, taken: dict[str, str], operation: str, given: Any, refused: Any, text: str
) -> None:
    name, *named = operation.split()
    call = getattr(client(shared_lab, "apigatewayv2"), xform_name(name))
    said = refusal(call, **{one: taken[one] for one in named}, **given)
    assert (said.status, said.code) == refused
    assert said.message == text.replace("@RouteId", taken["RouteId"])


def test_nothing_is_left_of_what_was_refused(lab: Lab, taken: dict[str, str]) -> None:
    v2 = client(lab, "apigatewayv2")
    counts = {
        name: len(getattr(v2, f"get_{name}")(ApiId=taken["ApiId"])["Items"])
        for name in ("routes", "integrations", "authorizers", "stages")
    }
    assert counts == {"routes": 1, "integrations": 1, "authorizers": 1, "stages": 1}


def test_what_the_control_plane_tells(lab: Lab, make: Make) -> None:
    v2 = client(lab, "apigatewayv2")
    made = v2.create_api(Name="told", ProtocolType="HTTP", Target=function_arn(make(ECHO)))
    assert (made["IpAddressType"], made["ResponseMetadata"]["HTTPStatusCode"]) == ("ipv4", 201)
    integration = v2.get_integrations(ApiId=made["ApiId"])["Items"][0]
    assert integration["ConnectionType"] == "INTERNET"
    gone = v2.delete_api(ApiId=made["ApiId"])
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
