"""Python: forked from a zygote of the version, if the machine has it."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lambdalab import facts
from lambdalab.execution.runtimes.program import Places, Program, apart

if TYPE_CHECKING:
    from lambdalab.execution.spec import RuntimeSpec

__all__ = ["Interpreter", "find", "interpreter_program", "own", "program"]

SCRIPT = "python_start.py"
LOOK_SECONDS = 20.0
# AWS's runtime client needs at least this; older runtimes run on the lab's own version.
OLDEST = (3, 9)
_ASK = (
    "import sys, sysconfig; print('python%d.%d' % sys.version_info[:2]);"
    "print(sys.executable); print(sysconfig.get_path('stdlib')); print(sys.base_prefix)"
)
# Where version managers keep interpreters: the variable with their folder, the usual one, the rest.
_MANAGERS = (
    ("PYENV_ROOT", "~/.pyenv", "versions/{version}.*/bin/python"),
    ("ASDF_DATA_DIR", "~/.asdf", "installs/python/{version}.*/bin/python"),
    ("UV_PYTHON_INSTALL_DIR", "~/.local/share/uv/python", "cpython-{version}.*/bin/python3"),
)


class Interpreter(NamedTuple):
    """A Python that has been seen to run."""

    executable: str
    library: str
    prefix: str


def program(spec: RuntimeSpec, places: Places) -> Program:  # noqa: ARG001 - as all choices
    """A fork of this version's zygote; where the machine has none, of the lab's, and a note."""
    if spec.runtime == _own_name():
        return Program()
    found = find(spec.runtime)
    if found is None:
        note = facts.message("lab.other-version")
        return Program(note=note.format(runtime=spec.runtime, found=_own_name()))
    shown = ((found.library, f"/var/lang/lib/{spec.runtime}"),)
    return Program(interpreter=found.executable, shown=shown)


def interpreter_program(found: Interpreter, spec: RuntimeSpec, places: Places) -> Program:
    """The runtime in an interpreter of its own.

    The script is the last word: wrapper scripts put options in front of it.
    """
    variables = {"_LAMBDALAB_RUNTIME": places.runtime}
    if spec.opt is not None:
        variables["_LAMBDALAB_OPT"] = places.opt
    return Program(
        command=(found.executable, "-I", "-S", f"{places.scripts}/{SCRIPT}"),
        variables=variables,
        shown=(
            (found.executable, f"/var/lang/bin/{spec.runtime}"),
            (found.library, f"/var/lang/lib/{spec.runtime}"),
            (places.scripts, "/var/runtime"),
        ),
        reads=apart(Path(found.prefix)),
    )


def own() -> Interpreter:
    """The interpreter of the lab itself; of a virtual environment, the one it was made from."""
    executable: str = getattr(sys, "_base_executable", sys.executable)
    return Interpreter(executable, sysconfig.get_path("stdlib"), sys.base_prefix)


@cache
def find(runtime: str) -> Interpreter | None:
    """The interpreter of a runtime's version on this machine, or None.

    Each candidate is run once: names on PATH may be those of a version manager that has none.
    """
    version = runtime.removeprefix("python")
    if tuple(map(int, version.split("."))) < OLDEST:
        return None
    for candidate in _candidates(version):
        answer = _ask(candidate)
        if answer and answer[0] == runtime:
            return Interpreter(*answer[1:])
    return None


def _candidates(version: str) -> Iterator[Path]:
    for folder in os.get_exec_path():
        candidate = Path(folder, f"python{version}")
        # A shim is slow, and leads where a version manager keeps it.
        if os.access(candidate, os.X_OK) and candidate.parent.name != "shims":
            yield candidate
    for variable, usual, pattern in _MANAGERS:
        root = os.path.expanduser(os.environ.get(variable) or usual)  # noqa: PTH111
        # As a string: a Path would fail at a folder that is not to be read.
        found = glob(f"{root}/{pattern.format(version=version)}")  # noqa: PTH207
        yield from map(Path, sorted(found, reverse=True))


def _ask(candidate: Path) -> list[str]:
    command = [str(candidate), "-I", "-S", "-c", _ASK]
    try:
        answer = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=LOOK_SECONDS,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return []
    return answer.stdout.splitlines()


def _own_name() -> str:
    return f"python{sys.version_info.major}.{sys.version_info.minor}"
