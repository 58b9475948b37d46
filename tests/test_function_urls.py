"""Function URLs: events, answers, CORS and errors, as AWS has them.

The rows are answers of AWS, recorded in 2026: https://github.com/radkawar/stackd, folder
testdata/aws/lambda.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import StartLab
from tests.engine import wait_until
from tests.extension_stage import LIBRARY
from tests.web_stage import LEAVE, Site, host_of

MB = 1024 * 1024
ORIGIN = "https://app.example.com"


@pytest.fixture(scope="module")
def site(start_lab: StartLab) -> Iterator[Site]:
    with start_lab() as lab:
        yield Site(lab)


# ---- events


def test_the_event_of_a_request(site: Site) -> None:
    url = site.url
    status, headers, body = site.raw(
        "POST", "/a%2Fb/c%20d?dup=one&dup=two%2Cthree&plus=a+b&bare",
        [
            ("Host", host_of(url)), ("User-Agent", "test"), ("Cookie", "a=1; b=2"),
            ("Cookie", "c=3"), ("X-Two", "1"), ("X-Two", "2"), ("Content-Type", "text/plain"),
            ("Content-Length", "4"), ("Connection", "close"),
        ],
        b"body",
    )  # fmt: skip
    assert status == 200
    event = json.loads(body)
    context = event["requestContext"]
    assert context["requestId"] == dict(headers)["x-amzn-RequestId"]
    told = context.pop("time"), context.pop("timeEpoch")
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", told[0])
    assert isinstance(told[1], int)
    trace = event["headers"].pop("x-amzn-trace-id")
    assert re.fullmatch(r"Self=1-[0-9a-f]{8}-[0-9a-f]{24};Root=1-[0-9a-f]{8}-[0-9a-f]{24}", trace)
    host = host_of(url)
    assert event == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/a%2Fb/c%20d",
        "rawQueryString": "dup=one&dup=two%2Cthree&plus=a+b&bare",
        "cookies": ["a=1", "b=2", "c=3"],
        "headers": {
            "content-length": "4",
            "content-type": "text/plain",
            "cookie": "a=1; b=2,c=3",
            "host": host,
            "user-agent": "test",
            "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256",
            "x-amzn-tls-version": "TLSv1.3",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            "x-two": "1,2",
        },
        "queryStringParameters": {"dup": "one,two,three", "plus": "a b", "bare": ""},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": host.partition(".")[0],
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "http": {
                "method": "POST",
                "path": "/a/b/c d",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "test",
            },
            "requestId": context["requestId"],
            "routeKey": "$default",
            "stage": "$default",
        },
        "body": "body",
        "isBase64Encoded": False,
    }


def test_what_a_request_has_not_its_event_has_not(site: Site) -> None:
    event = site.get().json()
    assert not {"body", "cookies", "queryStringParameters"} & event.keys()
    assert (event["rawPath"], event["rawQueryString"]) == ("/", "")
    assert (event["isBase64Encoded"], event["headers"]["content-length"]) == (False, "0")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("text/plain", True),
        ("application/json; charset=utf-8", True),
        ("application/xml", True),
        ("application/vnd.api+json", True),
        ("application/octet-stream", False),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=x", False),
        (None, False),
    ],
)
def test_bodies_are_text_or_base64(site: Site, kind: str | None, text: bool) -> None:
    headers = {"Content-Type": kind} if kind else {}
    event = site.ask("POST", data=b"body", headers=headers).json()
    expected = "body" if text else base64.b64encode(b"body").decode()
    assert (event["body"], event["isBase64Encoded"]) == (expected, not text)


def test_a_trace_goes_through(site: Site) -> None:
    root = "Root=1-67891233-abcdef012345678912345678"
    given = f"{root};Parent=463ac35c9f6413ad;Sampled=1"
    event = site.get(headers={"X-Amzn-Trace-Id": given})
    assert event.json()["headers"]["x-amzn-trace-id"].endswith(f";{given}")
    seen = site.get(headers={"X-Amzn-Trace-Id": given, "X-Answer": "trace"})
    assert seen.text.startswith(given)
    assert seen.headers["X-Amzn-Trace-Id"].startswith(given)


# ---- answers

TYPED = {"content-type": "application/json"}
# What a function returns, and the status, body and headers that its client gets.
ANSWERS: list[tuple[Any, int, bytes, dict[str, str | None]]] = [
    ({"a": [1, "x/y"]}, 200, b'{"a":[1,"x\\/y"]}', TYPED),
    ([1, 2], 200, b"[1,2]", TYPED),
    ('"text"', 200, b"text", TYPED),
    ("null", 200, b"null", TYPED),
    ({"body": "no status"}, 200, b'{"body":"no status"}', TYPED),
    ({"statusCode": 201}, 201, b"", TYPED),
    ({"statusCode": "418", "body": "tea"}, 418, b"tea", TYPED),
    ({"statusCode": 204}, 204, b"", {}),
    ({"statusCode": 200, "body": {"a": 1}}, 200, b'{"a":1}', TYPED),
    ({"statusCode": 200, "body": 7}, 200, b"7", TYPED),
    ({"statusCode": 200, "headers": {"Content-Type": "text/html"}, "body": "<p>"}, 200, b"<p>",
     {"content-type": "text/html"}),
    ({"statusCode": 200, "headers": {"X-N": 1, "X-T": True, "X-O": {"bad": True}}}, 200, b"",
     {"x-n": "1", "x-t": "true", "x-o": "{bad=true}"}),
    ({"statusCode": 200, "headers": {"Server": "mine", "Connection": "close", "Upgrade": "x"}},
     200, b"",
     {"x-amzn-remapped-server": "mine", "x-amzn-remapped-connection": "close", "upgrade": None}),
    ({"statusCode": 200, "body": "AP8=", "isBase64Encoded": True}, 200, b"\x00\xff", TYPED),
    ({"statusCode": 200, "body": "!!!not-base64!!!", "isBase64Encoded": True}, 200,
     base64.b64decode("not+base6w=="), TYPED),
    ({"statusCode": 200, "body": "AP8=", "isBase64Encoded": "true"}, 200, b"AP8=", TYPED),
]  # fmt: skip
FAILURES: list[Any] = [
    "fail",
    {"statusCode": 700},
    {"statusCode": 100},
    {"statusCode": "x"},
    {"statusCode": None},
    {"statusCode": 200, "headers": ["a"]},
    {"statusCode": 200, "cookies": "a=1"},
    {"statusCode": 200, "headers": {"X-A": "a\r\nX-B: b"}},
    {"statusCode": 200, "headers": {"X A": "a"}},
]


@pytest.mark.parametrize(("answer", "status", "body", "headers"), ANSWERS, ids=str)
def test_answers(
    site: Site, answer: Any, status: int, body: bytes, headers: dict[str, str | None]
) -> None:
    reply = site.answered(answer)
    assert (reply.status_code, reply.content) == (status, body)
    assert {name: reply.headers.get(name) for name in headers} == headers


@pytest.mark.parametrize("answer", FAILURES, ids=str)
def test_failures_are_bad_gateways(site: Site, answer: Any) -> None:
    reply = site.answered(answer)
    assert (reply.status_code, reply.text) == (502, "Internal Server Error")
    assert reply.headers["content-type"] == "application/json"


def test_cookies_of_an_answer(site: Site) -> None:
    answer = {
        "statusCode": 200, "cookies": ["a=1; Path=/", "b=2"], "headers": {"set-cookie": "c=3"},
    }  # fmt: skip
    _, headers, _ = site.raw(
        "GET", "/", [("Host", host_of(site.url)), ("X-Answer", json.dumps(answer))]
    )
    cookies = [value for name, value in headers if name.lower() == "set-cookie"]
    assert sorted(cookies) == ["a=1; Path=/", "b=2", "c=3"]


def test_head_has_no_body(site: Site) -> None:
    reply = site.ask("HEAD", headers={"X-Answer": '{"statusCode": 200, "body": "abc"}'})
    assert (reply.status_code, reply.content) == (200, b"")
    assert site.get().status_code == 200


# ---- who may call


def test_both_statements_are_needed(site: Site) -> None:
    site.make("closed")
    url = site.give_url("closed")
    for needed in LEAVE:
        reply = site.lab.http.get(url)
        assert reply.status_code == 403
        assert reply.headers["x-amzn-ErrorType"] == "AccessDeniedException"
        assert reply.json()["Message"].startswith("Forbidden. For troubleshooting Function URL")
        site.lam.add_permission(
            FunctionName="closed", StatementId=needed["Action"][7:], Principal="*", **needed
        )
    assert site.lab.http.get(url).status_code == 200
    last = list(site.lab.timeline)
    kinds = [one.kind for one in last if one.function == "closed"]
    assert kinds.count("refused") == 2
    assert "push" in kinds


def test_a_url_of_nobody(site: Site) -> None:
    reply = site.lab.http.get(f"https://{'a' * 32}.lambda-url.us-east-1.on.aws/")
    assert (reply.status_code, reply.json()) == (403, {"Message": None})


def test_a_deleted_url_is_gone(site: Site) -> None:
    url = site.open("short-lived")
    assert site.lab.http.get(url).status_code == 200
    site.lam.delete_function_url_config(FunctionName="short-lived")
    assert site.lab.http.get(url).status_code == 403
    url = site.give_url("short-lived")
    site.lam.delete_function(FunctionName="short-lived")
    assert site.lab.http.get(url).status_code == 403


def test_the_url_of_an_alias(site: Site) -> None:
    code = "def handler(event, context):\n    return context.function_version\n"
    site.make("versioned", code)
    site.lam.publish_version(FunctionName="versioned")
    site.lam.create_alias(FunctionName="versioned", Name="live", FunctionVersion="1")
    url = site.give_url("versioned", Qualifier="live")
    site.permit("versioned")
    assert site.lab.http.get(url).status_code == 403, "the alias has a policy of its own"
    site.permit("versioned", Qualifier="live")
    assert site.lab.http.get(url).text == "1"


# ---- limits


def test_throttled_calls(site: Site) -> None:
    url = site.open("reserved")
    site.lam.put_function_concurrency(FunctionName="reserved", ReservedConcurrentExecutions=0)
    reply = site.lab.http.get(url)
    assert reply.status_code == 429
    assert reply.headers["x-amzn-ErrorType"] == "TooManyRequestsException"


def test_a_request_may_have_six_megabytes(site: Site) -> None:
    quiet = {"X-Answer": '{"statusCode": 200}', "Content-Type": "text/plain"}
    assert site.ask("POST", data=b"x" * (6 * MB - 10_000), headers=quiet).status_code == 200
    reply = site.ask("POST", data=b"x" * (6 * MB + 1), headers=quiet)
    assert reply.status_code == 413


def test_a_function_that_times_out(site: Site) -> None:
    site.make("slow", "import time\ndef handler(e, c):\n    time.sleep(30)\n", Timeout=1)
    site.permit("slow")
    reply = site.lab.http.get(site.give_url("slow"))
    assert (reply.status_code, reply.text) == (502, "Internal Server Error")


def test_call_after_call_one_environment_is_enough(site: Site) -> None:
    url = site.open("busy")
    ids = [site.lab.http.get(url).headers["x-amzn-RequestId"] for _ in range(20)]
    runs = [one for one in site.lab.timeline if one.kind == "invoke" and one.function == "busy"]
    assert [one.request_id for one in runs] == ids
    assert len({one.environment for one in runs}) == 1


def test_a_client_has_its_answer_though_an_extension_never_ends(site: Site) -> None:
    files = {"extensions/very-slow": (LIBRARY / "behave.py").read_text("utf-8")}
    content = {"ZipFile": site.lab.zip(files)}
    layer = site.lam.publish_layer_version(LayerName="watch", Content=content)
    site.make("watched", Layers=[layer["LayerVersionArn"]], Timeout=1)
    site.permit("watched")
    url = site.give_url("watched")
    assert site.lab.http.get(url).status_code == 200

    def runs() -> list[Any]:
        found = [one for one in site.lab.timeline if one.function == "watched"]
        return [one.detail["status"] for one in found if one.kind == "invoke"]

    assert wait_until(runs) == ["timeout"]


# ---- CORS

CORS = {
    "AllowOrigins": [ORIGIN, "https://b.example.com"], "AllowMethods": ["GET", "PUT"],
    "AllowHeaders": ["x-one", "content-type"], "ExposeHeaders": ["x-two"],
    "AllowCredentials": True, "MaxAge": 60,
}  # fmt: skip
ALLOWED = {
    "access-control-allow-origin": ORIGIN,
    "access-control-allow-headers": "x-one,content-type",
    "access-control-allow-methods": "GET,PUT",
    "access-control-max-age": "60",
    "access-control-allow-credentials": "true",
    "vary": "Origin",
}


@pytest.fixture(scope="module")
def shared_url(site: Site) -> str:
    return site.open("shared", Cors=CORS)


def access_headers(reply: Any) -> dict[str, str]:
    """What an answer says to browsers."""
    return {
        name.lower(): value
        for name, value in reply.headers.items()
        if name.lower().startswith("access-control-") or name.lower() == "vary"
    }


def preflight(site: Site, url: str, **asked: str) -> Any:
    named = {
        "origin": "Origin", "method": "Access-Control-Request-Method",
        "headers": "Access-Control-Request-Headers",
    }  # fmt: skip
    return site.lab.http.options(url, headers={named[key]: value for key, value in asked.items()})


def test_a_preflight_is_answered_by_aws(site: Site, shared_url: str) -> None:
    reply = preflight(site, shared_url, origin=ORIGIN, method="PUT", headers="X-One, Content-Type")
    assert (reply.status_code, reply.content) == (200, b"")
    assert access_headers(reply) == ALLOWED


@pytest.mark.parametrize(
    "asked",
    [
        {"origin": "https://evil.example", "method": "GET"},
        {"origin": ORIGIN, "method": "POST"},
        {"origin": ORIGIN, "method": "GET", "headers": "x-one,x-other"},
    ],
    ids=str,
)
def test_a_preflight_without_leave(site: Site, shared_url: str, asked: dict[str, str]) -> None:
    reply = preflight(site, shared_url, **asked)
    assert (reply.status_code, access_headers(reply)) == (200, {})


@pytest.mark.parametrize("asked", [{"origin": ORIGIN}, {"method": "GET"}], ids=str)
def test_other_options_requests_are_the_function_s(
    site: Site, shared_url: str, asked: dict[str, str]
) -> None:
    event = preflight(site, shared_url, **asked).json()
    assert event["requestContext"]["http"]["method"] == "OPTIONS"


def test_options_without_a_body_have_no_length(site: Site) -> None:
    _, _, body = site.raw("OPTIONS", "/", [("Host", host_of(site.url))])
    assert "content-length" not in json.loads(body)["headers"]


def test_answers_carry_leave_for_their_origin(site: Site, shared_url: str) -> None:
    reply = site.lab.http.get(shared_url, headers={"Origin": ORIGIN})
    assert access_headers(reply) == {
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "x-two",
        "vary": "Origin",
    }
    assert access_headers(site.lab.http.get(shared_url, headers={"Origin": "null"})) == {}
    assert access_headers(site.lab.http.get(shared_url)) == {}
    assert access_headers(site.get(headers={"Origin": ORIGIN})) == {}


def test_everybody_s_leave_and_the_function_s_own_headers(site: Site, shared_url: str) -> None:
    site.set("shared", Cors={"AllowOrigins": ["*"], "ExposeHeaders": ["x-two"]})
    own = {"statusCode": 200, "headers": {"Access-Control-Expose-Headers": "x-own"}}
    headers = {"Origin": "https://c.example", "X-Answer": json.dumps(own)}
    reply = site.lab.http.get(shared_url, headers=headers)
    assert access_headers(reply) == {
        "access-control-allow-origin": "*", "access-control-expose-headers": "x-own,x-two",
    }  # fmt: skip
    site.set("shared", Cors=CORS)


# ---- what the lab tells


def test_requests_are_counted(site: Site) -> None:
    url = site.open("counted")
    for answer in ({"statusCode": 200}, {"statusCode": 404}, "fail"):
        site.answered(answer, url)
    watch = site.lab.client("cloudwatch")

    def total(name: str) -> float:
        now = site.lab.clock.now()
        points = watch.get_metric_statistics(
            Namespace="AWS/Lambda", MetricName=name, Period=3600, Statistics=["Sum"],
            Dimensions=[{"Name": "FunctionName", "Value": "counted"}],
            StartTime=now.replace(hour=0, minute=0, second=0), EndTime=now.replace(year=9000),
        )["Datapoints"]  # fmt: skip
        return sum(point["Sum"] for point in points)

    wait_until(lambda: total("UrlRequestCount") == 3)
    assert (total("Url4xxCount"), total("Url5xxCount")) == (1, 1)
    assert total("UrlRequestLatency") > 0


@pytest.mark.parametrize("reserved", [1, 2])
def test_ten_requests_a_second_for_each_reserved_environment(
    start_lab: StartLab, reserved: int
) -> None:
    # Between the requests platform time all but stands still, however slow the machine is.
    with start_lab(speed=0.01) as lab:
        site = Site(lab)
        site.lam.put_function_concurrency(
            FunctionName="site", ReservedConcurrentExecutions=reserved
        )
        lab.clock.advance(seconds=2)
        statuses = [site.get().status_code for _ in range(10 * reserved + 30)]
        assert statuses[: 10 * reserved] == [200] * 10 * reserved
        assert 429 in statuses
        lab.clock.advance(seconds=2)
        assert site.get().status_code == 200
