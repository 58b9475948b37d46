"""``lab.session``, ``lab.client`` and ``lab.resource`` reach their lab, whatever is set around."""

from __future__ import annotations

import contextlib
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from lambdalab import Lab

# Each of these bends, moves or refuses requests of an ordinary session.
HOSTILE = {
    "AWS_PROFILE": "no-such-profile",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "a token",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ENDPOINT_URL": "https://example.com",
    "AWS_ENDPOINT_URL_S3": "https://s3.amazonaws.com",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "required",
    "AWS_DEFAULTS_MODE": "auto",
    "AWS_MAX_ATTEMPTS": "many",
    "AWS_CA_BUNDLE": "no-such-file",
    "AWS_CSM_ENABLED": "true",
    "AWS_CSM_HOST": "192.0.2.1",
    "HTTP_PROXY": "http://192.0.2.1:3128",
    "HTTPS_PROXY": "http://192.0.2.1:3128",
    "ALL_PROXY": "http://192.0.2.1:3128",
}

CONFIG = """
[default]
region = eu-north-1
endpoint_url = https://example.org
services = elsewhere
[profile no-such-profile-but-this]
region = eu-north-1
[services elsewhere]
s3 =
  endpoint_url = https://s3.example.org
"""


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "config").write_text(CONFIG)
    keys = "aws_access_key_id = AKIAREALREALREALREAL\naws_secret_access_key = real\n"
    (folder / "credentials").write_text(f"[default]\n{keys}")


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("service", ["s3", "lambda", "dynamodb", "iam", "sts", "stepfunctions"])
def test_every_client_goes_to_the_lab(service: str, lab: Lab) -> None:
    for client in (lab.client(service), lab.session.client(service)):
        assert client.meta.endpoint_url == lab.endpoint_url
        assert client.meta.region_name == "us-east-1"


@pytest.mark.usefixtures("hostile")
def test_calls_arrive_and_sign_with_the_labs_keys(lab: Lab) -> None:
    lab.client("sqs").create_queue(QueueName="here")
    assert len(lab.client("sqs").list_queues()["QueueUrls"]) == 1
    assert lab.session.get_credentials().access_key == "AKIALAMBDALABEXAMPLE"
    assert lab.session.get_credentials().token is None


@pytest.mark.usefixtures("hostile")
def test_resources_go_there_too(lab: Lab) -> None:
    bucket = lab.resource("s3").create_bucket(Bucket="a-bucket")
    bucket.put_object(Key="key", Body=b"text")
    assert [summary.key for summary in bucket.objects.all()] == ["key"]
    assert lab.session.resource("dynamodb").meta.client.meta.endpoint_url == lab.endpoint_url


@pytest.mark.parametrize("style", ["path", "virtual", "auto"])
def test_s3_works_with_either_addressing_style(style: str, lab: Lab) -> None:
    s3 = lab.client("s3", config=Config(s3={"addressing_style": style}))
    s3.create_bucket(Bucket="a-bucket")
    s3.put_object(Bucket="a-bucket", Key="a/key", Body=b"text")
    assert s3.get_object(Bucket="a-bucket", Key="a/key")["Body"].read() == b"text"


def test_a_config_of_the_callers_is_kept_beside_the_labs(lab: Lab) -> None:
    client = lab.client("lambda", region_name="eu-west-3", config=Config(read_timeout=5))
    assert client.meta.region_name == "eu-west-3"
    assert client.meta.config.read_timeout == 5
    assert client.meta.config.proxies == {}


def test_a_host_prefix_is_not_put_before_the_address(lab: Lab) -> None:
    hosts: list[str] = []
    client = lab.client("servicediscovery")
    client.meta.events.register("before-send", lambda request, **_: hosts.append(request.url))
    with contextlib.suppress(ClientError):  # what the cloud answers is not the point here
        client.discover_instances(NamespaceName="n", ServiceName="s")
    assert {url.rstrip("/") for url in hosts} == {lab.endpoint_url}


def test_the_session_is_a_boto3_session(lab: Lab) -> None:
    assert isinstance(lab.session, boto3.Session)
    assert lab.session is lab.session
    assert lab.session.region_name == "us-east-1"


def test_reset_empties_the_cloud_and_keeps_the_address(lab: Lab) -> None:
    address, sqs = lab.endpoint_url, lab.client("sqs")
    sqs.create_queue(QueueName="q")
    lab.reset()
    assert "QueueUrls" not in sqs.list_queues()
    assert lab.endpoint_url == address
