"""Stacks are made and changed as somebody wishes, once their templates have been checked.

moto deploys a template as it comes, whatever it is allowed to do. Here a SAM template is translated
first, and a template that creates IAM resources, or others by a macro, must be acknowledged.
A stack whose transform fails is there and has failed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from moto.cloudformation import models

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error
from lambdalab.neighbours.stacks import outcomes, steps, transforms
from lambdalab.neighbours.stacks.changes import check_types
from lambdalab.neighbours.stacks.outcomes import Manner
from lambdalab.neighbours.stacks.templates import checks, parameters, text
from lambdalab.neighbours.stacks.templates.structure import section
from lambdalab.neighbours.stacks.transforms import AUTO_EXPAND, Processed, TransformError, original

__all__ = [
    "Wish",
    "check_updatable",
    "checked",
    "create",
    "install",
    "missing_exports",
    "new",
    "update",
]

Json = dict[str, Any]

_UPDATABLE = frozenset(
    f"{verb}_{state}" for verb in ("CREATE", "UPDATE") for state in ("COMPLETE", "FAILED")
) | {"UPDATE_ROLLBACK_COMPLETE"}


@dataclass(frozen=True)
class Wish:
    """What somebody wants besides the stack itself.

    ``capabilities`` None: nobody asks for them, as in the stacks of a stack set. ``types`` are the
    resource types that the template may have, all where there are none.
    """

    capabilities: list[str] | None = None
    manner: Manner = field(default_factory=Manner)
    types: tuple[str, ...] = ()


@cache
def install() -> None:
    """Let moto's backend make and change stacks in this way; once is enough."""
    backend = models.CloudFormationBackend
    backend.create_stack = _create_stack
    backend.update_stack = _update_stack
    backend.delete_stack = _delete_stack


def _create_stack(
    backend: Any, name: str, template: str, parameters: Json, wish: Wish | None = None, **more: Any
) -> Any:
    return create(backend, name, template, parameters, wish or Wish(), **more)


def _update_stack(
    backend: Any, name: str, template: str, parameters: Json, wish: Wish, tags: Json | None
) -> Any:
    stack = backend.get_stack(name)
    if not update(backend, stack, template, parameters, wish, tags):
        raise aws_error("stack.no-updates")
    return stack


def _delete_stack(backend: Any, name: str, retain: Collection[str] = ()) -> None:
    for stack in list(backend.stacks.values()):
        if name in (stack.stack_id, stack.name):
            outcomes.delete(backend, stack, retain)


# ---- making and changing


def create(backend: Any, name: str, template: str, given: Json, wish: Wish, **more: Any) -> Any:
    """Make a stack; raises AwsError where nothing of it is made, and gives one that failed."""
    stack = _in_review(backend, name)
    try:
        made = checked(backend, name, template, given, wish)
    except TransformError as error:
        stack = stack or new(backend, name, given, **more)
        outcomes.fail(stack, str(error), first=True, manner=wish.manner)
        return stack
    missing = missing_exports(backend, name, made, given)
    stack = stack or new(backend, name, given, **more)
    stack.capabilities = list(wish.capabilities or [])
    stack.disable_rollback = wish.manner.on_failure == "DO_NOTHING"
    stack.template, stack.template_dict = made, text.read(made)
    stack.parameters = given
    if missing:
        outcomes.fail(stack, missing, first=True, manner=wish.manner)
    else:
        outcomes.create(stack, made, given, wish.manner)
    return stack


def _in_review(backend: Any, name: str) -> Any:
    """A stack of which there is a change set only may be made without it."""
    found = next((stack for stack in backend.stacks.values() if stack.name == name), None)
    if found is None:
        return None
    if found.status != "REVIEW_IN_PROGRESS":
        raise aws_error("stack.already-exists", name=name)
    for change_set in backend.change_sets.values():
        if change_set.stack_id == found.stack_id:
            change_set.execution_status = "OBSOLETE"
    return found


def new(backend: Any, name: str, given: Json, **more: Any) -> Any:
    """A stack of which nothing is made yet."""
    stack = models.Stack(
        stack_id=models.generate_stack_id(name, backend.region_name, backend.account_id),
        name=name,
        template={},
        parameters=given,
        account_id=backend.account_id,
        region_name=backend.region_name,
        **more,
    )
    # One for all: what is exported later is found too.
    stack.cross_stack_resources = stack.resource_map.cross_stack_resources = backend.exports
    stack.capabilities = []
    backend.stacks[stack.stack_id] = stack
    return stack


def check_updatable(stack: Any, manner: Manner | None = None) -> None:
    """Refuse a stack that is being made or changed, or never was made; raises AwsError.

    From one that has failed half way there is no way back: its update may fail half way too.
    """
    if stack.status not in _UPDATABLE:
        raise aws_error("stack.busy", stack=stack.stack_id, status=stack.status)
    if stack.status.endswith("_FAILED") and manner and manner.on_failure != "DO_NOTHING":
        raise aws_error("stack.failed-before", status=stack.status)


def update(
    backend: Any, stack: Any, template: str, given: Json, wish: Wish, tags: Json | None = None
) -> bool:
    """Change a stack; False where there is nothing to change. Raises AwsError."""
    check_updatable(stack, wish.manner)
    try:
        made = checked(backend, stack.name, template, given, wish)
    except TransformError as error:
        outcomes.fail(stack, str(error), first=False, manner=wish.manner)
        return True
    after = text.read(made)
    check_types(stack.resource_map, after["Resources"])
    if tags is None and is_same(stack, after, given):
        return False
    stack.capabilities = list(wish.capabilities or [])
    if tags is not None:
        stack.tags = tags
    missing = missing_exports(backend, stack.name, made, given)
    if missing:
        outcomes.fail(stack, missing, first=False, manner=wish.manner)
    else:
        outcomes.update(stack, made, given, wish.manner)
    return True


def is_same(stack: Any, template: Json, given: Json) -> bool:
    """Whether an update of a stack would change nothing."""
    before = parameters.values(stack.template_dict, stack.parameters or {})
    same = template == stack.template_dict and parameters.values(template, given) == before
    return same and stack.status.endswith("_COMPLETE")


# ---- checking


def checked(
    backend: Any, name: str, template: str, given: Json, wish: Wish, *, now: bool = True
) -> str:
    """The template to deploy; raises AwsError at once, and TransformError what a stack shows.

    ``now``: the template is deployed without a look at what a macro has made of it.
    """
    place = backend.account_id, backend.region_name
    try:
        return _checked(original(template), name, given, wish, place, now=now)
    except RecursionError as error:
        raise aws_error("template.structure") from error


def _checked(
    template: str, name: str, given: Json, wish: Wish, place: tuple[str, str], *, now: bool
) -> str:
    read = text.read(template)
    checks.check(read, steps.gives)
    _check_allowed(read, wish.types)
    if wish.capabilities is not None and now and _expands(read, wish.capabilities):
        raise transforms.missing(AUTO_EXPAND)
    values = parameters.values(read, given)
    made = transforms.process(template, values, _pseudo(name, place), place)
    try:
        whole = text.read(made) if isinstance(made, Processed) else read
        if whole is not read:
            checks.check(whole, steps.gives)
        refusal = transforms.insufficient(whole, wish.capabilities)
        if refusal is not None:
            raise refusal
        checks.check_values(whole, given, _pseudo(name, place), place)
    except AwsError as error:
        if isinstance(made, Processed):
            raise TransformError(error.message) from error
        raise
    return made


def _expands(template: Json, capabilities: list[str]) -> bool:
    return bool(transforms.transforms(template)) and AUTO_EXPAND not in capabilities


def _check_allowed(template: Json, allowed: tuple[str, ...]) -> None:
    """Refuse a resource type that somebody who may make others does not want."""
    for one in section(template, "Resources").values() if allowed else ():
        kind = one["Type"]
        if not any(kind == name or kind.startswith(name.rstrip("*")) for name in allowed):
            told = ", ".join(allowed)
            raise aws_error("stack.type-not-allowed", type=kind, types=told)


def _pseudo(name: str, place: tuple[str, str]) -> Json:
    return {
        "AWS::AccountId": place[0],
        "AWS::Partition": "aws",
        "AWS::Region": place[1],
        "AWS::StackName": name,
        "AWS::URLSuffix": "amazonaws.com",
    }


def missing_exports(backend: Any, name: str, template: str, given: Json) -> str:
    """Why a template cannot be deployed: nobody exports what it imports; empty where all is."""
    place = backend.account_id, backend.region_name
    needed = checks.check_values(text.read(template), given, _pseudo(name, place), place)
    lacking = sorted(needed - backend.exports.keys())
    return facts.message("template.no-export").format(name=lacking[0]) if lacking else ""
