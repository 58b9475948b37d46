"""Handlers written with AWS Lambda Powertools for Python run unchanged.

They are written as its guide has them; the library comes from a layer, once from the package.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import Answer, invoke

MakeFunction = Callable[..., str]

SETTINGS: dict[str, Any] = {"MemorySize": 1769, "Timeout": 30, "Handler": "app.lambda_handler"}
# What pip installs with it.
LIBRARIES = ("aws_lambda_powertools", "jmespath", "typing_extensions")
FOR_TRACER = ("aws_xray_sdk", "wrapt")  # what its extra "tracer" adds


@cache
def library(*names: str) -> dict[str, bytes]:
    """The files of the library and of what it needs, as ``pip install -t`` lays them out."""
    found: dict[str, bytes] = {}
    for name in names:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        package = origin.name == "__init__.py"
        files = [path for path in origin.parent.rglob("*") if path.suffix in (".py", ".json")]
        top = origin.parent.parent if package else origin.parent
        found |= {
            file.relative_to(top).as_posix(): file.read_bytes()
            for file in (files if package else [origin])
        }
    return found


@pytest.fixture
def make(lab: Lab, lam: Any, make_function: MakeFunction) -> MakeFunction:
    """Create a function that has the library in a layer."""

    def with_layer(code: str, **variables: str) -> str:
        files = {f"python/{path}": data for path, data in library(*LIBRARIES, *FOR_TRACER).items()}
        content = {"ZipFile": lab.zip(files)}
        layer = lam.publish_layer_version(LayerName="powertools", Content=content)
        shown = {"POWERTOOLS_SERVICE_NAME": "booking", "POWERTOOLS_LOG_LEVEL": "INFO"} | variables
        return make_function(
            {"app.py": code},
            Layers=[layer["LayerVersionArn"]],
            Environment={"Variables": shown},
            **SETTINGS,
        )

    return with_layer


def records(answer: Answer) -> list[dict[str, Any]]:
    """The lines of the log that are JSON objects."""
    return [json.loads(line) for line in answer.log.splitlines() if line.startswith("{")]


# ---- logger

LOGGER = """
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()

@logger.inject_lambda_context(correlation_id_path="id", log_event=True)
def lambda_handler(event: dict, context: LambdaContext) -> str:
    logger.append_keys(order=event["order"])
    logger.info("collecting payment", amount=3)
    logger.debug("not shown")
    if event.get("fail"):
        try:
            raise ValueError("no money")
        except ValueError:
            logger.exception("payment failed")
    return logger.get_correlation_id()
"""


def check_logger(lam: Any, name: str) -> None:
    first = invoke(lam, name, {"id": "c-1", "order": 1})
    assert (first.error, first.value) == (None, "c-1"), first.log
    event, payment = records(first)
    assert event["message"] == {"id": "c-1", "order": 1}
    wanted = {
        "level": "INFO",
        "location": "lambda_handler:10",
        "message": "collecting payment",
        "service": "booking",
        "cold_start": True,
        "function_name": name,
        "function_memory_size": "1769",
        "function_arn": f"arn:aws:lambda:us-east-1:123456789012:function:{name}",
        "function_request_id": first.request_id,
        "correlation_id": "c-1",
        "order": 1,
        "amount": 3,
    }
    assert {key: payment.get(key) for key in wanted} == wanted
    second = invoke(lam, name, {"id": "c-2", "order": 2, "fail": True})
    _, payment, failure = records(second)
    assert (payment["cold_start"], payment["function_request_id"]) == (False, second.request_id)
    assert (failure["level"], failure["exception_name"]) == ("ERROR", "ValueError")
    assert 'File "/var/task/app.py", line 14, in lambda_handler' in failure["exception"]
    assert 'raise ValueError("no money")' in failure["exception"]


def test_its_logger_writes_json_with_the_context_of_the_invocation(
    lam: Any, make: MakeFunction
) -> None:
    check_logger(lam, make(LOGGER))


def test_it_may_be_in_the_package_as_well(lam: Any, make_function: MakeFunction) -> None:
    variables = {"POWERTOOLS_SERVICE_NAME": "booking"}
    files = {**library(*LIBRARIES), "app.py": LOGGER}
    check_logger(lam, make_function(files, Environment={"Variables": variables}, **SETTINGS))


# ---- metrics

METRICS = """
from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

metrics = Metrics(namespace="Shop")

@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event, context):
    metrics.add_dimension(name="environment", value="test")
    metrics.add_metric(name="SuccessfulBooking", unit=MetricUnit.Count, value=1)
    metrics.add_metadata(key="booking_id", value=event["id"])
"""


def test_its_metrics_are_lines_of_the_log_in_the_embedded_format(
    lam: Any, make: MakeFunction
) -> None:
    name = make(METRICS)
    cold, first = records(invoke(lam, name, {"id": "b-1"}))
    assert (cold["ColdStart"], cold["function_name"]) == ([1.0], name)
    assert (first["SuccessfulBooking"], first["booking_id"]) == ([1.0], "b-1")
    (declared,) = first["_aws"]["CloudWatchMetrics"]
    assert declared == {
        "Namespace": "Shop",
        "Dimensions": [["environment", "service"]],
        "Metrics": [{"Name": "SuccessfulBooking", "Unit": "Count"}],
    }
    (only,) = records(invoke(lam, name, {"id": "b-2"}))  # no cold start any more
    assert only["booking_id"] == "b-2"


# ---- batch

BATCH = """
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor, EventType, process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

processor = BatchProcessor(event_type=EventType.SQS)

def record_handler(record: SQSRecord):
    if record.json_body["amount"] < 0:
        raise ValueError("a negative amount")

def lambda_handler(event, context):
    return process_partial_response(
        event=event, record_handler=record_handler, processor=processor, context=context
    )
"""


def message(number: int, amount: int) -> dict[str, Any]:
    return {
        "messageId": f"00000000-0000-0000-0000-{number:012}",
        "receiptHandle": "handle",
        "body": json.dumps({"amount": amount}),
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1545082649183",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1545082649185",
        },
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:orders",
        "awsRegion": "us-east-1",
    }


def test_its_batch_processor_tells_which_messages_failed(lam: Any, make: MakeFunction) -> None:
    name = make(BATCH)
    some = {"Records": [message(1, 5), message(2, -1), message(3, 7)]}
    assert invoke(lam, name, some).value == {
        "batchItemFailures": [{"itemIdentifier": "00000000-0000-0000-0000-000000000002"}]
    }
    assert invoke(lam, name, {"Records": [message(1, 5)]}).value == {"batchItemFailures": []}
    failed = invoke(lam, name, {"Records": [message(1, -1), message(2, -2)]})
    assert failed.error == "Unhandled"
    assert failed.value["errorType"] == "BatchProcessingError"
    assert "All records failed processing. 2 individual errors" in failed.value["errorMessage"]


# ---- idempotency

IDEMPOTENCY = """
import os
import uuid

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer, IdempotencyConfig, idempotent,
)

persistence_layer = DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE"])
config = IdempotencyConfig(event_key_jmespath="[user, order]", expires_after_seconds=3600)

@idempotent(persistence_store=persistence_layer, config=config)
def lambda_handler(event, context):
    if event.get("fail"):
        raise RuntimeError("no payment")
    return {"payment": str(uuid.uuid4())}
"""


@pytest.fixture
def table(lab: Lab) -> Any:
    lab.client("dynamodb").create_table(
        TableName="idempotency",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return lambda: lab.client("dynamodb").scan(TableName="idempotency")["Items"]


def test_what_is_idempotent_runs_once_for_each_order(
    lam: Any, make: MakeFunction, table: Callable[[], list[dict[str, Any]]]
) -> None:
    name = make(IDEMPOTENCY, IDEMPOTENCY_TABLE="idempotency")
    order = {"user": "ann", "order": 1}
    first = invoke(lam, name, order)
    assert first.error is None, first.log
    assert invoke(lam, name, order | {"sent": "again"}).value == first.value
    (item,) = table()
    assert item["status"] == {"S": "COMPLETED"}
    assert json.loads(item["data"]["S"]) == first.value
    assert item["id"]["S"].startswith(f"{name}.app.lambda_handler#")
    assert invoke(lam, name, {"user": "ann", "order": 2}).value != first.value
    assert len(table()) == 2


def test_what_failed_may_run_again(
    lam: Any, make: MakeFunction, table: Callable[[], list[dict[str, Any]]]
) -> None:
    name = make(IDEMPOTENCY, IDEMPOTENCY_TABLE="idempotency")
    order = {"user": "ann", "order": 1}
    assert invoke(lam, name, order | {"fail": True}).value["errorType"] == "RuntimeError"
    assert table() == []
    assert invoke(lam, name, order).error is None
    assert len(table()) == 1


# ---- parameters

PARAMETERS = """
from aws_lambda_powertools.utilities import parameters

def lambda_handler(event, context):
    return {
        "one": parameters.get_parameter("/shop/currency"),
        "secret": parameters.get_parameter("/shop/key", decrypt=True),
        "several": parameters.get_parameters("/shop/limits", transform="json"),
        "password": parameters.get_secret("database", transform="json")["password"],
        "fresh": parameters.get_parameter("/shop/currency", force_fetch=True),
    }
"""


def test_its_parameters_come_from_ssm_and_secrets_manager_and_are_kept(
    lab: Lab, lam: Any, make: MakeFunction
) -> None:
    ssm = lab.client("ssm")
    for path, value, kind in [
        ("/shop/currency", "EUR", "String"),
        ("/shop/key", "k", "SecureString"),
        ("/shop/limits/day", '{"most": 5}', "String"),
    ]:
        ssm.put_parameter(Name=path, Value=value, Type=kind)
    lab.client("secretsmanager").create_secret(Name="database", SecretString='{"password": "p"}')
    name = make(PARAMETERS)
    first = invoke(lam, name)
    assert first.value == {
        "one": "EUR",
        "secret": "k",
        "several": {"day": {"most": 5}},
        "password": "p",
        "fresh": "EUR",
    }, first.log
    ssm.put_parameter(Name="/shop/currency", Value="CHF", Type="String", Overwrite=True)
    again = invoke(lam, name).value  # kept for 5 minutes unless asked for anew
    assert (again["one"], again["fresh"]) == ("EUR", "CHF")


# ---- event handler

RESOLVER = """
from aws_lambda_powertools.event_handler import (
    APIGatewayHttpResolver, APIGatewayRestResolver, Response,
)
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools import Logger, Tracer

logger = Logger()
tracer = Tracer()
apps = {"1.0": APIGatewayRestResolver(), "2.0": APIGatewayHttpResolver()}

@tracer.capture_method
def order(number: str):
    if number == "0":
        raise NotFoundError("no such order")
    return {"order": number}

@tracer.capture_method
def place():
    return Response(status_code=201, content_type="text/plain", body="placed")

for app in apps.values():
    app.get("/orders/<number>")(order)
    app.post("/orders")(place)

@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@tracer.capture_lambda_handler
def lambda_handler(event, context):
    return apps[event.get("version", "1.0")].resolve(event, context)
"""


def rest(method: str, path: str) -> dict[str, Any]:
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {},
        "multiValueHeaders": {},
        "queryStringParameters": None,
        "pathParameters": {"proxy": path[1:]},
        "requestContext": {"requestId": "r-1", "stage": "dev", "httpMethod": method, "path": path},
        "body": None,
        "isBase64Encoded": False,
    }


def http(method: str, path: str) -> dict[str, Any]:
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {},
        "requestContext": {
            "http": {"method": method, "path": path},
            "requestId": "r-1",
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("event", [rest, http])
@pytest.mark.parametrize("disabled", ["true", "false"])
def test_its_resolver_answers_api_gateway_with_its_tracer_off_and_on(
    disabled: str,
    event: Callable[[str, str], dict[str, Any]],
    lam: Any,
    make: MakeFunction,
) -> None:
    name = make(RESOLVER, POWERTOOLS_TRACE_DISABLED=disabled)
    found = invoke(lam, name, event("GET", "/orders/7"))
    assert found.error is None, found.log
    assert (found.value["statusCode"], json.loads(found.value["body"])) == (200, {"order": "7"})
    missing = invoke(lam, name, event("GET", "/orders/0")).value
    assert missing["statusCode"] == 404
    assert json.loads(missing["body"]) == {"statusCode": 404, "message": "no such order"}
    assert invoke(lam, name, event("GET", "/nowhere")).value["statusCode"] == 404
    placed = invoke(lam, name, event("POST", "/orders")).value
    assert (placed["statusCode"], placed["body"]) == (201, "placed")
