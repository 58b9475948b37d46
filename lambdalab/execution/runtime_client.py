"""The Runtime API's client for ``awslambdaric``, in pure Python.

``awslambdaric`` takes its HTTP client from a module of this name: a native one on Linux, none
elsewhere. This one works everywhere and takes half the time of the native one. It runs inside
execution environments and imports nothing of the lab.
"""

from __future__ import annotations

import os
import socket
from typing import Any

_DEADLINE = "Lambda-Runtime-Deadline-Ms"
_LONGEST_CAUSE = 16_384
_VERSION = "/2018-06-01/runtime"
_connection: _Connection | None = None


class _Connection:
    """One kept-alive connection to the Runtime API of this execution environment."""

    def __init__(self, address: str, user_agent: str) -> None:
        self._common = f" HTTP/1.1\r\nHost: {address}\r\nUser-Agent: {user_agent}\r\n"
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self._asked = False
        self._unread = 0

    def next(self) -> tuple[bytes, dict[str, str]]:
        """The next event and its headers; raises RuntimeError when the last answer was refused."""
        if not self._asked:
            self._socket.sendall(self._request("GET", "/invocation/next"))
        self._asked = False
        for _ in range(self._unread):
            self._check(*self._read())
        self._unread = 0
        _, headers, body = self._read()
        return body, headers

    def answer(self, path: str, headers: str, body: bytes) -> None:
        """Send what became of an invocation, and ask for the next one in the same breath.

        The runtime asks next in any case. Sent together, the two are one turn for the platform
        and one for the runtime, which is woken once for an invocation.
        """
        length = f"Content-Length: {len(body)}\r\n"
        sent = self._request("POST", path, headers + length) + body
        self._socket.sendall(sent + self._request("GET", "/invocation/next"))
        self._asked = True
        self._unread += 1

    def _request(self, method: str, path: str, headers: str = "") -> bytes:
        return f"{method} {_VERSION}{path}{self._common}{headers}\r\n".encode("latin-1")

    def _check(self, status: int, _: dict[str, str], body: bytes) -> None:
        # Too large a response is the platform's to report: the runtime lives on.
        if status not in (202, 413):
            raise RuntimeError(f"the Runtime API answered {status}: {body[:200]!r}")

    def _read(self) -> tuple[int, dict[str, str], bytes]:
        received = self._received
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more()
        lines = received[:end].decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:])
        body = received[end + 4 :]
        length = int(headers.get("Content-Length", "0"))
        if len(body) < length:
            body = self._rest(body, length)
        self._received = body[length:]
        return int(lines[0].split(" ", 2)[1]), headers, body[:length]

    def _rest(self, start: bytes, length: int) -> bytes:
        chunks, size = [start], len(start)
        while size < length:
            chunks.append(self._more())
            size += len(chunks[-1])
        return b"".join(chunks)

    def _more(self) -> bytes:
        data = self._socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the Runtime API closed the connection")
        return data


def initialize_client(user_agent: str) -> None:
    """Connect. Called when a function's process imports the runtime, never before."""
    global _connection
    _connection = _Connection(os.environ["AWS_LAMBDA_RUNTIME_API"], user_agent)


def next() -> tuple[bytes, dict[str, Any]]:  # noqa: A001 - the name awslambdaric calls
    """Wait for the next invocation: its event and its headers, the deadline as a number."""
    assert _connection is not None
    body, headers = _connection.next()
    return body, headers | {_DEADLINE: int(headers[_DEADLINE])}


def post_invocation_result(
    invoke_id: str, result: bytes, content_type: str, invocation_id: str | None = None
) -> None:
    """Send the result of an invocation."""
    assert _connection is not None
    headers = f"Content-Type: {content_type}\r\n{_echo(invocation_id)}"
    _connection.answer(f"/invocation/{invoke_id}/response", headers, result)


def post_error(
    invoke_id: str, error: str, xray_fault: str, invocation_id: str | None = None
) -> None:
    """Send the error of an invocation."""
    assert _connection is not None
    # The cause travels as a header: a line break in it would end the header.
    cause = xray_fault.encode("ascii", "replace").decode("ascii").replace("\n", " ")
    headers = (
        "Content-Type: application/json\r\n"
        "Lambda-Runtime-Function-Error-Type: Unhandled\r\n"
        f"Lambda-Runtime-Function-XRay-Error-Cause: {cause[:_LONGEST_CAUSE]}\r\n"
        f"{_echo(invocation_id)}"
    )
    _connection.answer(f"/invocation/{invoke_id}/error", headers, error.encode())


def _echo(invocation_id: str | None) -> str:
    return f"Lambda-Runtime-Invocation-Id: {invocation_id}\r\n" if invocation_id else ""
