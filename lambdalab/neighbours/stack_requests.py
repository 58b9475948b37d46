"""CloudFormation's requests around moto's: transforms, capabilities, and what they answer.

moto deploys a template as it comes, whatever it is allowed to do. Here a SAM template is translated
first, and a template that creates IAM resources, or others by a macro, must be acknowledged.
A stack whose transform fails is there and has failed; a change set has failed and can be read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import Any

from moto.cloudformation import models, responses
from moto.cloudformation.exceptions import CloudFormationError, ValidationError
from moto.core.responses import ActionResult

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error
from lambdalab.neighbours import stack_templates
from lambdalab.neighbours.stack_templates import AUTO_EXPAND, Processed, TransformError, original

__all__ = ["install"]

Call = Callable[..., Any]


class _Asked(threading.local):
    """The capabilities of the request that this thread answers; None for nested stacks."""

    capabilities: list[str] | None = None


_asked = _Asked()


@cache
def install() -> None:
    """Let requests be answered in this way; once is enough."""
    stack_templates.install()
    answers = responses.CloudFormationResponse
    for name in ("create_stack", "update_stack", "create_change_set"):
        setattr(answers, name, _with_capabilities(getattr(answers, name)))
    answers.get_template = _get_template
    answers.get_template_summary = _summary(answers.get_template_summary)
    backend = models.CloudFormationBackend
    backend.create_stack = _creation(backend.create_stack)
    backend.update_stack = _update(backend.update_stack)
    backend.create_change_set = _change_set(backend.create_change_set)
    backend.execute_change_set = _execution(backend.execute_change_set)


def _with_capabilities(answer: Call) -> Call:
    def run(self: Any) -> Any:
        _asked.capabilities = list(self._get_param("Capabilities", []))
        try:
            return answer(self)
        except AwsError as error:
            raise _answered(error) from error
        finally:
            _asked.capabilities = None

    return run


def _answered(error: AwsError) -> CloudFormationError:
    """An error of the lab as moto's serializer takes it."""
    return CloudFormationError(error.code, error.message)


def _taken() -> list[str] | None:
    """The capabilities of this request, for the first stack that it is about."""
    taken, _asked.capabilities = _asked.capabilities, None
    return taken


def _checked(text: str, parameters: Any, region: str, given: list[str] | None, *, now: bool) -> str:
    """The template to deploy; raises AwsError at once, and TransformError what a stack shows.

    ``now``: the template is deployed without a look at what a macro has made of it.
    """
    if given is not None and now and _has_transform(text) and AUTO_EXPAND not in given:
        raise stack_templates.missing(AUTO_EXPAND)
    made = stack_templates.process(text, parameters, region)
    refusal = None if given is None else stack_templates.insufficient(made, given)
    refusal = refusal or stack_templates.circular(made)
    if refusal is not None:
        raise TransformError(refusal.message) if isinstance(made, Processed) else refusal
    return made


def _has_transform(text: str) -> bool:
    return bool(stack_templates.transforms(stack_templates.parsed(text)))


def _creation(create_stack: Call) -> Call:
    def run(backend: Any, name: str, template: str, parameters: Any, **more: Any) -> Any:
        given = _taken()
        if any(stack.name == name for stack in backend.stacks.values()):
            raise models.AlreadyExistsException(f"Stack {name} already exists")
        try:
            made = _checked(template, parameters, backend.region_name, given, now=True)
        except TransformError as error:
            return _failed_stack(backend, name, parameters, more, str(error))
        stack = create_stack(backend, name, made, parameters, **more)
        stack.capabilities = given or []
        return stack

    return run


def _failed_stack(backend: Any, name: str, parameters: Any, more: Any, reason: str) -> Any:
    """A stack of which nothing was made."""
    stack = models.Stack(
        stack_id=models.generate_stack_id(name, backend.region_name, backend.account_id),
        name=name,
        template={},
        parameters=parameters,
        account_id=backend.account_id,
        region_name=backend.region_name,
        **more,
    )
    backend.stacks[stack.stack_id] = stack
    stack._add_stack_event("CREATE_IN_PROGRESS", resource_status_reason="User Initiated")
    _tell_failure(stack, "ROLLBACK", reason)
    return stack


def _tell_failure(stack: Any, state: str, reason: str) -> None:
    stack._add_stack_event(f"{state}_IN_PROGRESS", resource_status_reason=reason)
    stack._add_stack_event(f"{state}_COMPLETE")
    stack.status, stack.status_reason = f"{state}_COMPLETE", reason


def _update(update_stack: Call) -> Call:
    def run(
        backend: Any, name: str, template: str, role_arn: Any, parameters: Any, tags: Any
    ) -> Any:
        stack, given = backend.get_stack(name), _taken()
        values = backend._resolve_update_parameters(stack, parameters)
        try:
            made = _checked(original(template), values, backend.region_name, given, now=True)
        except TransformError as error:
            stack._add_stack_event("UPDATE_IN_PROGRESS", resource_status_reason="User Initiated")
            _tell_failure(stack, "UPDATE_ROLLBACK", str(error))
            return stack
        if _is_same(stack, made, values) and tags is None:
            raise ValidationError(message=facts.message("stack.no-updates").text)
        changed = update_stack(backend, name, made, role_arn, parameters, tags)
        stack.capabilities = given or []
        return changed

    return run


def _is_same(stack: Any, template: str, values: dict[str, Any]) -> bool:
    """Whether an update of a stack would change nothing."""
    parsed = stack_templates.parsed(template)
    return parsed == stack.template_dict and values == dict(stack.parameters or {})


def _change_set(create_change_set: Call) -> Call:
    def run(
        backend: Any, stack_name: str, change_set_name: str, template: str, parameters: Any,
        **more: Any,
    ) -> Any:  # fmt: skip
        reason, given = "", _taken()
        try:
            made = _checked(original(template), parameters, backend.region_name, given, now=False)
        except TransformError as error:
            made, reason = '{"Resources": {}}', str(error)
        found = create_change_set(backend, stack_name, change_set_name, made, parameters, **more)
        change_set = backend.change_sets[found[0]]
        change_set.capabilities = given or []
        if reason:
            change_set.status, change_set.execution_status = "FAILED", "UNAVAILABLE"
            change_set.status_reason, change_set.changes = reason, []
        return found

    return run


def _execution(execute: Call) -> Call:
    def run(backend: Any, change_set_name: str, *given: Any, **options: Any) -> Any:
        change_set = backend.describe_change_set(change_set_name)
        if change_set.status == "FAILED":
            raise _answered(aws_error("stack.change-set-failed", arn=change_set.change_set_id))
        return execute(backend, change_set_name, *given, **options)

    return run


def _get_template(answer: Any) -> ActionResult:
    """The template as it was given, or as a transform has made it."""
    stack = answer.cloudformation_backend.get_stack(answer._get_param("StackName"))
    processed = answer._get_param("TemplateStage") == "Processed"
    body = str(stack.template) if processed else original(stack.template)
    return ActionResult({"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]})


def _summary(get_template_summary: Call) -> Call:
    """As moto's own; what it would do to a template that was transformed, it does to the first."""

    def run(answer: Any) -> Any:
        result = get_template_summary(answer)
        body = result.result
        body["DeclaredTransforms"] = stack_templates.transforms(body)
        return result

    return run
