"""The ``lambdalab`` command, as a terminal or a script runs it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

import lambdalab
from lambdalab import cli
from lambdalab.lab.exports import aws_variables
from lambdalab.lab.settings import Settings

COMMAND = [sys.executable, "-m", "lambdalab"]
NAMES = ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60)


@pytest.fixture
def serve() -> Iterator:
    """Start ``lambdalab serve``; every one that still runs in the end is ended."""
    running: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*COMMAND, "serve", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        with process:
            process.kill()


def exports(process: subprocess.Popen[str]) -> dict[str, str]:
    """The variables that the process prints; its output ends with them."""
    assert process.stdout is not None
    lines = process.stdout.read().splitlines()
    assert [line.split("=")[0] for line in lines] == [f"export {name}" for name in NAMES]
    return dict(line.removeprefix("export ").split("=", 1) for line in lines)


# ---- serve


def test_serve_prints_the_exports_and_then_says_that_it_is_ready(serve) -> None:
    process = serve("--region", "eu-west-1")
    found = exports(process)
    assert process.stderr.readline() == "ready\n"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", found["AWS_ENDPOINT_URL"])
    assert found["AWS_DEFAULT_REGION"] == "eu-west-1"
    sts = boto3.client(
        "sts",
        endpoint_url=found["AWS_ENDPOINT_URL"],
        aws_access_key_id=found["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=found["AWS_SECRET_ACCESS_KEY"],
        region_name=found["AWS_DEFAULT_REGION"],
    )
    assert sts.get_caller_identity()["Account"] == "123456789012"


def test_serve_listens_where_it_is_told(serve) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = serve("--port", str(port), "--speed", "60", "--seed", "7", "--no-cpu")
    assert exports(process)["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_serve_ends_when_it_is_told_to_and_quietly(serve, number: int) -> None:
    process = serve()
    address = exports(process)["AWS_ENDPOINT_URL"]
    assert process.stderr.readline() == "ready\n"
    process.send_signal(number)
    assert process.wait(15) == 0
    assert process.stderr.read() == ""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout=5)


def test_the_line_of_the_help_works_in_a_shell(tmp_path: Path) -> None:
    script = f"""
        lab="{sys.executable} -m lambdalab serve"
        eval "$($lab --secret 'it is $a "secret"' 2>/dev/null & echo SERVE=$!)"
        echo "$AWS_ENDPOINT_URL|$AWS_SECRET_ACCESS_KEY"
        kill $SERVE
    """
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60)
    address, secret = done.stdout.strip().split("|")
    assert address.startswith("http://127.0.0.1:")
    assert secret == 'it is $a "secret"'


@pytest.mark.skipif(shutil.which("aws") is None, reason="the aws command is not installed")
def test_the_aws_command_reaches_it(serve, tmp_path: Path) -> None:
    process = serve()
    environ = {**os.environ, **exports(process), "HOME": str(tmp_path)}
    command = ["aws", "lambda", "list-functions", "--output", "json"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    if "not" in done.stderr and "found" in done.stderr:
        pytest.skip("the aws command does not run here")
    assert json.loads(done.stdout)["Functions"] == [], done.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--speed", "0"], "speed is a number above 0, not 0.0"),
        (["--speed", "-2"], "speed is a number above 0, not -2.0"),
        (["--speed", "fast"], "argument --speed: invalid float value: 'fast'"),
        (["--region", "us-esat-1"], "region is the code of an AWS Region"),
        (["--account", "12"], "account is a string of 12 digits, not '12'"),
        (["--port", "99999"], "port is a number from 0"),
        (["--port", "x"], "argument --port: invalid int value: 'x'"),
        (["--secret", ""], "secret is None or one line of text"),
        (["--sped", "1"], "unrecognized arguments: --sped 1"),
    ],
)
def test_a_wrong_argument_is_told_in_one_line(arguments: list[str], text: str) -> None:
    done = run("serve", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("lambdalab serve: ") or "--sped" in text
    assert text in done.stderr


def test_a_port_in_use_is_told_in_one_line_and_nothing_is_started() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        begin = time.monotonic()
        done = run("serve", "--port", str(port))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == f"lambdalab serve: port {port} cannot be used: Address already in use\n"
    assert time.monotonic() - begin < 10


# ---- the other commands


def test_version() -> None:
    done = run("version")
    assert (done.stdout, done.returncode) == (f"lambdalab {lambdalab.__version__}\n", 0)


def test_doctor_as_table_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert cli.main(["doctor", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert all(row["name"] in text for row in rows)


def test_without_a_command_the_help_is_shown() -> None:
    done = run()
    assert done.returncode == 2
    assert all(word in done.stdout for word in ("serve", "doctor", "version"))


@pytest.mark.parametrize("command", ["serve", "doctor", "version"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([command, "--help"])
    assert caught.value.code == 0
    assert f"lambdalab {command}" in capsys.readouterr().out


def test_an_unknown_command_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["sreve"])
    assert caught.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_exports_are_what_a_lab_sets() -> None:
    assert list(aws_variables("http://127.0.0.1:1", Settings())) == NAMES
