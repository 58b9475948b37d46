"""moto's interpreter of state machines, made to wait on the platform's clock and to be stoppable.

moto counts real time, and a state that waits for a function or a task token hears of no stop: its
execution stays RUNNING. Here every wait is the platform's (``waiting``), a stop or the end of an
execution's time reaches whatever waits in it, and what was given up tells nothing any more.
"""

from __future__ import annotations

import importlib
import logging
import sys
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

from lambdalab import facts
from lambdalab.neighbours.workflows import (
    comparisons,
    cuts,
    failures,
    intrinsics,
    matches,
    mismatches,
    progress,
)
from lambdalab.neighbours.workflows.attempts import check, evaluate
from lambdalab.neighbours.workflows.waiting import Event, Interrupted, Thread, wait_for

__all__ = ["install"]

_PACKAGE = "moto.stepfunctions.parser."
_EXPRESS = "EXPRESS"


class _Lasting(Event):
    """What has happened to an execution, or to a part of it, is not taken back."""

    def clear(self) -> None:
        """Do nothing: whoever looks a moment later must see it as well."""


@cache
def install() -> None:
    """Mend the interpreter; loads it, which takes more than a second."""
    importlib.import_module("moto.stepfunctions.parser.models")
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
    from moto.stepfunctions.parser.asl.component.program import program
    from moto.stepfunctions.parser.asl.component.state.exec import execute_state
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
        state_task_service_callback as callback,
    )
    from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
    from moto.stepfunctions.parser.asl.eval import environment
    from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackEndpoint
    from moto.stepfunctions.parser.backend import execution_worker
    from moto.stepfunctions.parser.backend.test_state import execution as _test  # noqa: F401

    for name, module in list(sys.modules.items()):
        if name.startswith(_PACKAGE):
            _mend(module)
    environment.threading = _module(threading, Event=_Lasting)
    sleepy = SimpleNamespace(sleep=_sleep)
    retrier_decl.time = callback.time = sleepy
    _in_environment(retrier_decl.RetrierDecl, "_eval_body")
    _in_environment(callback.StateTaskServiceCallback, "_eval_sync")
    CallbackEndpoint.setup_heartbeat_endpoint = _heard(CallbackEndpoint.setup_heartbeat_endpoint)
    execute_state.ExecutionState._evaluate_with_timeout = evaluate
    program.Program.eval = _run_program
    vars(sys.modules[CommonStateField.__module__])["StateData"] = _state_data
    failures.install()
    matches.install()
    mismatches.install()
    comparisons.install()
    intrinsics.install()
    cuts.install()
    progress.install()
    CommonStateField._eval_body = _until_interrupted(CommonStateField._eval_body)
    # It writes whole states, and what is in them, for each error that a workflow is to handle.
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
    execution_worker.ExecutionWorker.start = _start
    execution_worker.ExecutionWorker._execution_logic = _execute(
        execution_worker.ExecutionWorker._execution_logic
    )


# ---- names that stand for other things


def _module(real: ModuleType, **changes: Any) -> ModuleType:
    changed = ModuleType(real.__name__)
    changed.__dict__.update(real.__dict__, **changes)
    return changed


_THREADS = _module(threading, Thread=Thread, Event=Event)
_JSON_NAME = "to_json_str"
_STAND_INS = {id(threading): _THREADS, id(threading.Thread): Thread, id(threading.Event): Event}


def _mend(module: ModuleType) -> None:
    for name, value in list(vars(module).items()):
        stand_in = _STAND_INS.get(id(value))
        if stand_in is not None:
            setattr(module, name, stand_in)
    if hasattr(module, _JSON_NAME):
        setattr(module, _JSON_NAME, _compact(getattr(module, _JSON_NAME)))
    if hasattr(module, "TMP_THREADS"):
        # moto keeps every thread that it has ever started.
        vars(module)["TMP_THREADS"] = deque(maxlen=0)


def _compact(write: Callable[..., str]) -> Callable[..., str]:
    """JSON as Step Functions writes it, without blanks; mended twice it stays the same."""

    def run(value: Any, separators: tuple[str, str] | None = None) -> str:
        return write(value, separators=separators or (",", ":"))

    return run


# ---- waits


def _heard(set_up: Callable[..., Any]) -> Callable[..., Any]:
    """A worker may be done before its task listens for heartbeats: that counts as one."""

    def run(self: Any, heartbeat_seconds: int) -> Any:
        made = set_up(self, heartbeat_seconds=heartbeat_seconds)
        if self.get_outcome() is not None:
            made.notify()
        return made

    return run


_here = threading.local()


def _in_environment(kind: type, name: str) -> None:
    """Let ``_sleep`` know for which execution a method sleeps."""
    act = getattr(kind, name)

    def run(this: Any, env: Any, *given: Any, **options: Any) -> Any:
        _here.env = env
        return act(this, env, *given, **options)

    setattr(kind, name, run)


def _sleep(seconds: float) -> None:
    """In place of ``time.sleep``: on the platform's clock, and until the execution is stopped."""
    env = _here.env
    wait_for([env.program_state_event], seconds)
    check(env)


def _until_interrupted(evaluate: Callable[..., None]) -> Callable[..., None]:
    """A state that is interrupted ends without a word; its program sees why by itself.

    What nobody has foreseen is an error of the runtime.
    """

    def run(state: Any, env: Any) -> None:
        try:
            evaluate(state, env)
        except Interrupted:
            if env.is_running():
                raise
        except failures.Fatal as fatal:
            raise fatal.reason from None
        except Exception as error:
            if hasattr(error, "failure_event"):
                raise
            raise failures.runtime(env, str(error)) from None

    return run


# ---- whole executions


def _run_program(program: Any, env: Any) -> None:
    """In place of ``Program.eval``: with the longest time that its type of workflow may take."""
    from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent

    own = program.timeout_seconds.timeout_seconds if program.timeout_seconds else None
    made = progress.begin(program, env)
    if made.done:
        return
    thread = Thread(target=EvalComponent.eval, args=(program, env))
    thread.start()
    if env.is_frame():
        thread.join()
        progress.ended(made, env)
        return
    seconds = _longest(env) if own is None else min(own, _longest(env))
    if wait_for([thread.finished], seconds, background=own is None) is None:
        env.set_timed_out()
        thread.join()


def _longest(env: Any) -> float:
    kind = "express" if env.execution_type == _EXPRESS else "standard"
    return float(facts.quota(f"workflow.{kind}-duration").value)


def _start(worker: Any) -> None:
    """In place of ``ExecutionWorker.start``: who asks at once finds an environment."""
    worker.env = worker._get_evaluation_environment()
    data = worker.env.states.context_object.context_object_data
    data["Execution"].setdefault("RedriveCount", 0)
    data["Execution"]["StartTime"] = _as_told(data["Execution"]["StartTime"])
    Thread(target=worker._execution_logic).start()


def _as_told(moment: str | datetime) -> str:
    """A time as the context object has it: in milliseconds of UTC."""
    read = moment if isinstance(moment, datetime) else datetime.fromisoformat(moment)
    utc = read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _state_data(**data: str) -> dict[str, str]:
    """In place of ``StateData``: what the context object says of a state that is entered."""
    return data | {"EnteredTime": _as_told(data["EnteredTime"])}


def _execute(execute: Callable[[Any], None]) -> Callable[[Any], None]:
    """An execution always comes to an end."""

    def run(worker: Any) -> None:
        if worker.env is not None:
            # moto would make another, of which who has asked already knows nothing.
            prepared, worker._get_evaluation_environment = worker.env, lambda: prepared
        try:
            execute(worker)
        finally:
            worker._execution_communication.execution.over()

    return run
