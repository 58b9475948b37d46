"""What becomes of a stack of which a resource is refused: it fails, and says why in its events.

In moto such a call ends with an error, and leaves a stack that is half there. In CloudFormation the
call succeeds; later the stack is found rolled back, with a reason for each resource that failed.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from moto.cloudformation import models, parsing
from moto.cloudformation.exceptions import CloudFormationError
from moto.moto_api._internal import mock_random

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error, not_implemented
from lambdalab.neighbours.stack_changes import Blame, blame, blamed, roll_back

__all__ = ["install"]

_LAMBDA = "AWS::Lambda::"
# How CloudFormation names the kinds of refusals of a service.
_HANDLER_CODES = {
    "AccessDeniedException": "AccessDenied",
    "CodeStorageExceededException": "ServiceLimitExceeded",
    "ResourceConflictException": "AlreadyExists",
    "ResourceNotFoundException": "NotFound",
    "TooManyRequestsException": "Throttling",
}


@cache
def install() -> None:
    """Let stacks end in this way; once is enough."""
    for verb in ("create", "update"):
        name = f"parse_and_{verb}_resource"
        setattr(parsing, name, _watched(verb, getattr(parsing, name)))
    backend = models.CloudFormationBackend
    backend.create_stack = _creation(backend.create_stack)
    backend.delete_stack = _deletion(backend.delete_stack)
    backend.execute_change_set = _execution(backend.execute_change_set)
    models.ChangeSet.apply = _apply
    models.Stack.update = _stack_update(models.Stack.update)
    models.Stack.delete = _stack_delete(models.Stack.delete)
    models.Stack.outputs = property(_outputs(models.Stack.outputs.fget))
    models.Stack.stack_resources = property(_stack_resources)


Call = Callable[..., Any]


def _watched(verb: str, act: Call) -> Call:
    """As moto's own; an error tells for which resource, and no type of Lambda's is passed over."""

    def run(logical_id: str, resource_json: dict[str, Any], *given: Any, **options: Any) -> Any:
        kind = resource_json["Type"]
        try:
            if kind.startswith(_LAMBDA) and kind not in parsing.get_model_map():
                raise not_implemented(f"the resource type {kind}")
            made = act(logical_id, resource_json, *given, **options)
            if isinstance(made, models.Stack) and made.status == "ROLLBACK_COMPLETE":
                models.cloudformation_backends[made.account_id][made.region_name].delete_stack(
                    made.stack_id
                )
                raise aws_error("stack.nested", stack=made.stack_id, reason=made.status_reason)
        except Exception as error:
            blame(error, verb, logical_id, kind)
            raise
        return made

    return run


def _creation(create_stack: Call) -> Call:
    def run(backend: Any, name: str, *given: Any, **options: Any) -> Any:
        known = set(backend.stacks)
        try:
            return create_stack(backend, name, *given, **options)
        except Exception as error:
            new = [one for key, one in backend.stacks.items() if key not in known]
            stack = next((one for one in new if one.name == name), None)
            if stack is None:
                raise
            _roll_back(backend, stack)
            if not _is_refusal(error):
                del backend.stacks[stack.stack_id]
                raise
            _tell_rollback(stack, error, "ROLLBACK")
            return stack

    return run


def _roll_back(backend: Any, stack: Any) -> None:
    """Delete what a stack has made before it failed."""
    for name, export in list(backend.exports.items()):
        if export.exporting_stack_id == stack.stack_id:
            del backend.exports[name]
    stack.resource_map.stuck = {}
    try:
        roll_back(stack.resource_map)
    except Exception as error:
        stack.resource_map.stuck = {"": error}
    _forget_outputs(stack)


def _stack_update(update: Call) -> Call:
    def run(stack: Any, *given: Any, **options: Any) -> None:
        before = stack.template, stack.template_dict
        try:
            update(stack, *given, **options)
        except Exception as error:
            stack.template, stack.template_dict = before
            stack.output_map = stack._create_output_map()
            if not _is_refusal(error):
                raise
            _tell_rollback(stack, error, "UPDATE_ROLLBACK")
        else:
            _tell_success(stack)

    return run


def _apply(change_set: Any) -> None:
    """As moto's own; but a stack that a change set makes has the outputs of its template."""
    stack = change_set.stack
    stack.resource_map.update(change_set.template_dict, change_set.parameters)
    stack.template_dict = change_set.template_dict
    stack.output_map = stack._create_output_map()
    _tell_success(stack)


def _execution(execute_change_set: Call) -> Call:
    def run(backend: Any, change_set_name: str, *given: Any, **options: Any) -> None:
        try:
            execute_change_set(backend, change_set_name, *given, **options)
        except Exception as error:
            if not _is_refusal(error):
                raise
            change_set = backend.describe_change_set(change_set_name)
            change_set.execution_status = "EXECUTE_FAILED"
            first = change_set.change_set_type == "CREATE"
            state = "ROLLBACK" if first else "UPDATE_ROLLBACK"
            _tell_rollback(change_set.stack, error, state)

    return run


def _stack_delete(delete: Call) -> Call:
    def run(stack: Any) -> None:
        delete(stack)
        _forget_outputs(stack)

    return run


def _deletion(delete_stack: Call) -> Call:
    def run(backend: Any, name_or_stack_id: str) -> None:
        stack = backend.stacks.get(name_or_stack_id)
        try:
            delete_stack(backend, name_or_stack_id)
        except Exception as error:
            if stack is None:
                raise
            backend.stacks[stack.stack_id] = stack
            if not _is_refusal(error):
                raise
            stack.status_reason = _tell(stack, error, "stack.failed")
            _end(stack, "DELETE_FAILED", stack.status_reason)

    return run


def _forget_outputs(stack: Any) -> None:
    stack.output_map = parsing.OutputMap(stack.resource_map, {}, stack.stack_id)


# ---- looking: in moto, whoever looks at a resource that is not there makes it


def _outputs(outputs: Call) -> Call:
    def run(stack: Any) -> Any:
        return outputs(stack) if stack.status.endswith("_COMPLETE") else None

    return run


def _stack_resources(stack: Any) -> list[Any]:
    resources = stack.resource_map
    made = (resources._parsed_resources.get(name) for name in resources.resources)
    return [resource for resource in made if resource is not None]


# ---- telling


def _is_refusal(error: Exception) -> bool:
    """Whether a service has refused a resource; else the template is wrong, or the lab is.

    What the errors of moto's services have in common is their text.
    """
    told = isinstance(getattr(error, "message", None), str)
    return told and not isinstance(error, CloudFormationError)


def _tell_rollback(stack: Any, error: Exception, state: str) -> None:
    """The events of a creation or an update that was refused and taken back."""
    at_first = state == "ROLLBACK"
    text = "stack.failed-at-first" if at_first else "stack.failed"
    stack.status_reason = _tell(stack, error, text)
    _end(stack, f"{state}_IN_PROGRESS", stack.status_reason)
    stuck = getattr(stack.resource_map, "stuck", None)
    _end(stack, f"{state}_FAILED" if stuck else f"{state}_COMPLETE", None)


def _tell(stack: Any, error: Exception, text: str) -> str:
    """The event of the resource that failed; gives the reason for the stack to fail."""
    resource = blamed(error) or Blame("create", stack.name, "", "")
    _event(stack, resource, error)
    gaps = {"verb": resource.verb, "resources": resource.logical_id}
    message = facts.message(text)
    return message.format(**{name: gaps[name] for name in message.fields})


def _tell_success(stack: Any) -> None:
    """An update holds, though something that it wants no more may refuse to go."""
    stack.status_reason = None
    for error in stack.resource_map.stuck.values():
        resource = blamed(error)
        if resource is not None:
            _event(stack, resource, error)


def _end(stack: Any, status: str, reason: str | None) -> None:
    stack._add_stack_event(status, resource_status_reason=reason)
    stack.status = status


def _event(stack: Any, resource: Blame, error: Exception) -> None:
    event = models.Event(
        stack_id=stack.stack_id,
        stack_name=stack.name,
        logical_resource_id=resource.logical_id,
        physical_resource_id=resource.physical_id,
        resource_type=resource.type,
        resource_status=f"{resource.verb.upper()}_FAILED",
        resource_status_reason=_reason(error, resource.type),
        resource_properties=None,
    )
    event.sendToSns(stack.account_id, stack.region_name, stack.notification_arns)
    stack.events.append(event)


def _reason(error: Any, kind: str) -> str:
    """Why a resource failed: CloudFormation's own words, or those of the service that refused."""
    text = str(getattr(error, "message", error))
    code = getattr(error, "error_type", getattr(error, "code", ""))
    status = getattr(error, "status", getattr(error, "code", 400))
    if isinstance(error, AwsError) and not code:
        return text
    return facts.message("stack.refused").format(
        text=text,
        service=kind.split("::")[1] if "::" in kind else "CloudFormation",
        status=status if isinstance(status, int) else 400,
        request_id=mock_random.uuid4(),
        token=mock_random.uuid4(),
        handler_code=_HANDLER_CODES.get(code, "InvalidRequest"),
    )
