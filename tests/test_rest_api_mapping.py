"""Integrations of REST APIs that are not proxies: mapping templates, choices, mocks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ECHO
from tests.engine import Gate, wait_until
from tests.gateway_stage import (
    Api,
    Functions,
    allow,
    client,
    deploy,
    mapped,
    method,
    rest_api,
    uri,
)

if TYPE_CHECKING:
    from lambdalab import Lab

Make = Callable[[str], str]

# Fails as its event says, or returns it.
FAILING = """
def handler(event, context):
    if event.get("fail"):
        raise ValueError(event["fail"])
    return event
"""


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


def custom(
    lab: Lab, name: str, integration: dict[str, Any], *responses: dict[str, Any],
    path: str = "/{part}", **settings: Any,
) -> Api:  # fmt: skip
    """An API with one method, POST, whose integration is no proxy."""
    api = rest_api(lab, **settings)
    named = method(lab, api, "POST", path)
    mapped(lab, named, {"type": "AWS", "uri": uri(name)} | integration, *responses)
    deploy(lab, api, variables={"colour": "red"})
    return api


def test_without_templates_the_body_is_the_event(lab: Lab, make: Make) -> None:
    api = custom(lab, make(ECHO), {})
    assert lab.http.post(f"{api.url}/x", json={"a": [1]}).json() == {"a": [1]}
    assert lab.http.post(f"{api.url}/x").json() == {}


def test_what_a_template_knows(lab: Lab, make: Make) -> None:
    template = """{
      "path": "$input.params('part')", "query": "$input.params().querystring.q",
      "header": "$input.params('x-own')", "missing": "$input.params('none')",
      "body": $input.json('$'), "inner": $input.json('$.list[1].a'),
      "first": "$input.path('$.list[0]')",
      "stage": "$context.stage", "verb": "$context.httpMethod", "ip": "$context.identity.sourceIp",
      "colour": "$stageVariables.colour", "nothing": "$context.authorizer.principalId",
      "escaped": "$util.escapeJavaScript($input.path('$.text'))",
      "encoded": "$util.urlEncode('a b&c')", "base": "$util.base64Encode('abc')",
      "plain": "$util.base64Decode('YWJj')", "parsed": $util.parseJson('{"n": 7}').n,
      #set($names = [])
      #foreach($name in $input.path('$.names'))
        #set($ignored = $names.add("<$name>"))
      #end
      "names": "$names", "raw": "$util.escapeJavaScript($input.body)"
    }"""
    api = custom(lab, make(ECHO), {"requestTemplates": {"application/json": template}})
    body = {"list": ["one", {"a": True}], "text": 'say "hi"', "names": ["x", "y"]}
    sent = json.dumps(body)
    response = lab.http.post(
        f"{api.url}/p%20q?q=1", data=sent,
        headers={"Content-Type": "application/json; charset=utf-8", "X-Own": "mine"},
    )  # fmt: skip
    assert response.json() == {
        "path": "p%20q", "query": "1", "header": "mine", "missing": "", "body": body,
        "inner": True, "first": "one", "stage": "dev", "verb": "POST", "ip": "127.0.0.1",
        "colour": "red", "nothing": "", "escaped": 'say "hi"', "encoded": "a+b%26c", "base": "YWJj",
        "plain": "abc", "parsed": 7, "names": "[<x>, <y>]", "raw": sent,
    }  # fmt: skip


def test_the_response_is_chosen_by_the_error(lab: Lab, make: Make) -> None:
    api = custom(
        lab, make(FAILING), {},
        {"statusCode": "200"},
        {"statusCode": "405", "selectionPattern": ".*400.*",
         "responseTemplates": {"application/json": '{"why": "$input.path(\'$.errorMessage\')"}'}},
        {"statusCode": "502", "selectionPattern": r".*5\d\d.*"},
    )  # fmt: skip
    assert lab.http.post(f"{api.url}/x", json={"a": 1}).status_code == 200
    client = lab.http.post(f"{api.url}/x", json={"fail": "Error: 400 no"})
    assert (client.status_code, client.json()) == (405, {"why": "Error: 400 no"})
    server = lab.http.post(f"{api.url}/x", json={"fail": "Error: 503 no"})
    assert (server.status_code, server.json()["errorType"]) == (502, "ValueError")
    assert lab.http.post(f"{api.url}/x", json={"fail": "other"}).status_code == 200


def test_a_response_template_overrides_status_and_headers(lab: Lab, make: Make) -> None:
    template = """#set($root = $input.path('$'))
$input.json("$")
#if($root.toString().contains("customerror"))
  #set($context.responseOverride.status = 400)
#else
  #set($context.responseOverride.status = 202)
  #set($context.responseOverride.header.x-own = "set")
#end
"""
    response = {"statusCode": "200", "responseTemplates": {"application/json": template}}
    api = custom(lab, make(ECHO), {}, response)
    fine = lab.http.post(f"{api.url}/x", json={"body": "noerror"})
    assert (fine.status_code, fine.json(), fine.headers["x-own"]) == (
        202, {"body": "noerror"}, "set",
    )  # fmt: skip
    assert lab.http.post(f"{api.url}/x", json={"body": "customerror"}).status_code == 400


def test_headers_of_a_mapped_response(lab: Lab, make: Make) -> None:
    response = {
        "statusCode": "200",
        "responseParameters": {
            "method.response.header.X-Static": "'fixed'",
            "method.response.header.X-Inner": "integration.response.body.inner.value",
            "method.response.header.X-Stage": "context.stage",
            "method.response.header.X-None": "integration.response.body.none",
        },
    }
    api = custom(lab, make(ECHO), {}, response)
    headers = lab.http.post(f"{api.url}/x", json={"inner": {"value": "v"}}).headers
    assert (headers["x-static"], headers["x-inner"], headers["x-stage"]) == ("fixed", "v", "dev")
    assert "x-none" not in headers


@pytest.mark.parametrize(
    ("behaviour", "status"), [("WHEN_NO_MATCH", 200), ("WHEN_NO_TEMPLATES", 415), ("NEVER", 415)]
)
def test_types_without_a_template(lab: Lab, make: Make, behaviour: str, status: int) -> None:
    integration = {
        "passthroughBehavior": behaviour,
        "requestTemplates": {"application/json": '{"mapped": true}'},
    }
    api = custom(lab, make(ECHO), integration)
    assert lab.http.post(f"{api.url}/x").json() == {"mapped": True}
    other = lab.http.post(f"{api.url}/x", data='{"own": 1}', headers={"Content-Type": "text/x"})
    expected = {"own": 1} if status == 200 else {"message": "Unsupported Media Type"}
    assert (other.status_code, other.json()) == (status, expected)


def test_an_event_is_left_behind(lab: Lab, functions: Functions, gate: Gate) -> None:
    code = f"""
import json, socket
def handler(event, context):
    with socket.create_connection(("127.0.0.1", {gate.port})) as connection:
        connection.sendall(json.dumps(event).encode() + b"\\n")
        connection.recv(1)
"""
    name = functions.fresh(code)
    allow(client(lab, "lambda"), name)
    asynchronous = {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}
    response = {"statusCode": "200", "responseTemplates": {"application/json": '{"queued": true}'}}
    api = custom(lab, name, {"requestParameters": asynchronous}, response)
    answered = lab.http.post(f"{api.url}/x", json={"a": 1})
    assert (answered.status_code, answered.json()) == (200, {"queued": True})
    assert gate.wait_for(1) == [{"a": 1}]
    gate.open()
    (pushed,) = (one for one in lab.timeline if one.kind == "push" and one.function == name)
    assert pushed.detail["how"] == "asynchronous"
    wait_until(lambda: [o for o in lab.timeline if o.kind == "invoke" and o.function == name])


def test_a_client_chooses_how_to_invoke(lab: Lab, make: Make) -> None:
    chosen = {
        "integration.request.header.X-Amz-Invocation-Type": "method.request.header.InvocationType"
    }
    api = custom(lab, make(ECHO), {"requestParameters": chosen})
    assert lab.http.post(f"{api.url}/x", json={"a": 1}).json() == {"a": 1}
    left = lab.http.post(f"{api.url}/x", json={"a": 1}, headers={"InvocationType": "Event"})
    assert (left.status_code, left.content) == (200, b"")


@pytest.mark.parametrize(
    ("integration", "status"),
    [
        ({"requestTemplates": {"application/json": "#if($x)"}}, 500),
        ({"requestTemplates": {"application/json": "#foreach($i in [1..9999999])x#end"}}, 200),
        ({"requestTemplates": {"application/json": "not json"}}, 200),
        ({"uri": "arn:aws:apigateway:us-east-1:lambda:path/nothing"}, 500),
    ],
)
def test_integrations_that_cannot_be(
    lab: Lab, make: Make, integration: dict[str, Any], status: int
) -> None:
    api = custom(lab, make(ECHO), integration)
    response = lab.http.post(f"{api.url}/x", json={})
    assert response.status_code == status
    if status == 200:
        assert response.json()["message"].startswith("Could not parse request body into json")
    else:
        assert response.json() == {"message": "Internal server error"}


@pytest.mark.parametrize(
    "name", ["Content-Length", "Transfer-Encoding", "authorization", "Connection", "Expect", "TE"]
)
def test_headers_that_nobody_may_map(lab: Lab, make: Make, name: str) -> None:
    parameters = {f"integration.request.header.{name}": "'own'"}
    api = custom(lab, make(ECHO), {"requestParameters": parameters})
    refused = lab.http.post(f"{api.url}/x", json={})
    assert (refused.status_code, refused.json()) == (500, {"message": "Internal server error"})


def test_what_templates_are_not_told(lab: Lab, make: Make) -> None:
    hidden = (
        "Content-Length", "Content-MD5", "Expect", "Max-Forwards", "Proxy-Authenticate", "Server",
        "TE", "Trailer", "Upgrade", "WWW-Authenticate",
    )  # fmt: skip
    told = ",".join(f'"{name}": "$input.params(\'{name}\')"' for name in (*hidden, "Via"))
    api = custom(lab, make(ECHO), {"requestTemplates": {"application/json": f"{{{told}}}"}})
    sent = dict.fromkeys(hidden[1:], "1") | {"Via": "p"}
    del sent["Expect"]
    answered = lab.http.post(f"{api.url}/x", json={}, headers=sent).json()
    assert answered == dict.fromkeys(hidden, "") | {"Via": "p"}


def test_names_that_aws_keeps_for_itself(lab: Lab, make: Make) -> None:
    """As recorded: some names are told under another, one is not told at all."""
    remapped = (
        "Authorization", "Connection", "Content-Length", "Content-MD5", "Date", "Expect", "Host",
        "Max-Forwards", "Proxy-Authenticate", "Server", "Trailer", "Upgrade", "User-Agent",
        "WWW-Authenticate",
    )  # fmt: skip
    plain = ("Age", "Pragma", "Range", "Referer", "Via", "Warn", "content-type")
    parameters = {
        f"method.response.header.{name}": f"'{name}'"
        for name in (*remapped, *plain, "Transfer-Encoding")
    }
    response = {"statusCode": "200", "responseParameters": parameters}
    answered = lab.http.post(f"{custom(lab, make(ECHO), {}, response).url}/x", json={"a": 1})
    assert [answered.headers[f"x-amzn-Remapped-{name}"] for name in remapped] == list(remapped)
    assert [answered.headers[name] for name in plain] == list(plain)
    assert "transfer-encoding" not in answered.headers
    assert answered.json() == {"a": 1}


def test_bodies_as_parameters(lab: Lab, make: Make) -> None:
    parameters = {
        "integration.request.header.X-Amz-Invocation-Type": "method.request.body.how[0].kind",
    }
    template = '{"body": "$util.escapeJavaScript($input.body)"}'
    templates = {"application/json": template, "text/plain": template}
    api = custom(lab, make(ECHO), {"requestParameters": parameters, "requestTemplates": templates})
    assert lab.http.post(f"{api.url}/x").json() == {"body": "{}"}
    assert lab.http.post(f"{api.url}/x", json={"how": [{"kind": "Event"}]}).content == b""
    text = {"Content-Type": "text/plain"}
    assert lab.http.post(f"{api.url}/x", data="plain", headers=text).json() == {"body": "plain"}
    broken = lab.http.post(f"{api.url}/x", data='\n{"how', headers=text)
    assert (broken.status_code, broken.json()) == (
        400, {"message": "Invalid JSON in request body"},
    )  # fmt: skip


PNG = b"\x89PNG\r\n"


@pytest.mark.parametrize(
    ("handling", "accept", "content"),
    [
        (None, "text/plain", b'"iVBORw0K"'),
        (None, "image/png", PNG),
        ("CONVERT_TO_BINARY", "text/plain", PNG),
        ("CONVERT_TO_TEXT", "image/png", b'"iVBORw0K"'),
    ],
)
def test_the_content_handling_of_a_response(
    lab: Lab, make: Make, handling: str | None, accept: str, content: bytes
) -> None:
    code = 'def handler(event, context):\n    return "iVBORw0K"\n'
    response = {"statusCode": "200"} | ({"contentHandling": handling} if handling else {})
    api = custom(lab, make(code), {}, response, binaryMediaTypes=["image/png"])
    headers = {"Accept": accept}
    assert lab.http.post(f"{api.url}/x", json={}, headers=headers).content == content


def test_the_content_handling_of_a_request(lab: Lab, make: Make) -> None:
    integration = {
        "contentHandling": "CONVERT_TO_TEXT",
        "requestTemplates": {"image/png": '{"image": "$input.body"}'},
    }
    image = {"Content-Type": "image/png"}
    api = custom(lab, make(ECHO), integration, binaryMediaTypes=["image/png"])
    assert lab.http.post(f"{api.url}/x", data=PNG, headers=image).json() == {"image": "iVBORw0K"}
    del integration["contentHandling"]
    opaque = custom(lab, make(ECHO), integration, binaryMediaTypes=["image/png"])
    assert lab.http.post(f"{opaque.url}/x", data=PNG, headers=image).status_code == 500


def test_a_status_that_the_method_does_not_have(lab: Lab, make: Make) -> None:
    api = rest_api(lab)
    named = method(lab, api, "POST", "/")
    gateway = client(lab, "apigateway")
    gateway.put_integration(**named, type="AWS", integrationHttpMethod="POST", uri=uri(make(ECHO)))
    gateway.put_integration_response(**named, statusCode="200", selectionPattern="")
    deploy(lab, api)
    assert lab.http.post(api.url, json={}).status_code == 500
    gateway.put_method_response(**named, statusCode="200")
    deploy(lab, api)
    assert lab.http.post(api.url, json={}).status_code == 200


def test_a_mock_for_cors(lab: Lab) -> None:
    """As a preflight of a REST API is answered."""
    api = rest_api(lab)
    names = ("Origin", "Methods", "Headers")
    headers = {f"method.response.header.Access-Control-Allow-{name}": "'*'" for name in names}
    mapped(
        lab, method(lab, api, "OPTIONS", "/{proxy+}"),
        {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 204}'}},
        {"statusCode": "204", "responseParameters": headers},
    )  # fmt: skip
    deploy(lab, api)
    asked = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST"}
    response = lab.http.options(f"{api.url}/x", headers=asked)
    assert (response.status_code, response.content) == (204, b"")
    assert [response.headers[f"access-control-allow-{one.lower()}"] for one in names] == ["*"] * 3


@pytest.mark.parametrize(
    ("template", "status"),
    [
        ("{ statusCode: 200 }", 200),
        ('{"statusCode": 200, }', 200),
        ("{'statusCode': 200}", 200),
        ('{"a": "b", "statusCode": 200}', 200),
        ('{"statusCode": -1000}', 200),
        ('{"statusCode": "200"}', 500),
        ('{"statusCode": 200', 500),
        ("statusCode: 200", 500),
        ('{"statusCode": 200.5}', 500),
    ],
)
def test_what_a_mock_takes_for_a_status(lab: Lab, template: str, status: int) -> None:
    """The first is what CDK writes for preflights."""
    api = rest_api(lab)
    integration = {"type": "MOCK", "requestTemplates": {"application/json": template}}
    mapped(lab, method(lab, api, "GET", "/"), integration)
    deploy(lab, api)
    answered = lab.http.get(api.url)
    assert (answered.status_code, answered.content == b"") == (status, status == 200)


def test_a_mock_that_gives_the_body_back(lab: Lab) -> None:
    """By an override that the response's template reads, as recorded on AWS."""
    api = rest_api(lab)
    asked = '#set($context.requestOverride.path.body = $input.body){"statusCode": 200, }'
    answered = (
        "#set($body = $context.requestOverride.path.body)$util.parseJson($body).a $input.body"
    )
    mapped(
        lab, method(lab, api, "POST", "/"),
        {"type": "MOCK", "requestTemplates": {"application/json": asked}},
        {"statusCode": "200", "responseTemplates": {"application/json": answered}},
    )  # fmt: skip
    deploy(lab, api)
    assert lab.http.post(api.url, json={"a": 1}).text == "1 {}"


def test_a_mock_chooses_by_status(lab: Lab) -> None:
    api = rest_api(lab)
    status = "#if($input.params('bad') == 'yes')404#{else}200#end"
    mapped(
        lab, method(lab, api, "GET", "/"),
        {"type": "MOCK", "requestTemplates": {"application/json": f'{{"statusCode": {status}}}'}},
        {"statusCode": "200", "responseTemplates": {"application/json": '{"id": 42}'}},
        {"statusCode": "404", "selectionPattern": "404",
         "responseTemplates": {"application/json": '{"id": null}'}},
    )  # fmt: skip
    deploy(lab, api)
    fine, bad = lab.http.get(api.url), lab.http.get(api.url, params={"bad": "yes"})
    assert (fine.status_code, fine.json()) == (200, {"id": 42})
    assert (bad.status_code, bad.json()) == (404, {"id": None})
    empty = rest_api(lab)
    mapped(lab, method(lab, empty, "GET", "/"), {"type": "MOCK"})
    deploy(lab, empty)
    assert lab.http.get(empty.url).status_code == 500
