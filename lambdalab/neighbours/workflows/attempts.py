"""One attempt at a state of a state machine: begun, waited for, given up, taken over.

A stop, the end of the state's time and the end of the attempt itself are waited for at once. What
was given up goes on, as a function does that nobody waits for, but tells nothing any more.
"""

from __future__ import annotations

import copy
from typing import Any

from lambdalab.neighbours.workflows import progress
from lambdalab.neighbours.workflows.failures import judged
from lambdalab.neighbours.workflows.waiting import Interrupted, Thread, wait_for

__all__ = ["check", "evaluate", "silence"]


class _Silent:
    """Takes the events of what was given up."""

    @staticmethod
    def add_event(*_given: Any, **_options: Any) -> int:
        """Forget an event."""
        return 0


def check(env: Any) -> None:
    """Stop the work of this thread where its execution has ended."""
    if not env.is_running():
        raise Interrupted


def evaluate(state: Any, env: Any) -> None:
    """In place of ``ExecutionState._evaluate_with_timeout``: one attempt at a state."""
    try:
        _evaluate(state, env)
    except Exception as error:
        raise judged(error, env) from None


def _evaluate(state: Any, env: Any) -> None:
    from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError

    state.timeout.eval(env=env)
    seconds = env.stack.pop()
    _renew_token(env)
    progress.attempted(env)
    frame = env.open_frame()
    frame.states.reset(input_value=env.states.get_input())
    frame.stack = copy.deepcopy(env.stack)
    attempt = _Attempt(state, frame)
    attempt.start()
    wait_for([attempt.finished, env.program_state_event], seconds)
    finished = attempt.finished.is_set()
    if not finished or not env.is_running():
        silence(frame)
    _close_tokens(env, frame)
    frame.set_ended()
    env.close_frame(frame)
    check(env)
    if attempt.error is not None:
        raise attempt.error
    if not finished:
        raise EvalTimeoutError
    _take_over(state, env, attempt.output)


def _renew_token(env: Any) -> None:
    """Each attempt has a token of its own; moto gives the first one's to all."""
    task = env.states.context_object.context_object_data.get("Task") or {}
    endpoint = env.callback_pool_manager.get(task.get("Token"))
    if getattr(endpoint, "over", False):
        env.callback_pool_manager.add(env.states.context_object.update_task_token())


def _close_tokens(*frames: Any) -> None:
    """The token of an attempt that is over is good for nothing more; nobody waits for it."""
    for frame in frames:
        task = frame.states.context_object.context_object_data.get("Task") or {}
        endpoint = frame.callback_pool_manager.get(task.get("Token"))
        if endpoint is not None:
            endpoint.over = True
            endpoint.interrupt_all()


class _Attempt(Thread):
    """The work of one state, which may be given up."""

    def __init__(self, state: Any, frame: Any) -> None:
        super().__init__()
        self._state = state
        self._frame = frame
        self.output: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Evaluate the state in its own frame."""
        self._target = self._work
        super().run()

    def _work(self) -> None:
        try:
            self._state._eval_execution(self._frame)
            self.output = self._frame.stack[-1]
        except Exception as error:
            self.error = judged(error, self._frame)


def _take_over(state: Any, env: Any, output: Any) -> None:
    """What an attempt has brought becomes the result of its state."""
    env.stack.append(output)
    if not state._is_language_query_jsonpath():
        env.states.set_result(output)
    if state.assign_decl:
        state.assign_decl.eval(env=env)
    if state.result_selector:
        state.result_selector.eval(env=env)
    if state.result_path:
        state.result_path.eval(env)
    else:
        env.states.reset(input_value=env.stack.pop())


def silence(frame: Any) -> None:
    """Whatever still goes on in a frame is told to nobody."""
    frame.event_manager = _Silent
    for inner in list(frame._frames):
        silence(inner)
