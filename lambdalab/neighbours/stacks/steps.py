"""One resource of a stack is made, changed or deleted, and the stack's events tell of it.

What moto cannot make, or not change, it passes over in silence; here it is refused by name, and so
are properties that a type does not have.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from moto.cloudformation import parsing
from moto.core.common_models import CloudFormationModel

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error, not_implemented
from lambdalab.neighbours.stacks import completions, events, ignored
from lambdalab.neighbours.stacks.reasons import reason_of
from lambdalab.neighbours.stacks.templates import types
from lambdalab.neighbours.stacks.templates.misfits import misfits

__all__ = ["Blame", "blamed", "gives", "install", "remove", "skip", "step_back", "tell_unremoved"]

Json = dict[str, Any]
Call = Callable[..., Any]


class Blame(NamedTuple):
    """What failed (create, update, delete) for which resource of a stack."""

    verb: str
    logical_id: str


def blamed(error: Exception) -> Blame | None:
    """The resource that an error is about."""
    found: Blame | None = error.__dict__.get("blame")
    return found


def _blame(error: Exception, verb: str, logical_id: str) -> None:
    """Note in an error what failed for which resource; the first note stays."""
    error.__dict__.setdefault("blame", Blame(verb, logical_id))


@cache
def install() -> None:
    """Let resources be made and changed in this way; once is enough."""
    parsing.parse_and_create_resource = _creating(parsing.parse_and_create_resource)
    parsing.parse_and_update_resource = _updating(parsing.parse_and_update_resource)
    parsing.generate_resource_name = _named(parsing.generate_resource_name)


def gives(kind: str, attribute: str) -> bool:
    """Whether ``Fn::GetAtt`` knows an attribute of a type.

    The lab's own types know it themselves; of moto's, some know more than AWS's schemas say.
    """
    made = parsing.get_model_map().get(kind)
    if made is not None and not issubclass(made, CloudFormationModel):
        return bool(made.has_cfn_attr(attribute))
    if types.gives(kind, attribute) or attribute in types.properties(kind):
        return True
    own = made is not None and getattr(made.has_cfn_attr, "__func__", None) is not _ANY
    return bool(own and made.has_cfn_attr(attribute))


# What moto's types have that do not say what they know.
_ANY = CloudFormationModel.has_cfn_attr.__func__


def _named(generate: Call) -> Call:
    """Names that moto makes up are as long as the service takes them."""
    longest = {"AWS::S3::Bucket": 63, "AWS::SQS::Queue": 80}

    def run(kind: str, stack_name: str, logical_id: str) -> str:
        name: str = generate(kind, stack_name, logical_id)
        most = longest.get(kind, 255)
        start, _, end = name.rpartition("-")
        return name if len(name) <= most else f"{start[: most - len(end) - 1]}-{end}"

    return run


# ---- making and changing


def _creating(act: Call) -> Call:
    def run(logical_id: str, described: Json, resources: Any, *place: Any, **more: Any) -> Any:
        if _is_left_out(described, resources):
            return None
        step = _Step(resources.stack, logical_id, described["Type"], "CREATE")
        with step:
            step.begin(_properties(described, resources))
            _check(step)
            made = act(logical_id, described, resources, *place, **more)
            if made is None:
                raise not_implemented(f"the resource type {step.kind}")
            _complete(made, step, resources)
            step.physical_id = _physical_id(made)
            step.tell("IN_PROGRESS", facts.message("stack.initiated").text)
            step.tell("COMPLETE")
        return made

    return run


def _is_left_out(described: Json, resources: Any) -> bool:
    condition = described.get("Condition")
    return condition is not None and not resources.lazy_condition_map[condition]


def _updating(act: Call) -> Call:
    def run(logical_id: str, described: Json, resources: Any, *place: Any, **more: Any) -> Any:
        step = _Step(resources.stack, logical_id, described["Type"], "UPDATE")
        step.physical_id = _physical_id(resources[logical_id])
        with step:
            step.begin(_properties(described, resources))
            _check(step)
            made = act(logical_id, described, resources, *place, **more)
            if made is None:
                raise not_implemented(f"a change of a resource of the type {step.kind}")
            _complete(made, step, resources)
            if getattr(made, "replaces", None) is not None:
                step.tell("IN_PROGRESS", facts.message("stack.replacing").text)
            step.physical_id = _physical_id(made)
            step.tell("COMPLETE")
        return made

    return run


def _complete(made: Any, step: _Step, resources: Any) -> None:
    if isinstance(made, CloudFormationModel):
        place = resources._account_id, resources._region_name
        completions.complete(step.kind, made, step.properties, place)


def _properties(described: Json, resources: Any) -> Json:
    """The properties of a resource; who refers to what is not there yet makes it."""
    try:
        found: Json = parsing.clean_json(described.get("Properties", {}), resources)
    except AwsError as error:
        if blamed(error) is None and error.code == "ValidationError":
            raise AwsError("", error.message) from error
        raise
    return found


def _check(step: _Step) -> None:
    """Refuse properties that the type does not have, or has to have and has not."""
    made = parsing.get_model_map().get(step.kind)
    if made is None or hasattr(made, "STACKS"):
        # Lambda's own are checked by what makes them.
        return
    known = types.properties(step.kind)
    wrong = [
        f"#: extraneous key [{name}] is not permitted"
        for name in step.properties
        if known and name not in known
    ]
    if issubclass(made, CloudFormationModel):
        for name in ignored.ignored(step.kind, made) & step.properties.keys():
            raise not_implemented(f"the property {name} of {step.kind}")
    wrong += [
        f"#: required key [{name}] not found"
        for name in types.required(step.kind)
        if name not in step.properties
    ]
    wrong += misfits(step.kind, step.properties)
    if wrong:
        failures = ", ".join(wrong)
        raise aws_error("stack.bad-properties", resource=step.logical_id, failures=failures)


class _Step:
    """One step of a resource, told in its stack's events; an error in it is told too."""

    def __init__(self, stack: Any, logical_id: str, kind: str, verb: str) -> None:
        self._stack = stack
        self._verb = verb
        self.logical_id = logical_id
        self.kind = kind
        self.physical_id = ""
        self.properties: Json = {}
        self.current = True

    def begin(self, properties: Json) -> None:
        """What it is to be is known."""
        self.properties = properties
        self.tell("IN_PROGRESS")

    def tell(self, state: str, reason: str | None = None) -> None:
        """The resource has come to another state, such as COMPLETE."""
        events.of_resource(
            self._stack,
            self.logical_id,
            self.kind,
            f"{self._verb}_{state}",
            physical_id=self.physical_id,
            reason=reason,
            properties=self.properties,
            current=self.current,
        )

    def __enter__(self) -> _Step:
        return self

    def __exit__(self, _: Any, error: BaseException | None, __: Any) -> None:
        if isinstance(error, Exception) and blamed(error) is None:
            _blame(error, self._verb.lower(), self.logical_id)
            self.tell("FAILED", reason_of(error, self.kind))


# ---- going, and going back


def remove(resources: Any, logical_id: str, instance: Any, described: Json) -> None:
    """Delete a resource; raises as it refuses, which is told by ``tell_unremoved``."""
    step = _going(resources, logical_id, instance, described["Type"])
    if instance not in _asked(resources):
        _asked(resources).append(instance)
        step.tell("IN_PROGRESS")
    resources._delete_resource(instance, described)
    _asked(resources).remove(instance)
    step.tell("COMPLETE")


def _asked(resources: Any) -> list[Any]:
    """The resources that have been asked to go, and are still there."""
    found: list[Any] = resources.__dict__.setdefault("asked_to_go", [])
    return found


def _going(resources: Any, logical_id: str, instance: Any, kind: str) -> _Step:
    step = _Step(resources.stack, logical_id, kind, "DELETE")
    step.physical_id = _physical_id(instance)
    # One that was replaced says nothing of the one in its place.
    step.current = resources._parsed_resources.get(logical_id) in (None, instance)
    return step


def tell_unremoved(resources: Any, name: str, kind: str, instance: Any, error: Exception) -> None:
    """A resource refuses to go, whatever else has gone."""
    _asked(resources).remove(instance)
    _blame(error, "delete", name)
    _going(resources, name, instance, kind).tell("FAILED", reason_of(error, kind))


def skip(resources: Any, logical_id: str, instance: Any, described: Json) -> None:
    """A resource stays where its stack gives it up."""
    _going(resources, logical_id, instance, described["Type"]).tell("SKIPPED")


def step_back(resources: Any, logical_id: str, instance: Any, before: Json) -> Any:
    """Give a resource the properties that it had before; gives the resource."""
    step = _Step(resources.stack, logical_id, before["Type"], "UPDATE")
    step.physical_id = _physical_id(instance)
    with step:
        step.begin(before.get("Properties", {}))
        back = type(instance).update_from_cloudformation_json(
            original_resource=instance,
            new_resource_name=step.physical_id,
            # Back at once: the way of going on (UpdatePolicy) is not the way back.
            cloudformation_json={**before, "UpdatePolicy": {}},
            account_id=resources._account_id,
            region_name=resources._region_name,
        )
        step.tell("COMPLETE")
    if back is None:
        return instance
    back.cf_resource_type, back.logical_resource_id = step.kind, logical_id
    return back


def _physical_id(instance: Any) -> str:
    return str(getattr(instance, "physical_resource_id", "") or "")
