"""How the processes of an environment are started: which program, with what, and where.

With a room everything lies where AWS has it. Without one, the real directories stand in: search
paths and LAMBDA_TASK_ROOT name them, and in the function's output they read as AWS's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lambdalab.execution import room, runtimes
from lambdalab.execution.paths import Paths
from lambdalab.execution.runtimes import Places, Program
from lambdalab.execution.spec import RuntimeSpec
from lambdalab.execution.variables import environment_variables
from lambdalab.execution.zygote_client import ZygoteClient

__all__ = ["Start", "start_of"]


@dataclass(frozen=True)
class Start:
    """All that is needed to start the processes of one environment, again and again.

    Attributes:
        spec: the function's version, with paths as its processes see them.
        program: what runs it.
        variables: the environment variables of the runtime, but for the program's own.
        handover: the lab's script that turns a process into a Python function, as seen there.
        paths: what to call the machine's paths in output.
        room: what the zygote needs to know of the environment.

    """

    spec: RuntimeSpec
    program: Program
    variables: dict[str, str]
    handover: str
    paths: Paths
    room: dict[str, Any]


async def start_of(spec: RuntimeSpec, zygote: ZygoteClient, address: str, stream: str) -> Start:
    """Find out how a function is started; ``address`` is that of its Runtime API."""
    seen, packages = spec, str(zygote.runtime_directory)
    handover = Path(__file__).with_name("handover.py")
    if zygote.has_rooms:
        opt = Path(room.OPT) if spec.opt else None
        seen = replace(spec, task_root=Path(room.TASK), opt=opt)
        packages, handover = room.RUNTIME, Path(room.SCRIPTS, "handover.py")
    places = Places(str(seen.task_root), str(seen.opt or ""), packages, str(handover.parent))
    program = await runtimes.prepare(spec, places)
    return Start(
        spec=seen,
        program=program,
        variables=environment_variables(seen, address, stream),
        handover=str(handover),
        paths=Paths(
            seen.task_root,
            Path(packages),
            spec.runtime,
            seen.opt,
            ((str(handover), "/var/runtime/bootstrap.py"), *program.shown),
        ),
        room={
            "task": str(spec.task_root),
            "opt": str(spec.opt or ""),
            "reads": [str(path) for path in program.reads],
            "storage": spec.storage,
        },
    )
