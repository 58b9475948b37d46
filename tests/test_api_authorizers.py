"""Who may call an API: functions that judge, tokens, signatures, policies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.conftest import ECHO, StartLab
from tests.gateway_stage import (
    ACCOUNT,
    ECHO_PROXY,
    REGION,
    Api,
    Functions,
    allow,
    client,
    deploy,
    http_api,
    proxy,
    pushes,
    rest_api,
    uri,
)

if TYPE_CHECKING:
    from lambdalab import Lab

Make = Callable[[str], str]
PASSWORD = "GatewayA1!gateway"

# Judges by the token; tells the event it got, and which of its calls this is.
JUDGE = """
import json
calls = 0
def handler(event, context):
    global calls
    calls += 1
    token = event.get("authorizationToken") or event["headers"].get("X-Auth", "")
    if token == "nobody":
        raise Exception("Unauthorized")
    if token == "broken":
        raise ValueError("broken")
    if token == "nonsense":
        return {"principalId": "user"}
    effect = "Deny" if token == "deny" else "Allow"
    resource = event["methodArn"]
    if token == "everywhere":
        resource = resource.split("/")[0] + "/*"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    context = {"text": "scalar", "number": 123, "half": 1.5, "yes": True, "none": None}
    context |= {"event": json.dumps(event), "calls": calls}
    if token == "nested":
        context["map"] = {"a": 1}
    return {"principalId": "user", "context": context,
            "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
"""
SIMPLE = """
calls = 0
def handler(event, context):
    global calls
    calls += 1
    token = event["identitySource"][0] if event["identitySource"] else "yes"
    if token == "broken":
        raise ValueError("broken")
    if token == "nonsense":
        return {"isAuthorized": "yes"}
    context = {"calls": calls, "list": [1], "event": event}
    return {"isAuthorized": token == "yes", "context": context}
"""


@pytest.fixture(scope="module")
def lab(start_lab: StartLab) -> Iterator[Lab]:
    """One that nobody else winds; each test has an API of its own."""
    with start_lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def functions(lab: Lab) -> Functions:
    return Functions(lab)


@pytest.fixture
def make(functions: Functions) -> Make:
    """A function that API Gateway may call, by its code."""
    return functions.kept


def guarded(lab: Lab, make: Make, name: str, **settings: Any) -> Api:
    """A REST API with two methods that the authorizer guards."""
    api = rest_api(lab)
    authorizer = client(lab, "apigateway").create_authorizer(
        restApiId=api.id, name="judge", **{"authorizerUri": uri(name)} | settings
    )["id"]
    custom = {"authorizationType": "CUSTOM", "authorizerId": authorizer}
    for verb in ("GET", "POST"):
        proxy(lab, api, verb, "/pets/{id}", make(ECHO_PROXY), **custom)
    deploy(lab, api, variables={"colour": "red"})
    return api


def asked(lab: Lab, api: Api, token: str | None, verb: str = "GET", path: str = "/pets/1") -> Any:
    headers = {} if token is None else {"Authorization": token}
    return lab.http.request(verb, f"{api.url}{path}", headers=headers)


def told(response: Any) -> dict[str, Any]:
    """What the function behind the API is told of its caller."""
    assert response.status_code == 200, response.text
    context: dict[str, Any] = response.json()["requestContext"]["authorizer"]
    return context


# ---- REST: functions


def test_a_token_authorizer(lab: Lab, make: Make) -> None:
    api = guarded(lab, make, make(JUDGE), type="TOKEN")
    context = told(asked(lab, api, "allow"))
    assert json.loads(context.pop("event")) == {
        "type": "TOKEN",
        "methodArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api.id}/dev/GET/pets/1",
        "authorizationToken": "allow",
    }
    assert context.pop("calls").isdigit()
    assert isinstance(context.pop("integrationLatency"), int)
    assert context == {
        "text": "scalar", "number": "123", "half": "1.5", "yes": "true", "none": None,
        "principalId": "user",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("token", "status", "body", "kind"),
    [
        (None, 401, {"message": "Unauthorized"}, "UnauthorizedException"),
        ("", 401, {"message": "Unauthorized"}, "UnauthorizedException"),
        ("nobody", 401, {"message": "Unauthorized"}, "UnauthorizedException"),
        (
            "deny", 403,
            {"Message": "User is not authorized to access this resource with an explicit deny"},
            "AccessDeniedException",
        ),
        ("broken", 500, {"message": None}, "AuthorizerConfigurationException"),
        ("nonsense", 500, {"message": None}, "AuthorizerConfigurationException"),
        ("nested", 500, {"message": None}, "AuthorizerConfigurationException"),
    ],
)  # fmt: skip
def test_whom_an_authorizer_refuses(
    lab: Lab, judged: Api, token: str | None, status: int, body: Any, kind: str
) -> None:
    response = asked(lab, judged, token)
    assert (response.status_code, response.json()) == (status, body)
    assert response.headers["x-amzn-errortype"] == kind


@pytest.fixture(scope="module")
def judged(lab: Lab, functions: Functions) -> Api:
    return guarded(lab, functions.kept, functions.kept(JUDGE), type="TOKEN")


def test_an_answer_is_believed_for_its_time(lab: Lab, make: Make) -> None:
    api = guarded(lab, make, make(JUDGE), type="TOKEN", authorizerResultTtlInSeconds=60)
    first = told(asked(lab, api, "everywhere"))
    again = told(asked(lab, api, "everywhere", "POST", "/pets/2"))
    assert again["calls"] == first["calls"]
    assert again["integrationLatency"] == 0
    assert told(asked(lab, api, "allow"))["calls"] != first["calls"]
    # The answer for one method is believed for all, and this one speaks of GET only.
    other = asked(lab, api, "allow", "POST")
    assert other.json() == {"Message": "User is not authorized to access this resource"}
    lab.clock.advance(seconds=61)
    assert told(asked(lab, api, "everywhere"))["calls"] != first["calls"]


def test_the_cache_of_a_stage_is_flushed(lab: Lab, make: Make) -> None:
    api = guarded(lab, make, make(JUDGE), type="TOKEN")
    first = told(asked(lab, api, "allow"))["calls"]
    assert told(asked(lab, api, "allow"))["calls"] == first
    client(lab, "apigateway").flush_stage_authorizers_cache(restApiId=api.id, stageName="dev")
    assert told(asked(lab, api, "allow"))["calls"] != first


def test_failures_are_not_remembered_and_zero_is_not_at_all(lab: Lab, functions: Functions) -> None:
    name = functions.fresh(JUDGE)
    api = guarded(lab, functions.kept, name, type="TOKEN")
    allow(client(lab, "lambda"), name)
    for _ in range(2):
        assert asked(lab, api, "broken").status_code == 500
    assert pushes(lab, name) == ["push", "push"]
    other = guarded(lab, functions.kept, name, type="TOKEN", authorizerResultTtlInSeconds=0)
    assert told(asked(lab, other, "allow"))["calls"] != told(asked(lab, other, "allow"))["calls"]


def test_a_token_must_fit_the_validation(lab: Lab, make: Make) -> None:
    api = guarded(lab, make, make(JUDGE), type="TOKEN", identityValidationExpression="al.*")
    assert asked(lab, api, "allow").status_code == 200
    assert asked(lab, api, "deny").status_code == 401


def test_a_request_authorizer(lab: Lab, make: Make) -> None:
    sources = "method.request.header.X-Auth, method.request.querystring.tenant"
    api = guarded(lab, make, make(JUDGE), type="REQUEST", identitySource=sources)
    response = lab.http.get(f"{api.url}/pets/7?tenant=a&tenant=b", headers={"X-Auth": "allow"})
    event = json.loads(told(response)["event"])
    context = event.pop("requestContext")
    assert event.pop("headers")["X-Auth"] == "allow"
    assert event.pop("multiValueHeaders")["X-Auth"] == ["allow"]
    assert event == {
        "type": "REQUEST",
        "methodArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api.id}/dev/GET/pets/7",
        "resource": "/pets/{id}",
        "path": "/pets/7",
        "httpMethod": "GET",
        "queryStringParameters": {"tenant": "b"},
        "multiValueQueryStringParameters": {"tenant": ["a", "b"]},
        "pathParameters": {"id": "7"},
        "stageVariables": {"colour": "red"},
    }
    assert (context["resourcePath"], context["identity"]["sourceIp"]) == ("/pets/{id}", "127.0.0.1")
    for headers, query in (
        ({}, "tenant=a"),
        ({"X-Auth": "allow"}, ""),
        ({"X-Auth": ""}, "tenant=a"),
    ):
        missing = lab.http.get(f"{api.url}/pets/7?{query}", headers=headers)
        assert (missing.status_code, missing.json()) == (401, {"message": "Unauthorized"})


def test_the_function_must_let_the_authorizer_in(lab: Lab, functions: Functions) -> None:
    name = functions.fresh(JUDGE)
    api = guarded(lab, functions.kept, name, type="TOKEN")
    refused = asked(lab, api, "allow")
    assert (refused.status_code, refused.json()) == (500, {"message": None})
    lam = client(lab, "lambda")
    allow(lam, name, f"{api.id}/dev/GET/*")
    assert asked(lab, api, "allow").status_code == 500
    allow(lam, name, f"{api.id}/authorizers/*")
    assert asked(lab, api, "allow").status_code == 200


def test_a_key_from_the_authorizer(lab: Lab, make: Make) -> None:
    gateway = client(lab, "apigateway")
    value = "x" * 20
    answered = '{"principalId": "user", "context"'
    code = JUDGE.replace(answered, f'{{"usageIdentifierKey": "{value}", {answered[1:]}')
    api = rest_api(lab, apiKeySource="AUTHORIZER")
    authorizer = gateway.create_authorizer(
        restApiId=api.id, name="judge", type="TOKEN", authorizerUri=uri(make(code))
    )["id"]
    proxy(
        lab, api, "GET", "/", make(ECHO_PROXY), authorizationType="CUSTOM",
        authorizerId=authorizer, apiKeyRequired=True,
    )  # fmt: skip
    deploy(lab, api)
    assert asked(lab, api, "allow", path="").status_code == 403
    key = gateway.create_api_key(name="key", enabled=True, value=value)
    stages = [{"apiId": api.id, "stage": "dev"}]
    plan = gateway.create_usage_plan(name="plan", apiStages=stages)
    gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    assert asked(lab, api, "allow", path="").status_code == 200


# ---- REST: policies and signatures


def signed(lab: Lab, url: str, credentials: Any, service: str = "execute-api") -> Any:
    request = AWSRequest(method="GET", url=url)
    SigV4Auth(credentials, service, REGION).add_auth(request)
    return lab.http.get(url, headers=dict(request.headers))


@pytest.fixture(scope="module")
def user(lab: Lab) -> dict[str, str]:
    iam = client(lab, "iam")
    made = iam.create_user(UserName="caller")["User"]
    key = iam.create_access_key(UserName="caller")["AccessKey"]
    return {
        "arn": made["Arn"], "id": made["UserId"], "key": key["AccessKeyId"],
        "secret": key["SecretAccessKey"],
    }  # fmt: skip


def credentials_of(user: dict[str, str], secret: str | None = None) -> Any:
    return Credentials(user["key"], secret or user["secret"])


def test_a_signature_for_a_rest_api(lab: Lab, make: Make, user: dict[str, str]) -> None:
    api = rest_api(lab)
    proxy(lab, api, "GET", "/iam", make(ECHO_PROXY), authorizationType="AWS_IAM")
    deploy(lab, api)
    url = f"{api.url}/iam"
    unsigned = lab.http.get(url)
    assert (unsigned.status_code, unsigned.json()) == (
        403, {"message": "Missing Authentication Token"},
    )  # fmt: skip
    event = signed(lab, url, credentials_of(user)).json()
    assert "Authorization" not in event["headers"]
    identity = event["requestContext"]["identity"]
    assert (identity["userArn"], identity["accessKey"]) == (user["arn"], user["key"])
    assert identity["caller"] == identity["user"] == user["id"]
    assert identity["accountId"] == ACCOUNT
    forged = signed(lab, url, credentials_of(user, "forged"))
    assert forged.status_code == 403
    assert forged.headers["x-amzn-errortype"] == "InvalidSignatureException"
    assert signed(lab, url, credentials_of(user), "lambda").status_code == 403


def test_the_policy_of_an_api(lab: Lab, make: Make) -> None:
    statements = [
        {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke",
         "Resource": "execute-api:/dev/GET/*"},
        {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke",
         "Resource": "execute-api:/*/*/secret",
         "Condition": {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
    ]  # fmt: skip
    policy = {"Version": "2012-10-17", "Statement": statements}
    api = rest_api(lab, policy=json.dumps(policy))
    for verb, path in (("GET", "/open"), ("POST", "/open"), ("GET", "/secret")):
        proxy(lab, api, verb, path, make(ECHO_PROXY))
    deploy(lab, api)
    arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api.id}/dev"
    text = "User: anonymous is not authorized to perform: execute-api:Invoke on resource: "
    assert lab.http.get(f"{api.url}/open").status_code == 200
    assert lab.http.post(f"{api.url}/open").json() == {"Message": f"{text}{arn}/POST/open"}
    denied = lab.http.get(f"{api.url}/secret")
    assert denied.json() == {"Message": f"{text}{arn}/GET/secret with an explicit deny"}
    assert denied.status_code == 403


# ---- HTTP: functions


def http_guarded(lab: Lab, make: Make, name: str, **settings: Any) -> Api:
    """An HTTP API with two routes that the authorizer guards."""
    api = http_api(lab, {})
    v2 = client(lab, "apigatewayv2")
    given = {
        "Name": "judge", "AuthorizerType": "REQUEST", "AuthorizerUri": uri(name),
        "IdentitySource": ["$request.header.Authorization"],
        "AuthorizerPayloadFormatVersion": "2.0",
    }  # fmt: skip
    authorizer = v2.create_authorizer(ApiId=api.id, **given | settings)["AuthorizerId"]
    integration = v2.create_integration(
        ApiId=api.id, IntegrationType="AWS_PROXY", PayloadFormatVersion="2.0",
        IntegrationUri=uri(make(ECHO)),
    )["IntegrationId"]  # fmt: skip
    for key in ("GET /pets/{id}", "POST /pets/{id}"):
        v2.create_route(
            ApiId=api.id, RouteKey=key, Target=f"integrations/{integration}",
            AuthorizationType="CUSTOM", AuthorizerId=authorizer,
        )  # fmt: skip
    return api


def test_a_simple_answer(lab: Lab, make: Make) -> None:
    api = http_guarded(lab, make, make(SIMPLE), EnableSimpleResponses=True)
    context = told(asked(lab, api, "yes"))["lambda"]
    event = context.pop("event")
    assert context == {"calls": context["calls"], "list": [1]}
    assert (event["version"], event["type"]) == ("2.0", "REQUEST")
    assert event["routeArn"] == (
        f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api.id}/$default/GET/pets/1"
    )
    assert (event["identitySource"], event["routeKey"]) == (["yes"], "GET /pets/{id}")
    assert event["pathParameters"] == {"id": "1"}
    assert not {"body", "isBase64Encoded"} & event.keys()
    for token, status, text in (
        ("no", 403, "Forbidden"), (None, 401, "Unauthorized"), ("", 403, "Forbidden"),
        ("broken", 500, "Internal Server Error"), ("nonsense", 500, "Internal Server Error"),
    ):  # fmt: skip
        response = asked(lab, api, token)
        assert (response.status_code, response.json()) == (status, {"message": text})


def test_an_answer_with_a_policy(lab: Lab, make: Make) -> None:
    api = http_guarded(lab, make, make(JUDGE), AuthorizerPayloadFormatVersion="1.0")
    context = told(asked(lab, api, "allow"))["lambda"]
    event = json.loads(context.pop("event"))
    assert context == {
        "calls": context["calls"], "half": "1.5", "none": "null", "number": "123",
        "text": "scalar", "yes": "true",
    }  # fmt: skip
    assert {"version", "type", "methodArn", "authorizationToken", "identitySource"} <= event.keys()
    assert (event["version"], event["resource"], event["queryStringParameters"]) == ("1.0", "", {})
    for token, status in (("deny", 403), ("nobody", 401), ("nonsense", 500)):
        assert asked(lab, api, token).status_code == status


RECORDED = {
    "1.0": (
        "version type methodArn identitySource authorizationToken resource path httpMethod headers "
        "queryStringParameters requestContext pathParameters stageVariables"
    ),
    "2.0": (
        "version type routeArn identitySource routeKey rawPath rawQueryString cookies headers "
        "queryStringParameters requestContext pathParameters"
    ),
}


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_what_a_function_that_judges_is_told(lab: Lab, make: Make, version: str) -> None:
    """As recorded on AWS: paths are decoded, and the cookies stand in the headers too."""
    judge = make(SIMPLE if version == "2.0" else JUDGE)
    simple = {"EnableSimpleResponses": True} if version == "2.0" else {}
    api = http_guarded(lab, make, judge, AuthorizerPayloadFormatVersion=version, **simple)
    headers = {"Authorization": "yes", "Cookie": "one=1; two=2", "X-Mixed-Header": "Value"}
    response = lab.http.get(f"{api.url}/pets/a%20b?d=1&d=2&e=", headers=headers)
    event = told(response)["lambda"]["event"]
    event = json.loads(event) if version == "1.0" else event
    assert set(event) == set(RECORDED[version].split())
    arn = event["methodArn" if version == "1.0" else "routeArn"]
    assert arn.endswith(f":{api.id}/$default/GET/pets/a b")
    if version == "1.0":
        assert event["path"] == event["requestContext"]["path"] == "/pets/a b"
        assert event["queryStringParameters"] == {"d": "2", "e": ""}
        assert event["headers"]["Cookie"] == "one=1; two=2"
        assert {"X-Mixed-Header", "Host", "authorization", "accept"} <= event["headers"].keys()
    else:
        assert event["rawPath"] == event["requestContext"]["http"]["path"] == "/pets/a b"
        assert event["queryStringParameters"] == {"d": "1,2", "e": ""}
        assert event["cookies"] == ["one=1", "two=2"]
        assert event["headers"]["cookie"] == "one=1; two=2"
        assert "cookie" not in response.json()["headers"]


def test_what_an_http_api_remembers(lab: Lab, make: Make) -> None:
    api = http_guarded(
        lab, make, make(SIMPLE), EnableSimpleResponses=True, AuthorizerResultTtlInSeconds=60
    )

    def calls(verb: str = "GET") -> int:
        return int(told(asked(lab, api, "yes", verb))["lambda"]["calls"])

    first = calls()
    assert calls("POST") == first
    v2 = client(lab, "apigatewayv2")
    v2.reset_authorizers_cache(ApiId=api.id, StageName="$default")
    second = calls()
    assert second > first
    lab.clock.advance(seconds=61)
    assert calls() > second
    (authorizer,) = v2.get_authorizers(ApiId=api.id)["Items"]
    v2.update_authorizer(
        ApiId=api.id, AuthorizerId=authorizer["AuthorizerId"],
        IdentitySource=["$request.header.Authorization", "$context.routeKey"],
    )  # fmt: skip
    assert calls() != calls("POST")


def test_an_authorizer_without_identity_is_always_asked(lab: Lab, make: Make) -> None:
    api = http_guarded(lab, make, make(SIMPLE), EnableSimpleResponses=True, IdentitySource=[])
    assert told(asked(lab, api, None))["lambda"]["event"]["identitySource"] is None


# ---- tokens


@pytest.fixture(scope="module")
def tokens(lab: Lab) -> dict[str, str]:
    """A user pool with one user who has signed in."""
    cognito = client(lab, "cognito-idp")
    pool = cognito.create_user_pool(PoolName="people")["UserPool"]
    app = cognito.create_user_pool_client(
        UserPoolId=pool["Id"], ClientName="app", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    named = {"UserPoolId": pool["Id"], "Username": "somebody"}
    cognito.admin_create_user(**named, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(**named, Password=PASSWORD, Permanent=True)

    def sign_in() -> dict[str, str]:
        result = cognito.initiate_auth(
            ClientId=app, AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "somebody", "PASSWORD": PASSWORD},
        )["AuthenticationResult"]  # fmt: skip
        return {"id": result["IdToken"], "access": result["AccessToken"]}

    issuer = f"https://cognito-idp.{REGION}.amazonaws.com/{pool['Id']}"
    return {"pool": pool["Arn"], "issuer": issuer, "client": app} | sign_in()


SCOPE = "aws.cognito.signin.user.admin"


def test_tokens_of_a_user_pool_at_a_rest_api(lab: Lab, make: Make, tokens: dict[str, str]) -> None:
    gateway, api = client(lab, "apigateway"), rest_api(lab)
    authorizer = gateway.create_authorizer(
        restApiId=api.id, name="people", type="COGNITO_USER_POOLS", providerARNs=[tokens["pool"]],
        identitySource="method.request.header.Authorization",
    )["id"]  # fmt: skip
    pools = {"authorizationType": "COGNITO_USER_POOLS", "authorizerId": authorizer}
    proxy(lab, api, "GET", "/jwt", make(ECHO_PROXY), **pools)
    proxy(lab, api, "GET", "/scope", make(ECHO_PROXY), **pools, authorizationScopes=[SCOPE])
    deploy(lab, api)
    claims = told(asked(lab, api, f"Bearer {tokens['id']}", path="/jwt"))["claims"]
    assert (claims["aud"], claims["token_use"]) == (tokens["client"], "id")
    assert claims["iss"] == tokens["issuer"]
    assert claims["exp"].endswith(f"UTC {lab.clock.now().year}")
    assert asked(lab, api, tokens["access"], path="/scope").status_code == 200
    head, body, _ = tokens["id"].split(".")
    for token, path in (
        (None, "/jwt"), ("invalid", "/jwt"), (f"{head}.{body}.AAAA", "/jwt"),
        (tokens["access"], "/jwt"), (tokens["id"], "/scope"),
    ):  # fmt: skip
        response = asked(lab, api, token, path=path)
        assert (response.status_code, response.json()) == (401, {"message": "Unauthorized"})
        assert response.headers["x-amzn-errortype"] == "UnauthorizedException"


def test_tokens_at_an_http_api(lab: Lab, make: Make, tokens: dict[str, str]) -> None:
    api = http_api(lab, {})
    v2 = client(lab, "apigatewayv2")
    authorizer = v2.create_authorizer(
        ApiId=api.id, Name="jwt", AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": tokens["issuer"], "Audience": [tokens["client"]]},
    )["AuthorizerId"]  # fmt: skip
    integration = v2.create_integration(
        ApiId=api.id, IntegrationType="AWS_PROXY", PayloadFormatVersion="2.0",
        IntegrationUri=uri(make(ECHO)),
    )["IntegrationId"]  # fmt: skip
    for path, scopes in (("/jwt", []), ("/scope", [SCOPE]), ("/other", ["other/read"])):
        v2.create_route(
            ApiId=api.id, RouteKey=f"GET {path}", Target=f"integrations/{integration}",
            AuthorizationType="JWT", AuthorizerId=authorizer, AuthorizationScopes=scopes,
        )  # fmt: skip
    known = told(asked(lab, api, f"Bearer {tokens['id']}", path="/jwt"))["jwt"]
    assert known["scopes"] is None
    assert list(known["claims"]) == sorted(known["claims"])
    assert known["claims"]["exp"].isdigit()
    scoped = told(asked(lab, api, tokens["access"], path="/scope"))["jwt"]
    assert scoped["scopes"] == [SCOPE]
    for token, path, status, challenge in (
        (None, "/jwt", 401, "Bearer"),
        (
            "invalid", "/jwt", 401,
            'Bearer scope="" error="invalid_token" '
            'error_description="token contains an invalid number of segments"',
        ),
        (
            tokens["access"], "/other", 403,
            'Bearer scope="other/read" error="insufficient_scope" '
            'error_description="expected scopes within the token"',
        ),
    ):  # fmt: skip
        response = asked(lab, api, token, path=path)
        assert (response.status_code, response.headers["www-authenticate"]) == (status, challenge)
    elsewhere = {"Issuer": tokens["issuer"], "Audience": ["another"]}
    v2.update_authorizer(ApiId=api.id, AuthorizerId=authorizer, JwtConfiguration=elsewhere)
    assert asked(lab, api, tokens["id"], path="/jwt").status_code == 401


def test_a_signature_for_an_http_api(lab: Lab, make: Make, user: dict[str, str]) -> None:
    api = http_api(lab, {"GET /iam": {"function": make(ECHO), "AuthorizationType": "AWS_IAM"}})
    url = f"{api.url}/iam"
    unsigned = lab.http.get(url)
    assert (unsigned.status_code, unsigned.json()) == (403, {"message": "Forbidden"})
    caller = told(signed(lab, url, credentials_of(user)))["iam"]
    assert (caller["userArn"], caller["userId"]) == (user["arn"], user["id"])
    assert caller["accountId"] == ACCOUNT
    assert signed(lab, url, credentials_of(user, "forged")).status_code == 403


def test_tokens_run_out(lab: Lab, make: Make, tokens: dict[str, str]) -> None:
    """Last: it winds the clock by hours."""
    api = rest_api(lab)
    authorizer = client(lab, "apigateway").create_authorizer(
        restApiId=api.id, name="people", type="COGNITO_USER_POOLS", providerARNs=[tokens["pool"]]
    )["id"]
    proxy(
        lab, api, "GET", "/jwt", make(ECHO_PROXY), authorizationType="COGNITO_USER_POOLS",
        authorizerId=authorizer,
    )  # fmt: skip
    deploy(lab, api)
    assert asked(lab, api, tokens["id"], path="/jwt").status_code == 200
    lab.clock.advance(hours=25)
    expired = asked(lab, api, tokens["id"], path="/jwt")
    assert (expired.status_code, expired.json()) == (
        401, {"message": "The incoming token has expired"},
    )  # fmt: skip
