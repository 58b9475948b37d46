"""TestState: one state, run by itself.

moto tells nothing of a state that leads on to another one, of an error that is caught or that is to
be retried, and fails for an error without a cause.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from moto.moto_api._internal import mock_random
from moto.stepfunctions.parser.asl.eval.program_state import ProgramError, ProgramState
from moto.stepfunctions.parser.backend.test_state.execution import TestStateExecution

from lambdalab.neighbours.workflows import matches
from lambdalab.neighbours.workflows.activities import Activities
from lambdalab.neighbours.workflows.executions import checked_input, run
from lambdalab.neighbours.workflows.moments import now
from lambdalab.neighbours.workflows.waiting import Event, Interrupted

__all__ = ["try_state"]

Json = dict[str, Any]


def try_state(backend: Any, given: Json) -> Json:
    """What TestState tells of a definition without mistakes."""
    _install()
    execution = _Trial(
        name="TestState",
        role_arn=given.get("roleArn"),
        exec_arn=_arn(backend),
        account_id=backend.account_id,
        region_name=backend.region_name,
        state_machine=_Tested(given["definition"]),
        start_date=now(),
        activity_store=Activities(backend),
        input_data=checked_input(given),
    )
    execution.ended = Event()
    execution.over = execution.ended.set
    run(execution)
    told: Json = execution.to_test_state_output(given.get("inspectionLevel") or "INFO")
    return told


class _Tested:
    """The machine of a state that is tested."""

    def __init__(self, definition: str) -> None:
        self.arn = self.name = "TestState"
        self.definition = definition
        self.sm_type = "STANDARD"


def _arn(backend: Any) -> str:
    place = f"{backend.region_name}:{backend.account_id}"
    return f"arn:aws:states:{place}:execution:TestState:{mock_random.uuid4()}"


class _Left(ProgramState):  # type: ignore[misc]
    """The state is over, and its machine would go on; an error has led there, or none."""

    def __init__(self, status: str, error: Json | None, after: str | None) -> None:
        super().__init__()
        self.told: Json = {"status": status}
        for name in ("error", "cause"):
            if (error or {}).get(name) is not None:
                self.told[name] = (error or {})[name]
        if after is not None:
            self.told["nextState"] = after


class _Trial(TestStateExecution):  # type: ignore[misc]
    class TestCaseExecutionWorkerCommunication(
        TestStateExecution.TestCaseExecutionWorkerCommunication  # type: ignore[misc]
    ):
        """How the end of the state is heard of."""

        def terminated(self) -> None:
            """A state that leads on has succeeded, or its error was caught."""
            env = self.execution.exec_worker.env
            state = env.program_state()
            after = getattr(state, "next_state_name", None)
            if env.is_running() and not isinstance(state, ProgramError):
                caught = getattr(env, "caught", None)
                status = "CAUGHT_ERROR" if caught else "SUCCEEDED"
                env._program_state = state = _Left(status, caught, after)
            if isinstance(state, _Left):
                self.execution.exec_status = "SUCCEEDED"
                self.execution.output = env.states.get_input()
            else:
                super().terminated()

    def to_test_state_output(self, inspection_level: str) -> Json:
        """As moto's own; and what it does not tell."""
        env = self.exec_worker.env
        state = env.program_state()
        told: Json
        if isinstance(state, ProgramError):
            told = {"status": "FAILED"}
            told |= {name: one for name, one in state.error.items() if one is not None}
        elif isinstance(state, _Left):
            told = dict(state.told)
            if told["status"] != "RETRIABLE":
                told["output"] = _text(self.output)
        else:
            told = dict(super().to_test_state_output(inspection_level))
        if inspection_level in ("DEBUG", "TRACE"):
            told["inspectionData"] = env.inspection_data
        return told

    def _get_start_execution_worker_comm(self) -> Any:
        return self.TestCaseExecutionWorkerCommunication(self)


def _text(value: Any) -> str:
    from moto.stepfunctions.parser.backend.test_state import execution

    written: str = execution.to_json_str(value)
    return written


@cache
def _install() -> None:
    """Let a state that is tested tell what is done about its errors."""
    from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState

    retry, catch = ExecutionState._handle_retry, ExecutionState._handle_catch

    def handle_retry(state: Any, env: Any, failure_event: Any) -> Any:
        if hasattr(env, "inspection_data"):
            name = getattr(failure_event.error_name, "error_name", None)
            row = next((one for one in state.retry.retriers if _for(one, name)), None)
            if row is not None and row.max_attempts.attempts:
                env._program_state = _Left("RETRIABLE", _details(failure_event), None)
                raise Interrupted
        return retry(state, env, failure_event)

    def handle_catch(state: Any, env: Any, failure_event: Any) -> None:
        env.caught = _details(failure_event)
        catch(state, env, failure_event)

    ExecutionState._handle_retry = handle_retry
    ExecutionState._handle_catch = handle_catch


def _for(retrier: Any, error: str | None) -> bool:
    return matches.matches([one.error_name for one in retrier.error_equals.error_names], error)


def _details(failure_event: Any) -> Json:
    """The error and the cause that an event of a failure tells."""
    (told,) = failure_event.event_details.values()
    return dict(told)
