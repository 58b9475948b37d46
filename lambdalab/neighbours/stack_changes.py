"""How the resources of a stack change: in the order in which they need each other, and back again.

moto's own way of updating takes away first and adds later, whatever refers to what, and leaves half
a change where a step is refused. Here CloudFormation's order is kept: what is new comes first, what
refers to a resource follows when that one is replaced, and what is not wanted any more goes last. A
change that fails is taken back.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks.html
"""

from __future__ import annotations

from typing import Any, NamedTuple

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError

from lambdalab.neighbours.stack_order import in_order

__all__ = ["Blame", "blame", "blamed", "install", "roll_back"]

Json = dict[str, Any]

# What ``_switch`` changes of moto's ResourceMap, and what is put back if the change fails.
_STATE = (
    "_template",
    "_resource_json_map",
    "_parsed_resources",
    "input_parameters",
    "resolved_parameters",
    "no_echo_parameter_keys",
    "lazy_condition_map",
)

# The policies of a resource with which it stays when its stack gives it up.
_KEEP = ("Retain", "RetainExceptOnCreate")


def install() -> None:
    """Let stacks change, and go, in this way."""
    parsing.ResourceMap.update = _update
    parsing.ResourceMap.delete = _delete


class Blame(NamedTuple):
    """What failed (create, update, delete) for which resource of a stack."""

    verb: str
    logical_id: str
    type: str
    physical_id: str


def blame(error: Exception, verb: str, logical_id: str, kind: str, physical_id: str = "") -> None:
    """Note in an error what failed for which resource; the first note stays."""
    if blamed(error) is None:
        error.__dict__["blame"] = Blame(verb, logical_id, kind, physical_id)


def blamed(error: Exception) -> Blame | None:
    """The resource that an error is about."""
    found: Blame | None = error.__dict__.get("blame")
    return found


def _update(resources: Any, template: Json, parameters: Json | None = None) -> None:
    """Change a stack's resources to those of another template; or raise, and leave them."""
    change = _Change(resources)
    try:
        change.make(template, parameters)
    except Exception:
        change.take_back()
        raise
    change.clean_up()


def roll_back(resources: Any) -> None:
    """Delete what a stack has made before its creation failed; what is to be kept stays."""
    _delete(resources, ("Retain",))


def _delete(resources: Any, keep: tuple[str, ...] = _KEEP) -> None:
    """Delete what a stack has made; raises the first refusal when all that can go is gone."""
    described, made = resources._resource_json_map, resources._parsed_resources
    waiting = {
        name: (made[name], described[name])
        for name in reversed(in_order(described))
        if made.get(name) is not None and described[name].get("DeletionPolicy") not in keep
    }
    refused = _remove_all(resources, waiting)
    for name in waiting.keys() - refused.keys():
        del made[name]
    if refused:
        raise next(iter(refused.values()))
    # moto makes a resource as soon as somebody asks for it: nobody may find this one any more.
    resources._resource_json_map = {}


def _remove_all(resources: Any, waiting: dict[str, tuple[Any, Json]]) -> dict[str, Exception]:
    """Delete in the given order, and again while that helps; gives what does not go."""
    while True:
        refused: dict[str, Exception] = {}
        for name, (instance, described) in waiting.items():
            try:
                resources._delete_resource(instance, described)
            except Exception as error:
                blame(error, "delete", name, described["Type"], _physical_id(instance))
                refused[name] = error
        if len(refused) == len(waiting):
            return refused
        waiting = {name: waiting[name] for name in refused}


def _kept(described: Json, policy: str) -> bool:
    return described.get(policy) in _KEEP


def _physical_id(instance: Any) -> str:
    return str(getattr(instance, "physical_resource_id", ""))


class _Change:
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
        self._altered: list[str] = []

    def make(self, template: Json, parameters: Json | None) -> None:
        """Add what is new and alter what is other than before; nothing is taken away yet."""
        self._check_types(template["Resources"])
        self._switch(template, parameters)
        for name in in_order(template["Resources"]):
            if self._made.get(name) is None:
                # moto makes a resource when it is asked for, unless its condition is false.
                self._resources[name]
            elif self._resolved(name) != self._before[name].get("Properties", {}):
                self._alter(name)

    def take_back(self) -> None:
        """Make everything as it was; ``stuck`` tells what could not be."""
        resources, before = self._resources, self._state["_parsed_resources"]
        stuck: dict[str, Exception] = {}
        for name in reversed(in_order(resources._resource_json_map)):
            now = self._made.get(name)
            try:
                if now is not None and self._is_new(name, now):
                    resources._delete_resource(now, resources._resource_json_map[name])
                elif name in self._altered:
                    before[name] = self._put_back(name, now)
            except Exception as error:
                stuck[name] = error
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
            if name in self._gone and not _kept(described[name], "DeletionPolicy"):
                waiting[name] = old, described[name]
            elif getattr(now, "replaces", None) is not None:
                now.replaces = None
                if not _kept(self._resources._resource_json_map[name], "UpdateReplacePolicy"):
                    waiting[name] = old, described[name]
        self._resources.stuck = _remove_all(self._resources, waiting)

    # The steps.

    @property
    def _made(self) -> Json:
        made: Json = self._resources._parsed_resources
        return made

    def _check_types(self, wanted: Json) -> None:
        described = self._state["_resource_json_map"]
        other = [
            name
            for name in self._before
            if name in wanted and wanted[name]["Type"] != described[name]["Type"]
        ]
        if other:
            raise ValidationError(
                message="Update of resource type is not permitted. The new template modifies "
                f"resource type of the following resources: [{', '.join(other)}]"
            )

    def _switch(self, template: Json, parameters: Json | None) -> None:
        """Read the new template; what it does not want is not found any more from here on."""
        resources = self._resources
        resources._template = template
        if parameters:
            resources.input_parameters = parameters
        resources.load_mapping()
        resources.load_parameters()
        resources.load_conditions()
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
        after = parsing.parse_and_update_resource(
            name,
            resources._resource_json_map[name],
            resources,
            account_id=resources._account_id,
            region_name=resources._region_name,
        )
        # None: a type that moto cannot update stays as it is.
        if after is not None:
            self._made[name] = after

    def _is_new(self, name: str, now: Any) -> bool:
        """Whether the change has made it; what it has taken the place of is still there."""
        if name not in self._before:
            return True
        old = self._state["_parsed_resources"][name]
        return old is not now and getattr(now, "replaces", None) is old

    def _put_back(self, name: str, now: Any) -> Any:
        """A resource with the properties that it had before."""
        resources = self._resources
        update = type(now).update_from_cloudformation_json
        back = update(
            original_resource=now,
            new_resource_name=_physical_id(now),
            # Back at once: the way of going on (UpdatePolicy) is not the way back.
            cloudformation_json={**self._before[name], "UpdatePolicy": {}},
            account_id=resources._account_id,
            region_name=resources._region_name,
        )
        if back is None:
            return now
        back.cf_resource_type, back.logical_resource_id = self._before[name]["Type"], name
        return back
