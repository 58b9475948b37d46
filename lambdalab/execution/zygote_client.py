"""The lab's side of the zygote: starts it, asks it for processes, hears when they end."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lambdalab.execution import orphans

__all__ = ["ZygoteClient", "ZygoteGoneError"]

# What AWS's Python runtimes bring besides the standard library; nothing else of the lab's own
# environment can be imported by a function, or code would run here that fails on AWS.
RUNTIME_PACKAGES = (
    "awslambdaric",
    "boto3",
    "botocore",
    "dateutil",
    "jmespath",
    "s3transfer",
    "simplejson",
    "six",
    "snapshot_restore_py",
    "urllib3",
)

# Where this machine's Python needs them to find its own library; functions never see them.
_LOADER_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class ZygoteGoneError(Exception):
    """The zygote ended: no environment can be started until it is back."""


class ZygoteClient:
    """A zygote process and the environments it has forked."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.runtime_directory = directory / "runtime"
        self._exits: dict[int, Callable[[int], None]] = {}
        self._early: dict[int, int] = {}
        self._asked: deque[asyncio.Future[dict[str, Any]]] = deque()
        self._asking = asyncio.Lock()
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._received = b""

    def start(self) -> None:
        """Start the zygote; it is ready when it answers."""
        ours, theirs = socket.socketpair()
        script = Path(__file__).with_name("zygote.py")
        self._link_runtime()
        orphans.adopt()
        command = [
            sys.executable,
            "-I",
            "-S",
            str(script),
            str(self.runtime_directory),
            str(self._directory),
        ]
        loader = {name: os.environ[name] for name in _LOADER_VARIABLES if name in os.environ}
        self._process = subprocess.Popen(
            command,
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            env=loader,
        )
        theirs.close()
        ours.setblocking(False)
        self._socket, self._received = ours, b""
        asyncio.get_running_loop().add_reader(ours, self._receive)

    def _link_runtime(self) -> None:
        """One directory with exactly the packages of AWS's Python runtimes, as links."""
        self.runtime_directory.mkdir(parents=True, exist_ok=True)
        for name in RUNTIME_PACKAGES:
            spec = importlib.util.find_spec(name)
            if spec is None or spec.origin is None:
                continue
            origin = Path(spec.origin)
            source = origin.parent if origin.name == "__init__.py" else origin
            link = self.runtime_directory / source.name
            if not link.is_symlink():
                link.symlink_to(source)

    async def spawn(self, request: dict[str, Any], output: int) -> int:
        """Fork an environment whose output goes to the descriptor ``output``; gives its pid."""
        async with self._asking:
            if self._socket is None:
                self.start()
            assert self._socket is not None
            message = _message(request)
            answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
            self._asked.append(answer)
            try:
                sent = socket.send_fds(self._socket, [message], [output])
                await asyncio.get_running_loop().sock_sendall(self._socket, message[sent:])
            except OSError as error:
                self._lost()
                raise ZygoteGoneError from error
        told = await answer
        if "spawned" not in told:
            raise ZygoteGoneError(told.get("refused", ""))
        return int(told["spawned"])

    def kill(self, pid: int) -> None:
        """End a process with all its descendants, at once."""
        # The zygote looks for descendants first: killed, their parent could not tell them any more.
        if self._socket is None:
            signal_group(pid, signal.SIGKILL)
            return
        with contextlib.suppress(OSError):
            self._socket.sendall(_message({"kill": pid}))

    def discard(self, pid: int) -> None:
        """End a process that nobody listens to."""
        self.on_exit(pid, lambda _: None)
        self.kill(pid)

    def on_exit(self, pid: int, listener: Callable[[int], None]) -> None:
        """Call ``listener`` with the exit status of a process (negative: the signal)."""
        if pid in self._early:
            listener(self._early.pop(pid))
        else:
            self._exits[pid] = listener

    def stop(self) -> None:
        """End the zygote with everything it has started, and wait until that is done."""
        self._disconnect()
        if self._process is not None:
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        orphans.end_all()

    def _receive(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost()
            return
        *lines, self._received = (self._received + data).split(b"\n")
        for line in lines:
            self._hear(json.loads(line))

    def _hear(self, message: dict[str, Any]) -> None:
        if "exited" not in message:
            self._tell(self._asked.popleft(), message)
            return
        pid, status = message["exited"], message["status"]
        listener = self._exits.pop(pid, None)
        if listener is None:
            self._early[pid] = status
        else:
            listener(status)

    def _tell(self, asked: asyncio.Future[dict[str, Any]], answer: dict[str, Any]) -> None:
        if not asked.done():
            asked.set_result(answer)
        elif "spawned" in answer:
            # Who asked was cancelled meanwhile: the process is nobody's.
            self.discard(answer["spawned"])

    def _lost(self) -> None:
        """The zygote is gone, and with it (by their parent's death) every environment."""
        self._disconnect()
        orphans.end_all()
        while self._asked:
            self._tell(self._asked.popleft(), {"refused": "the zygote ended"})
        exits, self._exits = self._exits, {}
        for listener in exits.values():
            listener(-9)

    def _disconnect(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None


def _message(request: dict[str, Any]) -> bytes:
    body = json.dumps(request).encode()
    return len(body).to_bytes(4, "big") + body


def signal_group(pid: int, number: int) -> None:
    """Signal an environment's whole process group; harmless when it is gone."""
    if pid <= 0:
        # To the system, group 0 is the caller's own.
        return
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return
