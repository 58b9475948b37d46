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
import gc
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
import time
import types
from typing import Any, NoReturn

LINUX = sys.platform == "linux"
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
# Without pidfds the end of a process is noticed by asking, this often, in milliseconds.
ASKING = 20
OPEN_FILES = 1024
LOG_DESCRIPTOR = 3


class Zygote:
    """Forks environments on request and tells when they end."""

    def __init__(self, control: socket.socket, runtime: str, scratch: str) -> None:
        self._control = control
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
        status = 1
        try:
            self._isolate(output, request["directory"])
            _run(request, self._runtime)
            status = 0
        except SystemExit as ended:
            status = _exit_status(ended.code)
        except BaseException as error:
            sys.__excepthook__(type(error), error, error.__traceback__)
        finally:
            os._exit(status)

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
        os.dup2(1, LOG_DESCRIPTOR, inheritable=False)
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        limit = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.chdir(directory)


def _run(request: dict[str, Any], runtime: str) -> None:
    """Hand over to AWS's runtime client, as its own start script does."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.environ["_LAMBDA_TELEMETRY_LOG_FD"] = str(LOG_DESCRIPTOR)
    time.tzset()
    task = request["directory"]
    sys.path[:] = [task, runtime, *(path for path in sys.path if path != runtime)]
    sys.argv[:] = ["bootstrap.py", request["handler"]]
    _guard_loopback()

    from awslambdaric import bootstrap, lambda_runtime_client

    if "AWS_LAMBDA_LOG_FORMAT" in os.environ or "AWS_LAMBDA_LOG_LEVEL" in os.environ:
        # These are read when the module is imported, which was before they were known.
        import importlib

        importlib.reload(bootstrap)
    sys.modules["__main__"] = bootstrap
    address = os.environ["AWS_LAMBDA_RUNTIME_API"]
    client = lambda_runtime_client.LambdaRuntimeClient(address)
    # How text is encoded depends on AWS_EXECUTION_ENV, which the class was made without.
    client.marshaller = type(client.marshaller)()
    lambda_runtime_client.runtime_client.initialize_client(f"aws-lambda-python/{_version()}")
    bootstrap.run(request["handler"], client)


def _version() -> str:
    return ".".join(str(part) for part in sys.version_info[:3])


def _guard_loopback() -> None:
    """Nothing that a function does with Python's sockets leaves this machine."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            address = arguments[1]
            if isinstance(address, tuple) and not _is_loopback(str(address[0])):
                raise _refused(address[0])
        elif event == "socket.getaddrinfo":
            host = arguments[0]
            name = host.decode() if isinstance(host, bytes) else host
            if name is not None and not _is_loopback(str(name)):
                raise _refused(name)

    sys.addaudithook(hook)


def _is_loopback(host: str) -> bool:
    return (
        host.startswith("127.")
        or host in ("", "::1", "localhost", "0.0.0.0", "::")  # noqa: S104 - compared, not bound
        or host.endswith(".localhost")
    )


def _refused(host: object) -> OSError:
    return PermissionError(
        errno.EACCES,
        f"Lambda Lab: no request leaves this machine, so nothing was sent to {host}",
    )


def _exit_status(code: object) -> int:
    if code is None:
        return 0
    return code & 0xFF if isinstance(code, int) else 1


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


def _prepare(runtime: str) -> None:
    """Import what every Python function needs, and leave no garbage to be copied on write."""
    sys.path.insert(0, runtime)
    sys.modules["runtime_client"] = _client_module()
    import http.client  # noqa: F401 - awslambdaric imports it for errors in INIT
    import logging  # noqa: F401

    import awslambdaric.bootstrap
    import awslambdaric.lambda_runtime_hooks_runner  # noqa: F401

    gc.collect()
    gc.freeze()


def _client_module() -> types.ModuleType:
    """The runtime client beside this script; it connects in the environment, not here."""
    import importlib.util

    path = os.path.join(os.path.dirname(__file__), "runtime_client.py")  # noqa: PTH118, PTH120
    spec = importlib.util.spec_from_file_location("runtime_client", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    connect = module.__dict__["initialize_client"]
    module.__dict__["initialize_client"] = lambda _: None
    sys.modules["runtime_client"] = module
    import awslambdaric.lambda_runtime_client  # noqa: F401 - initializes the client at import

    module.__dict__["initialize_client"] = connect
    return module


def main() -> None:
    """Become the zygote."""
    runtime, scratch = sys.argv[1:3]
    for interrupt in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        # The terminal's signals are the lab's to handle: it closes the socket when it is done.
        signal.signal(interrupt, signal.SIG_IGN)
    control = socket.socket(fileno=0)
    _prepare(runtime)
    Zygote(control, runtime, scratch).run()


if __name__ == "__main__":
    main()
