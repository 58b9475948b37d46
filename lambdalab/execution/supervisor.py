"""Who looks after the processes of one execution environment.

Forked from the zygote, a supervisor makes the environment's room, starts its runtime and its
extensions there, and tells how they end. In a room it is number 1 of the PID namespace: with it all
processes of the environment end, whatever they did to get away. Without rooms it adopts orphans and
ends its descendants itself.

``{"ready": number}`` comes first. The lab writes to the control socket: a 4-byte length and a JSON
object. ``{"run": {...}}`` comes with a descriptor, where the process's output goes, and is answered
by the new process itself: ``{"spawned": number}``, or by ``{"refused": why}``. When it ends,
``{"exited": number, "status": n}`` follows. ``{"clear": true}`` ends every process and is answered
``{"cleared": true}``. When the socket closes, everything ends. Like the zygote, this module imports
nothing of the lab.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import select
import signal
import socket
import sys
import types
from collections.abc import Callable
from typing import Any, NoReturn

LINUX = sys.platform == "linux"
PR_SET_CHILD_SUBREAPER = 36
# Where the flags stand in Linux's struct sigaction, and the one for children that only stop.
SIGACTION, FLAGS_AT, SA_NOCLDSTOP = 256, 136, 1
OPEN_FILES = 1024
PROCESSES = 1024
# What the zygote ignores and a function must not.
IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)


class Warden:
    """Takes requests from a control socket, and hears when its children end."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self._received = b""
        self._descriptors: list[int] = []
        self._children: set[int] = set()

    def serve(self) -> None:
        """Serve until the control socket closes."""
        alarm = _hear_of_ends()
        poll = select.poll()
        poll.register(self.control, select.POLLIN)
        poll.register(alarm, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poll.poll()}
            if alarm in ready:
                os.read(alarm, 4096)
                self.reap()
            if self.control.fileno() in ready and not self._receive():
                return

    def handle(self, request: dict[str, Any], descriptors: list[int]) -> None:
        """Do what a request asks for; takes the descriptors that it needs from the list."""
        raise NotImplementedError

    def ended(self, pid: int, status: int) -> None:
        """A child that was watched has ended; the status is negative for a signal."""
        raise NotImplementedError

    def tell(self, message: dict[str, Any]) -> None:
        """Write one line to the lab."""
        self.control.sendall(json.dumps(message).encode() + b"\n")

    def watch(self, pid: int) -> None:
        """Tell when this child ends."""
        self._children.add(pid)

    def watched(self) -> set[int]:
        """The children that run."""
        return set(self._children)

    def reap(self, *, wait: bool = False) -> None:
        """Hear of those that have ended, adopted ones included; ``wait`` for all."""
        while True:
            try:
                pid, status = os.waitpid(-1, 0 if wait else os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self._children:
                self._children.discard(pid)
                self.ended(pid, os.waitstatus_to_exitcode(status))

    def _receive(self) -> bool:
        try:
            data, descriptors, _, _ = socket.recv_fds(self.control, 1 << 20, 4)
        except ConnectionResetError:
            return False
        self._descriptors += descriptors
        self._received += data
        while len(self._received) >= 4:
            size = int.from_bytes(self._received[:4], "big")
            if len(self._received) < 4 + size:
                break
            request = json.loads(self._received[4 : 4 + size])
            self._received = self._received[4 + size :]
            self.handle(request, self._descriptors)
        return bool(data)


class Supervisor(Warden):
    """Starts, clears and ends the processes of one environment."""

    def __init__(
        self,
        control: socket.socket,
        handover: types.ModuleType,
        room: types.ModuleType | None,
        confine: Callable[[], None] | None,
    ) -> None:
        super().__init__(control)
        self._handover = handover
        self._room = room
        self._confine = confine
        self._user = 0

    def run(self, environment: dict[str, Any], runtime: str) -> NoReturn:
        """Serve one environment until it ends; ``runtime`` is where AWS's packages are."""
        self._runtime = runtime
        try:
            if self._room is not None:
                self._user = environment["user"]
                self._room.enter(environment)
            else:
                adopt_orphans()
            self.tell({"ready": os.getpid()})
            self.serve()
        except OSError as error:
            self.tell({"refused": str(error)})
        finally:
            if self._room is None:
                end_descendants()
            os._exit(0)

    def handle(self, request: dict[str, Any], descriptors: list[int]) -> None:
        """Start a process, or end all."""
        if "run" in request:
            self._start(request["run"], descriptors.pop(0))
        elif "clear" in request:
            self._clear()
            self.tell({"cleared": True})

    def ended(self, pid: int, status: int) -> None:
        """Tell the lab."""
        self.tell({"exited": pid, "status": status})

    def _start(self, process: dict[str, Any], output: int) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            os.close(output)
            self.tell({"refused": os.strerror(error.errno or errno.EAGAIN)})
            return
        if pid == 0:
            self._become(process, output)
        os.close(output)
        self.watch(pid)

    def _clear(self) -> None:
        """End all processes; those that fork meanwhile are found in the next round."""
        if self._room is None:
            end_descendants(self.reap)
            return
        while True:
            try:
                os.kill(-1, signal.SIGKILL)
            except ProcessLookupError:
                return
            self.reap(wait=True)

    def _become(self, process: dict[str, Any], output: int) -> NoReturn:
        try:
            # The kernel adds who says so: the number that this process has outside of its room.
            self.tell({"spawned": os.getpid()})
            self._isolate(output, process["directory"])
            if process.get("program"):
                # Python ignores it for itself, and a program would inherit that.
                signal.signal(signal.SIGPIPE, signal.SIG_DFL)
                os.execve(process["program"][0], process["program"], process["environment"])  # noqa: S606
            self._handover.become_function(process, self._runtime)
        except BaseException as error:
            sys.__excepthook__(type(error), error, error.__traceback__)
        finally:
            os._exit(1)

    def _isolate(self, output: int, directory: str) -> None:
        """A session, files, limits and rights of its own; nothing of the lab's stays open."""
        os.setsid()
        forget_ends()
        null = os.open(os.devnull, os.O_RDWR)
        for number, descriptor in enumerate((null, output, output)):
            os.dup2(descriptor, number)
        os.closerange(3, max(output, null, self.control.fileno(), 64) + 8)
        # Frames of ``logging`` go the way of plain output, so that the order of the two is kept.
        os.dup2(1, self._handover.LOG_DESCRIPTOR, inheritable=False)
        for number in IGNORED:
            signal.signal(number, signal.SIG_DFL)
        _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
        _limit(resource.RLIMIT_CORE, 0)
        if self._room is not None:
            _limit(resource.RLIMIT_NPROC, PROCESSES)
            self._room.give_up_rights(self._user)
        if self._confine is not None:
            self._confine()
        os.chdir(directory)


def _hear_of_ends() -> int:
    """A descriptor that can be read when a child has ended, adopted ones included."""
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    os.set_blocking(theirs, False)
    signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    if LINUX:
        # Environments are stopped and continued all the time; Python does not offer this flag.
        import ctypes

        libc, action = ctypes.CDLL(None), ctypes.create_string_buffer(SIGACTION)
        libc.sigaction(signal.SIGCHLD, None, action)
        flags = ctypes.c_int.from_buffer(action, FLAGS_AT)
        flags.value |= SA_NOCLDSTOP
        libc.sigaction(signal.SIGCHLD, action, None)
    return ours


def forget_ends() -> None:
    """In a new process: whose children are not those of the one that it was forked from."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _limit(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (limit, limit))


def adopt_orphans() -> None:
    """Descendants that lose their parent become children of this process."""
    if LINUX:
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_descendants(reap: Any = None) -> None:
    """Kill all descendants and wait for them; what forks meanwhile is found in the next round."""
    while pids := children_of(os.getpid()):
        for pid in pids:
            kill_tree(pid)
        if reap is not None:
            reap(wait=True)
            continue
        try:
            while True:
                os.waitpid(-1, 0)
        except ChildProcessError:
            continue


def children_of(pid: int) -> set[int]:
    """The children of a process with one thread; nothing where there is no /proc."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as listing:  # noqa: PTH123
            return {int(child) for child in listing.read().split()}
    except OSError:
        return set()


def kill_tree(pid: int) -> None:
    """Kill a process, its process group and its descendants."""
    for child in children_of(pid):
        kill_tree(child)
    for end in (os.killpg, os.kill):
        try:
            end(pid, signal.SIGKILL)
        except OSError:
            continue
