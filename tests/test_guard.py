"""The guard: while a lab runs, botocore contacts nothing but this machine.

Each case runs in a process of its own, in which an audit hook writes down every address that is
connected to, sent to or looked up, below everything that botocore and urllib3 do.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from lambdalab import Lab
from lambdalab.lab import guard
from lambdalab.lab.errors import LabError, RequestRefusedError

# 192.0.2.0/24 is set aside for documentation: nobody is there.
NOBODY = "192.0.2.1"
REAL_KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_DEFAULT_REGION": "us-east-1",
}

HEAD = """
import ipaddress, json, sys, time

contacted = set()

def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        address = arguments
    else:
        return
    if isinstance(address, tuple):
        contacted.add(str(address[0]))

sys.addaudithook(watch)

def outcome(call):
    begin = time.monotonic()
    try:
        call()
        error = None
    except Exception as caught:
        error = caught
    print(json.dumps({
        "error": type(error).__name__,
        "text": str(error),
        "seconds": time.monotonic() - begin,
        "contacted": sorted(contacted),
    }))
"""


def run(script: str, environ: dict[str, str], home: Path) -> dict[str, Any]:
    kept = {
        n: v for n, v in os.environ.items() if not n.startswith("AWS_") and "proxy" not in n.lower()
    }
    done = subprocess.run(
        [sys.executable, "-c", HEAD + script],
        env={**kept, "HOME": str(home), **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def profile(home: Path) -> None:
    folder = home / ".aws"
    folder.mkdir()
    keys = "\n".join(f"{name.lower()} = {value}" for name, value in REAL_KEYS.items())
    (folder / "credentials").write_text(f"[work]\n{keys}\n")
    (folder / "config").write_text("[profile work]\nregion = us-east-1\n")


EXPORTED = "import boto3\nfrom lambdalab import start\nlab = start()\n"
BESIDE = "import boto3\nfrom lambdalab import start\nlab = start(export=False)\n"
LISTING = "outcome(lambda: boto3.client('lambda').list_functions())\n"

# name -> (script, environment, the host that the error names)
REFUSED: dict[str, tuple[str, dict[str, str], str]] = {
    "keys in the environment": (BESIDE + LISTING, REAL_KEYS, "lambda.us-east-1.amazonaws.com"),
    "a profile": (BESIDE + LISTING, {"AWS_PROFILE": "work"}, "lambda.us-east-1.amazonaws.com"),
    "an explicit endpoint": (
        EXPORTED
        + "url = 'https://lambda.us-east-1.amazonaws.com'\n"
        + "outcome(lambda: boto3.client('lambda', endpoint_url=url).list_functions())",
        {},
        "lambda.us-east-1.amazonaws.com",
    ),
    "a client made before": (
        "import boto3\nbefore = boto3.client('lambda')\nbefore.meta.config\n"
        "from lambdalab import start\nlab = start()\noutcome(before.list_functions)",
        REAL_KEYS,
        "lambda.us-east-1.amazonaws.com",
    ),
    "boto3 loaded after": (
        "from lambdalab import start\nlab = start(export=False)\nimport boto3\n" + LISTING,
        REAL_KEYS,
        "lambda.us-east-1.amazonaws.com",
    ),
    "an endpoint for one service": (
        BESIDE + "outcome(lambda: boto3.client('s3').list_buckets())",
        {**REAL_KEYS, "AWS_ENDPOINT_URL_S3": "https://s3.eu-west-1.amazonaws.com"},
        "s3.eu-west-1.amazonaws.com",
    ),
    "a proxy": (
        BESIDE + LISTING,
        {
            **REAL_KEYS,
            "HTTPS_PROXY": f"http://{NOBODY}:3128",
            "HTTP_PROXY": f"http://{NOBODY}:3128",
        },
        "lambda.us-east-1.amazonaws.com",
    ),
    "a proxy on the way to loopback": (
        BESIDE + "outcome(lambda: boto3.client('lambda', endpoint_url=lab.endpoint_url)"
        ".list_functions())",
        {**REAL_KEYS, "HTTP_PROXY": f"http://{NOBODY}:3128"},
        NOBODY,
    ),
    "credentials from instance metadata": (
        BESIDE + LISTING,
        {"AWS_DEFAULT_REGION": "us-east-1"},
        "169.254.169.254",
    ),
    "instance metadata over IPv6": (
        BESIDE + LISTING,
        {
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6",
            "AWS_IMDS_USE_IPV6": "true",
        },
        "fd00:ec2::254",
    ),
    "credentials from a container": (
        BESIDE + LISTING,
        {"AWS_DEFAULT_REGION": "us-east-1", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/creds"},
        "169.254.170.2",
    ),
    "an address that parsers read differently": (
        EXPORTED + f"url = 'http://{NOBODY}\\\\@127.0.0.1:4566/'\n"
        "from botocore.awsrequest import AWSRequest\n"
        "from botocore.httpsession import URLLib3Session\n"
        "request = AWSRequest('GET', 'http://127.0.0.1/').prepare()\nrequest.url = url\n"
        "outcome(lambda: URLLib3Session().send(request))",
        {},
        NOBODY,
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_nothing_leaves_this_machine(case: str, tmp_path: Path) -> None:
    script, environ, host = REFUSED[case]
    profile(tmp_path)
    answer = run(script, environ, tmp_path)
    assert answer["error"] == "RequestRefusedError", answer
    assert host in answer["text"]
    assert "lab.client(...)" in answer["text"]
    assert "\n" not in answer["text"]
    assert set(answer["contacted"]) <= {"127.0.0.1"}
    assert answer["seconds"] < 3, "it was retried"


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_no_retry_mode_tries_again(mode: str, tmp_path: Path) -> None:
    script = BESIDE + (
        "client = boto3.client('lambda')\nsent = []\n"
        "client.meta.events.register('before-send', lambda **_: sent.append(1))\n"
        "outcome(lambda: print(end='') or client.list_functions())\nassert sent == [1], sent\n"
    )
    answer = run(script, {**REAL_KEYS, "AWS_RETRY_MODE": mode}, tmp_path)
    assert answer["error"] == "RequestRefusedError"


def test_monitoring_datagrams_for_elsewhere_are_dropped(tmp_path: Path) -> None:
    script = (
        "import boto3\nfrom lambdalab import start\nlab = start(export=False)\n"
        "client = boto3.client('sts', endpoint_url=lab.endpoint_url)\n"
        "outcome(client.get_caller_identity)"
    )
    environ = {**REAL_KEYS, "AWS_CSM_ENABLED": "true", "AWS_CSM_HOST": NOBODY}
    answer = run(script, environ, tmp_path)
    assert answer["error"] == "NoneType"
    assert answer["contacted"] == ["127.0.0.1"]


def test_monitoring_on_this_machine_goes_on(tmp_path: Path) -> None:
    script = (
        "import boto3, socket\nfrom lambdalab import start\nlab = start(export=False)\n"
        "client = boto3.client('sts', endpoint_url=lab.endpoint_url)\n"
        "client.get_caller_identity()\n"
        "outcome(lambda: receiver.recv(9000))"
    )
    receiver = "import socket, os\nreceiver = socket.socket(type=socket.SOCK_DGRAM)\n" + (
        "receiver.bind(('127.0.0.1', 0))\nreceiver.settimeout(10)\n"
        "os.environ['AWS_CSM_PORT'] = str(receiver.getsockname()[1])\n"
    )
    answer = run(receiver + script, {**REAL_KEYS, "AWS_CSM_ENABLED": "true"}, tmp_path)
    assert answer["error"] == "NoneType", answer


def test_the_lab_itself_is_reached_and_nothing_else(tmp_path: Path) -> None:
    script = EXPORTED + (
        "def work():\n"
        "    s3 = boto3.client('s3')\n"
        "    s3.create_bucket(Bucket='a-bucket')\n"
        "    s3.put_object(Bucket='a-bucket', Key='k', Body=b'x')\n"
        "    boto3.client('iam').list_roles()\n"
        "    lab.timeline, lab.clock.now(), lab.reset(), lab.stop()\n"
        "outcome(work)"
    )
    answer = run(script, {**REAL_KEYS, "HTTP_PROXY": f"http://{NOBODY}:3128"}, tmp_path)
    assert answer["error"] == "NoneType", answer
    assert answer["contacted"] == ["127.0.0.1"]


AFTER = (
    "from botocore.config import Config\n"
    "config = Config(connect_timeout=0.2, retries={'total_max_attempts': 1})\n"
    f"client = boto3.client('lambda', endpoint_url='http://{NOBODY}:9', config=config)\n"
    "outcome(client.list_functions)"
)


def test_after_the_last_stop_the_guard_is_gone(tmp_path: Path) -> None:
    # Proves besides that the audit hook sees what leaves.
    script = EXPORTED + "boto3.client('sts').get_caller_identity()\nlab.stop()\n" + AFTER
    answer = run(script, REAL_KEYS, tmp_path)
    assert answer["error"] != "RequestRefusedError"
    assert NOBODY in answer["contacted"]


def test_while_another_lab_runs_the_guard_stays(tmp_path: Path) -> None:
    script = BESIDE + "start(export=False).stop()\n" + AFTER
    answer = run(script, REAL_KEYS, tmp_path)
    assert answer["error"] == "RequestRefusedError"
    assert NOBODY not in answer["contacted"]


def test_everything_is_put_back_as_it_was(tmp_path: Path) -> None:
    script = """
import sys
from lambdalab import start
import botocore.httpsession
finders, send = list(sys.meta_path), botocore.httpsession.URLLib3Session.send
lab = start()
assert botocore.httpsession.URLLib3Session.send is not send
import boto3.s3.transfer, botocore.monitoring
guarded = boto3.s3.transfer._should_use_crt, botocore.monitoring.SocketPublisher.publish
lab.stop()
assert botocore.httpsession.URLLib3Session.send is send
assert boto3.s3.transfer._should_use_crt is guarded[0].__wrapped__
assert botocore.monitoring.SocketPublisher.publish is guarded[1].__wrapped__
assert sys.meta_path == finders
start().stop()
assert botocore.httpsession.URLLib3Session.send is send
print("{}")
"""
    run(script, {}, tmp_path)


def test_what_another_tool_has_wrapped_meanwhile_is_left_to_it(tmp_path: Path) -> None:
    script = (
        """
import boto3, botocore.httpsession
from lambdalab import start
lab = start(export=False)
session = botocore.httpsession.URLLib3Session
guarded, calls = session.send, []
def theirs(self, request):
    calls.append(request.url)
    return guarded(self, request)
session.send = theirs
lab.stop()
assert session.send is theirs
"""
        + AFTER
    )
    answer = run(script, REAL_KEYS, tmp_path)
    assert answer["error"] != "RequestRefusedError", "the guard beneath lets all pass"


def test_the_native_s3_client_is_not_used_while_a_lab_runs(lab: Lab) -> None:
    # It is not installed here: what counts is that the question is not asked any more.
    transfer = pytest.importorskip("boto3.s3.transfer")
    config = transfer.TransferConfig(preferred_transfer_client="crt")
    assert transfer._should_use_crt(config) is False
    lab.client("s3").create_bucket(Bucket="a-bucket")
    transfer.create_transfer_manager(lab.client("s3"), config)


# ---- in one process


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.8.9.10",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "::1",
        "[::1]",
        "a.localhost",
    ],
)
def test_loopback_is_seen(host: str) -> None:
    assert guard.is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "fe80::1",
        "example.com",
        "localhost.example.com",
        "127.0.0.1.example.com",
        "xlocalhost",
        "1270.0.1",
        "2130706433",
    ],
)
def test_everything_else_is_not(host: str) -> None:
    assert not guard.is_loopback(host)


def test_a_localhost_name_that_leads_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = [(0, 0, 0, "", (NOBODY, 0))]
    monkeypatch.setattr(guard.socket, "getaddrinfo", lambda *_: answer)
    assert not guard.is_loopback("bucket.localhost")


def test_the_error_is_the_labs_and_not_one_that_botocore_retries(lab: Lab) -> None:
    from botocore.exceptions import BotoCoreError

    client = lab.client("sqs", endpoint_url="https://sqs.us-east-1.amazonaws.com")
    with pytest.raises(RequestRefusedError) as caught:
        client.list_queues()
    assert isinstance(caught.value, LabError)
    assert not isinstance(caught.value, OSError | BotoCoreError)


def test_a_module_that_is_imported_anew_is_guarded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of the name, made a second time, is patched the second time as well."""
    monkeypatch.setattr(guard, "_state", SimpleNamespace(lock=threading.RLock(), labs=1, undo={}))
    for _ in range(2):
        module = ModuleType("boto3.s3.transfer")
        module._should_use_crt = lambda _: True  # type: ignore[attr-defined]
        guard._patch(module)
        assert module._should_use_crt(None) is False
