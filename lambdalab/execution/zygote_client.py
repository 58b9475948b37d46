"""The lab's side of the zygote: starts it, gets environments from it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from lambdalab.execution import orphans
from lambdalab.execution.sandbox import Sandbox, message

__all__ = ["ZygoteClient"]

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


class ZygoteClient:
    """A zygote process, and whether environments have rooms of their own.

    ``no_rooms`` is the reason why they have none; empty where they do.
    """

    def __init__(
        self,
        directory: Path,
        *,
        rooms: bool = True,
        harden: bool = False,
        executable: str = sys.executable,
    ) -> None:
        self._directory = directory
        self._executable = executable
        self._kin: dict[str, ZygoteClient] = {}
        self._wanted = {"rooms": rooms, "harden": harden}
        self.runtime_directory = directory / "runtime"
        self.no_rooms = ""
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._told: asyncio.Future[None] | None = None
        self._opening = asyncio.Lock()

    def start(self) -> None:
        """Start the zygote; it is ready when it has told about rooms."""
        ours, theirs = socket.socketpair()
        self._link_runtime()
        orphans.adopt()
        settings = {
            "scratch": str(self._directory),
            "visible": self._visible(),
            **self._wanted,
        }
        script = str(Path(__file__).with_name("zygote.py"))
        self._process = subprocess.Popen(
            [self._executable, "-I", "-S", script, json.dumps(settings)],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            env={name: os.environ[name] for name in _LOADER_VARIABLES if name in os.environ},
        )
        theirs.close()
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        self._socket, self._told = ours, loop.create_future()
        loop.add_reader(ours, self._receive)

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

    @property
    def has_rooms(self) -> bool:
        """Whether environments have rooms of their own; known once the zygote is ready."""
        return not self.no_rooms

    async def ready(self) -> None:
        """Wait until it is known whether there are rooms."""
        if self._socket is None:
            self.start()
        assert self._told is not None
        await asyncio.shield(self._told)

    async def open(self, room: dict[str, Any]) -> Sandbox:
        """A new sandbox; raises SandboxGoneError when its first process is asked for in vain.

        ``room`` is as of ``room.enter``, without the user.
        """
        await self.ready()
        ours, theirs = socket.socketpair()
        sandbox = Sandbox(ours)
        with theirs:
            async with self._opening:
                await self._send(message(room), theirs.fileno())
        return sandbox

    async def _send(self, data: bytes, descriptor: int) -> None:
        # Where the zygote is gone, the sandbox finds its other end closed.
        if self._socket is None:
            return
        try:
            sent = socket.send_fds(self._socket, [data], [descriptor])
            await asyncio.get_running_loop().sock_sendall(self._socket, data[sent:])
        except OSError:
            self._disconnect()

    def kin(self, executable: str) -> ZygoteClient:
        """The zygote of another version of Python; it starts when it is first needed."""
        if executable not in self._kin:
            self._kin[executable] = ZygoteClient(
                self._directory, **self._wanted, executable=executable
            )
        return self._kin[executable]

    def _visible(self) -> list[str]:
        """What rooms show of this machine besides the system's programs: Python, where it lies."""
        libraries = os.environ.get("LD_LIBRARY_PATH", "").split(":")
        places = [sys.base_prefix, sys.base_exec_prefix]
        if self._executable != sys.executable:
            places = [str(Path(self._executable).resolve().parents[1])]
        paths = [*places, *libraries]
        return [path for path in paths if path not in ("", "/") and Path(path).is_dir()]

    def stop(self) -> None:
        """End the zygote with everything it has started, and wait until that is done."""
        self._disconnect()
        for other in self._kin.values():
            other.stop()
        if self._process is not None:
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        orphans.end_all()

    def _receive(self) -> None:
        assert self._socket is not None
        data = b""
        with contextlib.suppress(OSError):
            data = self._socket.recv(1 << 16)
        if not data:
            self._disconnect()
        elif self._told is not None and not self._told.done():
            self.no_rooms = json.loads(data)["reason"]
            self._told.set_result(None)

    def _disconnect(self) -> None:
        """The zygote is gone, or goes: the next environment starts another one."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        if self._told is not None and not self._told.done():
            self._told.set_result(None)
