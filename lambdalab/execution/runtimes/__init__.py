"""Runtimes: which program runs a function, by the name of its runtime.

Python runs in a process that the lab forks where its own version is asked for, else on an
interpreter of that version; Node.js on the machine's ``node`` with a runtime of the lab's own;
``provided`` runs the function's ``bootstrap``. Everything else is refused with a reason.
"""

from __future__ import annotations

from lambdalab.execution.runtimes.choice import (
    own_runtime,
    prepare,
    program_for,
    unsupported,
)
from lambdalab.execution.runtimes.program import Places, Program, refused

__all__ = [
    "Places",
    "Program",
    "own_runtime",
    "prepare",
    "program_for",
    "refused",
    "unsupported",
]
