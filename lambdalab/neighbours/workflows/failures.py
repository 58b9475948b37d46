"""How a state fails: where it was entered, what its error is called, whether it can be handled.

- An error of the runtime is nobody's to handle: no Retry, no Catch, and no event but the last one.
  moto takes it for an error of the task.
- A cause names the event at which its state was entered; moto names the last one.
- A failed expression is told of once, with the field in which it stands.
- Errors of Step Functions keep their names outside of the branch or iteration that they end.
- Nothing is told of an execution that has ended.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html, and what
AWS answered, in the tests of https://github.com/localstack/localstack and
https://github.com/floci-io/floci
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from lambdalab import facts
from lambdalab.neighbours.workflows import progress

__all__ = [
    "RUNTIME",
    "Fatal",
    "Placed",
    "failure",
    "install",
    "is_fatal",
    "judged",
    "named",
    "query_failure",
    "runtime",
    "state_inside",
]

RUNTIME = "States.Runtime"
_QUERY = "States.QueryEvaluationError"
_PLACED = RUNTIME, _QUERY
# Errors of Step Functions that moto's parser does not know.
_LATER = "States.ReferencePathConflict", "States.Http.Socket"
_PACKAGE = "moto.stepfunctions.parser."
_INSIDE = "lambdalab_inside"
_ABORTABLE = "Task", "Wait", "Map", "Parallel"
_EVALUATION = "evaluationFailedEventDetails"
_LAST = "ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"

Json = dict[str, Any]


class Fatal(BaseException):
    """A state cannot go on, whatever its Retry and its Catch say; holds why."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Placed(dict[str, Any]):
    """Details whose cause says already in which state it was; the history tells of them once."""

    told = False


def install() -> None:
    """Let states fail as on AWS."""
    from moto.stepfunctions.parser.asl.component.common.error_name import failure_event
    from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
    from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager

    EventManager.add_event = _adding(EventManager.add_event)
    EventManager._publish_history_event = _until_the_last(EventManager._publish_history_event)
    EventManager._publish_history_log = _recorded(EventManager._publish_history_log)
    failure_event.FailureEvent.__init__ = _placing(failure_event.FailureEvent.__init__)
    raised = failure_event.FailureEventException
    raised.get_execution_failed_event_details = _ended
    raised.get_evaluation_failed_event_details = _evaluated(
        raised.get_evaluation_failed_event_details
    )
    ExecutionState._from_error = _from_error
    for name, module in list(sys.modules.items()):
        if not name.startswith(_PACKAGE) or name.endswith(".custom_error_name"):
            continue
        if "CustomErrorName" in vars(module):
            parsing = name.endswith(".preprocessor")
            vars(module)["CustomErrorName"] = _parsed if parsing else named


# ---- errors and their names


def named(error_name: str | None) -> Any:
    """The name of an error, be it one of Step Functions' or not."""
    from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
    from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
        StatesErrorName,
    )

    if error_name is not None and error_name.startswith("States."):
        try:
            return StatesErrorName.from_name(error_name)
        except (KeyError, ValueError):
            pass
        made: Any = object.__new__(StatesErrorName)
    else:
        made = object.__new__(_custom())
    ErrorName.__init__(made, error_name)
    return made


def _custom() -> type:
    from moto.stepfunctions.parser.asl.component.common.error_name import custom_error_name

    kind: type = custom_error_name.CustomErrorName
    return kind


def _parsed(error_name: str) -> Any:
    """What a retrier or a catcher names; names that Step Functions has not are mistakes."""
    return named(error_name) if error_name in _LATER else _custom()(error_name=error_name)


def failure(env: Any, error: str, cause: str) -> Exception:
    """A state fails; its Catch may know better."""
    from moto.stepfunctions.parser.api import HistoryEventType
    from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
        FailureEvent,
        FailureEventException,
    )

    event = FailureEvent(
        env=env,
        error_name=named(error),
        event_type=HistoryEventType.TaskFailed,
        event_details={"taskFailedEventDetails": {"error": error, "cause": cause}},
    )
    made: Exception = FailureEventException(event)
    return made


def runtime(env: Any, cause: str) -> Exception:
    """An error of the runtime."""
    return failure(env, RUNTIME, cause)


def query_failure(env: Any, cause: str, field: str) -> Exception:
    """An expression in a field has failed; the history tells of it."""
    from moto.stepfunctions.parser.api import HistoryEventType
    from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
        FailureEvent,
        FailureEventException,
    )

    kind = HistoryEventType.EvaluationFailed
    told = Placed(error=_QUERY)
    event = FailureEvent(
        env=env, error_name=named(_QUERY), event_type=kind, event_details={_EVALUATION: told}
    )
    told["cause"] = _placed(event, cause)
    if field:
        told["location"] = field
    told["state"] = event.state_name
    env.event_manager.add_event(
        context=env.event_history_context, event_type=kind, event_details=event.event_details
    )
    made: Exception = FailureEventException(event)
    return made


def judged(error: Exception, env: Any) -> BaseException:
    """What an error in a state is: one that may be handled, or fatal."""
    from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
    from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

    if isinstance(error, NoSuchJsonPathError):
        gaps = {"path": error.json_path, "field": env.next_field_name}
        message = facts.message("workflow.path-missing")
        error = runtime(env, message.format(**gaps, input=to_json_str(error.data)))
    return Fatal(error) if is_fatal(error) else error


def is_fatal(error: Exception) -> bool:
    """Whether an error is one of the runtime."""
    event = getattr(error, "failure_event", None)
    name = getattr(event, "error_name", None)
    return name is not None and name.error_name == RUNTIME


def _from_error(state: Any, env: Any, ex: Exception) -> Any:  # noqa: ARG001
    """In place of ``ExecutionState._from_error``: what nobody has foreseen is fatal."""
    event = getattr(ex, "failure_event", None)
    if event is None:
        raise Fatal(runtime(env, str(ex)))
    return event


# ---- events


def state_inside(env: Any) -> str | None:
    """The type of the state in which a program is, where a state of it can be aborted."""
    found: str | None = getattr(env.event_history_context, _INSIDE, None)
    return found


def _adding(add: Callable[..., int]) -> Callable[..., int]:
    def run(manager: Any, context: Any, event_type: Any, **options: Any) -> int:
        details = options.get("event_details") or {}
        told = details.get(_EVALUATION)
        if getattr(told, "told", False):
            return int(context.source_event_id)
        number = add(manager, context=context, event_type=event_type, **options)
        if isinstance(told, Placed):
            told.told = True
        _note(context, str(getattr(event_type, "value", event_type)), details, number)
        return number

    return run


def _note(context: Any, kind: str, details: Json, number: int) -> None:
    state, _, step = kind.partition("State")
    if step == "Entered":
        progress.enter(context, details["stateEnteredEventDetails"]["name"], number)
        setattr(context, _INSIDE, state if state in _ABORTABLE else None)
    elif step == "Exited":
        setattr(context, _INSIDE, None)


def _until_the_last(publish: Callable[..., None]) -> Callable[..., None]:
    def run(manager: Any, event_id: int, **event: Any) -> None:
        events = manager._history_event_list
        redriven = str(event["event_type"]).endswith("ExecutionRedriven")
        if events and str(events[-1]["type"]).endswith(_LAST) and not redriven:
            manager._event_id_gen._next_id = event_id
            return
        publish(manager, event_id=event_id, **event)

    return run


def _recorded(publish: Callable[..., None]) -> Callable[..., None]:
    """A log has no event that the history has not."""

    def run(manager: Any, event_id: int, **event: Any) -> None:
        if manager._history_event_list[-1]["id"] == event_id:
            publish(manager, event_id=event_id, **event)

    return run


def _placing(make: Callable[..., None]) -> Callable[..., None]:
    def run(event: Any, *given: Any, **options: Any) -> None:
        make(event, *given, **options)
        env = options["env"] if "env" in options else given[0]
        for around in progress.outward(env):
            entered = progress.entered(around.event_history_context)
            if entered is not None:
                event.state_name, event.source_event_id = entered
                return

    return run


def _placed(event: Any, cause: str) -> str:
    place = {"state": event.state_name, "event": event.source_event_id}
    return facts.message("workflow.failed").format(**place, cause=cause)


def _ended(raised: Any) -> Json | None:
    """In place of ``get_execution_failed_event_details``: what has its place keeps it."""
    event = raised.failure_event
    if event.event_details is None:
        return None
    (details,) = event.event_details.values()
    told: Json = {name: details[name] for name in ("error", "cause") if details.get(name)}
    if "cause" in told and told.get("error") in _PLACED and not isinstance(details, Placed):
        told["cause"] = _placed(event, told["cause"])
    return told


def _evaluated(tell: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def run(raised: Any) -> Any:
        details = raised.failure_event.event_details[_EVALUATION]
        return details if isinstance(details, Placed) else tell(raised)

    return run
