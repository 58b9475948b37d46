"""The zygote: a small process that holds the Python runtime client and forks environments.

It runs as a script of its own (``python -I zygote.py``, the settings as one line of JSON in its
only argument) and imports nothing of the lab, so that an execution environment starts with little
more than what AWS puts there: the runtime client, and no boto3 until a function imports it.

Its standard input is a socket, on which it first tells ``{"rooms": true}``, or false and why.
The lab then writes a 4-byte length and a JSON object for each environment, with one descriptor: the
control socket of the environment's supervisor, which answers from then on.

When the lab ends, however it ends, its end of the socket closes: the zygote then kills everything
that it has started, their descendants included, removes the scratch directory and ends.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import sys
import types
from collections.abc import Callable
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120


def _module(name: str, directory: str = HERE) -> types.ModuleType:
    """A module that lies in a directory, without looking anywhere else."""
    spec = importlib.util.spec_from_file_location(name, f"{directory}/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# What an interpreter that starts anew needs to become a function.
SCRIPTS = ("handover.py", "runtime_client.py", "python_start.py", "runtimes/nodejs")

supervisor = _module("supervisor")
hardening = _module("hardening")
room = _module("room")


class Zygote(supervisor.Warden):  # type: ignore[name-defined, misc]
    """Forks supervisors on request."""

    def __init__(self, control: socket.socket, settings: dict[str, Any]) -> None:
        super().__init__(control)
        self._scratch = settings["scratch"]
        self._runtime = f"{self._scratch}/runtime"
        self._rooms = False
        self._harden = settings["harden"]
        self._visible = settings["visible"]
        self._made = 0

    def run(self, settings: dict[str, Any]) -> None:
        """Serve until the lab is gone."""
        # Orphans become children of the zygote: it can find and end them.
        supervisor.adopt_orphans()
        reason = self._settle(self._visible, settings["rooms"])
        self._handover = _module("handover", room.SCRIPTS if self._rooms else HERE)
        self._handover.prepare(self._runtime, self._executable())
        self.tell({"rooms": self._rooms, "reason": reason})
        try:
            self.serve()
        finally:
            supervisor.end_descendants()
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _executable(self) -> str:
        """Python as functions find it, outside of any virtual environment."""
        base: str = sys._base_executable  # type: ignore[attr-defined]  # noqa: SLF001
        return f"{room.LANG}/bin/{os.path.basename(base)}" if self._rooms else base  # noqa: PTH119

    def _settle(self, visible: list[str], wanted: bool) -> str:
        """Move to where rooms can be made, if this machine can; else tell why not."""
        if not wanted:
            return "they are turned off"
        scripts = {name: f"{HERE}/{name}" for name in SCRIPTS}
        reason: str = room.can_be_made(self._scratch, visible, scripts)
        if not reason:
            room.enter_template(self._scratch, visible, scripts)
            self._rooms, self._runtime = True, room.RUNTIME
            self._scratch = room.HOST + self._scratch
        return reason

    def handle(self, environment: dict[str, Any], descriptors: list[int]) -> None:
        """Fork the supervisor of an environment."""
        control = descriptors.pop(0)
        environment["user"] = room.user_of(self._made)
        self._made += 1
        if self._rooms:
            room.make_places(environment["reads"])
            # A room's own /tmp hides what the template shows there.
            environment["reads"] += [path for path in self._visible if path.startswith(room.TMP)]
        with socket.socket(fileno=control) as theirs:
            try:
                pid = os.fork()
            except OSError as error:
                message = {"refused": os.strerror(error.errno or 0)}
                theirs.sendall(json.dumps(message).encode() + b"\n")
                return
            if pid == 0:
                self._become_supervisor(theirs, environment)
            self.watch(pid)

    def _become_supervisor(self, control: socket.socket, environment: dict[str, Any]) -> None:
        os.setsid()
        supervisor.forget_ends()
        self.control.detach()
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        confine = self._confinement(environment) if self._harden else None
        made = supervisor.Supervisor(
            control, self._handover, room if self._rooms else None, confine
        )
        made.run(environment, self._runtime)

    def _confinement(self, environment: dict[str, Any]) -> Callable[[], None]:
        """What keeps a process of the environment from all files but these."""
        if self._rooms:
            return lambda: hardening.confine(["/"], ["/tmp", "/dev", "/proc"])  # noqa: S108
        own = (environment["task"], environment["opt"], self._runtime, HERE)
        readable = [*room.SYSTEM, *self._visible, *environment["reads"], *filter(None, own)]
        links = os.listdir(self._runtime)  # noqa: PTH208
        packages = [os.path.realpath(f"{self._runtime}/{name}") for name in links]
        configuration = [f"/etc/{name}" for name in room.CONFIGURATION]
        temporary = os.path.dirname(self._scratch)  # noqa: PTH120
        writable = [temporary, "/dev", "/proc"]
        return lambda: hardening.confine([*readable, *packages, *configuration], writable)

    def ended(self, pid: int, status: int) -> None:  # noqa: ARG002
        """What a supervisor has left behind, because a function ended it, ends too."""
        if not self._rooms:
            for stray in supervisor.children_of(os.getpid()) - self.watched():
                supervisor.kill_tree(stray)


def main() -> None:
    """Become the zygote."""
    settings = json.loads(sys.argv[1])
    for interrupt in supervisor.IGNORED:
        # The terminal's signals are the lab's to handle: it closes the socket when it is done.
        signal.signal(interrupt, signal.SIG_IGN)
    Zygote(socket.socket(fileno=0), settings).run(settings)


if __name__ == "__main__":
    main()
