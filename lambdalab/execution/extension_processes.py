"""The processes of external extensions: which files they are, their start, their end.

Every file in /opt/extensions is started, in the order of the names; directories are passed over.
Source: https://github.com/aws/aws-lambda-runtime-interface-emulator
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from lambdalab.execution.extensions_api import ExtensionsApi

__all__ = ["ExtensionProcesses", "Room", "extension_files"]

# What programs begin with: ELF on Linux, Mach-O on macOS.
_PROGRAMS = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")

# Starts a program inside the environment's room and gives its process; OSError where it cannot.
Starter = Callable[[str], Awaitable[Any]]


class Room(Protocol):
    """What the extensions need of the room that their environment is."""

    def on_exit(self, process: Any, listener: Callable[[int], None]) -> None:
        """Call ``listener`` with the exit status of a process (negative: the signal)."""

    def kill(self, process: Any) -> None:
        """End a process at once."""


def extension_files(opt: Path | None) -> list[Path]:
    """The files that are started as extensions; ``opt`` is what the layers put under /opt."""
    try:
        found = list((opt / "extensions").iterdir()) if opt else []
    except (FileNotFoundError, NotADirectoryError):
        return []
    files = [path for path in found if path.is_symlink() or not path.is_dir()]
    return sorted(files, key=lambda path: os.fsencode(path.name))


class ExtensionProcesses:
    """The external extensions of one environment as processes in its room."""

    def __init__(self, api: ExtensionsApi, room: Room, start: Starter) -> None:
        self._api = api
        self._room = room
        self._start = start
        self._running: dict[str, Any] = {}
        self._gone = asyncio.Event()

    async def launch(self, opt: Path | None, inside: str = "/opt") -> None:
        """Start them all; ``inside`` is how the directory ``opt`` is called inside the room.

        The first one that does not start is the last one tried. Who waits for INIT hears of
        registrations and failures through the API's events.
        """
        files = extension_files(opt)
        self._api.expect(len(files))
        for path in files:
            if not self._api.launching(path.name):
                return
            try:
                await self._launch(path, f"{inside}/extensions/{path.name}", path.parents[1])
            except OSError as error:
                self._api.launch_failed(path.name, error)
                return

    async def shutdown(self, reason: str, seconds: float, deadline_ms: int) -> None:
        """SHUTDOWN: tell those who registered for it, end the others, and end all in time.

        ``seconds`` is what is left of the allowance in real time, ``deadline_ms`` its end as
        epoch time. Returns when no extension is left.
        """
        told = self._api.shutdown(reason, deadline_ms)
        self._end(set(self._running) - told)
        if self._running:
            self._gone.clear()
            try:
                await asyncio.wait_for(self._gone.wait(), seconds)
            except TimeoutError:
                self._end(set(self._running))
                await self._gone.wait()

    async def _launch(self, path: Path, program: str, opt: Path) -> None:
        _check(path, opt)
        process = await self._start(program)
        self._running[path.name] = process
        self._room.on_exit(process, partial(self._exited, path.name))

    def _exited(self, name: str, status: int) -> None:
        self._running.pop(name, None)
        self._api.exited(name, status)
        if not self._running:
            self._gone.set()

    def _end(self, names: set[str]) -> None:
        for name in names:
            self._room.kill(self._running[name])


def _check(path: Path, opt: Path) -> None:
    """Raise the error with which the kernel would refuse to run a file.

    Asked before, because a process in which it happens can tell of it only by how it ends; and
    because to root every file seems executable.
    """
    if path.is_dir() or not path.stat().st_mode & 0o111:
        raise _error(errno.EACCES)
    with path.open("rb") as file:
        first = file.readline(256)
    if first.startswith(b"#!"):
        interpreter = first[2:].split(maxsplit=1)[:1]
        if not interpreter or not _found(os.fsdecode(interpreter[0]), opt):
            raise _error(errno.ENOENT)
    elif not first.startswith(_PROGRAMS):
        raise _error(errno.ENOEXEC)


def _found(interpreter: str, opt: Path) -> bool:
    """Whether an interpreter is there, on this machine or in the layers."""
    if interpreter.startswith("/opt/"):
        return (opt / interpreter.removeprefix("/opt/")).exists()
    return Path(interpreter).is_absolute() and Path(interpreter).exists()


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
