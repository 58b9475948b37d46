"""The AWS command line, as anybody has it, against ``lambdalab serve``."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "lambda.amazonaws.com"},
        }
    ],
}
CODE = "def handler(event, context):\n    print('got', event)\n    return {'answer': %s}\n"

Aws = Callable[..., Any]


@pytest.fixture(scope="module")
def command() -> str:
    """Where the aws command is: beside this Python, or on the PATH."""
    beside = Path(sys.executable).with_name("aws")
    found = str(beside) if beside.exists() else shutil.which("aws")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("the aws command is missing: requirements-dev.txt brings it")
        pytest.skip("no aws command: pip install -r requirements-dev.txt brings it")
    return found


@pytest.fixture(scope="module")
def served() -> Iterator[dict[str, str]]:
    """What ``lambdalab serve`` prints, as variables."""
    with subprocess.Popen(
        [sys.executable, "-m", "lambdalab", "serve", "--region", "eu-west-1", "--speed", "10"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
        yield dict(line.removeprefix("export ").split("=", 1) for line in lines)
        process.terminate()
        assert process.wait(15) == 0


@pytest.fixture(scope="module")
def run(
    command: str, served: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run aws with nothing but what ``serve`` printed."""
    home = tmp_path_factory.mktemp("home")
    environ = {n: v for n, v in os.environ.items() if not n.startswith("AWS_")}
    environ |= served | {"HOME": str(home), "AWS_PAGER": ""}

    def aws(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [command, *arguments], cwd=home, env=environ, capture_output=True, text=True, timeout=60
        )

    return aws


@pytest.fixture(scope="module")
def aws(run: Callable[..., subprocess.CompletedProcess[str]]) -> Aws:
    """Run aws and read what it prints."""

    def call(*arguments: str) -> Any:
        done = run(*arguments, "--output", "json")
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return json.loads(done.stdout) if done.stdout else None

    return call


def package(folder: Path, answer: int) -> str:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("app.py", CODE % answer)
    file = folder / f"{answer}.zip"
    file.write_bytes(data.getvalue())
    return f"fileb://{file}"


def test_a_function_lives_from_create_to_delete(
    aws: Aws, run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    second = run("--version").stdout.startswith("aws-cli/2")
    # Version 2 takes a payload as base64 unless it is told otherwise.
    as_it_is = ["--cli-binary-format", "raw-in-base64-out"] if second else []

    def invoke() -> tuple[Any, Any, str]:
        out = tmp_path / "out.json"
        told = aws(
            "lambda", "invoke", "--function-name", "f", "--payload", '{"key": 1}',
            "--log-type", "Tail", *as_it_is, str(out),
        )  # fmt: skip
        return told, json.loads(out.read_text()), base64.b64decode(told["LogResult"]).decode()

    role = aws(
        "iam", "create-role", "--role-name", "r", "--assume-role-policy-document", json.dumps(TRUST)
    )["Role"]["Arn"]
    made = aws(
        "lambda", "create-function", "--function-name", "f", "--runtime", "python3.13",
        "--handler", "app.handler", "--role", role, "--zip-file", package(tmp_path, 1),
        "--environment", "Variables={AB=cd}", "--tags", "team=a", "--timeout", "9",
    )  # fmt: skip
    assert made["FunctionArn"] == "arn:aws:lambda:eu-west-1:123456789012:function:f"
    assert made["State"] == "Pending"
    assert aws("lambda", "wait", "function-active-v2", "--function-name", "f") is None
    told, answer, log = invoke()
    assert (told["StatusCode"], told["ExecutedVersion"], answer) == (200, "$LATEST", {"answer": 1})
    assert "got {'key': 1}\n" in log

    changed = package(tmp_path, 2)
    aws("lambda", "update-function-code", "--function-name", "f", "--zip-file", changed)
    aws("lambda", "wait", "function-updated-v2", "--function-name", "f")
    assert invoke()[1] == {"answer": 2}
    (listed,) = aws("lambda", "list-functions")["Functions"]
    assert (listed["FunctionName"], listed["Timeout"]) == ("f", 9)

    if second:  # version 1 has no such command
        tail = run("logs", "tail", "/aws/lambda/f", "--since", "1h", "--format", "short")
        assert len(re.findall(r"got \{'key': 1\}", tail.stdout)) == 2, tail.stderr
    events = aws("logs", "filter-log-events", "--log-group-name", "/aws/lambda/f")["events"]
    assert [event["message"] for event in events if "got" in event["message"]] == [
        "got {'key': 1}\n"
    ] * 2
    aws("lambda", "delete-function", "--function-name", "f")
    assert aws("lambda", "list-functions")["Functions"] == []


def test_a_refusal_is_printed_as_that_of_aws(
    run: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = run("lambda", "get-function", "--function-name", "nobody")
    assert done.returncode != 0
    wanted = (
        "An error occurred (ResourceNotFoundException) when calling the GetFunction operation: "
        "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:nobody"
    )
    assert wanted in done.stderr


def test_files_go_to_a_bucket_and_back(
    aws: Aws, run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(range(256)) * (36 << 10))  # 9 MB: sent in parts
    assert run("s3", "mb", "s3://bucket").returncode == 0
    done = run("s3", "cp", str(large), "s3://bucket/with blank+é.bin")
    assert done.returncode == 0, done.stderr
    back = tmp_path / "back"
    assert run("s3", "cp", "s3://bucket/with blank+é.bin", str(back)).returncode == 0
    assert back.read_bytes() == large.read_bytes()
    assert "with blank+é.bin" in run("s3", "ls", "s3://bucket").stdout
