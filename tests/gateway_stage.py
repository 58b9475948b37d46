"""What the tests of API Gateway share: APIs, and functions that may be called by them."""

from __future__ import annotations

import base64
import json
from functools import cache
from itertools import count
from typing import Any, NamedTuple

from tests.conftest import wait_until_settled
from tests.engine import RUNTIME

REGION = "us-east-1"
ACCOUNT = "123456789012"

# Answers in the form of payload format 1.0 with the event it got.
ECHO_PROXY = """
import json
def handler(event, context):
    return {"statusCode": 200, "body": json.dumps(event)}
"""
# Returns what the query parameter ``answer`` says, as JSON; raises what ``raise`` says.
OBEDIENT = """
import json, time
def handler(event, context):
    given = event.get("queryStringParameters") or {}
    if "raise" in given:
        raise ValueError(given["raise"])
    time.sleep(float(given.get("sleep", 0)))
    return json.loads(given.get("answer", "null"))
"""


class Api(NamedTuple):
    """An API and where its stage is."""

    id: str
    root: str
    url: str


@cache
def client(lab: Any, service: str) -> Any:
    """A client of a lab: to make one takes longer than to use it."""
    return lab.client(service)


def function_arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def uri(name: str) -> str:
    """What integrations and authorizers call a function."""
    arn = function_arn(name)
    return f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"


def allow(lam: Any, name: str, source: str = "*", **more: str) -> None:
    """Let API Gateway call a function for what fits ``source``."""
    lam.add_permission(
        FunctionName=name,
        StatementId=f"s{abs(hash((name, source)))}",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{source}",
        **more,
    )


class Functions:
    """Functions of one lab. Tests that share them need not empty the lab: each has its own API."""

    def __init__(self, lab: Any) -> None:
        self._lab = lab
        self._kept: dict[str, str] = {}
        self._numbers = count(1)

    def kept(self, code: str) -> str:
        """A function with that code that API Gateway may call; the same one each time."""
        if code not in self._kept:
            self._kept[code] = self.fresh(code)
            allow(client(self._lab, "lambda"), self._kept[code])
        return self._kept[code]

    def fresh(self, code: str) -> str:
        """A function of a test's own, that nobody may call."""
        lam, name = client(self._lab, "lambda"), f"fresh-{next(self._numbers)}"
        lam.create_function(
            FunctionName=name,
            Runtime=RUNTIME,
            Handler="lambda_function.handler",
            Role=self._lab.role(),
            Code={"ZipFile": self._lab.zip({"lambda_function.py": code})},
        )
        wait_until_settled(lam, name)
        return name


def pushes(lab: Any, name: str) -> list[str]:
    """How the calls of services to a function went."""
    return [
        one.kind for one in lab.timeline if one.function == name and one.kind in ("push", "refused")
    ]


# ---- HTTP APIs


def quick_api(lab: Any, name: str, **settings: Any) -> Api:
    """An HTTP API whose default route goes to a function in format 2.0."""
    v2 = client(lab, "apigatewayv2")
    made = v2.create_api(Name="quick", ProtocolType="HTTP", Target=function_arn(name), **settings)
    return Api(made["ApiId"], "", made["ApiEndpoint"])


def http_api(lab: Any, routes: dict[str, dict[str, Any]], **settings: Any) -> Api:
    """An HTTP API with these routes; ``function`` and ``version`` of each make its integration."""
    v2 = client(lab, "apigatewayv2")
    api = v2.create_api(Name="routes", ProtocolType="HTTP", **settings)
    for key, given in routes.items():
        route = dict(given)
        integration = v2.create_integration(
            ApiId=api["ApiId"],
            IntegrationType="AWS_PROXY",
            IntegrationUri=function_arn(route.pop("function")),
            PayloadFormatVersion=route.pop("version", "2.0"),
            **route.pop("integration", {}),
        )
        target = f"integrations/{integration['IntegrationId']}"
        v2.create_route(ApiId=api["ApiId"], RouteKey=key, Target=target, **route)
    v2.create_stage(ApiId=api["ApiId"], StageName="$default", AutoDeploy=True)
    return Api(api["ApiId"], "", api["ApiEndpoint"])


# ---- REST APIs


def rest_api(lab: Any, **settings: Any) -> Api:
    made = client(lab, "apigateway").create_rest_api(name="rest", **settings)
    url = f"https://{made['id']}.execute-api.{REGION}.amazonaws.com/dev"
    return Api(made["id"], made["rootResourceId"], url)


def resource(lab: Any, api: Api, path: str) -> str:
    """The id of the resource with that path, made with all above it."""
    gateway = client(lab, "apigateway")
    known = {r["path"]: r["id"] for r in gateway.get_resources(restApiId=api.id)["items"]}
    here, identity = "", known["/"]
    for part in path.strip("/").split("/"):
        here = f"{here}/{part}"
        if here not in known:
            made = gateway.create_resource(restApiId=api.id, parentId=identity, pathPart=part)
            known[here] = made["id"]
        identity = known[here]
    return str(identity)


def method(lab: Any, api: Api, verb: str, path: str, **settings: Any) -> dict[str, str]:
    """A method; gives the parameters that name it."""
    identity = api.root if path == "/" else resource(lab, api, path)
    named = {"restApiId": api.id, "resourceId": identity, "httpMethod": verb}
    client(lab, "apigateway").put_method(**named, **{"authorizationType": "NONE"} | settings)
    return named


def proxy(lab: Any, api: Api, verb: str, path: str, name: str, **settings: Any) -> dict[str, str]:
    """A method with a proxy integration."""
    integration = settings.pop("integration", {})
    named = method(lab, api, verb, path, **settings)
    client(lab, "apigateway").put_integration(
        **named, **{"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": uri(name)}
        | integration,
    )  # fmt: skip
    return named


def mapped(
    lab: Any, named: dict[str, str], integration: dict[str, Any], *responses: dict[str, Any]
) -> None:
    """Give a method an integration that is no proxy, and its responses."""
    gateway = client(lab, "apigateway")
    gateway.put_integration(**named, **{"integrationHttpMethod": "POST"} | integration)
    for given in responses or ({"statusCode": "200"},):
        headers = dict.fromkeys(given.get("responseParameters", {}), True)
        gateway.put_method_response(
            **named, statusCode=given["statusCode"], responseParameters=headers
        )
        gateway.put_integration_response(**named, **given)


def deploy(lab: Any, api: Api, **settings: Any) -> str:
    made = client(lab, "apigateway").create_deployment(
        restApiId=api.id, **{"stageName": "dev"} | settings
    )
    return str(made["id"])


# ---- answers


def answer(value: Any) -> dict[str, str]:
    """The query parameters that make the obedient function return a value."""
    return {"answer": json.dumps(value)}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
