"""Step Functions: moto's interpreter of state machines at work in the lab."""

from __future__ import annotations

import asyncio
import sys
from functools import cache
from typing import Any

from lambdalab.clock import LabClock
from lambdalab.neighbours.workflows import waiting
from lambdalab.neighbours.workflows.tasks import Functions

__all__ = ["connect", "forget", "install", "stop"]


def connect(clock: LabClock, loop: asyncio.AbstractEventLoop) -> None:
    """Wait on this clock, which belongs to this loop, wherever threads wait on the platform."""
    waiting.connect(clock, loop)


@cache
def install(functions: Functions, base_url: str) -> None:
    """Let state machines run; loads moto's interpreter, which takes more than a second."""
    from lambdalab.neighbours.workflows import expressions, interpreter, queries, tasks

    interpreter.install()
    tasks.install(functions, base_url)
    expressions.install()
    queries.install()
    from lambdalab.neighbours.workflows import api

    api.install(functions)


def forget() -> None:
    """The clock was restarted; called in its loop."""
    waiting.forget()


def stop() -> None:
    """Stop every execution: the cloud is being emptied."""
    models: Any = sys.modules.get("moto.stepfunctions.parser.models")
    if models is None:
        return
    from lambdalab.neighbours.workflows.moments import now

    for _, _, backend in models.stepfunctions_parser_backends.iter_backends():
        for machine in backend.state_machines:
            for execution in machine.executions:
                execution.stop(stop_date=now(), error=None, cause=None)
