"""The processes of one execution environment, from the lab's side.

A sandbox has a supervisor, which starts its processes and ends them, and where the machine can do
it, a room of its own: see ``room`` and ``supervisor``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

from lambdalab.execution.processes import descendants, send

__all__ = ["Sandbox", "SandboxGoneError", "message"]

LINUX = sys.platform == "linux"
# Linux's number; Python gives it a name from 3.14 on.
SCM_CREDENTIALS = 2
# How often to look for processes that were made while others were stopped: a function that forks
# for ever must not hold up all others.
ROUNDS = 100
CREDENTIALS = struct.Struct("iII")


class SandboxGoneError(Exception):
    """No process can be started: the machine has none left, or the sandbox has ended."""


class Sandbox:
    """One supervisor and the processes that it runs."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._received = b""
        self._asked: deque[asyncio.Future[int]] = deque()
        self._clearing: asyncio.Future[None] | None = None
        self._exits: dict[int, Callable[[int], None]] = {}
        # By their number inside: the number on this machine.
        self._running: dict[int, int] = {}
        self._early: dict[int, int] = {}
        self._supervisor = 0
        self._stopped: list[int] = []
        self.closed = False
        control.setblocking(False)
        if LINUX:
            control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        asyncio.get_running_loop().add_reader(control, self._receive)

    async def run(self, process: dict[str, Any], output: int) -> int:
        """Start a process, its output going to the descriptor ``output``; gives its number.

        ``process`` has its ``environment``, the ``directory`` in which it starts, and either a
        ``program`` with its arguments, or what a Python function needs: ``handler`` and ``opt``.
        """
        if self.closed:
            raise SandboxGoneError("its supervisor ended")
        started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._asked.append(started)
        await self._send(message({"run": process}), [output])
        return await started

    def on_exit(self, pid: int, listener: Callable[[int], None]) -> None:
        """Call ``listener`` with the exit status of a process (negative: the signal)."""
        if pid in self._early:
            listener(self._early.pop(pid))
        else:
            self._exits[pid] = listener

    def keepers(self) -> list[int]:
        """Who waits for the processes that end: the supervisor, and all that run."""
        return [self._supervisor, *self.pids()]

    def pids(self) -> list[int]:
        """All processes of the function: runtime, extensions, and whatever they have started."""
        if not self._supervisor:
            return list(self._running.values())
        return descendants(self._supervisor)

    def terminate(self, pid: int) -> None:
        """Ask one process to end."""
        send([pid], signal.SIGTERM)

    def kill(self, pid: int) -> None:
        """End one process at once."""
        send([pid], signal.SIGKILL)

    def kill_all(self) -> None:
        """End all processes at once; the sandbox stays."""
        send(self.pids(), signal.SIGKILL)

    def stop(self) -> None:
        """Stop all processes, also such as are being made right now."""
        before: set[int] = set()
        for _ in range(ROUNDS):
            more = set(self.pids()) - before
            if not more:
                break
            send([*more], signal.SIGSTOP)
            before |= more
        self._stopped = [*before]

    def resume(self) -> None:
        """Let run on what was stopped."""
        send(self._stopped, signal.SIGCONT)
        self._stopped = []

    async def clear(self) -> None:
        """End every process; what the sandbox keeps in /tmp stays."""
        self._exits.clear()
        if self.closed:
            return
        self._clearing = asyncio.get_running_loop().create_future()
        await self._send(message({"clear": True}), [])
        with contextlib.suppress(SandboxGoneError):
            await self._clearing

    def close(self) -> None:
        """End everything."""
        if self.closed:
            return
        self.closed = True
        asyncio.get_running_loop().remove_reader(self._control)
        self._control.close()
        # Those that are stopped, or too many for the supervisor to be quick, end at once.
        send(list(self._running.values()), signal.SIGKILL)
        self._fail()

    async def _send(self, data: bytes, descriptors: list[int]) -> None:
        try:
            sent = socket.send_fds(self._control, [data], descriptors)
            await asyncio.get_running_loop().sock_sendall(self._control, data[sent:])
        except OSError:
            self._lost()

    def _receive(self) -> None:
        try:
            data, ancillary, _, _ = self._control.recvmsg(1 << 16, socket.CMSG_SPACE(64))
        except BlockingIOError:
            return
        except OSError:
            data, ancillary = b"", []
        if not data:
            self._lost()
            return
        sender = _sender(ancillary)
        *lines, self._received = (self._received + data).split(b"\n")
        for line in lines:
            self._hear(json.loads(line), sender)

    def _hear(self, told: dict[str, Any], sender: int) -> None:
        if "ready" in told:
            self._supervisor = sender or told["ready"]
        elif "spawned" in told:
            self._running[told["spawned"]] = sender or told["spawned"]
            self._answer(sender or told["spawned"])
        elif "exited" in told:
            self._ended(told["exited"], told["status"])
        elif "cleared" in told and self._clearing is not None:
            self._clearing.set_result(None)
        elif "refused" in told:
            self._refused(told["refused"])

    def _ended(self, number: int, status: int) -> None:
        if number in self._running:
            self._exited(self._running.pop(number), status)
        elif self._asked:
            # Killed before it could say who it is: a number that no process has stands for it.
            self._early[-number] = status
            self._answer(-number)

    def _answer(self, pid: int) -> None:
        if self._asked and not (started := self._asked.popleft()).done():
            started.set_result(pid)

    def _exited(self, pid: int, status: int) -> None:
        listener = self._exits.pop(pid, None)
        if listener is None:
            self._early[pid] = status
        else:
            listener(status)

    def _refused(self, why: str) -> None:
        if self._asked:
            started = self._asked.popleft()
            if not started.done():
                started.set_exception(SandboxGoneError(why))

    def _lost(self) -> None:
        """The supervisor is gone: a function ended it, or the zygote is dead."""
        running = list(self._running.values())
        exits, self._exits = self._exits, {}
        self.close()
        # It may have been closed before somebody asked it for something: he must not wait for ever.
        self._fail()
        for pid in running:
            listener = exits.pop(pid, None)
            if listener is not None:
                listener(-signal.SIGKILL)

    def _fail(self) -> None:
        while self._asked:
            self._refused("its supervisor ended")
        if self._clearing is not None and not self._clearing.done():
            self._clearing.set_exception(SandboxGoneError())


def _sender(ancillary: list[tuple[int, int, bytes]]) -> int:
    """The number on this machine of the process that wrote, as the kernel tells it."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SCM_CREDENTIALS:
            return int(CREDENTIALS.unpack(data[: CREDENTIALS.size])[0])
    return 0


def message(content: dict[str, Any]) -> bytes:
    """A request as zygote and supervisor read it."""
    body = json.dumps(content).encode()
    return len(body).to_bytes(4, "big") + body
