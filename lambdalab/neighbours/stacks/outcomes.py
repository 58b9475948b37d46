"""What becomes of a stack: it is made, changed or deleted, or that fails and is taken back.

In moto a refused resource ends the call with an error, and leaves a stack that is half there. In
CloudFormation the call succeeds; later the stack is found rolled back, with a reason for each
resource that failed.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from moto.cloudformation import models, parsing
from moto.cloudformation.exceptions import ValidationError
from moto.core.utils import utcnow

from lambdalab import facts
from lambdalab.errors import AwsError
from lambdalab.neighbours.stacks import changes, events, exports, operations
from lambdalab.neighbours.stacks.changes import Change
from lambdalab.neighbours.stacks.steps import blamed

__all__ = ["Manner", "create", "delete", "fail", "install", "update"]

Json = dict[str, Any]
Call = Callable[..., Any]


@dataclass(frozen=True)
class Manner:
    """What is to be done where an operation fails: ROLLBACK, DELETE or DO_NOTHING."""

    on_failure: str = "ROLLBACK"


@cache
def install() -> None:
    """Let stacks end in this way; once is enough."""
    models.Stack.outputs = property(_outputs)
    # What AWS tells of every stack.
    models.Stack.drift_information = {"StackDriftStatus": "NOT_CHECKED"}
    models.Stack.rollback_configuration = {}
    models.Stack.stack_resources = property(_stack_resources)


def create(stack: Any, template: Any, parameters: Json, manner: Manner) -> None:
    """Make the resources of a stack that has none."""
    events.of_stack(stack, "CREATE_IN_PROGRESS", _user())
    change = Change(stack.resource_map)
    try:
        _make(stack, change, template, parameters)
    except Exception as error:
        _fail_creation(stack, _told(error, "create"), manner)
        return
    stack.resource_map.stuck = {}
    events.of_stack(stack, "CREATE_COMPLETE")


def update(stack: Any, template: Any, parameters: Json, manner: Manner) -> None:
    """Change the resources of a stack to those of another template."""
    events.of_stack(stack, "UPDATE_IN_PROGRESS", _user())
    before = stack.template, stack.template_dict, stack.parameters
    change = Change(stack.resource_map)
    try:
        _make(stack, change, template, parameters)
    except Exception as error:
        reason = _told(error, "update")
        if manner.on_failure == "DO_NOTHING":
            events.of_stack(stack, "UPDATE_FAILED", reason)
            return
        stack.template, stack.template_dict, stack.parameters = before
        _roll_back(stack, change, reason)
        return
    events.of_stack(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    change.clean_up()
    events.of_stack(stack, "UPDATE_COMPLETE")
    stack.last_updated_time = utcnow()


def fail(stack: Any, reason: str, *, first: bool, manner: Manner) -> None:
    """An operation fails before anything has been made or changed."""
    verb = "CREATE" if first else "UPDATE"
    events.of_stack(stack, f"{verb}_IN_PROGRESS", _user())
    if first:
        _fail_creation(stack, reason, manner)
    else:
        events.of_stack(stack, "UPDATE_ROLLBACK_IN_PROGRESS", reason)
        _end_rollback(stack, "UPDATE_ROLLBACK", reason)


def delete(backend: Any, stack: Any, retain: Collection[str] = ()) -> None:
    """Delete a stack; where a resource refuses to go, the stack stays and says so."""
    events.of_stack(stack, "DELETE_IN_PROGRESS", _user())
    used = exports.used(backend, stack)
    if used:
        events.of_stack(stack, "DELETE_FAILED", used)
        return
    keep = ("Retain",) if stack.__dict__.get("failed_at_first") else ("Retain", _EXCEPT)
    try:
        changes.delete(stack.resource_map, keep, retain)
    except Exception as error:
        events.of_stack(stack, "DELETE_FAILED", _told(error, "delete"))
        return
    exports.forget(backend, stack)
    _forget_outputs(stack)
    stack.resource_map.imports = set()
    events.of_stack(stack, "DELETE_COMPLETE")
    stack.deletion_time = utcnow()
    backend.stacks.pop(stack.stack_id, None)
    backend.deleted_stacks[stack.stack_id] = stack


_EXCEPT = "RetainExceptOnCreate"


# ---- the steps


def _user() -> str:
    return facts.message("stack.user").text


def _make(stack: Any, change: Change, template: Any, parameters: Json) -> None:
    stack.template, stack.template_dict = template, models.Stack.parse_template(template)
    stack.description = stack.template_dict.get("Description")
    stack.parameters = parameters
    change.make(stack.template_dict, parameters)
    stack.output_map = stack._create_output_map()
    exports.publish(stack)


def _fail_creation(stack: Any, reason: str, manner: Manner) -> None:
    """A stack could not be made: what is left of it depends on what was asked for."""
    backend = models.cloudformation_backends[stack.account_id][stack.region_name]
    stack.__dict__["failed_at_first"] = True
    _forget_outputs(stack)
    if manner.on_failure == "DO_NOTHING":
        events.of_stack(stack, "CREATE_FAILED", reason)
        return
    if manner.on_failure == "DELETE":
        delete(backend, stack)
        return
    asked = facts.message("stack.rollback").format(reason=reason.removesuffix("."))
    events.of_stack(stack, "ROLLBACK_IN_PROGRESS", asked)
    try:
        changes.delete(stack.resource_map, ("Retain",))
    except Exception as error:
        events.of_stack(stack, "ROLLBACK_FAILED", _told(error, "delete"))
        return
    stack.resource_map.imports = set()
    _end_rollback(stack, "ROLLBACK", asked)


def _roll_back(stack: Any, change: Change, reason: str) -> None:
    events.of_stack(stack, "UPDATE_ROLLBACK_IN_PROGRESS", reason)

    def told() -> None:
        events.of_stack(stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")

    change.take_back(told)
    stack.output_map = stack._create_output_map()
    if stack.resource_map.stuck:
        names = ", ".join(stack.resource_map.stuck)
        failed = facts.message("stack.failed").format(verb="update", resources=names)
        events.of_stack(stack, "UPDATE_ROLLBACK_FAILED", failed)
    else:
        _end_rollback(stack, "UPDATE_ROLLBACK", reason)


def _end_rollback(stack: Any, state: str, reason: str) -> None:
    """The last event has no reason; whoever asks for the stack is told the first one."""
    events.of_stack(stack, f"{state}_COMPLETE")
    stack.status_reason = reason


def _told(error: Exception, verb: str) -> str:
    """Why an operation fails, by what has failed in it."""
    if isinstance(error, operations.CancelledError):
        return _user()
    resource = blamed(error)
    if resource is None:
        text = getattr(error, "message", None)
        if isinstance(error, AwsError | ValidationError) and isinstance(text, str):
            return text
        return facts.message("stack.internal").format(detail=f"{type(error).__name__}: {error}")
    name = "stack.undeleted" if verb == "delete" else "stack.failed"
    gaps = {"verb": resource.verb, "resources": resource.logical_id}
    message = facts.message(name)
    return message.format(**{field: gaps[field] for field in message.fields})


def _forget_outputs(stack: Any) -> None:
    stack.output_map = parsing.OutputMap(stack.resource_map, {}, stack.stack_id)


# ---- looking: in moto, whoever looks at a resource that is not there makes it


def _outputs(stack: Any) -> list[Json] | None:
    if not stack.status.endswith("_COMPLETE"):
        return None
    exported = exports.names(stack)
    found = []
    for output in stack.output_map.values():
        if output is not None:
            told = {"OutputKey": output.key, "OutputValue": _text(output.value)}
            told |= {"Description": output.description} if output.description else {}
            told |= {"ExportName": exported[output.key]} if output.key in exported else {}
            found.append(told)
    return found or None


def _text(value: Any) -> str:
    """Outputs are texts."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _stack_resources(stack: Any) -> list[Any]:
    resources = stack.resource_map
    made = (resources._parsed_resources.get(name) for name in resources.resources)
    return [resource for resource in made if resource is not None]
