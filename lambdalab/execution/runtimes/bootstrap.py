"""OS-only runtimes: the executable file ``bootstrap`` of the function or of its layers.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html
"""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from lambdalab import facts
from lambdalab.execution.runtimes.program import Places, Program

if TYPE_CHECKING:
    from lambdalab.execution.spec import RuntimeSpec

__all__ = ["program"]

# The machine's number in the head of an ELF file, by what the system calls the machine.
_MACHINES = {"x86_64": 62, "amd64": 62, "aarch64": 183, "arm64": 183}
_HEAD = 256
_ELF = b"\x7fELF"


def program(spec: RuntimeSpec, places: Places) -> Program:
    """The first ``bootstrap`` there is; one that cannot be executed is refused as AWS words it."""
    roots = [(spec.task_root, places.task, "/var/task")]
    if spec.opt is not None:
        roots.append((spec.opt, places.opt, "/opt"))
    for here, seen, on_aws in roots:
        file = here / "bootstrap"
        if file.is_file():
            reason = _reason(file)
            if reason:
                text = facts.message("runtimes.exec-failed")
                return Program(refusal=text.format(path=f"{on_aws}/bootstrap", reason=reason))
            return Program(command=(f"{seen}/bootstrap",))
    return Program(refusal=facts.message("runtimes.no-bootstrap").text)


def _reason(file: Path) -> str:
    """Why the system would not execute a file, in its own words; empty if it would."""
    if not os.access(file, os.X_OK):
        return "permission denied"
    with file.open("rb") as content:
        head = content.read(_HEAD)
    if head.startswith(b"#!"):
        words = head[2:].split(b"\n", 1)[0].split()
        interpreter = words[0].decode("utf-8", "replace") if words else ""
        return "" if shutil.which(interpreter) else "no such file or directory"
    if not head.startswith(_ELF):
        return "exec format error"
    machine = int.from_bytes(head[18:20], "little")
    wanted = _MACHINES.get(platform.machine().lower(), machine)
    return "" if machine == wanted else "exec format error"
