"""Node.js: the lab's own runtime in JavaScript, on the machine's ``node``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from lambdalab import facts
from lambdalab.execution.runtimes import node_search
from lambdalab.execution.runtimes.program import Places, Program, apart

if TYPE_CHECKING:
    from lambdalab.execution.spec import RuntimeSpec

__all__ = ["program"]

RUNTIME = "runtimes/nodejs"


def program(spec: RuntimeSpec, places: Places) -> Program:
    """Node.js with the lab's runtime; another major version than asked for brings a note."""
    wanted = int(re.sub(r"\D+", "", spec.runtime.partition(".")[0]) or 0)
    node = node_search.find(wanted)
    if node is None:
        return Program(refusal=facts.message("runtimes.lab-no-node").format(runtime=spec.runtime))
    note = ""
    if node.major != wanted:
        text = facts.message("lab.other-version")
        note = text.format(runtime=spec.runtime, found=f"Node.js {node.version}")
    folder = f"{places.scripts}/{RUNTIME}"
    return Program(
        command=(node.executable, f"{folder}/index.mjs"),
        shown=((folder, "/var/runtime"), (node.executable, "/var/lang/bin/node")),
        reads=apart(Path(node.executable).parents[1]),
        note=note,
    )
