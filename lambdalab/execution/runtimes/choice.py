"""The choice of the program, by the language of the runtime."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from lambdalab import facts
from lambdalab.execution.runtimes import bootstrap, nodes, pythons, wrapper
from lambdalab.execution.runtimes.program import Places, Program

if TYPE_CHECKING:
    from lambdalab.execution.spec import RuntimeSpec

__all__ = ["own_runtime", "prepare", "program_for", "unsupported"]

_OS_ONLY = "any (Go, Rust, C++, custom)"
_CHOICES: dict[str, Callable[[RuntimeSpec, Places], Program]] = {
    "Python": pythons.program,
    "Node.js": nodes.program,
    _OS_ONLY: bootstrap.program,
}


def own_runtime() -> str:
    """The runtime whose version of Python is the lab's own."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


@cache
def unsupported(runtime: str) -> str:
    """Why functions of a runtime cannot be invoked, and what to do instead; empty if they can.

    Container images have no runtime: its name is empty.
    """
    if not runtime:
        return facts.message("unsupported.image").text
    if facts.runtime(runtime).language in _CHOICES:
        return ""
    return facts.message("unsupported.runtime").format(runtime=runtime)


def program_for(spec: RuntimeSpec, places: Places) -> Program:
    """The program that runs a function. The first call for a runtime may start programs to look."""
    language = facts.runtime(spec.runtime).language
    program = _CHOICES[language](spec, places)
    if language == _OS_ONLY or program.refusal:
        return program
    return wrapper.around(program, spec, places)


async def prepare(spec: RuntimeSpec, places: Places) -> Program:
    """The program that runs a function, without holding up others."""
    if spec.runtime == own_runtime() and not wrapper.wanted(spec):
        return Program()
    return await asyncio.to_thread(program_for, spec, places)
