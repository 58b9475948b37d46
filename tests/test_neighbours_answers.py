"""What the answers of moto's services have in common, and what moto lacks and says so."""

from __future__ import annotations

import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import MakeFunction
from tests.engine import refusal, request
from tests.gateway_stage import Functions, client, deploy, proxy, rest_api, uri

if TYPE_CHECKING:
    from lambdalab import Lab

CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "sqs": ("list_queues", {}), "sns": ("list_topics", {}), "events": ("list_rules", {}),
    "dynamodb": ("list_tables", {}), "iam": ("list_users", {}), "kinesis": ("list_streams", {}),
    "apigateway": ("get_rest_apis", {}), "apigatewayv2": ("get_apis", {}),
    "scheduler": ("list_schedules", {}), "logs": ("describe_log_groups", {}),
    "secretsmanager": ("list_secrets", {}), "lambda": ("list_functions", {}),
    "stepfunctions": ("list_state_machines", {}), "elbv2": ("describe_load_balancers", {}),
}  # fmt: skip


@pytest.fixture(scope="module")
def lab(shared_lab: Lab) -> Lab:
    return shared_lab


def headers_of(lab: Lab, service: str, operation: str, **given: Any) -> dict[str, str]:
    answer = getattr(client(lab, service), operation)(**given)
    found: dict[str, str] = answer["ResponseMetadata"]["HTTPHeaders"]
    return found


@pytest.mark.parametrize("service", CALLS)
def test_an_answer_has_the_time_an_id_and_its_type(lab: Lab, service: str) -> None:
    operation, given = CALLS[service]
    headers = headers_of(lab, service, operation, **given)
    assert str(uuid.UUID(headers["x-amzn-requestid"])) == headers["x-amzn-requestid"]
    assert "html" not in headers["content-type"]
    assert abs(parsedate_to_datetime(headers["date"]) - lab.clock.now()) < timedelta(seconds=5)


def test_the_time_is_the_platforms(lab: Lab) -> None:
    lab.clock.advance(days=3)
    told = parsedate_to_datetime(headers_of(lab, "sqs", "list_queues")["date"])
    assert told > datetime.now(UTC) + timedelta(days=2)


def test_s3_has_ids_of_its_own(lab: Lab) -> None:
    s3 = client(lab, "s3")
    s3.create_bucket(Bucket="pages")
    put = s3.put_object(Bucket="pages", Key="a.html", Body=b"{}", ContentType="text/html")
    got = s3.get_object(Bucket="pages", Key="a.html")
    assert got["ContentType"] == "text/html"
    for answer in (put, got, s3.list_buckets()):
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        assert "x-amzn-requestid" not in headers
        assert re.fullmatch("[0-9A-F]{16}", headers["x-amz-request-id"])
        assert answer["ResponseMetadata"]["RequestId"] == headers["x-amz-request-id"]


def test_the_addresses_of_functions_tell_the_time_too(
    lab: Lab, make_function: MakeFunction
) -> None:
    port = int(lab.endpoint_url.rpartition(":")[2])
    for host in ("x.lambda-url.us-east-1.on.aws", "x.execute-api.us-east-1.amazonaws.com"):
        assert "date" in {name.lower() for name in request(port, "GET", "/", Host=host).headers}


# ---- what is not there


@pytest.mark.parametrize(
    ("service", "operation", "given", "words"),
    [
        ("sns", "list_origination_numbers", {}, "ListOriginationNumbers of sns"),
        ("elbv2", "describe_trust_stores", {}, "DescribeTrustStores of elasticloadbalancing"),
        ("ec2", "describe_capacity_reservations", {}, "DescribeCapacityReservations of ec2"),
        ("secretsmanager", "validate_resource_policy", {"ResourcePolicy": "{}"},
         "ValidateResourcePolicy of secretsmanager"),
        ("apigateway", "get_sdk", {"restApiId": "a", "stageName": "s", "sdkType": "java"},
         "GET /restapis/a/stages/s/sdks/java of apigateway"),
    ],
)  # fmt: skip
def test_an_operation_that_moto_lacks_is_named(
    lab: Lab, service: str, operation: str, given: dict[str, Any], words: str
) -> None:
    told = refusal(getattr(client(lab, service), operation), **given)
    assert (told.status, told.code) == (501, "NotImplementedException")
    assert words in told.message


def test_a_page_that_is_asked_for_without_a_signature_stays_a_page(lab: Lab) -> None:
    port = int(lab.endpoint_url.rpartition(":")[2])
    assert request(port, "GET", "/restapis/a/none/of/it").status in (403, 404)


# ---- S3 tags


def test_an_empty_set_of_tags_takes_all_away(lab: Lab) -> None:
    s3 = client(lab, "s3")
    s3.create_bucket(Bucket="tagged")
    s3.put_object(Bucket="tagged", Key="k", Body=b"", Tagging="a=b")
    named = {"Bucket": "tagged", "Key": "k"}
    assert s3.get_object_tagging(**named)["TagSet"] == [{"Key": "a", "Value": "b"}]
    s3.put_object_tagging(**named, Tagging={"TagSet": []})
    assert s3.get_object_tagging(**named)["TagSet"] == []
    s3.put_object_tagging(**named, Tagging={"TagSet": [{"Key": "c", "Value": "d"}]})
    assert s3.get_object_tagging(**named)["TagSet"] == [{"Key": "c", "Value": "d"}]


# ---- REST APIs: authorizers that are tried, keys that were used

JUDGE = """
def handler(event, context):
    token = event.get("authorizationToken") or event["headers"]["X-Token"]
    if token == "unknown":
        raise Exception("Unauthorized")
    if token == "broken":
        return {}
    effect = "Allow" if token == "good" else "Deny"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "me", "policyDocument": policy, "context": {"level": 7}}
"""


@pytest.fixture(scope="module")
def functions(lab: Lab) -> Functions:
    return Functions(lab)


@pytest.mark.parametrize("kind", ["TOKEN", "REQUEST"])
def test_an_authorizer_is_asked_before_it_is_used(
    lab: Lab, functions: Functions, kind: str
) -> None:
    gateway, api = client(lab, "apigateway"), rest_api(lab)
    made = gateway.create_authorizer(
        restApiId=api.id, name="judge", type=kind, authorizerUri=uri(functions.kept(JUDGE)),
        identitySource="method.request.header.X-Token",
    )  # fmt: skip

    def ask(token: str | None) -> dict[str, Any]:
        headers = {} if token is None else {"X-Token": token}
        told: dict[str, Any] = gateway.test_invoke_authorizer(
            restApiId=api.id, authorizerId=made["id"], headers=headers
        )
        return told

    good = ask("good")
    assert (good["clientStatus"], good["principalId"]) == (200, "me")
    assert good["authorization"] == {"level": ["7"]}
    (statement,) = json.loads(good["policy"])["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Resource"].endswith(f":{api.id}/test-invoke-stage/GET/")
    assert json.loads(ask("bad")["policy"])["Statement"][0]["Effect"] == "Deny"
    assert [ask(one)["clientStatus"] for one in ("unknown", "broken", None)] == [401, 500, 401]


def test_an_authorizer_that_is_not_there(lab: Lab) -> None:
    gateway, api = client(lab, "apigateway"), rest_api(lab)
    told = refusal(gateway.test_invoke_authorizer, restApiId=api.id, authorizerId="none")
    assert told.code == "NotFoundException"


def test_how_often_a_key_was_used(lab: Lab, functions: Functions) -> None:
    code = "def handler(event, context):\n    return {'statusCode': 200}\n"
    gateway, api = client(lab, "apigateway"), rest_api(lab)
    proxy(lab, api, "GET", "/", functions.kept(code), apiKeyRequired=True)
    deploy(lab, api)
    key = gateway.create_api_key(name="k", enabled=True, value="x" * 20)
    plan = gateway.create_usage_plan(
        name="plan", apiStages=[{"apiId": api.id, "stage": "dev"}],
        quota={"limit": 10, "period": "WEEK"},
    )["id"]  # fmt: skip
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")

    def call(times: int) -> list[int]:
        headers = {"x-api-key": "x" * 20}
        return [lab.http.get(api.url, headers=headers).status_code for _ in range(times)]

    # From a Tuesday on, so that the next day is one of the same week.
    now = lab.clock.now()
    lab.clock.advance(days=(1 - now.weekday()) % 7)
    first = lab.clock.now().date()
    assert call(3) == [200] * 3
    lab.clock.advance(days=1)
    assert call(8) == [200] * 7 + [429]
    told = gateway.get_usage(
        usagePlanId=plan, startDate=str(first), endDate=str(first + timedelta(days=7))
    )
    (days,) = told["items"].values()
    assert days == [[3, 7], [7, 0], *[[0, 0]] * 4, [0, 10], [0, 10]]
    assert list(told["items"]) == [key["id"]]
