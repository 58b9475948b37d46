"""What the tests of the engine share: errors, answers, the wire as it is, gates, processes."""

from __future__ import annotations

import base64
import json
import os
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest
from botocore.exceptions import ClientError

# The runtime whose functions the lab forks, rather than start an interpreter for them.
RUNTIME = f"python3.{sys.version_info.minor}"

SIGNED_FOR_LAMBDA = (
    "AWS4-HMAC-SHA256 Credential=AKIALAMBDALABEXAMPLE/20260101/us-east-1/lambda/aws4_request, "
    "SignedHeaders=host, Signature=00"
)


def wait_until(holds: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait for a condition; gives what it gives."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.005)
    return found


# ---- calls


class Refusal(NamedTuple):
    status: int
    code: str
    message: str


def most(measure: Callable[[], float], enough: float, runs: int = 30) -> float:
    """The largest share of a CPU in several runs: other work on the machine can only take away."""
    best = 0.0
    for _ in range(runs):
        best = max(best, measure())
        if best > enough:
            break
    return best


def refusal(call: Callable[..., Any], **parameters: Any) -> Refusal:
    """How a call is refused."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response: dict[str, Any] = caught.value.response
    error = response["Error"]
    return Refusal(
        response["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error.get("Message", "")
    )


class Answer(NamedTuple):
    """What an invocation gave: ``value`` is its payload read as JSON, ``log`` its tail."""

    value: Any
    error: str | None
    log: str
    payload: bytes
    request_id: str


def invoke(lam: Any, name: str, event: Any = None, **parameters: Any) -> Answer:
    """Invoke and ask for the log."""
    if event is not None:
        parameters["Payload"] = event if isinstance(event, bytes) else json.dumps(event).encode()
    given = lam.invoke(FunctionName=name, LogType="Tail", **parameters)
    payload = given["Payload"].read()
    return Answer(
        json.loads(payload),
        given.get("FunctionError"),
        base64.b64decode(given["LogResult"]).decode(),
        payload,
        given["ResponseMetadata"]["RequestId"],
    )


# ---- the wire


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def port_of(lab: Any) -> int:
    return int(lab.endpoint_url.rpartition(":")[2])


def send(port: int, data: bytes, timeout: float = 15) -> list[Reply]:
    """Send bytes and read every answer; the last request must ask for the connection's end."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(data)
        return list(replies(read_all(connection)))


def read_all(connection: socket.socket) -> bytes:
    received = b""
    while data := connection.recv(1 << 16):
        received += data
    return received


def replies(received: bytes) -> Iterator[Reply]:
    """The answers in a stream of bytes, interim ones included."""
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(headers.get("content-length", "0"))
        yield Reply(int(first.split(" ")[1]), headers, received[:length])
        received = received[length:]


def request(port: int, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
    """One request over a connection of its own; an underscore in a header's name is a hyphen."""
    named = {"Host": f"127.0.0.1:{port}", "Connection": "close", "Content-Length": str(len(body))}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{n}: {v}" for n, v in named.items() if v), "", ""]
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall("\r\n".join(lines).encode() + body)
        (reply,) = replies(read_all(connection))
    return reply


# ---- gates


# For the code of a function: tell the gate something, and wait there until it is open.
ARRIVE = """
import json, socket
def arrive(gate, told=None):
    with socket.create_connection(("127.0.0.1", gate)) as connection:
        connection.sendall(json.dumps(told).encode() + b"\\n")
        connection.recv(1)
"""


class Gate:
    """A port where handlers arrive (see ``ARRIVE``) and stay until the gate is opened.

    Handlers and tests share no file, for a function may have files and processes of its own, but
    they share this machine's loopback. ``arrived`` is what the handlers told, in their order.
    """

    def __init__(self) -> None:
        self.arrived: list[Any] = []
        self._open = threading.Event()
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._receive)
        self.port: int = self._server.server_address[1]
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.open()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def open(self) -> None:
        """Let go on whoever waits, and from now on whoever comes."""
        self._open.set()

    def wait_for(self, count: int, seconds: float = 60) -> list[Any]:
        """Wait until so many have arrived; gives what they told."""
        wait_until(lambda: len(self.arrived) >= count, seconds)
        return self.arrived

    def _receive(self, connection: socket.socket, *_: object) -> None:
        """One handler; the server closes its connection afterwards."""
        connection.settimeout(15)
        try:
            line = connection.makefile("rb").readline()
        except OSError:  # it was ended while it told
            return
        if line.endswith(b"\n"):
            self.arrived.append(json.loads(line))
            self._open.wait()


# ---- processes


def state_of(pid: int) -> str:
    """The kernel's letter for the state of a process; X when it is gone, Z when not yet reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def gone(pid: int) -> bool:
    return state_of(pid) in "XZ"


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def running(mark: str) -> list[int]:
    """The processes that have ``mark`` in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        pid = int(folder.name)
        if mark.encode() in command and pid != os.getpid() and not gone(pid):
            found.append(pid)
    return found


def children_of(pid: int) -> list[int]:
    """The children of a process, each thread's."""
    found: list[int] = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in listing.read_text().split()]
        except OSError:  # the thread is gone
            continue
    return found


def zygote_of(cloud: int) -> int:
    """The first zygote of a cloud, both as process numbers: its input is the cloud's socket.

    There is one more for each other version of Python that functions ran on.
    """
    return next(pid for pid in _made_by(cloud) if _input_of(pid).startswith("socket:"))


def supervisors_of(lab: Any) -> list[int]:
    """The supervisor of each environment of a lab, in the order in which they were made.

    Those of a zygote that has died are the cloud's own children since.
    """
    cloud = lab._process.pid
    zygotes = {pid for pid in _made_by(cloud) if _input_of(pid).startswith("socket:")}
    found = {child for zygote in zygotes for child in children_of(zygote)}
    return sorted(found | (_made_by(cloud) - zygotes), key=started_at)


def _input_of(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/fd/0").readlink())
    except OSError:  # gone, or in a room
        return ""


def _made_by(cloud: int) -> set[int]:
    """The children of a cloud that are, or come from, a zygote."""
    return set(children_of(cloud)) & set(running("zygote.py"))


def members_of(supervisor: int) -> list[int]:
    """All processes of an environment, but for its supervisor."""
    return [one for child in children_of(supervisor) for one in (child, *members_of(child))]


def everybody(lab: Any) -> list[int]:
    """The processes of all environments of a lab, but for their supervisors."""
    return [pid for supervisor in supervisors_of(lab) for pid in members_of(supervisor)]


def outside(lab: Any, inside: int) -> int:
    """The number on this machine of the one process that knows itself by ``inside``."""
    (found,) = (pid for pid in everybody(lab) if numbers_of(pid)[-1:] == [inside])
    return found


def numbers_of(pid: int) -> list[int]:
    """The numbers of a process in the PID namespaces that it is in, the outermost first."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return []
    (line,) = (line for line in lines if line.startswith("NSpid:"))
    return [int(number) for number in line.split()[1:]]


def started_at(pid: int) -> int:
    """When a process began, in ticks since the machine did; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return 0


def scratch_of(zygote: int) -> Path:
    """The directory that the cloud keeps code in: the zygote is told."""
    settings = Path(f"/proc/{zygote}/cmdline").read_text().rstrip("\0").split("\0")[-1]
    return Path(json.loads(settings)["scratch"])
