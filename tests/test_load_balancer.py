"""Application Load Balancers: rules, events, answers of functions, health checks."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config

from lambdalab import Lab
from tests.conftest import StartLab
from tests.engine import RUNTIME, port_of, refusal, request, wait_until

# Gives its event back, or what the header X-Answer says; fails where that says so.
CODE = """import json
def handler(event, context):
    agent = event.get("headers", {}).get("user-agent", "")
    print(json.dumps(event))
    if agent.startswith("ELB-HealthChecker"):
        return json.loads(open("/tmp/health").read())
    many = event.get("multiValueHeaders", {}).get("x-answer")
    wanted = many[0] if many else event.get("headers", {}).get("x-answer")
    if event["path"] == "/health":
        open("/tmp/health", "w").write(wanted)
    if wanted == "fail":
        raise ValueError("as the request wants it")
    if wanted == "much":
        return {"statusCode": 200, "body": "x" * 1024 * 1024}
    if wanted:
        return json.loads(wanted)
    return {"statusCode": 200, "body": json.dumps(event)}
"""


class Shop:
    """A balancer with a listener, a target group and a function behind it."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.lam: Any = lab.client("lambda")
        self.elb: Any = lab.client("elbv2")
        self.open()

    def open(self) -> None:
        """Make it all, in an empty lab."""
        subnets = self.lab.client("ec2").describe_subnets()["Subnets"]
        self.function = self.make_function("shop")
        made = self.elb.create_load_balancer(
            Name="Shop", Subnets=[one["SubnetId"] for one in subnets[:2]]
        )["LoadBalancers"][0]
        self.balancer, self.name = made["LoadBalancerArn"], made["DNSName"]
        self.group = self.make_group("shop")
        self.permit("shop", self.group)
        self.register(self.group, self.function)
        self.listener = self.listen(80, forward(self.group))

    def make_function(self, name: str, code: str = CODE) -> str:
        made = self.lam.create_function(
            FunctionName=name, Runtime=RUNTIME, Role=self.lab.role(), Timeout=10,
            Handler="lambda_function.handler",
            Code={"ZipFile": self.lab.zip({"lambda_function.py": code})},
        )  # fmt: skip
        self.lam.get_waiter("function_active_v2").wait(FunctionName=name)
        return str(made["FunctionArn"])

    def make_group(self, name: str, **settings: Any) -> str:
        made = self.elb.create_target_group(Name=name, TargetType="lambda", **settings)
        return str(made["TargetGroups"][0]["TargetGroupArn"])

    def permit(self, function: str, source: str) -> None:
        self.lam.add_permission(
            FunctionName=function, StatementId="balancer", Action="lambda:InvokeFunction",
            Principal="elasticloadbalancing.amazonaws.com", SourceArn=source,
        )  # fmt: skip

    def register(self, group: str, function: str) -> None:
        self.elb.register_targets(TargetGroupArn=group, Targets=[{"Id": function}])

    def listen(self, port: int, action: dict[str, Any]) -> str:
        made = self.elb.create_listener(
            LoadBalancerArn=self.balancer, Protocol="HTTP", Port=port, DefaultActions=[action]
        )
        return str(made["Listeners"][0]["ListenerArn"])

    def rule(self, priority: int, action: dict[str, Any], *conditions: dict[str, Any]) -> str:
        made = self.elb.create_rule(
            ListenerArn=self.listener, Priority=priority, Conditions=list(conditions),
            Actions=[action],
        )  # fmt: skip
        return str(made["Rules"][0]["RuleArn"])

    def clear(self) -> None:
        """As it was at first, but for what stands in its log."""
        for rule in self.elb.describe_rules(ListenerArn=self.listener)["Rules"]:
            if not rule["IsDefault"]:
                self.elb.delete_rule(RuleArn=rule["RuleArn"])
        self.many(on=False)

    def many(self, *, on: bool) -> None:
        self.elb.modify_target_group_attributes(
            TargetGroupArn=self.group,
            Attributes=[{"Key": "lambda.multi_value_headers.enabled", "Value": str(on).lower()}],
        )

    def get(self, path: str = "/", **options: Any) -> Any:
        return self.ask("GET", path, **options)

    def ask(self, method: str, path: str = "/", **options: Any) -> Any:
        url = f"http://{self.name}{path}"
        return self.lab.http.request(method, url, allow_redirects=False, **options)

    def answered(self, answer: Any, **options: Any) -> Any:
        """What becomes of what a function returns."""
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return self.get(headers={"X-Answer": text}, **options)

    def health(self, group: str) -> dict[str, str]:
        told = self.elb.describe_target_health(TargetGroupArn=group)
        found: dict[str, str] = told["TargetHealthDescriptions"][0]["TargetHealth"]
        return found


def anything(lab: Lab) -> Any:
    """A client that sends whatever it is given."""
    return lab.client("elbv2", config=Config(parameter_validation=False))


def forward(group: str) -> dict[str, Any]:
    return {"Type": "forward", "TargetGroupArn": group}


def says(text: str, status: str = "200", **more: str) -> dict[str, Any]:
    config = {"StatusCode": status, "MessageBody": text} | more
    return {"Type": "fixed-response", "FixedResponseConfig": config}


def condition(field: str, *values: Any, **more: Any) -> dict[str, Any]:
    config = "".join(part.capitalize() for part in field.split("-")) + "Config"
    return {"Field": field, config: {"Values": list(values)} | more}


@pytest.fixture(scope="module")
def opened(start_lab: StartLab) -> Iterator[Shop]:
    with start_lab() as lab:
        yield Shop(lab)


@pytest.fixture
def shop(opened: Shop) -> Shop:
    opened.clear()
    return opened


# ---- events


def test_the_event_of_a_request(shop: Shop) -> None:
    shop.lab.http.cookies.clear()
    headers = {"X-Two": "b", "User-Agent": "test", "X-Forwarded-For": "10.0.0.1"}
    reply = shop.ask("POST", "/a%2Fb/c?q=a%20b&q=%2B&bare", json={"a": 1}, headers=headers)
    assert reply.status_code == 200
    event = reply.json()
    trace = event["headers"].pop("x-amzn-trace-id")
    assert trace.startswith("Root=1-")
    assert event == {
        "requestContext": {"elb": {"targetGroupArn": shop.group}},
        "httpMethod": "POST",
        "path": "/a%2Fb/c",
        "queryStringParameters": {"q": "%2B", "bare": ""},
        "headers": {
            "accept": "*/*",
            "accept-encoding": event["headers"]["accept-encoding"],
            "content-length": "8",
            "content-type": "application/json",
            "host": shop.name,
            "user-agent": "test",
            "x-forwarded-for": "10.0.0.1, 127.0.0.1",
            "x-forwarded-port": "80",
            "x-forwarded-proto": "http",
            "x-two": "b",
        },
        "body": '{"a": 1}',
        "isBase64Encoded": False,
    }


def test_with_multi_value_headers_nothing_is_lost(shop: Shop) -> None:
    shop.many(on=True)
    host = f"127.0.0.1:{port_of(shop.lab)}"
    reply = request(
        port_of(shop.lab), "GET", f"/_aws/elb/{shop.name}/x?a=1&a=2", Host=host,
        X_Two="1\r\nX-Two: 2",
    )  # fmt: skip
    event = reply.json
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert event["multiValueHeaders"]["x-two"] == ["1", "2"]
    assert event["multiValueHeaders"]["host"] == [shop.name]
    assert not {"headers", "queryStringParameters"} & event.keys()
    shop.many(on=False)
    event = request(
        port_of(shop.lab), "GET", f"/_aws/elb/{shop.name}/x?a=1&a=2", Host=host,
        X_Two="1\r\nX-Two: 2",
    ).json  # fmt: skip
    assert (event["queryStringParameters"], event["headers"]["x-two"]) == ({"a": "2"}, "2")


@pytest.mark.parametrize(
    ("kind", "more", "text"),
    [
        ("text/plain; charset=utf-8", {}, True),
        ("application/json", {}, True),
        ("application/javascript", {}, True),
        ("application/xml", {}, True),
        ("application/problem+json", {}, False),
        ("application/octet-stream", {}, False),
        ("text/plain", {"Content-Encoding": "gzip"}, False),
        (None, {}, False),
    ],
)
def test_bodies_are_text_or_base64(
    shop: Shop, kind: str | None, more: dict[str, str], text: bool
) -> None:
    headers = {"Content-Type": kind} | more if kind else more
    event = shop.ask("POST", data=b"body", headers=headers).json()
    expected = "body" if text else base64.b64encode(b"body").decode()
    assert (event["body"], event["isBase64Encoded"]) == (expected, not text)


def test_a_trace_goes_on_with_the_balancer_s_part(shop: Shop) -> None:
    root = "Root=1-67891233-abcdef012345678912345678"
    event = shop.get(headers={"X-Amzn-Trace-Id": f"Self=1-0-0;{root};A=b"}).json()
    own, *rest = event["headers"]["x-amzn-trace-id"].split(";")
    assert own.startswith("Self=1-") and own != "Self=1-0-0"
    assert rest == [root, "A=b"]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("append", "10.0.0.1, 127.0.0.1"), ("preserve", "10.0.0.1"), ("remove", None)],
)
def test_the_client_s_address_goes_on_as_the_balancer_is_set(
    shop: Shop, mode: str, expected: str | None
) -> None:
    def set_to(value: str) -> None:
        key = "routing.http.xff_header_processing.mode"
        shop.elb.modify_load_balancer_attributes(
            LoadBalancerArn=shop.balancer, Attributes=[{"Key": key, "Value": value}]
        )

    set_to(mode)
    event = shop.get(headers={"X-Forwarded-For": "10.0.0.1"}).json()
    set_to("append")
    assert event["headers"].get("x-forwarded-for") == expected


# ---- answers


def test_an_answer_has_status_headers_and_body(shop: Shop) -> None:
    answer = {
        "statusCode": 201, "statusDescription": "201 Created", "isBase64Encoded": True,
        "headers": {"Content-Type": "image/x", "X-A": "1", "Connection": "close"},
        "body": base64.b64encode(b"\x00\xff").decode(),
    }  # fmt: skip
    reply = shop.answered(answer)
    assert (reply.status_code, reply.content) == (201, b"\x00\xff")
    assert reply.headers["content-type"] == "image/x"
    assert reply.headers["x-a"] == "1"
    assert reply.headers["server"] == "awselb/2.0"
    assert "connection" not in reply.headers


def test_the_other_member_of_headers_does_not_count(shop: Shop) -> None:
    answer = {
        "statusCode": 200, "headers": {"X-A": "one"}, "multiValueHeaders": {"X-A": ["1", "2"]},
    }  # fmt: skip
    assert shop.answered(answer).headers["x-a"] == "one"
    shop.many(on=True)
    assert shop.answered(answer).headers["x-a"] == "1, 2"


def test_an_answer_without_a_type_is_bytes(shop: Shop) -> None:
    reply = shop.answered({"statusCode": 200})
    assert (reply.content, reply.headers["content-type"]) == (b"", "application/octet-stream")


MALFORMED = [
    "fail",
    "much",
    "null",
    "[]",
    '"text"',
    {},
    {"statusCode": "200"},
    {"statusCode": 99},
    {"statusCode": 200, "body": None},
    {"statusCode": 200, "body": {"a": 1}},
    {"statusCode": 200, "headers": None},
    {"statusCode": 200, "headers": {"X-A": 1}},
    {"statusCode": 200, "headers": {"X-A": "a\r\nX-B: b"}},
    {"statusCode": 200, "body": "!", "isBase64Encoded": True},
]


@pytest.mark.parametrize("answer", MALFORMED, ids=str)
def test_what_is_no_answer_is_a_bad_gateway(shop: Shop, answer: Any) -> None:
    reply = shop.answered(answer)
    assert (reply.status_code, reply.headers["content-type"]) == (502, "text/html")
    assert reply.text == (
        "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
        "<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
    )


def test_a_megabyte_goes_in_and_no_more(shop: Shop) -> None:
    quiet = {"X-Answer": '{"statusCode":200}', "Content-Type": "text/plain"}
    assert shop.ask("POST", data=b"x" * 1024 * 1024, headers=quiet).status_code == 200
    reply = shop.ask("POST", data=b"x" * (1024 * 1024 + 1), headers=quiet)
    assert (reply.status_code, "413 Request Entity Too Large" in reply.text) == (413, True)


# ---- rules

HIT = [
    (condition("path-pattern", "/img/*"), {"path": "/img/a/b"}),
    (condition("path-pattern", "/a", "/?"), {"path": "/b"}),
    ({"Field": "path-pattern", "Values": ["/old"]}, {"path": "/old?query"}),
    (condition("host-header", "*.example.com"), {"headers": {"Host": "API.Example.com:8080"}}),
    (
        condition("http-header", "*Chrome*", HttpHeaderName="User-Agent"),
        {"headers": {"user-agent": "chrome/1"}},
    ),
    (condition("http-request-method", "PUT", "GET"), {}),
    (condition("query-string", {"Key": "v", "Value": "1*"}), {"path": "/?x=0&V=12"}),
    (condition("query-string", {"Value": "a b"}), {"path": "/?x=A+b"}),
    (condition("query-string", {"Value": r"\*"}), {"path": "/?x=*"}),
    (condition("source-ip", "10.0.0.0/8", "127.0.0.0/8"), {}),
]
MISSED = [
    (condition("path-pattern", "/img/*"), {"path": "/IMG/a"}),
    (condition("path-pattern", "/a"), {"path": "/a/b"}),
    (condition("path-pattern", "/a.b"), {"path": "/axb"}),
    (condition("host-header", "*.example.com"), {"headers": {"Host": "example.com"}}),
    (condition("host-header", "*.example.com"), {}),
    (condition("http-header", "x", HttpHeaderName="X-A"), {}),
    (condition("http-request-method", "POST"), {}),
    (condition("query-string", {"Key": "v", "Value": "1"}), {"path": "/?w=1&v=2"}),
    (condition("query-string", {"Value": r"\*"}), {"path": "/?x=y"}),
    (condition("source-ip", "10.0.0.0/8"), {}),
]


@pytest.mark.parametrize(
    ("wanted", "asked", "text"),
    [(*row, "hit") for row in HIT] + [(*row, "") for row in MISSED],
)
def test_conditions(shop: Shop, wanted: dict[str, Any], asked: dict[str, Any], text: str) -> None:
    shop.rule(1, says("hit"), wanted)
    reply = shop.get(**asked)
    assert (reply.text == "hit") is bool(text)


def test_all_conditions_must_hold_and_the_lowest_priority_is_first(shop: Shop) -> None:
    path = condition("path-pattern", "/a*")
    shop.rule(9, says("nine"), path)
    shop.rule(10, says("ten"), path)
    shop.rule(2, says("two"), path, condition("http-request-method", "POST"))
    assert shop.get("/a").text == "nine"
    assert shop.ask("POST", "/a").text == "two"
    assert shop.get("/b").json()["path"] == "/b"


def test_a_fixed_response(shop: Shop) -> None:
    page = says("<p>", "503", ContentType="text/html")
    shop.rule(1, page, condition("path-pattern", "/*"))
    reply = shop.get()
    assert (reply.status_code, reply.text) == (503, "<p>")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"Protocol": "HTTPS", "Port": "443"}, "https://{name}:443/a/b?c=d"),
        ({"Path": "/new/#{path}"}, "http://{name}:80/new/a/b?c=d"),
        ({"Host": "www.example.com", "Query": ""}, "http://www.example.com:80/a/b"),
        ({"Path": "/#{host}/#{port}", "Query": "q=#{query}"}, "http://{name}:80/{name}/80?q=c=d"),
    ],
)
def test_redirections(shop: Shop, config: dict[str, str], expected: str) -> None:
    action = {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_302"} | config}
    shop.rule(1, action, condition("path-pattern", "/a/b"))
    reply = shop.get("/a/b?c=d")
    assert reply.status_code == 302
    assert reply.headers["location"] == expected.replace("{name}", shop.name)


def test_a_redirection_to_another_listener_is_followed(shop: Shop) -> None:
    second = shop.listen(8080, says("here"))
    try:
        shop.rule(
            1, {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", "Port": "8080"}},
            condition("path-pattern", "/there"),
        )  # fmt: skip
        reply = shop.lab.http.get(f"http://{shop.name}/there")
        assert (reply.text, reply.url) == ("here", f"http://{shop.name}:8080/there")
    finally:
        shop.elb.delete_listener(ListenerArn=second)


def test_http_is_sent_to_https(shop: Shop) -> None:
    certificate = shop.lab.client("acm").request_certificate(DomainName="example.com")
    made = shop.elb.create_listener(
        LoadBalancerArn=shop.balancer, Protocol="HTTPS", Port=443,
        DefaultActions=[forward(shop.group)],
        Certificates=[{"CertificateArn": certificate["CertificateArn"]}],
    )["Listeners"]  # fmt: skip
    config = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    try:
        shop.rule(
            1, {"Type": "redirect", "RedirectConfig": config}, condition("path-pattern", "/*")
        )
        reply = shop.lab.http.get(f"http://{shop.name}/a?b=c")
        assert reply.url == f"https://{shop.name}:443/a?b=c"
        headers = reply.json()["headers"]
        assert (headers["x-forwarded-proto"], headers["x-forwarded-port"]) == ("https", "443")
        browser = shop.lab.browser_url(f"https://{shop.name}/a")
        assert shop.lab.http.get(browser).json()["headers"]["x-forwarded-port"] == "443"
    finally:
        shop.elb.delete_listener(ListenerArn=made[0]["ListenerArn"])


def test_an_alias_is_a_target_too(shop: Shop) -> None:
    shop.lam.publish_version(FunctionName="shop")
    alias = shop.lam.create_alias(FunctionName="shop", Name="live", FunctionVersion="1")
    group = shop.make_group("live")
    shop.permit("shop:live", group)
    shop.register(group, alias["AliasArn"])
    shop.rule(1, forward(group), condition("path-pattern", "/live"))
    assert shop.get("/live").json()["requestContext"]["elb"]["targetGroupArn"] == group
    shop.clear()
    shop.elb.delete_target_group(TargetGroupArn=group)


def test_requests_are_shared_by_weight(shop: Shop) -> None:
    other = shop.make_group("other")
    groups = [
        {"TargetGroupArn": shop.group, "Weight": 4}, {"TargetGroupArn": other, "Weight": 1},
    ]  # fmt: skip
    shop.rule(
        1, {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}},
        condition("path-pattern", "/shared"),
    )  # fmt: skip
    statuses = [shop.get("/shared").status_code for _ in range(100)]
    # Nothing is registered in the other one.
    assert set(statuses) == {200, 503}
    assert statuses.count(200) > statuses.count(503)
    shop.clear()
    shop.elb.delete_target_group(TargetGroupArn=other)


def test_a_client_stays_with_its_group_for_a_time(shop: Shop) -> None:
    other = shop.make_group("other")
    groups = [
        {"TargetGroupArn": shop.group, "Weight": 1}, {"TargetGroupArn": other, "Weight": 1},
    ]  # fmt: skip
    sticky = {"Enabled": True, "DurationSeconds": 60}
    config = {"TargetGroups": groups, "TargetGroupStickinessConfig": sticky}
    action = {"Type": "forward", "ForwardConfig": config}
    shop.rule(1, action, condition("path-pattern", "/sticky"))

    def asked(cookie: str = "") -> Any:
        shop.lab.http.cookies.clear()
        return shop.get("/sticky", headers={"Cookie": cookie} if cookie else {})

    first = asked()
    cookies = first.raw.headers.getlist("Set-Cookie")
    assert [one.partition("=")[0] for one in cookies] == ["AWSALBTG", "AWSALBTGCORS"]
    assert cookies[1].endswith("; Path=/; SameSite=None; Secure")
    for cookie in (one.partition(";")[0] for one in cookies):
        # One group answers, in the other one nothing is registered.
        assert {asked(f"a=b; {cookie}").status_code for _ in range(12)} == {first.status_code}
    forged = cookies[0].partition(";")[0][:-1] + "x"
    assert {asked(forged).status_code for _ in range(40)} == {200, 503}
    strange = 'AWSALBTG="5' + "\xe9" * 64 + '"'
    assert {asked(strange).status_code for _ in range(40)} == {200, 503}
    shop.lab.clock.advance(seconds=61)
    assert {asked(cookies[0].partition(";")[0]).status_code for _ in range(40)} == {200, 503}
    shop.clear()
    assert "set-cookie" not in asked().headers
    shop.elb.delete_target_group(TargetGroupArn=other)


@pytest.mark.parametrize(
    "name", ["stickiness.enabled", "stickiness.type", "deregistration_delay.timeout_seconds"]
)
def test_a_function_is_alone_in_its_group_and_has_no_settings_of_many(
    shop: Shop, name: str
) -> None:
    attributes = [{"Key": name, "Value": "1"}]
    refused = refusal(
        shop.elb.modify_target_group_attributes, TargetGroupArn=shop.group, Attributes=attributes
    )
    assert refused == (
        400, "InvalidConfigurationRequest",
        f"A target group with target type 'lambda' does not support the attribute {name}",
    )  # fmt: skip


def test_a_balancer_is_found_by_path_too_and_a_missing_one_is_told(shop: Shop) -> None:
    port = port_of(shop.lab)
    assert request(port, "GET", "/_aws/elb/shop/x").json["path"] == "/x"
    assert request(port, "GET", "/x", Host=shop.name).json["path"] == "/x"
    missing = request(port, "GET", "/_aws/elb/other/x")
    assert missing.status == 404
    assert b"no Application Load Balancer called other" in missing.body
    closed = request(port, "GET", "/", Host=f"{shop.name}:443")
    assert (closed.status, b"no listener at 443" in closed.body) == (404, True)


# ---- refusals of the control plane

BAD, ACTION = "ValidationError", "InvalidLoadBalancerAction"
RANGE = "1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: Member must "
LEAST = RANGE + "have value greater than or equal to {}"
MOST = RANGE + "have value less than or equal to {}"
PATH = [condition("path-pattern", "/a")]
WEIGHTS = "The weight for each target group must be between 0 and 999, inclusive"


def redirect(**config: str) -> dict[str, Any]:
    return {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"} | config}


def shared(*weights: int | None, **sticky: Any) -> dict[str, Any]:
    """An action that forwards to the group ``@group``, as often as there are weights."""
    groups = [
        {"TargetGroupArn": "@group"} | ({} if one is None else {"Weight": one}) for one in weights
    ]
    more = {"TargetGroupStickinessConfig": {"Enabled": True, **sticky}} if sticky else {}
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups} | more}


ACTIONS: list[tuple[list[dict[str, Any]], str, str]] = [
    ([{"Type": "forward"}], ACTION,
     "For actions of type 'forward', you must specify the following fields: 'TargetGroupArn'"),
    ([{"Type": "fixed-response"}], ACTION,
     "For actions of type 'fixed-response', you must specify the following fields: "
     "'FixedResponseConfig'"),
    ([says("a"), redirect(Port="81")], ACTION,
     "Action types 'fixed-response,redirect' cannot be specified together"),
    ([forward("none")], "TargetGroupNotFound", "Target group 'none' not found"),
    ([redirect()], ACTION, "The redirect configuration is not valid because it creates a loop."),
    ([redirect(Host="#{host}", Query="a")], ACTION,
     "The redirect configuration is not valid because it creates a loop."),
    ([redirect(Port="0")], ACTION,
     "The Port parameter must be either an integer between 1 and 65535 or '#{port}'."),
    ([redirect(Path="a")], ACTION,
     "The Path parameter must be a valid path, should start with a '/', and may contain up to one "
     "of each of these placeholders: '#{path}', '#{host}', '#{port}'."),
    ([shared(1, 1000)], ACTION, WEIGHTS),
    ([shared(1, None)], ACTION, WEIGHTS),
    ([shared(1000)], ACTION,
     "The weight for the target group must be between 1 and 999, inclusive"),
    ([shared(*[1] * 6)], ACTION, "You cannot specify more than 5 target groups per action"),
    ([shared(1) | {"TargetGroupArn": "other"}], ACTION,
     "You can specify both a target group list and a top-level target group ARN only if the ARNs "
     "match"),
    ([shared(1, 1, DurationSeconds=604_801)], ACTION,
     "Target group stickiness duration must be between 1 and 604800 seconds"),
    ([shared(1, 1, Enabled=True)], ACTION,
     "You must provide a duration when enabling target group stickiness"),
]  # fmt: skip
CONDITIONS: list[tuple[list[dict[str, Any]], str]] = [
    ([], "A condition must be specified"),
    ([{"Field": "header", "Values": ["a"]}],
     "Condition field 'header' must be one of 'http-header,http-request-method,host-header,"
     "query-string,path-pattern,source-ip'"),
    ([{"Field": "path-pattern", "HostHeaderConfig": {"Values": ["a.b"]}}],
     "For conditions of type 'path-pattern', you must specify the following fields: 'Values or "
     "RegexValues or PathPatternConfig'"),
    ([condition("host-header")],
     "You must provide exactly one of the following: ['Values' 'RegexValues'] for config of type "
     "'HostHeaderConfig'"),
    ([condition("host-header", "a.b"), condition("host-header", "c.d")],
     "A rule can only have one 'host-header' condition"),
    ([condition("host-header", "a", "b", "c"), condition("path-pattern", "/a", "/b", "/c")],
     "A rule can only have '5' condition values and regex values"),
    ([condition("source-ip", "home")], "'home' is not a valid CIDR block"),
]  # fmt: skip


def filled(given: Any, group: str) -> Any:
    return json.loads(json.dumps(given).replace("@group", group))


def test_a_balancer_is_made_once(shop: Shop) -> None:
    subnets = [one["SubnetId"] for one in shop.lab.client("ec2").describe_subnets()["Subnets"]]
    again = shop.elb.create_load_balancer(Name="Shop", Subnets=subnets[:2])["LoadBalancers"]
    assert [one["LoadBalancerArn"] for one in again] == [shop.balancer]
    assert refusal(shop.elb.create_load_balancer, Name="Shop", Subnets=subnets[1:3]) == (
        400, "DuplicateLoadBalancerName",
        "A load balancer with the same name 'Shop' exists, but with different settings",
    )  # fmt: skip
    assert refusal(shop.elb.create_load_balancer, Name="narrow", Subnets=subnets[:1]) == (
        400, BAD, "At least two subnets in two different Availability Zones must be specified",
    )  # fmt: skip


@pytest.mark.parametrize(("actions", "code", "text"), ACTIONS)
def test_what_no_listener_and_no_rule_does(
    shop: Shop, actions: list[dict[str, Any]], code: str, text: str
) -> None:
    elb = anything(shop.lab)
    actions = filled(actions, shop.group)
    rule = {"ListenerArn": shop.listener, "Priority": 1, "Conditions": PATH, "Actions": actions}
    listener = {"LoadBalancerArn": shop.balancer, "Protocol": "HTTP", "Port": 81}
    assert refusal(elb.create_rule, **rule) == (400, code, text)
    assert refusal(elb.create_listener, **listener, DefaultActions=actions) == (400, code, text)
    change = {"ListenerArn": shop.listener, "DefaultActions": actions}
    assert refusal(elb.modify_listener, **change) == (400, code, text)
    assert len(shop.elb.describe_listeners(LoadBalancerArn=shop.balancer)["Listeners"]) == 1
    assert len(shop.elb.describe_rules(ListenerArn=shop.listener)["Rules"]) == 1
    assert shop.get().status_code == 200


@pytest.mark.parametrize(("conditions", "text"), CONDITIONS)
def test_conditions_that_no_rule_has(
    shop: Shop, conditions: list[dict[str, Any]], text: str
) -> None:
    elb, actions = anything(shop.lab), [says("a")]
    rule = {"ListenerArn": shop.listener, "Priority": 1, "Actions": actions}
    assert refusal(elb.create_rule, **rule, Conditions=conditions) == (400, BAD, text)
    if conditions:
        made = shop.rule(1, actions[0], *PATH)
        change = {"RuleArn": made, "Conditions": conditions}
        assert refusal(elb.modify_rule, **change) == (400, BAD, text)


def test_rules_have_places_of_their_own(shop: Shop) -> None:
    elb, action = anything(shop.lab), says("a")
    made = shop.rule(1, action, *PATH)
    rule = {"ListenerArn": shop.listener, "Conditions": PATH, "Actions": [action]}
    taken = (400, "PriorityInUse", "Priority '1' is currently in use")
    assert refusal(elb.create_rule, **rule, Priority=1) == taken
    for priority, text in ((0, LEAST.format(0, "priority", 1)),
                           (50_001, MOST.format(50_001, "priority", 50_000))):  # fmt: skip
        assert refusal(elb.create_rule, **rule, Priority=priority) == (400, BAD, text)
        moved = [{"RuleArn": made, "Priority": priority}]
        assert refusal(elb.set_rule_priorities, RulePriorities=moved) == (400, BAD, text)
    default = elb.describe_rules(ListenerArn=shop.listener)["Rules"][-1]["RuleArn"]
    assert refusal(elb.delete_rule, RuleArn=default).code == "OperationNotPermitted"
    assert refusal(elb.modify_rule, RuleArn=default, Conditions=PATH).status == 400
    again = {"LoadBalancerArn": shop.balancer, "Protocol": "HTTP", "DefaultActions": [action]}
    assert refusal(elb.create_listener, **again, Port=80) == (
        400, "DuplicateListener",
        f"A listener already exists on this port for this load balancer '{shop.balancer}'",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"HealthCheckIntervalSeconds": 4}, LEAST.format(4, "healthCheckIntervalSeconds", 5)),
        ({"HealthCheckIntervalSeconds": 301}, MOST.format(301, "healthCheckIntervalSeconds", 300)),
        ({"HealthCheckTimeoutSeconds": 1}, LEAST.format(1, "healthCheckTimeoutSeconds", 2)),
        ({"HealthyThresholdCount": 11}, MOST.format(11, "healthyThresholdCount", 10)),
        ({"UnhealthyThresholdCount": 1}, LEAST.format(1, "unhealthyThresholdCount", 2)),
        ({"HealthCheckIntervalSeconds": 30},
         "Health check timeout '30' must be smaller than the interval '30'"),
    ],
)  # fmt: skip
def test_health_checks_that_no_group_has(shop: Shop, given: dict[str, int], text: str) -> None:
    elb = anything(shop.lab)
    made = refusal(elb.create_target_group, Name="never", TargetType="lambda", **given)
    changed = refusal(elb.modify_target_group, TargetGroupArn=shop.group, **given)
    assert made == changed == (400, BAD, text)
    assert len(shop.elb.describe_target_groups()["TargetGroups"]) == 1


# ---- targets and their health


def test_a_function_must_let_the_balancer_in(shop: Shop) -> None:
    function = shop.make_function("private")
    group = shop.make_group("private")
    try:
        told = refusal(shop.elb.register_targets, TargetGroupArn=group, Targets=[{"Id": function}])
        assert told.code == "AccessDenied"
        assert told.message == (
            "elasticloadbalancing principal does not have permission to invoke "
            f"{function} from target group {group}"
        )
        shop.permit("private", group)
        shop.register(group, function)
        shop.rule(1, forward(group), condition("path-pattern", "/private"))
        assert shop.get("/private").status_code == 200
        shop.lam.remove_permission(FunctionName="private", StatementId="balancer")
        assert shop.get("/private").status_code == 502
        assert list(shop.lab.timeline)[-1].kind == "refused"
    finally:
        shop.clear()
        shop.elb.delete_target_group(TargetGroupArn=group)
        shop.lam.delete_function(FunctionName="private")


def test_a_group_has_one_function(shop: Shop) -> None:
    shop.register(shop.group, shop.function)
    both = [{"Id": shop.function}, {"Id": f"{shop.function}-2"}]
    told = refusal(shop.elb.register_targets, TargetGroupArn=shop.group, Targets=both)
    assert told == (
        400, "TooManyTargets",
        "Up to '1' Lambda function target(s) can be registered, but '2' were specified",
    )  # fmt: skip


def test_health_checks_are_off_at_first(shop: Shop) -> None:
    assert shop.health(shop.group) == {
        "State": "unavailable",
        "Reason": "Target.HealthCheckDisabled",
        "Description": "Health checks are disabled for this target",
    }


def test_health_checks_call_the_function_at_their_times(shop: Shop) -> None:
    group = shop.make_group(
        "checked", HealthCheckEnabled=True, HealthCheckIntervalSeconds=60,
        HealthCheckTimeoutSeconds=30, HealthyThresholdCount=2, UnhealthyThresholdCount=2,
        HealthCheckPath="/ping", Matcher={"HttpCode": "200-299"},
    )  # fmt: skip
    shop.lam.add_permission(
        FunctionName="shop", StatementId="checks", Action="lambda:InvokeFunction",
        Principal="elasticloadbalancing.amazonaws.com", SourceArn=group,
    )  # fmt: skip
    shop.register(group, shop.function)
    assert shop.health(group)["Reason"] == "Target.NotInUse"

    def say(status: int) -> None:
        shop.get("/health", headers={"X-Answer": json.dumps({"statusCode": status})})

    def checked() -> str:
        shop.lab.clock.advance(seconds=60)
        return shop.health(group)["State"]

    say(204)
    shop.rule(1, forward(group), condition("path-pattern", "/checked"))
    wait_until(lambda: shop.health(group)["State"] == "healthy")
    say(500)
    assert [checked(), checked()] == ["healthy", "unhealthy"]
    assert shop.health(group) == {
        "State": "unhealthy",
        "Reason": "Target.ResponseCodeMismatch",
        "Description": "Health checks failed with these codes: [500]",
    }
    assert shop.get("/checked").status_code == 200, "with no healthy target, all get requests"
    say(200)
    assert [checked(), checked()] == ["unhealthy", "healthy"]
    shop.elb.modify_target_group(TargetGroupArn=group, Matcher={"HttpCode": "299"})
    wait_until(lambda: shop.health(group)["State"] == "initial")
    assert [checked(), checked()][-1] == "unhealthy"
    shop.elb.modify_target_group(TargetGroupArn=group, HealthCheckEnabled=False)
    assert checked() == "unavailable"
    calls = len(list(shop.lab.timeline))
    checked()
    assert len(list(shop.lab.timeline)) == calls


def test_a_stack_makes_a_balancer_whole(shop: Shop) -> None:
    subnets = shop.lab.client("ec2").describe_subnets()["Subnets"]
    shop.lam.add_permission(
        FunctionName="shop", StatementId="stack", Action="lambda:InvokeFunction",
        Principal="elasticloadbalancing.amazonaws.com",
    )  # fmt: skip
    group: dict[str, Any] = {
        "TargetType": "lambda", "Name": "stacked", "Targets": [{"Id": shop.function}],
        "TargetGroupAttributes": [
            {"Key": "lambda.multi_value_headers.enabled", "Value": "true"}
        ],
    }  # fmt: skip
    groups = [{"TargetGroupArn": {"Ref": "Group"}, "Weight": 1}]
    listener = {
        "LoadBalancerArn": {"Ref": "Balancer"}, "Port": 80, "Protocol": "HTTP",
        "DefaultActions": [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
    }  # fmt: skip
    rule = {
        "ListenerArn": {"Ref": "Listener"}, "Priority": 1, "Actions": [says("ruled")],
        "Conditions": [condition("path-pattern", "/ruled")],
    }  # fmt: skip
    kind = "AWS::ElasticLoadBalancingV2::"
    balancer = {"Subnets": [one["SubnetId"] for one in subnets[:2]]}
    template: dict[str, Any] = {
        "Resources": {
            "Balancer": {"Type": f"{kind}LoadBalancer", "Properties": balancer},
            "Group": {"Type": f"{kind}TargetGroup", "Properties": group},
            "Listener": {"Type": f"{kind}Listener", "Properties": listener},
            "Rule": {"Type": f"{kind}ListenerRule", "Properties": rule},
        },
        "Outputs": {
            "Dns": {"Value": {"Fn::GetAtt": ["Balancer", "DNSName"]}},
            "Full": {"Value": {"Fn::GetAtt": ["Group", "TargetGroupFullName"]}},
        },
    }
    stacks = shop.lab.client("cloudformation")
    stacks.create_stack(StackName="balanced", TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName="balanced")
    outputs = stacks.describe_stacks(StackName="balanced")["Stacks"][0]["Outputs"]
    told = {one["OutputKey"]: one["OutputValue"] for one in outputs}
    assert told["Full"].startswith("targetgroup/stacked/")
    url = f"http://{told['Dns']}"
    event = shop.lab.http.get(f"{url}/x?a=1").json()
    assert event["multiValueQueryStringParameters"] == {"a": ["1"]}
    assert shop.lab.http.get(f"{url}/ruled").text == "ruled"
    rule["Actions"] = [says("changed")]
    group["TargetGroupAttributes"][0]["Value"] = "false"
    stacks.update_stack(StackName="balanced", TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_update_complete").wait(StackName="balanced")
    assert shop.lab.http.get(f"{url}/ruled").text == "changed"
    assert shop.lab.http.get(f"{url}/x?a=1").json()["queryStringParameters"] == {"a": "1"}
    stacks.delete_stack(StackName="balanced")
    stacks.get_waiter("stack_delete_complete").wait(StackName="balanced")
    assert shop.lab.http.get(f"{url}/x").status_code == 404
    names = [one["TargetGroupName"] for one in shop.elb.describe_target_groups()["TargetGroups"]]
    assert "stacked" not in names


def test_after_a_reset_nothing_is_left(shop: Shop) -> None:
    shop.lab.reset()
    try:
        assert shop.get().status_code == 404
    finally:
        shop.open()
    assert shop.get().status_code == 200
