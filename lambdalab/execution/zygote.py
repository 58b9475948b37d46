"""The zygote: a small process that holds the Python runtime client and forks environments.

It runs as a script of its own (``python -I zygote.py RUNTIME_DIRECTORY SCRATCH_DIRECTORY``) and
imports nothing of the lab, so that an execution environment starts with little more than what AWS
puts there: the runtime client, and no boto3 until a function imports it.

The lab writes to standard input, a socket: a 4-byte length and a JSON object, the first byte
carrying one file descriptor (where the environment's output goes); or ``{"kill": pid}``, without.
Answers are JSON lines: ``{"spawned": pid}`` or ``{"refused": why}`` for each request to fork, and
``{"exited": pid, "status": n}`` when a process ends.

When the lab ends, however it ends, its end of the socket closes: the zygote then kills everything
that it has started, their descendants included, removes the scratch directory and ends.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
import types
from typing import Any, NoReturn

LINUX = sys.platform == "linux"
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
# Without pidfds the end of a process is noticed by asking, this often, in milliseconds.
ASKING = 20
OPEN_FILES = 1024


class Zygote:
    """Forks environments on request and tells when they end."""

    def __init__(
        self, control: socket.socket, handover: types.ModuleType, runtime: str, scratch: str
    ) -> None:
        self._control = control
        self._handover = handover
        self._runtime = runtime
        self._scratch = scratch
        self._received = b""
        self._descriptors: list[int] = []
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._children: dict[int, int] = {}
        self._streams: dict[int, bytes] = {}
        self._libc = ctypes.CDLL(None, use_errno=True) if LINUX else None

    def run(self) -> None:
        """Serve until the lab is gone."""
        if self._libc is not None:
            # Orphans of a function become children of the zygote: it can find and end them.
            self._libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        try:
            while True:
                ready = {fd for fd, _ in self._poll.poll(None if LINUX else ASKING)}
                if ready != {self._control.fileno()} or not LINUX:
                    self._reap()
                if self._control.fileno() in ready and not self._receive():
                    return
        finally:
            self._end_all()

    # Requests.

    def _receive(self) -> bool:
        data, descriptors, _, _ = socket.recv_fds(self._control, 1 << 20, 1)
        self._descriptors += descriptors
        self._received += data
        while len(self._received) >= 4:
            size = int.from_bytes(self._received[:4], "big")
            if len(self._received) < 4 + size:
                break
            request = json.loads(self._received[4 : 4 + size])
            self._received = self._received[4 + size :]
            if "kill" in request:
                # One that has been reaped is gone, and its number may be somebody else's now.
                if request["kill"] in self._children:
                    _kill_tree(request["kill"])
            else:
                self._spawn(request, self._descriptors.pop(0))
        return bool(data)

    def _spawn(self, request: dict[str, Any], output: int) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            self._tell({"refused": os.strerror(error.errno or errno.EAGAIN)})
            return
        if pid == 0:
            self._become_environment(request, output)
        os.close(output)
        self._watch(pid)
        self._streams[pid] = request["environment"]["AWS_LAMBDA_LOG_STREAM_NAME"].encode()
        self._tell({"spawned": pid})

    def _tell(self, message: dict[str, Any]) -> None:
        self._control.sendall(json.dumps(message).encode() + b"\n")

    # Ends.

    def _watch(self, pid: int) -> None:
        descriptor = -1
        if LINUX:
            descriptor = os.pidfd_open(pid)
            self._poll.register(descriptor, select.POLLIN)
        self._children[pid] = descriptor

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            descriptor = self._children.pop(pid, None)
            if descriptor is None:
                continue
            self._kill_left_behind(pid)
            if descriptor >= 0:
                self._poll.unregister(descriptor)
                os.close(descriptor)
            self._tell({"exited": pid, "status": os.waitstatus_to_exitcode(status)})

    def _kill_left_behind(self, pid: int) -> None:
        """End what an environment that is gone has left running, in whatever session.

        Its orphans are the zygote's children now; the name of the log stream, which is unlike any
        other environment's, tells them by.
        """
        _kill_tree(pid)
        mark = b"AWS_LAMBDA_LOG_STREAM_NAME=" + self._streams.pop(pid, b"?")
        for orphan in _children_of(os.getpid()) - set(self._children):
            if mark in _environment_of(orphan):
                _kill_tree(orphan)

    def _end_all(self) -> None:
        """Kill all descendants; what forks meanwhile is found in the next round."""
        while pids := (_children_of(os.getpid()) or set(self._children)):
            for pid in pids:
                _kill_tree(pid)
            try:
                while True:
                    self._children.pop(os.waitpid(-1, 0)[0], None)
            except ChildProcessError:
                self._children.clear()
        shutil.rmtree(self._scratch, ignore_errors=True)

    # Becoming an environment.

    def _become_environment(self, request: dict[str, Any], output: int) -> NoReturn:
        try:
            self._isolate(output, request["directory"])
            self._handover.become_function(request, self._runtime)
        except BaseException as error:
            sys.__excepthook__(type(error), error, error.__traceback__)
        finally:
            os._exit(1)

    def _isolate(self, output: int, directory: str) -> None:
        """A session, files and limits of its own; nothing of the zygote's stays open."""
        os.setsid()
        if self._libc is not None:
            self._libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.closerange(3, max(output, null, *self._children.values(), 64) + 8)
        # Frames of ``logging`` go the way of plain output, so that the order of the two is kept.
        os.dup2(1, self._handover.LOG_DESCRIPTOR, inheritable=False)
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        limit = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.chdir(directory)


def _children_of(pid: int) -> set[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as listing:  # noqa: PTH123
            return {int(child) for child in listing.read().split()}
    except OSError:
        return set()


def _environment_of(pid: int) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as environment:  # noqa: PTH123
            return environment.read().split(b"\0")
    except OSError:
        return []


def _kill_tree(pid: int) -> None:
    for child in _children_of(pid):
        _kill_tree(child)
    for end in (os.killpg, os.kill):
        try:
            end(pid, signal.SIGKILL)
        except OSError:
            continue


def _handover() -> types.ModuleType:
    """The module beside this script that makes an environment of a process."""
    import importlib.util

    path = os.path.join(os.path.dirname(__file__), "handover.py")  # noqa: PTH118, PTH120
    spec = importlib.util.spec_from_file_location("handover", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Become the zygote."""
    runtime, scratch = sys.argv[1:3]
    for interrupt in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        # The terminal's signals are the lab's to handle: it closes the socket when it is done.
        signal.signal(interrupt, signal.SIG_IGN)
    control = socket.socket(fileno=0)
    handover = _handover()
    handover.prepare(runtime)
    Zygote(control, handover, runtime, scratch).run()


if __name__ == "__main__":
    main()
