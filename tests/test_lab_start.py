"""A lab begins and ends: what is set, what is restored, and that nothing is left behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from lambdalab import start
from lambdalab.lab import process
from lambdalab.lab.errors import (
    ArgumentError,
    CloudLostError,
    CloudStartError,
    LabError,
    LabStoppedError,
)
from tests.engine import wait_until

FAKE = Path(__file__).with_name("fake_cloud.py")


def gone(pid: int) -> bool:
    """Whether no process of that number runs (one that nobody has reaped yet counts as gone)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def descendants(pid: int) -> set[int]:
    """The processes of the session that ``pid`` leads, and all their descendants."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(folder.name)] = int(fields[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def run(script: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let start() spawn the stand-in, in the mode that is given."""

    def use(mode: str) -> None:
        monkeypatch.setattr(process, "COMMAND", [sys.executable, str(FAKE), mode])

    return use


# ---- what is set and restored


def aws_environment() -> dict[str, str]:
    wanted = {"no_proxy", "NO_PROXY"}
    return {n: v for n, v in os.environ.items() if n.startswith("AWS_") or n in wanted}


def test_plain_boto3_reaches_the_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.amazonaws.com")
    with start(region="eu-west-1", account="111122223333") as lab:
        client = boto3.client("sts")
        assert client.meta.endpoint_url == lab.endpoint_url
        assert client.meta.region_name == "eu-west-1"
        assert client.get_caller_identity()["Account"] == "111122223333"
        assert boto3.client("s3").meta.endpoint_url == lab.endpoint_url


def test_nothing_of_the_users_configuration_is_left_while_exported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a token")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
    with start() as lab:
        found = aws_environment()
    assert found.pop("no_proxy") == found.pop("NO_PROXY") == "127.0.0.1,localhost"
    assert len(found.pop("AWS_ACCESS_KEY_ID")) == 20
    assert len(found.pop("AWS_SECRET_ACCESS_KEY")) == 40
    assert found == {
        "AWS_ENDPOINT_URL": lab.endpoint_url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
    }


def test_the_environment_is_restored_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
    monkeypatch.setenv("NO_PROXY", "example.com")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    before = dict(os.environ)
    lab = start()
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    lab.stop()
    monkeypatch.delenv("AWS_MAX_ATTEMPTS", raising=False)
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        ({}, "127.0.0.1,localhost"),
        ({"NO_PROXY": "example.com"}, "example.com,127.0.0.1,localhost"),
        ({"no_proxy": "a.org, localhost"}, "a.org,localhost,127.0.0.1"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_no_proxy_is_extended(
    held: dict[str, str], wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in held.items():
        monkeypatch.setenv(name, value)
    with start():
        assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == wanted
    assert {n: os.environ.get(n) for n in ("no_proxy", "NO_PROXY")} == {
        n: held.get(n) for n in ("no_proxy", "NO_PROXY")
    }


def test_an_error_in_the_block_restores_too() -> None:
    before = dict(os.environ)
    with pytest.raises(ZeroDivisionError), start() as lab:
        _ = 1 / 0
    assert dict(os.environ) == before
    assert gone(lab._process.pid)


def test_a_session_made_before_is_not_used_while_exported_nor_after() -> None:
    boto3.setup_default_session(region_name="us-west-2")
    with start():
        assert boto3.client("sts").meta.region_name == "us-east-1"
        inside = boto3.DEFAULT_SESSION
    assert inside is not None
    assert boto3.DEFAULT_SESSION is None


def test_without_export_the_environment_is_left_alone() -> None:
    before = dict(os.environ)
    with start(export=False):
        assert dict(os.environ) == before
    assert dict(os.environ) == before


def test_the_secret_is_what_clients_sign_with() -> None:
    with start(secret="open sesame") as lab:
        assert os.environ["AWS_SECRET_ACCESS_KEY"] == "open sesame"
        assert lab.session.get_credentials().secret_key == "open sesame"
        assert boto3.client("sts").get_caller_identity()["Account"] == lab.account


# ---- several labs


def test_two_labs_stand_side_by_side() -> None:
    with start(export=False) as one, start(export=False) as two:
        one.client("sqs").create_queue(QueueName="of-one")
        assert one.endpoint_url != two.endpoint_url
        assert "QueueUrls" not in two.client("sqs").list_queues()
        assert len(one.client("sqs").list_queues()["QueueUrls"]) == 1


def test_starting_again_stops_the_lab_exported_before() -> None:
    before = dict(os.environ)
    with start(export=False) as beside:
        first = start()
        second = start()
        with pytest.raises(LabStoppedError):
            first.client("lambda")
        assert gone(first._process.pid)
        assert os.environ["AWS_ENDPOINT_URL"] == second.endpoint_url
        beside.client("sts").get_caller_identity()
        second.stop()
    assert dict(os.environ) == before


def test_starting_again_on_the_same_port_works() -> None:
    port = int(start().endpoint_url.rpartition(":")[2])
    with start(port=port) as again:
        assert again.endpoint_url == f"http://127.0.0.1:{port}"
        again.client("sts").get_caller_identity()


def test_a_wrong_argument_leaves_the_lab_that_runs() -> None:
    with start() as lab:
        with pytest.raises(ArgumentError):
            start(speed=0)
        assert os.environ["AWS_ENDPOINT_URL"] == lab.endpoint_url
        boto3.client("sts").get_caller_identity()


# ---- the end


def test_stop_twice_does_no_harm() -> None:
    lab = start(export=False)
    lab.stop()
    lab.stop()
    assert "stopped" in repr(lab)
    assert "stopped" in lab._repr_html_()


@pytest.mark.parametrize(
    "call",
    [
        lambda lab: lab.client("s3"),
        lambda lab: lab.resource("s3"),
        lambda lab: lab.session,
        lambda lab: lab.reset(),
        lambda lab: lab.role(),
        lambda lab: lab.tail("x"),
        lambda lab: lab.timeline,
        lambda lab: lab.clock,
    ],
)
def test_a_stopped_lab_says_so_in_one_line(call: Callable) -> None:
    lab = start(export=False)
    lab.stop()
    with pytest.raises(LabStoppedError, match=r"^this lab was stopped: lab = start\(\) makes"):
        call(lab)


def test_a_clock_kept_from_a_stopped_lab_says_so_too() -> None:
    with start(export=False) as lab:
        clock = lab.clock
    with pytest.raises(LabStoppedError):
        clock.now()


def test_a_lab_whose_cloud_was_killed_tells_what_became_of_it() -> None:
    with start(export=False) as lab:
        os.kill(lab._process.pid, signal.SIGKILL)
        wait_until(lambda: gone(lab._process.pid))
        with pytest.raises(CloudLostError, match=r"ended with status -9.*start\(\) makes a new"):
            _ = lab.timeline


def test_every_process_of_the_lab_ends(tmp_path: Path) -> None:
    with start(export=False) as lab:
        lam, code = lab.client("lambda"), "def handler(event, context): return 1"
        lam.create_function(
            FunctionName="f",
            Runtime="python3.13",
            Role=lab.role(),
            Handler="a.handler",
            Code={"ZipFile": lab.zip({"a.py": code})},
        )
        lam.get_waiter("function_active_v2").wait(FunctionName="f")
        lam.invoke(FunctionName="f")
        family = descendants(lab._process.pid)
        assert len(family) >= 2
    wait_until(lambda: all(gone(pid) for pid in family))


EXIT = """
import sys
from lambdalab import start
lab = start()
print(lab._process.pid)
{end}
"""


@pytest.mark.parametrize("end", ["", "sys.exit(3)", "raise RuntimeError"])
def test_the_cloud_ends_with_the_interpreter(end: str) -> None:
    done = run(EXIT.format(end=end))
    assert gone(int(done.stdout))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_cloud_ends_when_its_owner_is_killed(number: int) -> None:
    script = EXIT.format(end="sys.stdout.flush()\nsys.stdin.read()")
    owner = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with owner:
        assert owner.stdout is not None
        family = descendants(int(owner.stdout.readline()))
        owner.send_signal(number)
    wait_until(lambda: all(gone(pid) for pid in family))


def test_a_child_process_does_not_keep_a_cloud_alive() -> None:
    # A program that outlives its parent inherits what is inheritable: the lifeline is not.
    script = """
import os, subprocess, sys
from lambdalab import start
lab = start()
child = subprocess.Popen(
    [sys.executable, "-c", "input()"], close_fds=False, stdin=sys.stdin, stdout=2)
print(lab._process.pid, child.pid, flush=True)
os.kill(os.getpid(), 9)
"""
    owner = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with owner:
        assert owner.stdout is not None
        cloud, child = map(int, owner.stdout.readline().split())
        wait_until(lambda: gone(cloud))
        assert not gone(child)


FORK = """
import json, os, sys
from lambdalab import start
lab = start()
child = os.fork()
if not child:
    lab.stop()
    sys.exit()
os.waitpid(child, 0)
print(json.dumps([
    lab._process._process.poll(),
    lab.client("sts").get_caller_identity()["Account"],
    os.environ["AWS_ENDPOINT_URL"] == lab.endpoint_url,
]))
"""


def test_a_forked_child_does_not_stop_the_lab() -> None:
    done = run(FORK)
    assert json.loads(done.stdout) == [None, "123456789012", True], done.stderr


def test_a_forked_child_does_not_hold_the_lifeline() -> None:
    script = """
import os, sys
from lambdalab import start
lab = start()
if not os.fork():
    sys.stdin.read()
    os._exit(0)
print(lab._process.pid, flush=True)
os.kill(os.getpid(), 9)
"""
    owner = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with owner:
        assert owner.stdout is not None
        cloud = int(owner.stdout.readline())
        # The child still waits on our end of its input.
        wait_until(lambda: gone(cloud))


@pytest.mark.parametrize("now", [True, False])
def test_a_restart_of_the_kernel_leaves_nothing_behind(now: bool) -> None:
    manager_module = pytest.importorskip("jupyter_client.manager")
    manager, client = manager_module.start_new_kernel()
    pids: list[int] = []

    def hook(message: dict) -> None:
        if message["msg_type"] == "stream":
            pids.append(int(message["content"]["text"]))

    code = "from lambdalab import start\nlab = start()\nprint(lab._process.pid)"
    try:
        client.execute_interactive(code, output_hook=hook, timeout=60)
        family = descendants(pids[0])
        manager.restart_kernel(now=now)
        wait_until(lambda: all(gone(pid) for pid in family))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_an_interrupt_meant_for_the_owner_does_not_reach_the_cloud() -> None:
    with start(export=False) as lab:
        assert os.getsid(lab._process.pid) != os.getsid(0)


def test_no_key_of_the_user_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    with start(export=False) as lab:
        for pid in descendants(lab._process.pid):
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # gone meanwhile
                assert b"wJalrXUtnFEMI" not in Path(f"/proc/{pid}/environ").read_bytes()


# ---- a cloud that does not behave


def refused(**settings: int) -> str:
    before = dict(os.environ)
    with pytest.raises(CloudStartError) as caught:
        start(**settings)
    assert dict(os.environ) == before
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_a_port_in_use_is_told_in_one_line() -> None:
    with start(export=False) as lab:
        port = int(lab.endpoint_url.rpartition(":")[2])
        assert "did not start" in refused(port=port)


def test_what_the_cloud_refuses_is_told(fake: Callable[[str], None]) -> None:
    fake("refusing")
    assert refused() == "the lab's cloud did not start: port 4566 is in use"


def test_a_cloud_that_breaks_is_told_with_its_last_words(fake: Callable[[str], None]) -> None:
    fake("broken")
    text = refused()
    assert "ended with status 1" in text
    assert text.endswith("RuntimeError: something in the cloud is broken")


def test_a_first_line_that_is_none_is_told(fake: Callable[[str], None]) -> None:
    fake("talkative")
    assert "did not start: it is still running" in refused()


def test_a_cloud_that_does_not_get_ready_is_given_up(
    fake: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake("silent")
    monkeypatch.setattr(process, "START_LIMIT_SECONDS", 0.5)
    assert refused().endswith("still running; its last words: still thinking")


def test_a_cloud_that_does_not_end_is_killed(
    fake: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake("stubborn")
    monkeypatch.setattr(process, "END_LIMITS_SECONDS", (0.1, 0.1, 5.0))
    lab = start(export=False)
    lab.stop()
    assert gone(lab._process.pid)


# ---- arguments


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"port": 70_000}, "port"),
        ({"port": "80"}, "port"),
        ({"port": True}, "port"),
        ({"speed": 0}, "speed"),
        ({"speed": -1.0}, "speed"),
        ({"speed": float("nan")}, "speed"),
        ({"speed": float("inf")}, "speed"),
        ({"speed": "fast"}, "speed"),
        ({"region": "us-esat-1"}, "region"),
        ({"region": ""}, "region"),
        ({"region": None}, "region"),
        ({"account": 123456789012}, "account"),
        ({"account": "12345"}, "account"),
        ({"cpu": "no"}, "cpu"),
        ({"seed": "x"}, "seed"),
        ({"secret": ""}, "secret"),
        ({"secret": "two\nlines"}, "secret"),
    ],
)
def test_a_wrong_argument_is_named(settings: dict, name: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{name} is .*, not ") as caught:
        start(**settings)
    assert isinstance(caught.value, LabError)
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)


# ---- imports


def test_importing_the_package_loads_nothing() -> None:
    done = run(
        "import sys, lambdalab; print([n for n in sys.modules if n.startswith('lambdalab')])"
    )
    modules = [name for name in json.loads(done.stdout.replace("'", '"')) if "editable" not in name]
    assert modules == ["lambdalab"]


def test_start_loads_nothing_that_the_next_line_may_not_need() -> None:
    script = """
import sys
from lambdalab import start
with start() as lab:
    repr(lab)
    print([n for n in ("moto", "matplotlib", "IPython", "numpy") if n in sys.modules])
"""
    assert run(script).stdout == "[]\n"


def test_a_cloud_begins_without_the_services_that_take_long_to_load() -> None:
    script = """
import sys
import lambdalab.cloud.cloud
from lambdalab.neighbours import application
early = [name for name in sys.modules if name.startswith("moto")]
application.preload(0, "123456789012")
slow = ("cloudformation", "ec2", "ecs", "stepfunctions", "apigateway")
print(early + [name for name in slow if f"moto.{name}" in sys.modules])
"""
    assert run(script).stdout == "[]\n"


def test_the_package_offers_what_it_names() -> None:
    import lambdalab
    from lambdalab.lab import Lab

    assert lambdalab.Lab is Lab
    assert lambdalab.start is start
    assert lambdalab.__version__
    assert {"Lab", "start", "__version__"} <= set(dir(lambdalab))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = lambdalab.nothing
