"""Wrapper scripts: AWS_LAMBDA_EXEC_WRAPPER names a program that starts the runtime.

It gets the command of the runtime as its arguments, and starts it as its last act.
Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lambdalab.execution.runtimes import pythons
from lambdalab.execution.runtimes.program import Places, Program

if TYPE_CHECKING:
    from lambdalab.execution.spec import RuntimeSpec

__all__ = ["around", "wanted"]

VARIABLE = "AWS_LAMBDA_EXEC_WRAPPER"
# The start script of AWS's runtimes says so and ends, as a shell would.
_MISSING = ("/bin/sh", "-c", 'echo "$0: does not exist"; exit 127')
_NOT_EXECUTABLE = ("/bin/sh", "-c", 'echo "$0: is not an executable"; exit 126')


def wanted(spec: RuntimeSpec) -> str:
    """The wrapper that a function names; empty if none."""
    return spec.variables.get(VARIABLE, "")


def around(program: Program, spec: RuntimeSpec, places: Places) -> Program:
    """The program, started by the function's wrapper if it names one."""
    name = wanted(spec)
    if not name:
        return program
    if not program.command:  # a fork cannot be wrapped: the same Python, as a command
        python = (pythons.find(spec.runtime) if program.interpreter else None) or pythons.own()
        program = replace(pythons.interpreter_program(python, spec, places), note=program.note)
    here, seen = _placed(name, spec, places)
    if not here.is_file():
        return replace(program, command=(*_MISSING, name))
    if not os.access(here, os.X_OK):
        return replace(program, command=(*_NOT_EXECUTABLE, name))
    return replace(program, command=(seen, *program.command))


def _placed(name: str, spec: RuntimeSpec, places: Places) -> tuple[Path, str]:
    """Where a file of the function lies on this machine, and where its process sees it."""
    roots = [("/var/task", spec.task_root, places.task)]
    if spec.opt is not None:
        roots.append(("/opt", spec.opt, places.opt))
    for on_aws, here, seen in roots:
        if name.startswith(f"{on_aws}/"):
            rest = name.removeprefix(f"{on_aws}/")
            return here / rest, f"{seen}/{rest}"
    return Path(name), name
