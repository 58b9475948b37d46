"""What is started for a function, and the reason where nothing can be."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lambdalab import facts

if TYPE_CHECKING:
    from lambdalab.execution.spec import Outcome

__all__ = ["Places", "Program", "apart", "refused"]

SCRIPTS = str(Path(__file__).parents[1])
# Every room shows these.
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64")


class Places(NamedTuple):
    """Where things lie for the function's process.

    These are the code, the layers, the Python runtime's packages (in a room /var/task, /opt and
    /var/runtime), and the lab's own scripts.
    """

    task: str
    opt: str
    runtime: str
    scripts: str = SCRIPTS


@dataclass(frozen=True)
class Program:
    """How the runtime of an environment is started.

    Attributes:
        command: the words of the command; none: Python in the process that a zygote forks.
        interpreter: the Python of that zygote, where it is not the lab's own version.
        variables: what the environment's variables must have besides.
        shown: pairs of a path of this machine and the one that stands for it on AWS, in output.
        reads: folders of this machine that the program needs; in a room they must be shown.
        note: what is not as on AWS, in a sentence; empty if nothing.
        refusal: why nothing can be started, as the reason of an error; empty if something can.

    """

    command: tuple[str, ...] = ()
    interpreter: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    shown: tuple[tuple[str, str], ...] = ()
    reads: tuple[Path, ...] = ()
    note: str = ""
    refusal: str = ""


def apart(*folders: Path) -> tuple[Path, ...]:
    """Those of the folders that are none of the system's."""
    return tuple(folder for folder in folders if not str(folder).startswith(_SYSTEM))


def refused(program: Program, request_id: str) -> Outcome:
    """The outcome of an INIT for which there is no program to start."""
    # Imported here: whoever only looks for interpreters needs none of the lab's packages.
    from lambdalab.execution.spec import Outcome

    text = facts.message("function-error").format(request_id=request_id, reason=program.refusal)
    code = facts.message("runtimes.no-bootstrap").code
    error = {"errorType": code, "errorMessage": text}
    payload = json.dumps(error, separators=(",", ":")).encode()
    return Outcome(payload, "init-error", code)
