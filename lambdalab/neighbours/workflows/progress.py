"""How far an execution has come: what RedriveExecution goes on from.

Each program, be it a whole machine, a branch or an iteration, keeps the state at which it is, what
that state got, and the programs within it; one that has ended keeps its output, and does not run
again. A retry begins anew, as on AWS.
Source: https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "Progress",
    "attempted",
    "begin",
    "ended",
    "enter",
    "entered",
    "install",
    "outward",
    "take_over",
    "without_first_event",
]

_NAME = "lambdalab_progress"
_PARENT = "lambdalab_parent"
_BRANCH = "lambdalab_branch"
_ENTERED = "lambdalab_entered"


@dataclass
class Progress:
    """Of one program. ``inner`` are those of its present state, by branch or iteration."""

    state: str | None = None
    given: Any = None
    variables: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    inner: dict[Any, Progress] = field(default_factory=dict)
    done: bool = False
    output: Any = None
    # Whether the next state is one that is taken up again, and whether its first attempt is.
    resuming: bool = False
    kept: bool = False

    def resume(self) -> None:
        """Let what has not ended go on where it was."""
        self.resuming = not self.done and self.state is not None
        for one in self.inner.values():
            one.resume()

    def enter(self, state: str, env: Any) -> None:
        """A state begins."""
        store = env.variable_store
        self.state, self.given = state, copy.deepcopy(env.states.get_input())
        self.variables = dict(store._outer_scope), dict(store._inner_scope)
        self.inner, self.kept = {}, False


def install() -> None:
    """Let the interpreter keep the progress of each execution."""
    from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
        iteration_worker,
    )
    from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl
    from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
    from moto.stepfunctions.parser.asl.eval.environment import Environment

    for name in ("open_frame", "open_inner_frame"):
        setattr(Environment, name, _opening(getattr(Environment, name)))
    CommonStateField._eval_body = _entering(CommonStateField._eval_body)
    branches_decl.BranchesDecl._eval_body = _numbered(branches_decl.BranchesDecl._eval_body)
    worker = iteration_worker.IterationWorker
    worker._eval_job = _once(worker._eval_job)


def begin(program: Any, env: Any) -> Progress:
    """The progress of a program that begins, or goes on; one that is done has its output there."""
    node: Progress | None = getattr(env, _NAME, None)
    if node is None:
        above = _above(env)
        key = _key(program, env)
        node = Progress() if above is None else above.inner.setdefault(key, Progress())
        setattr(env, _NAME, node)
    env.next_state_name = program.start_at.start_at_name
    if node.done:
        env.states.reset(node.output)
        env.set_ended()
    elif node.resuming:
        env.next_state_name = node.state
        env.states.reset(node.given)
        for scope, known in zip(_scopes(env), node.variables, strict=True):
            scope.update(known)
    return node


def take_over(env: Any, before: Any) -> None:
    """Let an environment go on where another one was."""
    node: Progress = getattr(before, _NAME)
    node.resume()
    setattr(env, _NAME, node)


def ended(node: Progress, env: Any) -> None:
    """A program is over; where it has succeeded its output is kept."""
    from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded

    if isinstance(env.program_state(), ProgramEnded):
        node.done, node.output = True, copy.deepcopy(env.states.get_input())


def attempted(env: Any) -> None:
    """An attempt at a state begins: what is within it begins anew, unless it is taken up again."""
    node: Progress | None = getattr(env, _NAME, None)
    if node is None:
        return
    if not node.kept:
        node.inner = {}
    node.kept = False


def without_first_event(env: Any) -> None:
    """Let the next event of an environment go by: it is in the history already."""
    env.event_manager = _AfterFirst(env, env.event_manager)


class _AfterFirst:
    """Stands for an event manager until the first event, which it drops."""

    def __init__(self, env: Any, manager: Any) -> None:
        self._env = env
        self._manager = manager

    def add_event(self, *, event_details: Any = None, **_: Any) -> int:
        self._env.event_manager = self._manager
        context = self._env.event_history_context
        name = (event_details or {}).get("stateEnteredEventDetails", {}).get("name")
        for event in reversed(self._manager.get_event_history()):
            if event.get("stateEnteredEventDetails", {}).get("name", self) == name:
                enter(context, name, event["id"])
                break
        return int(context.source_event_id)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._manager, name)


def _scopes(env: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return env.variable_store._outer_scope, env.variable_store._inner_scope


def outward(env: Any) -> Iterator[Any]:
    """An environment, and those in which it was opened."""
    while env is not None:
        yield env
        env = getattr(env, _PARENT, None)


def enter(context: Any, state: str, event: int) -> None:
    """A state is entered: the number of the event goes into the cause of its failure."""
    setattr(context, _ENTERED, (state, event))


def entered(context: Any) -> tuple[str, int] | None:
    """The last state that was entered, and by which event."""
    found: tuple[str, int] | None = getattr(context, _ENTERED, None)
    return found


def _above(env: Any) -> Progress | None:
    """The progress of the program in which a frame was opened."""
    for here in outward(getattr(env, _PARENT, None)):
        node: Progress | None = getattr(here, _NAME, None)
        if node is not None:
            return node
    return None


def _key(program: Any, env: Any) -> Any:
    """Which of the programs of a state it is."""
    item = env.states.context_object.context_object_data.get("Map")
    return item["Item"]["Index"] if item else ("branch", getattr(program, _BRANCH, 0))


def _opening(open_frame: Callable[..., Any]) -> Callable[..., Any]:
    def run(env: Any, *given: Any, **options: Any) -> Any:
        frame = open_frame(env, *given, **options)
        setattr(frame, _PARENT, env)
        return frame

    return run


def _entering(evaluate: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    def run(state: Any, env: Any) -> None:
        node: Progress | None = getattr(env, _NAME, None)
        if node is not None and node.resuming and node.state == state.name:
            node.resuming, node.kept = False, True
            without_first_event(env)
        elif node is not None:
            node.enter(state.name, env)
        evaluate(state, env)

    return run


def _numbered(evaluate: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    def run(branches: Any, env: Any) -> None:
        for number, program in enumerate(branches.programs):
            setattr(program, _BRANCH, number)
        evaluate(branches, env)

    return run


def _once(evaluate: Callable[[Any, Any, Any], None]) -> Callable[[Any, Any, Any], None]:
    """An iteration that has succeeded is not told of again."""

    def run(worker: Any, env: Any, job: Any) -> None:
        above = _above(env)
        known = above.inner.get(job.job_index) if above else None
        if known is not None and known.done:
            job.job_output = copy.deepcopy(known.output)
        else:
            evaluate(worker, env, job)

    return run
