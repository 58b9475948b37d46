"""What CloudFormation answers about change sets and templates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error, not_implemented
from lambdalab.neighbours.stacks import change_sets, summaries, wishes
from lambdalab.neighbours.stacks.outcomes import Manner
from lambdalab.neighbours.stacks.requests import Wish
from lambdalab.neighbours.stacks.transforms import original

__all__ = ["ANSWERS"]

# ---- change sets


def _create_change_set(self: Any) -> Any:
    wishes.refuse_unused(self, "CreateChangeSet")
    kind = self._get_param("ChangeSetType") or "UPDATE"
    if kind == "IMPORT":
        raise not_implemented("change sets of the type IMPORT")
    backend, name = self.cloudformation_backend, self._get_param("StackName")
    stack = None
    if kind == "UPDATE":
        stack = next((s for s in backend.stacks.values() if name in (s.name, s.stack_id)), None)
    if kind == "UPDATE" and stack is None:
        raise aws_error("stack.change-set-of-nothing", name=name)
    found = change_sets.create(
        backend,
        name,
        self._get_param("ChangeSetName"),
        kind,
        wishes.template(self, stack),
        wishes.values(self, stack),
        wishes.wish(self, self._get_param("OnStackFailure")),
        description=self._get_param("Description"),
        notification_arns=self._get_param("NotificationARNs", []),
        tags=wishes.tags(self),
        role_arn=self._get_param("RoleARN"),
    )
    return ActionResult({"Id": found.change_set_id, "StackId": found.stack_id})


def _found_change_set(self: Any) -> Any:
    name = self._get_param("ChangeSetName")
    return change_sets.find(self.cloudformation_backend, name, self._get_param("StackName"))


def _describe_change_set(self: Any) -> Any:
    return ActionResult(summaries.of_change_set(_found_change_set(self)))


def _execute_change_set(self: Any) -> Any:
    wishes.refuse_unused(self, "ExecuteChangeSet")
    change_set, backend = _found_change_set(self), self.cloudformation_backend
    wish = change_set.wish
    if self._get_bool_param("DisableRollback", False):
        wish = Wish(wish.capabilities, Manner("DO_NOTHING"))
    backend.execute_change_set(change_set.change_set_id, wish)
    return EmptyResult()


def _delete_change_set(self: Any) -> Any:
    try:
        found = _found_change_set(self)
    except AwsError as error:
        if error.code == "ChangeSetNotFound":
            return EmptyResult()
        raise
    del self.cloudformation_backend.change_sets[found.change_set_id]
    return EmptyResult()


def _list_change_sets(self: Any) -> Any:
    backend = self.cloudformation_backend
    stack = backend.get_stack(self._get_param("StackName"))
    found = [one for one in backend.change_sets.values() if one.stack_id == stack.stack_id]
    return ActionResult({"Summaries": [summaries.of_change_set(one) for one in found]})


# ---- templates


def _get_template(self: Any) -> Any:
    """The template as it was given, or as a transform has made it."""
    if self._get_param("ChangeSetName"):
        template = _found_change_set(self).template
    else:
        template = self.cloudformation_backend.get_stack(self._get_param("StackName")).template
    processed = self._get_param("TemplateStage") == "Processed"
    body = str(template) if processed else original(template)
    return ActionResult({"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]})


def _get_template_summary(self: Any) -> Any:
    name = self._get_param("StackName")
    if self._get_param("StackSetName"):
        raise not_implemented("StackSetName of GetTemplateSummary")
    if name is None:
        return ActionResult(summaries.of_template(wishes.template(self)))
    stack = self.cloudformation_backend.get_stack(name)
    if stack.status == "REVIEW_IN_PROGRESS":
        raise aws_error("stack.in-review")
    return ActionResult(summaries.of_template(original(stack.template)))


def _validate_template(self: Any) -> Any:
    return ActionResult(summaries.validated(wishes.template(self)))


def _estimate_template_cost(self: Any) -> Any:
    """A page on which the reader would enter what the template leaves open."""
    summaries.of_template(wishes.template(self))
    return ActionResult({"Url": facts.message("stack.estimate").text})


ANSWERS: dict[str, Callable[[Any], Any]] = {
    "create_change_set": _create_change_set,
    "delete_change_set": _delete_change_set,
    "describe_change_set": _describe_change_set,
    "estimate_template_cost": _estimate_template_cost,
    "execute_change_set": _execute_change_set,
    "get_template": _get_template,
    "get_template_summary": _get_template_summary,
    "list_change_sets": _list_change_sets,
    "validate_template": _validate_template,
}
