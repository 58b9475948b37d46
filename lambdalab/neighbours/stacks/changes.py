"""How the resources of a stack change: in the order in which they need each other, and back again.

moto's own way of updating takes away first and adds later, whatever refers to what, and leaves half
a change where a step is refused. Here CloudFormation's order is kept: what is new comes first, what
refers to a resource follows when that one is replaced, and what is not wanted any more goes last. A
change that fails is taken back.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks.html
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache
from typing import Any

from moto.cloudformation import parsing
from moto.ec2.models import ec2_backends
from moto.ec2.models.core import TaggedEC2Resource

from lambdalab.errors import AwsError, aws_error
from lambdalab.neighbours.stacks import operations, steps
from lambdalab.neighbours.stacks.order import in_order, needs

__all__ = ["Change", "check_types", "delete", "install"]

Json = dict[str, Any]

# What ``_switch`` changes of moto's ResourceMap, and what is put back if the change fails.
_STATE = (
    "_template",
    "_resource_json_map",
    "_parsed_resources",
    "imports",
    "input_parameters",
    "resolved_parameters",
    "no_echo_parameter_keys",
    "lazy_condition_map",
)

# The policies of a resource with which it stays when its stack gives it up.
_KEEP = ("Retain", "RetainExceptOnCreate")


@cache
def install() -> None:
    """Let what moto makes by itself, such as the stacks of a stack set, go in this way too."""
    parsing.ResourceMap.delete = delete


def delete(resources: Any, keep: tuple[str, ...] = _KEEP, retain: Collection[str] = ()) -> None:
    """Delete what a stack has made, but what is to be kept.

    Raises the first refusal when all that can go is gone.
    """
    described, made = resources._resource_json_map, resources._parsed_resources
    waiting: dict[str, tuple[Any, Json]] = {}
    for name in reversed(in_order(described)):
        if made.get(name) is None:
            continue
        if described[name].get("DeletionPolicy") in keep or name in retain:
            steps.skip(resources, name, made[name], described[name])
            del made[name]
        else:
            waiting[name] = made[name], described[name]
    refused, stays = _remove_all(resources, waiting)
    for name in waiting.keys() - stays:
        del made[name]
    if refused:
        raise next(iter(refused.values()))
    # moto makes a resource as soon as somebody asks for it: nobody may find this one any more.
    resources._resource_json_map = {}


def _remove_all(
    resources: Any, waiting: dict[str, tuple[Any, Json]]
) -> tuple[dict[str, Exception], set[str]]:
    """Delete in the given order, and again while that helps; gives what refuses, and what stays.

    What one that refuses needs stays with it: a custom resource that fails to go keeps its
    function, which is not asked again.
    """
    while True:
        refused: dict[str, Exception] = {}
        stays: set[str] = set()
        for name, (instance, described) in waiting.items():
            try:
                if name not in stays:
                    steps.remove(resources, name, instance, described)
                    continue
            except Exception as error:
                refused[name] = error
            stays |= {name, *needs(described)} & waiting.keys()
        if len(stays) == len(waiting) or any(map(_is_final, refused.values())):
            break
        waiting = {name: waiting[name] for name in waiting if name in stays}
    for name, refusal in refused.items():
        instance, described = waiting[name]
        steps.tell_unremoved(resources, name, described["Type"], instance, refusal)
    return refused, stays


def _is_final(refusal: Exception) -> bool:
    """Whether the function of a custom resource has said no: CloudFormation asks it once."""
    return isinstance(refusal, AwsError) and not refusal.code


def check_types(resources: Any, wanted: Json) -> None:
    """Refuse another type under the name of a resource that is there; raises AwsError."""
    described, made = resources._resource_json_map, resources._parsed_resources
    other = [
        name
        for name in described
        if made.get(name) is not None
        and name in wanted
        and wanted[name]["Type"] != described[name]["Type"]
    ]
    if other:
        raise aws_error("stack.resource-type", resources=", ".join(other))


def _physical_id(instance: Any) -> str:
    return str(getattr(instance, "physical_resource_id", ""))


class Change:
    """One change of a stack's resources, moto's ResourceMap."""

    def __init__(self, resources: Any) -> None:
        self._resources = resources
        described, made = resources._resource_json_map, resources._parsed_resources
        self._before = {
            name: parsing.clean_json(described[name], resources)
            for name in described
            if made.get(name) is not None
        }
        self._state: Json = {name: getattr(resources, name, None) for name in _STATE}
        # Those of the dictionaries that moto writes into.
        for name in ("_parsed_resources", "resolved_parameters"):
            setattr(resources, name, dict(self._state[name]))
        resources.imports = set()
        self._altered: list[str] = []

    def make(self, template: Json, parameters: Json | None) -> None:
        """Add what is new and alter what is other than before; nothing is taken away yet."""
        self._switch(template, parameters)
        for name in in_order(template["Resources"]):
            operations.stop_if_cancelled()
            if self._made.get(name) is None:
                # moto makes a resource when it is asked for, unless its condition is false.
                self._tag(self._resources[name], name)
            elif self._resolved(name) != self._before[name].get("Properties", {}):
                self._alter(name)

    def take_back(self, told: Callable[[], None]) -> None:
        """Make everything as it was, and then take away what is new; ``told`` comes between.

        ``stuck`` of the resources tells what could not be done.
        """
        resources, before = self._resources, self._state["_parsed_resources"]
        described = resources._resource_json_map
        stuck: dict[str, Exception] = {}
        for name in reversed(in_order(described)):
            if name in self._altered and not self._is_new(name, self._made.get(name)):
                try:
                    before[name] = steps.step_back(
                        resources, name, self._made.get(name), self._before[name]
                    )
                except Exception as error:
                    stuck[name] = error
        told()
        new = {
            name: (self._made[name], described[name])
            for name in reversed(in_order(described))
            if self._made.get(name) is not None and self._is_new(name, self._made[name])
        }
        stuck |= _remove_all(resources, new)[0]
        for name, value in self._state.items():
            setattr(resources, name, value)
        resources.stuck = stuck

    def clean_up(self) -> None:
        """Delete what is not wanted any more; what refuses to go stays, and the change holds."""
        described = self._state["_resource_json_map"]
        waiting: dict[str, tuple[Any, Json]] = {}
        for name in reversed(in_order(described)):
            old: Any = self._state["_parsed_resources"].get(name)
            now: Any = self._made.get(name)
            if name in self._gone:
                self._give_up(name, old, described[name], "DeletionPolicy", waiting)
            elif getattr(now, "replaces", None) is not None:
                now.replaces = None
                wanted = self._resources._resource_json_map[name]
                policy = {"Type": wanted["Type"]} | wanted
                self._give_up(name, old, policy, "UpdateReplacePolicy", waiting)
        self._resources.stuck, _ = _remove_all(self._resources, waiting)

    # The steps.

    def _give_up(
        self, name: str, old: Any, described: Json, policy: str, waiting: dict[str, Any]
    ) -> None:
        if described.get(policy) in _KEEP:
            steps.skip(self._resources, name, old, described)
        else:
            waiting[name] = old, described

    @property
    def _made(self) -> Json:
        made: Json = self._resources._parsed_resources
        return made

    def _switch(self, template: Json, parameters: Json | None) -> None:
        """Read the new template; what it does not want is not found any more from here on."""
        resources = self._resources
        resources._template = template
        if parameters is not None:
            resources.input_parameters = parameters
        for name in self._state["resolved_parameters"]:
            del self._made[name]
        resources.load()
        resources._resource_json_map = template["Resources"]
        self._gone = [name for name in self._before if not self._wanted(name)]
        for name in self._gone:
            del self._made[name]

    def _wanted(self, name: str) -> bool:
        described = self._resources._resource_json_map.get(name)
        if described is None:
            return False
        condition = described.get("Condition")
        return condition is None or bool(self._resources.lazy_condition_map[condition])

    def _resolved(self, name: str) -> Json:
        """The properties of a resource as they are now to be."""
        described = self._resources._resource_json_map[name].get("Properties", {})
        found: Json = parsing.clean_json(described, self._resources)
        return found

    def _alter(self, name: str) -> None:
        self._altered.append(name)
        resources = self._resources
        self._made[name] = parsing.parse_and_update_resource(
            name,
            resources._resource_json_map[name],
            resources,
            account_id=resources._account_id,
            region_name=resources._region_name,
        )

    def _tag(self, instance: Any, name: str) -> None:
        """Resources of EC2 have the tags of their stack."""
        if not isinstance(instance, TaggedEC2Resource):
            return
        resources = self._resources
        tags = {
            **resources.tags,
            "aws:cloudformation:stack-name": resources.stack.name,
            "aws:cloudformation:stack-id": resources.stack_id,
            "aws:cloudformation:logical-id": name,
        }
        backend = ec2_backends[resources._account_id][resources._region_name]
        backend.create_tags([_physical_id(instance)], tags)

    def _is_new(self, name: str, now: Any) -> bool:
        """Whether the change has made it; what it has taken the place of is still there."""
        if name not in self._before:
            return True
        old = self._state["_parsed_resources"][name]
        return old is not now and getattr(now, "replaces", None) is old
