"""What becomes of branches and iterations when one of them fails.

The others are cut: each is told of with the state in which it was, all from the last event of the
one that failed, in the order of the definition. An error of the runtime ends everything without a
word, and so do a stop and the end of the execution's time. moto lets the others go on, and tells
what they do after the execution has failed.
Source: answers of AWS in the tests of https://github.com/localstack/localstack (a map whose
iterations time out) and https://github.com/floci-io/floci (measured cuts).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from lambdalab.neighbours.workflows import tolerances
from lambdalab.neighbours.workflows.attempts import silence
from lambdalab.neighbours.workflows.failures import (
    RUNTIME,
    Fatal,
    Placed,
    is_fatal,
    judged,
    named,
    state_inside,
)

__all__ = ["install"]

_RUN = "lambdalab_map"

Json = dict[str, Any]


@dataclass
class _Iteration:
    """One iteration that has begun."""

    env: Any
    told: Json
    error: Exception | None = None
    done: bool = False


@dataclass
class _Run:
    """The iterations of a map that have begun, and how many of them may fail."""

    tolerated: int | None
    rows: dict[int, _Iteration] = field(default_factory=dict)
    failed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def tolerates(self) -> bool:
        """Whether the map goes on though one iteration more has failed."""
        with self.lock:
            self.failed += 1
            return self.failed <= (self.tolerated or 0)


def install() -> None:
    """Let failures cut what goes on beside them."""
    from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
        inline_iteration_component,
        iteration_worker,
    )
    from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl

    tolerances.install()
    branches_decl.BranchesDecl._eval_body = _branches
    iteration_worker.IterationWorker._eval_job = _iterate
    inline = inline_iteration_component.InlineIterationComponent
    inline._eval_body = _iterating(inline._eval_body)


# ---- branches


def _branches(branches: Any, env: Any) -> None:
    """In place of ``BranchesDecl._eval_body``."""
    from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branch_worker import (
        BranchWorker,
    )

    given = env.stack.pop()
    pool = _pool(len(branches.programs))
    frames = []
    for program in branches.programs:
        frame = env.open_inner_frame()
        frame.states.reset(input_value=given)
        frames.append(frame)
        BranchWorker(branch_worker_comm=pool, program=program, env=frame).start()
    pool.wait()
    if pool.failed is None:
        env.stack.append([frame.states.get_input() for frame in frames])
        for frame in frames:
            env.close_frame(frame)
        return
    error = pool.failed.program_state().error or {}
    _give_up(env, frames, pool.failed)
    if error.get("error") != RUNTIME:
        for frame in frames:
            _tell_aborted(env, frame)
    raise _failure(env, error, "ExecutionFailed")


def _pool(size: int) -> Any:
    """Where branches say that they have ended; knows which one has failed first."""
    from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl
    from moto.stepfunctions.parser.asl.eval.program_state import ProgramError

    class Pool(branches_decl.BranchWorkerPool):  # type: ignore[misc]
        failed: Any = None
        first = threading.Lock()

        def on_terminated(self, env: Any) -> None:
            with self.first:
                if self.failed is None and isinstance(env.program_state(), ProgramError):
                    self.failed = env
            super().on_terminated(env)

    return Pool(workers_num=size)


# ---- iterations


def _iterating(evaluate: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    def run(component: Any, env: Any) -> None:
        made = _Run(tolerances.allowed(env, len(env.stack[-1].input_items)))
        setattr(env, _RUN, made)
        try:
            evaluate(component, env)
        except Exception as error:
            _cut(env, made.rows, error)
            raise

    return run


def _cut(env: Any, iterations: dict[int, _Iteration], error: Exception) -> None:
    rows = [iterations[index] for index in sorted(iterations)]
    failed = next((row for row in rows if row.error is error), None)
    _give_up(env, list(env._frames), failed and failed.env)
    if is_fatal(error):
        return
    for row in rows:
        if not row.done:
            what = "Failed" if row is failed else "Aborted"
            _tell(env, f"MapIteration{what}", {f"mapIteration{what}EventDetails": row.told})
            _tell_aborted(env, row.env)


def _iterate(worker: Any, env: Any, job: Any) -> None:
    """In place of ``IterationWorker._eval_job``: one iteration, whose output may be an error."""
    data = env.states.context_object.context_object_data
    data["Map"] = {"Item": {"Index": job.job_index, "Value": job.job_input}}
    row = _Iteration(env, {"name": worker._work_name, "index": job.job_index})
    made: _Run = getattr(worker._env, _RUN)
    try:
        env.states.reset(input_value=job.job_input)
        worker._eval_input(env_frame=env)
        details = {"mapIterationStartedEventDetails": row.told}
        _tell(env, "MapIterationStarted", details, step=True)
        made.rows[job.job_index] = row
        job.job_program.eval(env)
        job.job_output = _output(env, row)
    except Exception as error:
        found = judged(error, env)
        fatal = isinstance(found, Fatal)
        if not fatal and made.tolerates():
            row.done = True
            _tell_failed(env, row)
            return
        if not fatal and made.tolerated is not None:
            error = tolerances.exceeded(env)
        row.error = found.reason if isinstance(found, Fatal) else error
        job.job_output = row.error


def _tell_failed(env: Any, row: _Iteration) -> None:
    _tell(env, "MapIterationFailed", {"mapIterationFailedEventDetails": row.told})
    _tell_aborted(env, env)


def _output(env: Any, row: _Iteration) -> Any:
    """What an iteration gives; raises what has ended it before its time."""
    from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded

    ended = env.program_state()
    if not isinstance(ended, ProgramEnded):
        raise _failure(env, getattr(ended, "error", None) or {}, "MapIterationFailed")
    row.done = True
    _tell(env, "MapIterationSucceeded", {"mapIterationSucceededEventDetails": row.told})
    return env.states.get_input()


# ---- both


def _give_up(env: Any, frames: Iterable[Any], failed: Any) -> None:
    """Let whatever still goes on end, and go on from the last event of what has failed."""
    from lambdalab.neighbours.workflows.moments import now

    for frame in frames:
        silence(frame)
        frame.set_stop(stop_date=now(), cause=None, error=None)
        env.delete_frame(frame)
    if failed is not None:
        context = env.event_history_context
        context.source_event_id = failed.event_history_context.source_event_id


def _tell_aborted(env: Any, frame: Any) -> None:
    state = state_inside(frame)
    if state is not None:
        _tell(env, f"{state}StateAborted", None)


def _tell(env: Any, kind: str, details: Any, *, step: bool = False) -> None:
    """Add an event; the next one follows it only where it is a step."""
    from moto.stepfunctions.parser.api import HistoryEventType

    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=HistoryEventType(kind),
        event_details=details,
        update_source_event_id=step,
    )


def _failure(env: Any, error: Json, kind: str) -> Exception:
    from moto.stepfunctions.parser.api import HistoryEventType
    from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
        FailureEvent,
        FailureEventException,
    )

    given = {name: error[name] for name in ("error", "cause") if error.get(name) is not None}
    event = FailureEvent(
        env=env,
        error_name=named(error.get("error")),
        event_type=HistoryEventType(kind),
        event_details={"executionFailedEventDetails": Placed(given)},
    )
    made: Exception = FailureEventException(event)
    return made
