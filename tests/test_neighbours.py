"""The services beside Lambda: they answer, the patches of moto hold, a reset empties them."""

from __future__ import annotations

import io
import json
import statistics
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from lambdalab import Lab, start
from lambdalab.neighbours import state
from tests.engine import Reply, invoke, port_of, refusal, request

MakeFunction = Callable[..., str]


# ---- the services on the same port


def test_s3_keeps_objects_versions_and_tags(lab: Lab) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="photos")
    s3.put_bucket_versioning(Bucket="photos", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="photos", Key="a/b.jpg", Body=b"one", Tagging="k=v")["VersionId"]
    s3.put_object(Bucket="photos", Key="a/b.jpg", Body=b"two")
    assert s3.get_object(Bucket="photos", Key="a/b.jpg")["Body"].read() == b"two"
    old = s3.get_object(Bucket="photos", Key="a/b.jpg", VersionId=first)
    assert old["Body"].read() == b"one"
    listed = s3.list_objects_v2(Bucket="photos", Prefix="a/")["Contents"]
    assert [entry["Key"] for entry in listed] == ["a/b.jpg"]
    assert refusal(s3.get_object, Bucket="photos", Key="no").code == "NoSuchKey"


def test_s3_takes_an_upload_in_parts(lab: Lab) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="large")
    body = bytes(range(256)) * (40 << 10)  # 10 MB: boto3 sends parts of 8 MB
    s3.upload_fileobj(io.BytesIO(body), "large", "file")
    assert s3.get_object(Bucket="large", Key="file")["Body"].read() == body


def test_s3_keeps_metadata_whose_names_have_underscores_and_hyphens(lab: Lab) -> None:
    # WSGI cannot tell x_y from x-y: moto wants them told apart.
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="meta")
    metadata = {"under_score": "a  b", "hy-phen": "c", "both_a-b": "é".encode().hex()}
    s3.put_object(Bucket="meta", Key="k", Metadata=metadata)
    assert s3.head_object(Bucket="meta", Key="k")["Metadata"] == metadata


def test_dynamodb_reads_what_was_written_and_keeps_conditions(lab: Lab) -> None:
    table = lab.resource("dynamodb").create_table(
        TableName="t", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )  # fmt: skip
    table.put_item(Item={"id": "1", "count": 1})
    table.update_item(
        Key={"id": "1"}, UpdateExpression="ADD #c :one",
        ExpressionAttributeNames={"#c": "count"}, ExpressionAttributeValues={":one": 1},
    )  # fmt: skip
    assert table.get_item(Key={"id": "1"})["Item"] == {"id": "1", "count": 2}
    twice = {"Item": {"id": "1"}, "ConditionExpression": "attribute_not_exists(id)"}
    assert refusal(table.put_item, **twice).code == "ConditionalCheckFailedException"


def test_sns_delivers_to_sqs(lab: Lab) -> None:
    sns, sqs = lab.client("sns"), lab.client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])
    sns.publish(TopicArn=topic, Message="hello")
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"])["Message"] == "hello"
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    assert queue.startswith(lab.endpoint_url)  # the address leads back to the lab


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("apigateway", "get_rest_apis"),
        ("cloudfront", "list_distributions"),
        ("ec2", "describe_vpcs"),
        ("events", "list_event_buses"),
        ("kinesis", "list_streams"),
        ("scheduler", "list_schedules"),
        ("secretsmanager", "list_secrets"),
        ("stepfunctions", "list_state_machines"),
    ],
)
def test_the_services_of_the_lessons_answer(service: str, operation: str, lab: Lab) -> None:
    answer = getattr(lab.client(service), operation)()
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_regions_and_accounts_are_apart(lab: Lab) -> None:
    lab.client("sqs").create_queue(QueueName="here")
    assert "QueueUrls" not in lab.client("sqs", region_name="eu-west-1").list_queues()
    assert lab.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_the_account_and_region_are_those_of_the_lab() -> None:
    with start(export=False, account="210987654321", region="eu-central-1") as lab:
        arn = lab.role()
        assert arn == "arn:aws:iam::210987654321:role/lambda-role"
        assert lab.client("sts").get_caller_identity()["Account"] == "210987654321"
        queue = lab.client("sqs").create_queue(QueueName="q")["QueueUrl"]
        assert "/210987654321/q" in queue
        made = lab.client("lambda").create_function(
            FunctionName="f", Runtime="python3.13", Role=arn, Handler="a.b",
            Code={"ZipFile": lab.zip({"a.py": ""})},
        )  # fmt: skip
        assert made["FunctionArn"] == "arn:aws:lambda:eu-central-1:210987654321:function:f"


# ---- bodies of every kind


def raw(lab: Lab, service: str, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
    signed = (
        "AWS4-HMAC-SHA256 Credential=AKIALAMBDALABEXAMPLE/20260101/us-east-1/"
        f"{service}/aws4_request, SignedHeaders=host, Signature=00"
    )
    return request(port_of(lab), method, path, body, Authorization=signed, **headers)


CHUNKED = b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
SIGNED_CHUNKS = (
    b"5;chunk-signature=" + b"0" * 64 + b"\r\nhello\r\n0;chunk-signature=" + b"0" * 64 + b"\r\n\r\n"
)
WITH_TRAILER = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
AWS_CHUNKED = {"Content_Encoding": "aws-chunked", "x_amz_decoded_content_length": "5"}
SIGNED = AWS_CHUNKED | {"x_amz_content_sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}
TRAILER = AWS_CHUNKED | {
    "x_amz_content_sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "x_amz_trailer": "x-amz-checksum-crc32",
    "x_amz_sdk_checksum_algorithm": "CRC32",
}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"hello", {}),
        (SIGNED_CHUNKS, SIGNED),
        (WITH_TRAILER, TRAILER),
    ],
    ids=["plain", "aws-chunked, signed", "aws-chunked, with a trailer"],
)
@pytest.mark.parametrize("transfer", ["by length", "in chunks"])
def test_an_object_arrives_whole_however_it_is_sent(
    body: bytes, headers: dict[str, str], transfer: str, lab: Lab
) -> None:
    lab.client("s3").create_bucket(Bucket="bucket")
    if transfer == "in chunks":
        half = len(body) // 2
        pieces = (body[:half], body[half:], b"")
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        headers = headers | {"Transfer_Encoding": "chunked", "Content_Length": ""}
    assert raw(lab, "s3", "PUT", "/bucket/key", body, **headers).status == 200
    found = lab.client("s3").get_object(Bucket="bucket", Key="key")
    assert found["Body"].read() == b"hello"
    assert found["ContentLength"] == 5


def test_a_request_of_another_service_may_come_in_chunks_too(lab: Lab) -> None:
    sqs = lab.client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    body = json.dumps({"QueueUrl": queue, "MessageBody": "hello"}).encode()
    answer = raw(
        lab, "sqs", "POST", "/", b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
        Transfer_Encoding="chunked", Content_Length="", X_Amz_Target="AmazonSQS.SendMessage",
        Content_Type="application/x-amz-json-1.0",
    )  # fmt: skip
    assert answer.status == 200, answer
    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "hello"


def test_head_and_ranges_tell_the_true_length(lab: Lab) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="key", Body=b"0123456789")
    head = raw(lab, "s3", "HEAD", "/bucket/key")
    assert (head.headers["content-length"], head.body) == ("10", b"")
    part = s3.get_object(Bucket="bucket", Key="key", Range="bytes=2-4")
    assert (part["Body"].read(), part["ContentRange"]) == (b"234", "bytes 2-4/10")


def test_a_web_page_may_be_served_from_a_bucket(lab: Lab) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="site")
    s3.put_object(
        Bucket="site", Key="index.html", Body=b"<p>", ContentType="text/html", ACL="public-read"
    )
    with urllib.request.urlopen(f"{lab.endpoint_url}/site/index.html") as page:
        assert (page.read(), page.headers["Content-Type"]) == (b"<p>", "text/html")


# ---- what the lab has changed in moto


def test_every_account_has_awss_managed_policies(lab: Lab) -> None:
    iam = lab.client("iam")
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])
    (statement,) = document["PolicyVersion"]["Document"]["Statement"]
    assert set(statement["Action"]) == {
        *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
    }
    pages = iam.get_paginator("list_policies").paginate(Scope="AWS")
    assert sum(len(page["Policies"]) for page in pages) > 1000


def test_attachments_of_managed_policies_are_forgotten_by_a_reset(lab: Lab) -> None:
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"

    def attached() -> int:
        policy = lab.client("iam").get_policy(PolicyArn=arn)["Policy"]
        return int(policy["AttachmentCount"])

    for _ in range(2):
        assert attached() == 0
        lab.role()
        assert attached() == 1
        lab.reset()


def test_statistics_are_those_of_the_dimensions_that_are_asked_for(lab: Lab) -> None:
    cloudwatch = lab.client("cloudwatch")
    now = lab.clock.now()
    for value, names in ((1, []), (10, ["A"]), (100, ["A", "B"])):
        dimensions = [{"Name": name, "Value": "x"} for name in names]
        datum = {"MetricName": "M", "Value": value, "Timestamp": now, "Dimensions": dimensions}
        cloudwatch.put_metric_data(Namespace="Own", MetricData=[datum])
    for value, names in ((1, []), (10, ["A"]), (100, ["B", "A"])):
        found = cloudwatch.get_metric_statistics(
            Namespace="Own", MetricName="M", Period=60, Statistics=["Sum"],
            StartTime=now.replace(hour=0, minute=0), EndTime=now.replace(year=now.year + 1),
            Dimensions=[{"Name": name, "Value": "x"} for name in names],
        )["Datapoints"]  # fmt: skip
        assert [point["Sum"] for point in found] == [value]


def test_the_credentials_of_a_function_are_a_session_of_its_role(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(
        "import os\ndef handler(event, context):\n    return [os.environ[name] for name in "
        "('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN')]\n"
    )
    key, secret, token = invoke(lam, name).value
    sts = boto3.client(
        "sts", endpoint_url=lab.endpoint_url, region_name=lab.region,
        aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token,
    )  # fmt: skip
    identity = sts.get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::123456789012:assumed-role/lambda-role/{name}"


def test_a_role_made_by_a_client_of_the_query_protocol_can_be_assumed(lab: Lab, lam: Any) -> None:
    # moto keeps its trust policy as it came, percent-encoded in a form.
    trust = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
        '"Principal":{"Service":"lambda.amazonaws.com"},"Sid":"a%20b c+d"}]}'
    )
    lab.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust)
    made = lam.create_function(
        FunctionName="f", Runtime="python3.13", Handler="a.b",
        Role="arn:aws:iam::123456789012:role/r", Code={"ZipFile": lab.zip({"a.py": ""})},
    )  # fmt: skip
    assert made["State"] == "Pending"


# ---- reset


def use_everything(lab: Lab, make_function: MakeFunction | None = None) -> None:
    """Leave something in each of the common services."""
    lab.client("s3").create_bucket(Bucket="bucket")
    lab.client("s3").put_object(Bucket="bucket", Key="key", Body=bytes(1 << 20))
    lab.client("sqs").create_queue(QueueName="q")
    lab.client("sns").create_topic(Name="t")
    lab.client("iam").create_user(UserName="u")
    lab.client("logs").create_log_group(logGroupName="g")
    lab.client("ssm").put_parameter(Name="p", Value="v", Type="String")
    lab.client("events").put_rule(Name="r", ScheduleExpression="rate(1 minute)")
    lab.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    lab.client("secretsmanager").create_secret(Name="s", SecretString="x")
    lab.client("cloudwatch").put_metric_data(
        Namespace="N", MetricData=[{"MetricName": "M", "Value": 1}]
    )
    lab.client("dynamodb").create_table(
        TableName="t", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )  # fmt: skip


def what_is_there(lab: Lab) -> dict[str, Any]:
    vpcs = lab.client("ec2").describe_vpcs()["Vpcs"]
    return {
        "buckets": lab.client("s3").list_buckets()["Buckets"],
        "queues": lab.client("sqs").list_queues().get("QueueUrls", []),
        "topics": lab.client("sns").list_topics()["Topics"],
        "users": lab.client("iam").list_users()["Users"],
        "roles": lab.client("iam").list_roles()["Roles"],
        "groups": lab.client("logs").describe_log_groups()["logGroups"],
        "parameters": lab.client("ssm").describe_parameters()["Parameters"],
        "rules": lab.client("events").list_rules()["Rules"],
        "vpcs": [vpc for vpc in vpcs if not vpc["IsDefault"]],
        "secrets": lab.client("secretsmanager").list_secrets()["SecretList"],
        "metrics": lab.client("cloudwatch").list_metrics()["Metrics"],
        "tables": lab.client("dynamodb").list_tables()["TableNames"],
        "functions": lab.client("lambda").list_functions()["Functions"],
        "timeline": list(lab.timeline),
    }


def test_a_reset_empties_everything_each_time_and_a_lab_can_be_used_again(lab: Lab) -> None:
    nothing: dict[str, list[Any]] = {name: [] for name in what_is_there(lab)}
    for _ in range(2):
        use_everything(lab)
        lam = lab.client("lambda")
        lam.create_function(
            FunctionName="f", Runtime="python3.13", Role=lab.role(), Handler="a.handler",
            Code={"ZipFile": lab.zip({"a.py": "def handler(event, context):\n    print(1)\n"})},
        )  # fmt: skip
        lab.clock.advance(seconds=1)
        invoke(lam, "f")
        assert [name for name, there in what_is_there(lab).items() if not there] == []
        lab.reset()
        lab.reset()
        assert what_is_there(lab) == nothing


def test_a_backend_that_is_there_is_found_while_another_is_being_made() -> None:
    state.install()
    from moto.core.base_backend import backend_lock
    from moto.sqs.models import sqs_backends

    known = sqs_backends["123456789012"]
    with ThreadPoolExecutor(1) as elsewhere, backend_lock:
        asked = elsewhere.submit(sqs_backends.__getitem__, "123456789012")
        assert asked.result(timeout=30) is known


def test_what_was_under_way_leaves_no_trace_after_a_reset(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function("def handler(event, context):\n    print('late')\n")
    for _ in range(5):
        lam.invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    lab.reset()
    assert what_is_there(lab)["groups"] == []
    assert what_is_there(lab)["metrics"] == []
    assert list(lab.timeline) == []


def test_after_a_reset_ids_and_delays_are_the_same_again(lab: Lab) -> None:
    def ids() -> list[str]:
        lab.reset()
        lam = lab.client("lambda")
        made = lam.create_function(
            FunctionName="f", Runtime="python3.13", Role=lab.role(), Handler="a.handler",
            Code={"ZipFile": lab.zip({"a.py": "def handler(event, context):\n    return 1\n"})},
        )  # fmt: skip
        lab.clock.advance(seconds=1)
        answer = invoke(lam, "f")
        group = "/aws/lambda/f"
        streams = lab.client("logs").describe_log_streams(logGroupName=group)["logStreams"]
        return [made["RevisionId"], answer.request_id, streams[0]["logStreamName"][11:]]

    assert ids() == ids()


def test_a_reset_takes_less_than_50_ms_also_of_a_used_lab(lab: Lab) -> None:
    taken = []
    for _ in range(5):
        use_everything(lab)
        begin = time.perf_counter()
        lab.reset()
        taken.append(time.perf_counter() - begin)
    assert statistics.median(taken) < 0.05, taken


def test_credentials_from_before_a_reset_belong_to_nobody_special(lab: Lab) -> None:
    credentials = lab.client("sts").assume_role(
        RoleArn="arn:aws:iam::111111111111:role/them", RoleSessionName="them"
    )["Credentials"]
    theirs = boto3.client(
        "lambda", endpoint_url=lab.endpoint_url, region_name=lab.region,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )  # fmt: skip
    missing = "Function not found: arn:aws:lambda:us-east-1:{}:function:f"
    before = refusal(theirs.get_function, FunctionName="f")
    assert before.message == missing.format("111111111111")
    lab.reset()
    after = refusal(theirs.get_function, FunctionName="f")
    assert after.message == missing.format("123456789012")
