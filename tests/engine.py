"""What the tests of the engine share: errors, answers, the wire as it is, processes, conditions."""

from __future__ import annotations

import base64
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

SIGNED_FOR_LAMBDA = (
    "AWS4-HMAC-SHA256 Credential=AKIALAMBDALABEXAMPLE/20260101/us-east-1/lambda/aws4_request, "
    "SignedHeaders=host, Signature=00"
)


def wait_until(holds: Callable[[], Any], seconds: float = 15) -> Any:
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
