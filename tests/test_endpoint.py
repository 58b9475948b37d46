"""The one port: who is let in, what a signature must be, what bytes may come."""

from __future__ import annotations

import hashlib
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from lambdalab import Lab, start
from lambdalab.access import signing
from tests.engine import (
    SIGNED_FOR_LAMBDA,
    Reply,
    invoke,
    port_of,
    read_all,
    refusal,
    replies,
    request,
    send,
)

MakeFunction = Callable[..., str]

LIST = "/2015-03-31/functions/"


def lists(lab: Lab, **headers: str) -> Reply:
    """ListFunctions over the wire."""
    return request(port_of(lab), "GET", LIST, Authorization=SIGNED_FOR_LAMBDA, **headers)


# ---- what a web page in the learner's browser could send


@pytest.mark.parametrize(
    ("host", "let_in"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:4566", True),
        ("127.9.9.9:1", True),
        ("localhost:4566", True),
        ("LocalHost", True),
        ("[::1]:4566", True),
        ("bucket.s3.localhost:4566", True),
        ("lambda.us-east-1.amazonaws.com", True),
        ("bucket.s3.amazonaws.com", True),
        ("lambda.us-east-1.api.aws", True),
        ("evil.example", False),
        ("evil.example:4566", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("amazonaws.com.evil.example", False),
        ("evilamazonaws.com", False),
        ("127.0.0.1@evil.example", False),
        ("192.168.1.5:4566", False),
        ("", False),
    ],
)
def test_the_host_must_be_this_machine_or_a_name_of_aws(
    host: str, let_in: bool, shared_lab: Lab
) -> None:
    head = f"GET {LIST} HTTP/1.1\r\nAuthorization: {SIGNED_FOR_LAMBDA}\r\nConnection: close\r\n"
    host_line = f"Host: {host}\r\n" if host else ""
    (reply,) = send(port_of(shared_lab), f"{head}{host_line}\r\n".encode())
    assert reply.status == (200 if let_in else 403)
    if not let_in:
        assert reply.body.startswith(b"Lambda Lab refused this request: the Host '")
        assert "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize(
    ("origin", "let_in"),
    [
        ("http://localhost:8888", True),
        ("http://127.0.0.1:3000", True),
        ("http://[::1]:3000", True),
        ("https://evil.example", False),
        ("http://localhost.evil.example", False),
        ("https://bucket.s3.amazonaws.com", False),
        ("null", False),
        ("file://", False),
    ],
)
def test_a_page_of_another_origin_gets_no_answer(
    origin: str, let_in: bool, shared_lab: Lab
) -> None:
    assert lists(shared_lab, Origin=origin).status == (200 if let_in else 403)


@pytest.mark.parametrize(
    ("site", "let_in"),
    [("none", True), ("same-origin", True), ("same-site", True), ("cross-site", False)],
)
def test_a_request_from_another_site_is_refused(site: str, let_in: bool, shared_lab: Lab) -> None:
    assert lists(shared_lab, Sec_Fetch_Site=site).status == (200 if let_in else 403)


@pytest.mark.parametrize("path", ["/", "/_lambdalab/clock", "/bucket/key", "/moto-api/reset"])
def test_a_foreign_host_is_refused_everywhere(path: str, shared_lab: Lab) -> None:
    assert request(port_of(shared_lab), "POST", path, Host="evil.example").status == 403


def test_only_loopback_listens(shared_lab: Lab) -> None:
    with socket.socket() as probe, pytest.raises(OSError):
        probe.settimeout(5)
        probe.connect(("127.0.0.2", port_of(shared_lab)))


# ---- who answers


def test_an_unsigned_request_for_lambda_is_told_what_it_misses(shared_lab: Lab) -> None:
    reply = request(port_of(shared_lab), "GET", LIST)
    assert reply.status == 403
    assert reply.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    assert reply.json["Message"] == "Missing Authentication Token"


def test_the_service_is_the_one_that_the_request_is_signed_for(lab: Lab) -> None:
    # The same path is an operation of Lambda, or an object in a bucket.
    lab.client("s3").create_bucket(Bucket="2015-03-31")
    lab.client("s3").put_object(Bucket="2015-03-31", Key="functions/", Body=b"an object")
    found = lab.client("s3").get_object(Bucket="2015-03-31", Key="functions/")
    assert found["Body"].read() == b"an object"
    assert lists(lab).json == {"Functions": []}


def test_every_answer_has_a_request_id_of_its_own(shared_lab: Lab) -> None:
    ids = {lists(shared_lab).headers["x-amzn-requestid"] for _ in range(5)}
    assert len(ids) == 5


# ---- the control API


CALLS = [
    ("GET", "timeline"),
    ("GET", "clock"),
    ("POST", "clock"),
    ("POST", "reset"),
    ("POST", "stop"),
    ("GET", "nothing"),
]


@pytest.mark.parametrize("token", ["", "guess", "\u00e9", None])
def test_the_control_api_needs_the_token_of_the_lab(token: str | None, lab: Lab) -> None:
    given = {"X_Lambdalab_Token": token} if token is not None else {}
    lab.client("sqs").create_queue(QueueName="stays")
    for method, name in CALLS:
        path = f"/_lambdalab/{name}"
        reply = request(port_of(lab), method, path, b'{"advance": 1}', **given)
        assert (reply.status, list(reply.json)) == (403, ["error"]), (method, name)
        signed = request(port_of(lab), method, path, Authorization=SIGNED_FOR_LAMBDA)
        assert signed.status == 403
    assert lab.client("sqs").list_queues()["QueueUrls"]


def control(lab: Lab, method: str, name: str, body: bytes = b"") -> Reply:
    token = lab._control._token
    return request(port_of(lab), method, f"/_lambdalab/{name}", body, X_Lambdalab_Token=token)


def test_the_control_api_tells_what_is_wrong(lab: Lab) -> None:
    assert control(lab, "GET", "nothing").status == 404
    assert control(lab, "DELETE", "clock").status == 404
    for body in (b"", b"{", b"[]", b"{}", b'{"advance": -1}', b'{"advance": "x"}'):
        reply = control(lab, "POST", "clock", body)
        assert (reply.status, list(reply.json)) == (400, ["error"]), body
    assert control(lab, "GET", "timeline?since=x").status == 400


def test_the_timeline_is_read_on_from_where_one_was(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function()
    first = control(lab, "GET", "timeline").json
    assert len(first["records"]) == first["next"] > 0
    assert control(lab, "GET", f"timeline?since={first['next']}").json["records"] == []
    invoke(lam, name)
    rest = control(lab, "GET", f"timeline?since={first['next']}").json
    assert [record[1] for record in rest["records"]] == ["init", "invoke"]
    assert rest["next"] == first["next"] + 2
    both = control(lab, "GET", "timeline?since=-5").json
    assert both["records"] == first["records"] + rest["records"]


def test_a_function_cannot_empty_the_lab(lab: Lab, lam: Any, make_function: MakeFunction) -> None:
    name = make_function(
        "import os, urllib.request\ndef handler(event, context):\n"
        "    address = os.environ['AWS_ENDPOINT_URL'] + '/_lambdalab/reset'\n"
        "    urllib.request.urlopen(urllib.request.Request(address, b'', method='POST'))\n"
    )
    assert invoke(lam, name).value["errorMessage"] == "HTTP Error 403: Forbidden"


# ---- signatures

SECRET = "a secret / + with = signs"


@pytest.fixture(scope="module")
def strict_lab() -> Iterator[Lab]:
    """A lab whose callers must know its secret, with a bucket."""
    with start(export=False, secret=SECRET) as lab:
        lab.client("s3").create_bucket(Bucket="bucket")
        yield lab


def stranger(lab: Lab, service: str, secret: str = "guess", **more: Any) -> Any:
    return boto3.client(
        service, endpoint_url=lab.endpoint_url, region_name=lab.region,
        aws_access_key_id="AKIASTRANGER", aws_secret_access_key=secret, **more,
    )  # fmt: skip


OPERATIONS = [
    ("lambda", "list_functions"),
    ("iam", "list_roles"),
    ("sts", "get_caller_identity"),
    ("s3", "list_buckets"),
    ("dynamodb", "list_tables"),
    ("sqs", "list_queues"),
    ("sns", "list_topics"),
    ("logs", "describe_log_groups"),
    ("cloudwatch", "list_metrics"),
    ("apigateway", "get_rest_apis"),
    ("s3tables", "list_table_buckets"),
]


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_the_right_secret_opens_every_service(
    service: str, operation: str, strict_lab: Lab
) -> None:
    answer = getattr(strict_lab.client(service), operation)()
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize("service", sorted({service for service, _ in OPERATIONS}))
def test_a_wrong_secret_opens_none(service: str, strict_lab: Lab) -> None:
    body = b"Action=ListRoles&Version=2010-05-08"
    wanted = AWSRequest("POST", strict_lab.endpoint_url + "/", data=body)
    SigV4Auth(Credentials("AKIASTRANGER", "guess"), service, "us-east-1").add_auth(wanted)
    reply = request(
        port_of(strict_lab), "POST", "/", body, Authorization=wanted.headers["Authorization"],
        X_Amz_Date=wanted.headers["X-Amz-Date"],
    )  # fmt: skip
    assert reply.status == 403
    assert reply.headers["x-amzn-errortype"] == "InvalidSignatureException"


def test_a_wrong_signature_is_told_as_lambda_tells_it(strict_lab: Lab) -> None:
    status, code, text = refusal(stranger(strict_lab, "lambda").list_functions)
    assert (status, code) == (403, "InvalidSignatureException")
    assert text.startswith("The request signature we calculated does not match the signature you")


@pytest.mark.parametrize("path", [LIST, "/bucket", "/?Action=ListRoles"])
def test_without_a_signature_nothing_is_open(path: str, strict_lab: Lab) -> None:
    reply = request(port_of(strict_lab), "GET", path)
    assert reply.status == 403
    assert reply.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic dTpw",
        "AWS4-HMAC-SHA256",
        SIGNED_FOR_LAMBDA,
        SIGNED_FOR_LAMBDA.replace("Signature=00", "Signature="),
        SIGNED_FOR_LAMBDA.replace("SignedHeaders=host, ", ""),
        SIGNED_FOR_LAMBDA.replace("SignedHeaders=host", "SignedHeaders="),
    ],
)
def test_half_a_signature_is_none(authorization: str, strict_lab: Lab) -> None:
    assert request(port_of(strict_lab), "GET", LIST, Authorization=authorization).status == 403


def signed(lab: Lab, method: str, path: str, body: bytes = b"") -> dict[str, str]:
    """The headers of a well signed request for Lambda."""
    wanted = AWSRequest(method, lab.endpoint_url + path, data=body)
    key = Credentials("AKIAANYBODY", SECRET)
    SigV4Auth(key, "lambda", "us-east-1").add_auth(wanted)
    return {
        "Authorization": wanted.headers["Authorization"],
        "X_Amz_Date": wanted.headers["X-Amz-Date"],
    }


def test_a_signature_covers_method_path_query_headers_and_body(strict_lab: Lab) -> None:
    port, path = port_of(strict_lab), "/2015-03-31/functions/nobody/invocations"
    good = signed(strict_lab, "POST", path, b"{}")
    assert request(port, "POST", path, b"{}", **good).status == 404  # let in: no such function
    assert request(port, "POST", path, b'{"more": 1}', **good).status == 403
    assert request(port, "GET", path, b"{}", **good).status == 403
    assert request(port, "POST", path.replace("nobody", "nobodx"), b"{}", **good).status == 403
    assert request(port, "POST", path + "?Qualifier=x", b"{}", **good).status == 403
    other_day = good | {"X_Amz_Date": "20260101T000000Z"}
    assert request(port, "POST", path, b"{}", **other_day).status == 403
    assert request(port, "POST", path, b"{}", **good, Host="localhost").status == 403


KEYS = [
    "plain", "with blank", "a+b", "a//b", "/lead", "tail/", "é/漢字", "a%2Fb", "100%", "a?b=c&d",
    "quote'()*!~", "dots/../and/./dots", "..", "x=y;z,w", "a:b@c", "$LATEST", "tab\tand\\back",
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_s3_keys_of_every_kind_are_signed_and_kept(key: str, strict_lab: Lab) -> None:
    s3 = strict_lab.client("s3", config=Config(signature_version="s3v4"))
    body = key.encode()
    s3.put_object(Bucket="bucket", Key=key, Body=body, Metadata={"m": "two  blanks"}, Tagging="a=b")
    assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == body
    listed = s3.list_objects_v2(Bucket="bucket", Prefix=key, Delimiter="|", EncodingType="url")
    assert len(listed["Contents"]) >= 1
    options = {"Bucket": "bucket", "Key": key, "ResponseContentType": "text/x; a=b+c d"}
    address = s3.generate_presigned_url("get_object", Params=options)
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == body
    assert opened(address.replace("X-Amz-Signature=", "X-Amz-Signature=0")) == 403
    s3.delete_object(Bucket="bucket", Key=key)


def opened(address: str, **options: Any) -> int:
    """The status of a request; urllib raises it where it is an error."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, **options)) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_presigned_upload_works_and_only_for_what_it_was_signed(strict_lab: Lab) -> None:
    s3 = strict_lab.client("s3", config=Config(signature_version="s3v4"))
    where = {"Bucket": "bucket", "Key": "upload"}
    address = s3.generate_presigned_url("put_object", Params=where)
    assert opened(address, data=b"hello", method="PUT", headers={"Content-Type": ""}) == 200
    assert s3.get_object(**where)["Body"].read() == b"hello"
    assert opened(address, method="DELETE") == 403
    assert opened(address.replace("upload", "other"), data=b"x", method="PUT") == 403


def test_a_presigned_request_of_another_service_works_too(strict_lab: Lab) -> None:
    # Only S3 leaves the body out of such a signature; clusters sign in to AWS in this way.
    sts = strict_lab.client("sts")
    address = sts.generate_presigned_url("get_caller_identity", HttpMethod="GET")
    assert "X-Amz-Signature=" in address
    assert opened(address, method="GET") == 200
    wrong = AWSRequest("GET", strict_lab.endpoint_url + "/?Action=GetCallerIdentity")
    SigV4QueryAuth(Credentials("AKIA", "guess"), "sts", "us-east-1").add_auth(wrong)
    assert opened(wrong.url) == 403


def test_paths_with_escapes_are_signed_as_the_service_signs_them(strict_lab: Lab) -> None:
    # S3 signs a path as it is sent, all others encode it once more.
    lam, tables = strict_lab.client("lambda"), strict_lab.client("s3tables")
    arn = "arn:aws:lambda:us-east-1:123456789012:function:nobody"
    assert refusal(lam.get_function, FunctionName=arn).status == 404
    made = tables.create_table_bucket(name="tables")["arn"]
    assert tables.list_namespaces(tableBucketARN=made)["namespaces"] == []


def test_a_body_signed_by_its_hash_alone_is_taken_as_s3_takes_it(strict_lab: Lab) -> None:
    body = b"signed"
    wanted = AWSRequest("PUT", f"{strict_lab.endpoint_url}/bucket/hash", data=body)
    S3SigV4Auth(Credentials("AKIA", SECRET), "s3", "us-east-1").add_auth(wanted)
    assert wanted.headers["X-Amz-Content-SHA256"] == hashlib.sha256(body).hexdigest()
    headers = {name.replace("-", "_"): value for name, value in wanted.headers.items()}
    reply = request(port_of(strict_lab), "PUT", "/bucket/hash", body, **headers)
    assert reply.status == 200


def test_credentials_that_the_cloud_has_given_out_open_it(strict_lab: Lab) -> None:
    role = strict_lab.role()
    session = strict_lab.client("sts").assume_role(RoleArn=role, RoleSessionName="someone")
    given = session["Credentials"]
    iam = strict_lab.client("iam")
    iam.create_user(UserName="user")
    key = iam.create_access_key(UserName="user")["AccessKey"]
    for access, secret, token in (
        (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]),
        (key["AccessKeyId"], key["SecretAccessKey"], None),
    ):
        for service, operation in (("lambda", "list_functions"), ("s3", "list_buckets")):
            options = {
                "endpoint_url": strict_lab.endpoint_url,
                "region_name": strict_lab.region,
                "aws_access_key_id": access,
                "aws_session_token": token,
            }
            good = boto3.client(service, **options, aws_secret_access_key=secret)
            assert getattr(good, operation)()["ResponseMetadata"]["HTTPStatusCode"] == 200
            for wrong in (SECRET, "guess"):  # the lab's own secret is not that of this key
                bad = boto3.client(service, **options, aws_secret_access_key=wrong)
                assert refusal(getattr(bad, operation)).status == 403


def test_a_function_calls_services_with_the_keys_of_its_role(strict_lab: Lab) -> None:
    code = (
        "import boto3\ndef handler(event, context):\n"
        "    s3 = boto3.client('s3')\n"
        "    s3.put_object(Bucket='bucket', Key='from function', Body=b'x')\n"
        "    found = boto3.client('lambda').list_functions()['Functions']\n"
        "    return [function['FunctionName'] for function in found]\n"
    )
    lam = strict_lab.client("lambda")
    lam.create_function(
        FunctionName="caller", Runtime="python3.13", Role=strict_lab.role(), Handler="app.handler",
        Code={"ZipFile": strict_lab.zip({"app.py": code})}, Timeout=30, MemorySize=1769,
    )  # fmt: skip
    strict_lab.clock.advance(seconds=1)
    assert invoke(lam, "caller").value == ["caller"]
    assert strict_lab.client("s3").head_object(Bucket="bucket", Key="from function")


def test_without_a_secret_any_keys_are_welcome(shared_lab: Lab) -> None:
    for secret in ("guess", "other"):
        assert stranger(shared_lab, "lambda", secret).list_functions()["Functions"] is not None
        assert stranger(shared_lab, "s3", secret).list_buckets()["Buckets"] is not None


def test_a_scope_is_read_from_header_or_query() -> None:
    from lambdalab.wire import Request

    header = [(b"Authorization", SIGNED_FOR_LAMBDA.encode())]
    found = signing.scope(Request("GET", b"/", header, b""))
    assert found == ("AKIALAMBDALABEXAMPLE", "20260101", "us-east-1", "lambda")
    query = b"/?X-Amz-Credential=KEY%2F20260101%2Feu-west-1%2Fs3%2Faws4_request"
    assert signing.scope(Request("GET", query, [], b"")) == ("KEY", "20260101", "eu-west-1", "s3")
    assert signing.scope(Request("GET", b"/", [], b"")) is None


# ---- bytes


def test_requests_may_follow_each_other_without_waiting(
    lab: Lab, make_function: MakeFunction
) -> None:
    name = make_function(
        "import time\ndef handler(event, context):\n    time.sleep(event)\n    return event\n"
    )
    seconds = [0.1, 0, 0.05]
    stream = b""
    for number, event in enumerate(map(json.dumps, seconds)):
        close = "Connection: close\r\n" if number == 2 else ""
        stream += (
            f"POST /2015-03-31/functions/{name}/invocations HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: {SIGNED_FOR_LAMBDA}\r\n{close}"
            f"Content-Length: {len(event)}\r\n\r\n{event}"
        ).encode()
    assert [reply.json for reply in send(port_of(lab), stream)] == seconds


def test_a_client_that_waits_for_100_continue_is_served(lab: Lab) -> None:
    lab.client("s3").create_bucket(Bucket="bucket")
    signed_for_s3 = SIGNED_FOR_LAMBDA.replace("/lambda/", "/s3/")
    head = (
        f"PUT /bucket/key HTTP/1.1\r\nHost: localhost\r\nAuthorization: {signed_for_s3}\r\n"
        "Expect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port_of(lab)), timeout=15) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"hello")
        (reply,) = replies(read_all(connection))
    assert reply.status == 200
    found = lab.client("s3").get_object(Bucket="bucket", Key="key")
    assert found["Body"].read() == b"hello"


@pytest.mark.parametrize(
    "data",
    [b"\x16\x03\x01\x02\x00\x01", b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n"],
)
def test_nonsense_is_refused_and_the_next_client_served(data: bytes, shared_lab: Lab) -> None:
    with socket.create_connection(("127.0.0.1", port_of(shared_lab)), timeout=15) as connection:
        connection.sendall(data)
        (reply,) = replies(read_all(connection))
    assert reply.status == 400
    assert lists(shared_lab).status == 200


def test_a_client_that_leaves_in_the_middle_harms_nobody(shared_lab: Lab) -> None:
    for part in (b"GET / HT", b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nx"):
        with socket.create_connection(("127.0.0.1", port_of(shared_lab)), timeout=15) as connection:
            connection.sendall(part)
    assert lists(shared_lab).status == 200


def test_a_large_object_goes_both_ways(lab: Lab) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="bucket")
    body = bytes(range(256)) * (128 << 10)  # 32 MB in one request
    s3.put_object(Bucket="bucket", Key="large", Body=body)
    assert s3.get_object(Bucket="bucket", Key="large")["Body"].read() == body


def test_many_clients_at_once_are_answered_each_with_its_own(
    lab: Lab, make_function: MakeFunction
) -> None:
    name = make_function()
    lam = lab.client("lambda", config=Config(max_pool_connections=16))
    lab.client("dynamodb").list_tables()

    def call(number: int) -> tuple[Any, Any]:
        queue = lab.client("sqs").create_queue(QueueName=f"q{number}")["QueueUrl"]
        return invoke(lam, name, number).value, queue.rpartition("/")[2]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(call, range(24)))
    assert found == [(number, f"q{number}") for number in range(24)]


def test_an_error_of_moto_does_not_stop_the_lab(shared_lab: Lab) -> None:
    signed_for = SIGNED_FOR_LAMBDA.replace("/lambda/", "/dynamodb/")
    target = "DynamoDB_20120810.PutItem"
    reply = request(
        port_of(shared_lab), "POST", "/", b"{", Authorization=signed_for, X_Amz_Target=target
    )
    assert reply.status >= 400
    with pytest.raises(ClientError):
        shared_lab.client("dynamodb").get_item(TableName="no", Key={"id": {"S": "1"}})
    assert lists(shared_lab).status == 200
