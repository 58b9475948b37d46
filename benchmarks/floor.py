"""The floor: `awslambdaric` behind the leanest asyncio server that can run a function.

One raw protocol answers both sides of an invoke, boto3's POST and the Runtime API. It parses no
more than it must, checks nothing, and keeps no logs, metrics or records: what the lab costs above
it is the price of behaving like AWS. With `--environments 0` it answers at once and runs no code,
which is what boto3 alone costs; with `--fresh` it spawns an environment for each invoke, which is
what a cold start costs without a zygote.

    python -m benchmarks.floor --directory FOLDER --handler MODULE.FUNCTION --environments 1

It prints its port, and ends with its environments when its standard input is closed.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import sysconfig
import time
import uuid
from collections import deque
from typing import cast

ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
EVENT = (
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    "Lambda-Runtime-Aws-Request-Id: %s\r\nLambda-Runtime-Deadline-Ms: %d\r\n"
    "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:floor\r\n"
    "Content-Length: %d\r\n\r\n"
)
RESULT = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
TIMEOUT_MS = 30_000
Invoke = tuple["Connection", bytes]


class Floor:
    """Who is idle, who waits, who runs; and the processes of the environments."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.address = ""
        # Last in, first out: the environment used last is the one warm in the processor's caches.
        self.idle: list[Connection] = []
        self.waiting: deque[Invoke] = deque()
        self.running: dict[bytes, Connection] = {}
        self.processes: list[subprocess.Popen[bytes]] = []

    def spawn(self) -> None:
        """Start one environment: the runtime client with the handler's folder as its own.

        `-S` leaves out `site`: what a development environment hooks into every interpreter is
        no cost of the runtime client's.
        """
        packages = os.pathsep.join({sysconfig.get_path(name) for name in ("purelib", "platlib")})
        self.processes.append(
            subprocess.Popen(
                [sys.executable, "-S", "-m", "awslambdaric", self.options.handler],
                cwd=self.options.directory,
                env={"PYTHONPATH": packages, "AWS_LAMBDA_RUNTIME_API": self.address},
                stdout=subprocess.DEVNULL,
                close_fds=False,
            )
        )

    def end(self) -> None:
        """Kill and reap every environment."""
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
        self.processes.clear()
        self.idle.clear()

    def invoke(self, invoke: Invoke) -> None:
        """Run one event: now, as soon as an environment is idle, or in one made for it."""
        if self.idle:
            self.give(self.idle.pop(), invoke)
        elif self.options.environments or self.options.fresh:
            self.waiting.append(invoke)
            if self.options.fresh:
                self.spawn()
        else:
            invoke[0].reply(b"null")

    def next(self, environment: "Connection") -> None:
        """Take back an environment that asks for its next event."""
        if self.waiting:
            self.give(environment, self.waiting.popleft())
        else:
            self.idle.append(environment)

    def give(self, environment: "Connection", invoke: Invoke) -> None:
        """Hand one event to an environment, with the real id and deadline that its client needs."""
        caller, event = invoke
        identity = str(uuid.uuid4())
        self.running[identity.encode()] = caller
        deadline = int(time.time() * 1000) + TIMEOUT_MS
        environment.send((EVENT % (identity, deadline, len(event))).encode() + event)

    def finish(self, identity: bytes, result: bytes) -> None:
        """Pass one result to its caller."""
        self.running.pop(identity).reply(result)
        if self.options.fresh:
            self.end()


class Connection(asyncio.Protocol):
    """One keep-alive connection, of a boto3 client or of an environment."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport's write: it is all that is used of it."""
        self.send = cast(asyncio.Transport, transport).write

    def data_received(self, data: bytes) -> None:
        """Act once the whole request is there: both clients send one and wait for its answer."""
        data = self.buffer + data if self.buffer else data
        self.buffer = data
        end = data.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        body = data[end:]
        if len(body) == length_of(data[:end]):
            self.buffer = b""
            self.handle(data, body)

    def handle(self, head: bytes, body: bytes) -> None:
        """Tell the three requests apart by their first bytes."""
        if head.startswith(b"GET /2018-06-01/runtime/invocation/next"):
            self.floor.next(self)
        elif head.startswith(b"POST /2018-06-01/"):
            # Of .../runtime/invocation/ID/response the id is the fifth part.
            self.floor.finish(head.split(b"/", 5)[4], body)
            self.send(ACCEPTED)
        else:
            self.floor.invoke((self, body))

    def reply(self, result: bytes) -> None:
        """Answer boto3."""
        self.send(RESULT % len(result) + result)


def length_of(head: bytes) -> int:
    """Give the length of the body that a request's head announces, 0 without one."""
    start = head.lower().find(b"\r\ncontent-length:")
    return int(head[start + 17 : head.find(b"\r", start + 2)]) if start >= 0 else 0


async def serve(options: argparse.Namespace) -> None:
    """Listen on a free loopback port until standard input is closed."""
    loop = asyncio.get_running_loop()
    floor = Floor(options)
    server = await loop.create_server(lambda: Connection(floor), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    floor.address = f"127.0.0.1:{port}"
    for _ in range(options.environments):
        floor.spawn()
    print(port, flush=True)
    closed = asyncio.Event()
    loop.add_reader(0, closed.set)
    try:
        await closed.wait()
    finally:
        floor.end()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="benchmarks.floor", description=__doc__)
    parser.add_argument("--directory", default=".", help="folder of the handler's module")
    parser.add_argument("--handler", default="lambda_function.handler")
    parser.add_argument("--environments", type=int, default=1)
    parser.add_argument("--fresh", action="store_true", help="one new environment per invoke")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
