"""Web addresses: how requests find what functions stand behind, and ``lab.http`` beside them."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from lambdalab.addresses import named
from lambdalab.lab.errors import ArgumentError, LabError, RequestRefusedError
from tests.conftest import StartLab
from tests.engine import port_of, request
from tests.web_stage import Site, host_of

EVIL = {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"}


@pytest.fixture(scope="module")
def site(start_lab: StartLab) -> Iterator[Site]:
    with start_lab() as lab:
        yield Site(lab)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("Abc.lambda-url.us-east-1.on.aws", ("lambda-url", "abc", None)),
        ("abc.lambda-url.us-east-1.on.aws.", ("lambda-url", "abc", None)),
        ("abc.lambda-url.us-east-1.on.aws.localhost:4566", ("lambda-url", "abc", 4566)),
        ("a1.execute-api.eu-central-1.amazonaws.com:443", ("execute-api", "a1", 443)),
        (
            "shop-1.us-east-1.elb.amazonaws.com",
            ("elb", "shop-1.us-east-1.elb.amazonaws.com", None),
        ),
        ("lambda.us-east-1.amazonaws.com", None),
        ("execute-api.us-east-1.amazonaws.com", None),
        ("elasticloadbalancing.us-east-1.amazonaws.com", None),
        ("abc.lambda-url.us-east-1.on.aws.evil.example", None),
        ("127.0.0.1:4566", None),
        ("", None),
    ],
)
def test_what_a_host_name_means(host: str, address: tuple[Any, ...] | None) -> None:
    assert named(host) == address


# ---- the ways in


def ways(site: Site) -> Iterator[tuple[str, dict[str, str]]]:
    """Paths and headers that all mean ``/a%20b?c=d`` of the site."""
    host, port = host_of(site.url), port_of(site.lab)
    yield "/a%20b?c=d", {"Host": host}
    yield "/a%20b?c=d", {"Host": f"{host}:{port}"}
    yield "/a%20b?c=d", {"Host": f"{host}.localhost:{port}"}
    yield f"/_aws/lambda-url/{host.partition('.')[0]}/a%20b?c=d", {}
    yield f"/_aws/lambda-url/{host.partition('.')[0].upper()}/a%20b?c=d", {}


def test_a_function_url_is_reached_by_name_and_by_path(site: Site) -> None:
    for path, headers in ways(site):
        reply = request(port_of(site.lab), "GET", path, **headers)
        assert reply.status == 200, (path, headers)
        event = reply.json
        assert (event["rawPath"], event["rawQueryString"]) == ("/a%20b", "c=d")
        assert event["requestContext"]["domainName"] == host_of(site.url)


@pytest.mark.parametrize("path", ["/_aws/", "/_aws/nothing/x", "/_aws/lambda-urls/x"])
def test_a_path_of_no_kind_is_told(site: Site, path: str) -> None:
    reply = request(port_of(site.lab), "GET", path)
    assert reply.status == 404
    assert b"/_aws/lambda-url/" in reply.body


@pytest.mark.parametrize("path", ["/_aws/lambda-url", "/_aws/lambda-url/", "/_aws/lambda-url//x"])
def test_a_path_without_a_name_is_nobody_s(site: Site, path: str) -> None:
    assert request(port_of(site.lab), "GET", path).status in (403, 404)


def test_pages_of_other_origins_may_call_functions(site: Site) -> None:
    for path, headers in ways(site):
        assert request(port_of(site.lab), "GET", path, **headers, **EVIL).status == 200


def test_pages_of_other_origins_may_not_call_the_api(site: Site) -> None:
    port = port_of(site.lab)
    for host in (f"127.0.0.1:{port}", "lambda.us-east-1.amazonaws.com"):
        reply = request(port, "GET", "/2015-03-31/functions/", Host=host, **EVIL)
        assert reply.status == 403
        assert b"refused" in reply.body


def test_names_of_others_do_not_lead_to_functions(site: Site) -> None:
    name = host_of(site.url).partition(".")[0]
    path = f"/_aws/lambda-url/{name}/"
    assert request(port_of(site.lab), "GET", path, Host="evil.example").status == 403


# ---- lab.http and lab.browser_url


def test_https_and_http_lead_to_the_lab(site: Site) -> None:
    for url in (site.url, site.url.replace("https", "http")):
        reply = site.lab.http.get(url + "x")
        assert (reply.status_code, reply.url) == (200, url + "x")
        assert reply.json()["headers"]["x-forwarded-proto"] == "https"


def test_the_lab_itself_is_reached_too(site: Site) -> None:
    assert site.lab.http.get(f"{site.lab.endpoint_url}/_aws/").status_code == 404


@pytest.mark.parametrize(
    "url", ["https://example.com/", "http://169.254.169.254/", "https://notamazonaws.com/"]
)
def test_other_names_are_refused(site: Site, url: str) -> None:
    with pytest.raises(RequestRefusedError, match="refused"):
        site.lab.http.get(url)


def test_cookies_and_redirections_are_those_of_the_name(site: Site) -> None:
    second = site.open("second")
    answer = {
        "statusCode": 302, "headers": {"Location": f"{second}there"}, "cookies": ["own=1"],
    }  # fmt: skip
    session = site.lab.http
    session.cookies.clear()
    headers = {"X-Answer": json.dumps(answer)}
    elsewhere = session.get(site.url, headers=headers, allow_redirects=False)
    assert elsewhere.status_code == 302
    assert session.get(site.url).json()["cookies"] == ["own=1"]
    assert "cookies" not in session.get(second).json()
    # The header goes along, and so does its answer, until requests has had enough.
    with pytest.raises(requests.TooManyRedirects):
        session.get(site.url, headers=headers)
    session.cookies.clear()


def test_a_browser_s_address(site: Site) -> None:
    url = site.lab.browser_url(f"{site.url}a%20b?c=d&e")
    name = host_of(site.url).partition(".")[0]
    assert url == f"{site.lab.endpoint_url}/_aws/lambda-url/{name}/a%20b?c=d&e"
    assert requests.get(url, timeout=30).json()["rawPath"] == "/a%20b"
    text = html.escape(url)
    assert url._repr_html_() == (f'<a href="{text}" target="_blank" rel="noopener">{text}</a>')


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("https://a1.execute-api.us-east-1.amazonaws.com/prod/x", "execute-api/a1/prod/x"),
        ("a1.execute-api.us-east-1.amazonaws.com", "execute-api/a1/"),
        (
            "http://shop-1.us-east-1.elb.amazonaws.com/x",
            "elb/shop-1.us-east-1.elb.amazonaws.com/x",
        ),
        (
            "https://shop-1.us-east-1.elb.amazonaws.com",
            "elb/shop-1.us-east-1.elb.amazonaws.com:443/",
        ),
    ],
)
def test_browser_s_addresses_of_others(site: Site, given: str, path: str) -> None:
    assert site.lab.browser_url(given) == f"{site.lab.endpoint_url}/_aws/{path}"


@pytest.mark.parametrize("given", ["", "https://example.com", "https://s3.amazonaws.com/b", "x y"])
def test_what_no_browser_can_open(site: Site, given: str) -> None:
    with pytest.raises(ArgumentError, match="not the address"):
        site.lab.browser_url(given)


def test_a_stopped_lab_has_no_web(start_lab: StartLab) -> None:
    with start_lab() as lab:
        session = lab.http
        assert session.get(lab.endpoint_url).status_code
    with pytest.raises(LabError):
        session.get(lab.endpoint_url)
