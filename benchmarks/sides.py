"""Those compared: the floor, the lab and the peer, each a server in a process of its own.

All are called from this process, each through one boto3 client of its own with the same settings,
and run the same handler with the same memory.
"""

import io
import json
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from benchmarks import ministack
from benchmarks.report import UnmeasuredError

# It prints, because MiniStack waits 50 ms for the first line of a silent handler; it tells its
# environment's mark, so that environments can be counted, and its process.
HANDLER = """import os

MARK = os.urandom(8).hex()

def handler(event, context):
    print("one line")
    return [MARK, os.getpid()]
"""
RUNTIME = f"python3.{sys.version_info.minor}"
MEMORY_MB = 1769
ROOT = Path(__file__).parents[1]
FLOOR, LAB, PEER, CLIENT = "floor", "Lambda Lab", "MiniStack", "boto3 alone"
HARDENED, ROOMLESS = "Lambda Lab, hardened", "Lambda Lab, no rooms"
# As many connections as the busiest benchmark has threads; and a failure must show, not be retried.
CONFIG = Config(max_pool_connections=8, retries={"total_max_attempts": 1})
READY_SECONDS = 30.0


@dataclass
class Side:
    """One of those compared: its name, a boto3 client, a role it accepts.

    `environments` collects the marks of those that ran its handler; `lab` is the lab's own handle.
    """

    name: str
    client: Any
    role: str = "arn:aws:iam::000000000000:role/lambda-role"
    environments: set[str | None] = field(default_factory=set)
    lab: Any = None

    def other(self, service: str) -> Any:
        """Make a client of another service of the same server, with the same settings."""
        if self.lab:
            return self.lab.client(service, config=CONFIG)
        return client_of(self.port, service)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.client.meta.endpoint_url.rpartition(":")[2])

    def invoke(self, function: str = "benchmark") -> int | None:
        """Invoke once through to the result: the handler's process, None where no code runs.

        In the lab the number of the process is the one that it has in its room.
        """
        answer = self.client.invoke(FunctionName=function, Payload=b"{}")
        text = answer["Payload"].read()
        if "FunctionError" in answer:
            raise UnmeasuredError(f"{self.name}: the handler failed: {text.decode()}")
        mark, process = (None, None) if text == b"null" else json.loads(text)
        self.environments.add(mark)
        return process

    def create(self, function: str = "benchmark") -> None:
        """Create the function, and wait until it can be invoked."""
        self.client.create_function(
            FunctionName=function,
            Runtime=RUNTIME,
            Role=self.role,
            Handler="lambda_function.handler",
            Code={"ZipFile": package()},
            MemorySize=MEMORY_MB,
            Timeout=30,
        )
        self.wait_ready(function)

    def renew(self, mark: str, function: str = "benchmark") -> None:
        """Change the function's configuration: the next invoke needs a new environment."""
        self.client.update_function_configuration(
            FunctionName=function, Environment={"Variables": {"MARK": mark}}
        )
        self.wait_ready(function)

    def wait_ready(self, function: str) -> None:
        """Return once the function is active and not being updated."""
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            found = self.client.get_function_configuration(FunctionName=function)
            if (found["State"], found.get("LastUpdateStatus")) == ("Active", "Successful"):
                return
            time.sleep(0.005)
        raise UnmeasuredError(f"{self.name}: not active within {READY_SECONDS:g} s")


def package(text: str = HANDLER) -> bytes:
    """Zip a handler."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("lambda_function.py", text)
    return packed.getvalue()


@contextmanager
def owned(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Run one of this package's servers, which ends when its standard input is closed."""
    command = [sys.executable, "-m", *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield process


def client_of(port: int, service: Any = "lambda") -> Any:
    """Make a boto3 client for a server of ours that looks at no keys."""
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=CONFIG,
    )


@contextmanager
def floor_side(environments: int = 1, *, fresh: bool = False) -> Iterator[Side]:
    """Run the floor with so many environments; with none, what boto3 alone costs."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "lambda_function.py").write_text(HANDLER, encoding="utf-8")
        arguments = ["--directory", folder, "--environments", str(environments)]
        with owned("benchmarks.floor", *arguments, *["--fresh"][: int(fresh)]) as process:
            assert process.stdout
            name = FLOOR if environments or fresh else CLIENT
            yield Side(name, client_of(int(process.stdout.readline())))


@contextmanager
def lab_side(name: str = LAB, **settings: Any) -> Iterator[Side]:
    """Run the lab as a learner gets it: logs, metrics and timeline on."""
    from lambdalab import start

    with start(export=False, **settings) as lab:
        side = Side(name, lab.client("lambda", config=CONFIG), lab.role(), lab=lab)
        side.create()
        yield side


@contextmanager
def peer_side() -> Iterator[Side]:
    """Run MiniStack."""
    ministack.installed()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with owned("benchmarks.ministack", str(port)):
        ministack.wait_ready(port)
        side = Side(PEER, client_of(port))
        side.create()
        yield side


def peers(stack: ExitStack) -> list[Side]:
    """Start the peer if this machine can have it; say on standard error why not."""
    try:
        return [stack.enter_context(peer_side())]
    except UnmeasuredError as reason:
        print(f"without the peer: {reason}", file=sys.stderr)
        return []
