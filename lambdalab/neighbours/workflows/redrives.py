"""RedriveExecution: an execution that did not succeed goes on from where it failed.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html
"""

from __future__ import annotations

from typing import Any

from moto.stepfunctions.exceptions import AWSError
from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType

from lambdalab.neighbours.workflows import executions, notices, progress
from lambdalab.neighbours.workflows.moments import now
from lambdalab.neighbours.workflows.waiting import Event, count_in

__all__ = ["NotRedrivable", "redrive"]

_TOKENS = "lambdalab_redrives"

Json = dict[str, Any]


class NotRedrivable(AWSError):  # type: ignore[misc]  # noqa: N818 - as AWS calls it
    """The execution cannot go on."""

    TYPE = "ExecutionNotRedrivable"
    STATUS = 400


def redrive(execution: Any, token: str | None) -> Json:
    """Let an execution go on; the same token again means the same redrive."""
    earlier: dict[str, Any] = execution.__dict__.setdefault(_TOKENS, {})
    if token is not None and token in earlier:
        return {"redriveDate": earlier[token]}
    reason = executions.redrive_refusal(execution)
    if reason:
        raise NotRedrivable(reason)
    execution.redrives = getattr(execution, "redrives", 0) + 1
    execution.redrive_date = now()
    if token is not None:
        earlier[token] = execution.redrive_date
    _begin_again(execution)
    return {"redriveDate": execution.redrive_date}


def _begin_again(execution: Any) -> None:
    before = execution.exec_worker.env
    worker = execution._get_start_execution_worker()
    make = worker._get_evaluation_environment

    def prepared() -> Any:
        env = make()
        _go_on(env, before, execution)
        return env

    worker._get_evaluation_environment = prepared
    execution.exec_worker, execution.exec_status = worker, ExecutionStatus.RUNNING
    execution.ended, execution.stop_date = Event(), None
    execution.error = execution.cause = execution.output = None
    if execution._cloud_watch_logging_session is not None:
        execution._cloud_watch_logging_session.redrives = execution.redrives
    notices.tell(execution, executions.described(execution))
    held = count_in()
    try:
        worker.start()
    finally:
        held.release()


def _go_on(env: Any, before: Any, execution: Any) -> None:
    """An environment with the history and the progress of the one before."""
    env.event_manager = before.event_manager
    redriven = execution.redrive_date.isoformat(timespec="milliseconds")
    env.states.context_object.context_object_data["Execution"] |= {
        "RedriveCount": execution.redrives,
        "RedriveTime": redriven.replace("+00:00", "Z"),
    }
    last = before.event_history_context.last_published_event_id
    env.event_history_context.source_event_id = last
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=HistoryEventType.ExecutionRedriven,
        event_details={"executionRedrivenEventDetails": {"redriveCount": execution.redrives}},
    )
    progress.take_over(env, before)
    # What follows is told of as the start of an execution.
    progress.without_first_event(env)
