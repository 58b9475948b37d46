"""Change sets: what an update of a stack would do, to be looked at before it is done.

moto compares the texts of templates, knows no conditions and no parameters, and finds a change set
under its name wherever it is.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

from functools import cache
from typing import Any

from moto.cloudformation import models

from lambdalab import facts
from lambdalab.errors import aws_error
from lambdalab.neighbours.stacks import events, outcomes, requests
from lambdalab.neighbours.stacks.requests import Wish
from lambdalab.neighbours.stacks.templates import functions, parameters, text, types
from lambdalab.neighbours.stacks.templates.scopes import Preview
from lambdalab.neighbours.stacks.templates.structure import section
from lambdalab.neighbours.stacks.transforms import TransformError

__all__ = ["create", "find", "install"]

Json = dict[str, Any]

# A template without resources, for the side on which there is nothing yet.
_NOTHING = '{"Resources": {}}'


@cache
def install() -> None:
    """Let change sets be made and executed in this way; once is enough."""
    models.ChangeSet.diff = _changes
    models.CloudFormationBackend.execute_change_set = _execute


def find(backend: Any, name: str, stack_name: str | None) -> Any:
    """A change set, by its ARN or by its name and that of its stack; raises AwsError."""
    if name in backend.change_sets:
        return backend.change_sets[name]
    if name.startswith("arn:"):
        raise aws_error("stack.change-set-missing", name=name)
    if not stack_name:
        raise aws_error("stack.change-set-stackless")
    stack = _stack(backend, stack_name)
    if stack is None:
        raise aws_error("stack.change-set-of-nothing", name=stack_name)
    for one in reversed(list(backend.change_sets.values())):
        if one.change_set_name == name and one.stack_id == stack.stack_id:
            return one
    raise aws_error("stack.change-set-missing", name=name)


def _stack(backend: Any, name: str) -> Any:
    return next((one for one in backend.stacks.values() if name in (one.name, one.stack_id)), None)


def create(
    backend: Any, stack_name: str, name: str, kind: str, template: str, given: Json, wish: Wish,
    **more: Any,
) -> Any:  # fmt: skip
    """Make a change set; one that cannot be executed says why. Raises AwsError."""
    models.validate_create_change_set(name)
    stack = _wanted(backend, stack_name, name, kind)
    told, reason = stack.name if stack is not None else stack_name, ""
    if stack is not None:
        _refuse_second(backend, stack, name)
    try:
        made = requests.checked(backend, told, template, given, wish, now=False)
        reason = requests.missing_exports(backend, told, made, given)
    except TransformError as error:
        made, reason = _NOTHING, str(error)
    if stack is None:
        stack = requests.new(backend, stack_name, given)
        events.of_stack(stack, "REVIEW_IN_PROGRESS", facts.message("stack.user").text)
    change_set = models.ChangeSet(
        change_set_type=kind,
        change_set_id=models.generate_changeset_id(name, backend.region_name, backend.account_id),
        change_set_name=name,
        stack=stack,
        template=made,
        parameters=given,
        **more,
    )
    change_set.wish, change_set.capabilities = wish, list(wish.capabilities or [])
    if not reason and kind == "UPDATE" and _is_same(change_set):
        reason = facts.message("stack.no-changes").text
    _settle(change_set, reason)
    backend.change_sets[change_set.change_set_id] = change_set
    return change_set


def _wanted(backend: Any, stack_name: str, name: str, kind: str) -> Any:
    """The stack that a change set is for; None where it makes one."""
    stack = _stack(backend, stack_name)
    deleted = stack_name in backend.deleted_stacks
    if kind == "CREATE":
        if deleted or (stack is not None and stack.status != "REVIEW_IN_PROGRESS"):
            raise aws_error("stack.change-set-of-existing", name=stack_name, change_set=name)
    elif stack is None:
        raise aws_error("stack.change-set-of-nothing", name=stack_name)
    else:
        requests.check_updatable(stack)
    return stack


def _refuse_second(backend: Any, stack: Any, name: str) -> None:
    for one in backend.change_sets.values():
        if one.change_set_name == name and one.stack_id == stack.stack_id:
            raise aws_error("stack.change-set-exists", name=name)


def _is_same(change_set: Any) -> bool:
    stack = change_set.stack
    same: bool = requests.is_same(stack, change_set.template_dict, change_set.parameters)
    return same and (change_set.tags or {}) in ({}, stack.tags)


def _settle(change_set: Any, reason: str) -> None:
    change_set.status_reason = reason or None
    if reason:
        change_set.status, change_set.execution_status = "FAILED", "UNAVAILABLE"
        change_set.changes = []
    else:
        change_set.status, change_set.execution_status = "CREATE_COMPLETE", "AVAILABLE"


def _execute(backend: Any, change_set_id: str, wish: Wish) -> None:
    """Do what a change set says; the others of its stack are of no use any more."""
    change_set = backend.change_sets[change_set_id]
    stack, state = change_set.stack, change_set.execution_status
    if state != "AVAILABLE":
        told = change_set.status if state == "UNAVAILABLE" else state
        raise aws_error("stack.change-set-state", arn=change_set_id, status=told)
    if change_set.change_set_type == "UPDATE":
        requests.check_updatable(stack, wish.manner)
    for other in backend.change_sets.values():
        if other.stack_id == stack.stack_id and other is not change_set:
            other.execution_status = "OBSOLETE"
    change_set.execution_status = "EXECUTE_IN_PROGRESS"
    stack.capabilities, stack.change_set_id = change_set.capabilities, change_set_id
    first = change_set.change_set_type == "CREATE"
    act = outcomes.create if first else outcomes.update
    stack.notification_arns = change_set.notification_arns or stack.notification_arns
    stack.tags = change_set.tags or stack.tags
    act(stack, change_set.template, change_set.parameters, wish.manner)
    done = stack.status == f"{change_set.change_set_type}_COMPLETE"
    change_set.execution_status = "EXECUTE_COMPLETE" if done else "EXECUTE_FAILED"


# ---- what would change


def _changes(change_set: Any) -> list[Any]:
    """What executing a change set would do, by logical ids."""
    stack = change_set.stack
    place = stack.account_id, stack.region_name
    before = _Side(stack.template_dict or text.read(_NOTHING), stack.parameters or {}, place)
    after = _Side(change_set.template_dict, change_set.parameters, place)
    made = {
        name
        for name, one in stack.resource_map._parsed_resources.items()
        if name in stack.resource_map._resource_json_map and one is not None
    }
    found = []
    for name in sorted(after.names | made):
        change = _change(name, made, before, after)
        if change is not None:
            instance = stack.resource_map._parsed_resources.get(name)
            change.physical_resource_id = getattr(instance, "physical_resource_id", None)
            found.append(change)
    return found


def _change(name: str, made: set[str], before: _Side, after: _Side) -> Any:
    if name not in made:
        return _told("Add", name, after)
    if name not in after.names:
        return _told("Remove", name, before)
    changed = [one for one in sorted(before.properties(name) | after.properties(name))
               if before.value(name, one) != after.value(name, one)]  # fmt: skip
    if not changed:
        return None
    change = _told("Modify", name, after)
    fixed = types.replaced(change.resource_type)
    change.scope = ["Properties"]
    change.replacement = "True" if fixed & set(changed) else "False"
    change.details = [_detail(one, fixed) for one in changed]
    return change


def _told(action: str, name: str, side: _Side) -> Any:
    change = models.Change(action, name, side.kind(name))
    change.scope, change.details = [], []
    return change


def _detail(name: str, fixed: frozenset[str]) -> Json:
    again = "Always" if name in fixed else "Never"
    return {
        "Target": {"Attribute": "Properties", "Name": name, "RequiresRecreation": again},
        "Evaluation": "Static",
        "ChangeSource": "DirectModification",
    }


class _Side:
    """A stack before or after a change, as far as it can be known."""

    def __init__(self, template: Json, given: Json, place: tuple[str, str]) -> None:
        self._template = template
        declared = section(template, "Parameters")
        known = {name: one for name, one in given.items() if name in declared}
        values = parameters.resolved(template, parameters.values(template, known), place)
        self._preview = Preview(template, values, place)
        resources = section(template, "Resources")
        active = self._preview.conditions.active
        self._resources = {name: one for name, one in resources.items() if active(one)}

    @property
    def names(self) -> set[str]:
        """The logical ids of its resources."""
        return set(self._resources)

    def kind(self, name: str) -> str:
        """A resource's type."""
        found: str = section(self._template, "Resources")[name]["Type"]
        return found

    def properties(self, name: str) -> set[str]:
        """The names of a resource's properties."""
        return set(self._resources.get(name, {}).get("Properties", {}))

    def value(self, name: str, one: str) -> tuple[Any, Any]:
        """A property as it is written and as it is; what is known later counts as written."""
        written = self._resources.get(name, {}).get("Properties", {}).get(one)
        found = functions.evaluate(written, self._preview)
        unknown = "UNKNOWN" in repr(found)
        return (written if unknown else None), repr(found)
