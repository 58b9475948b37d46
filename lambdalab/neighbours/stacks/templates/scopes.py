"""What the names of a template stand for: before its stack is made, and while it is."""

from __future__ import annotations

from typing import Any

from lambdalab.errors import aws_error, not_implemented
from lambdalab.neighbours.stacks.templates import dynamic, types
from lambdalab.neighbours.stacks.templates.functions import evaluate, holds
from lambdalab.neighbours.stacks.templates.structure import section
from lambdalab.neighbours.stacks.templates.terms import UNKNOWN

__all__ = ["PSEUDO", "Conditions", "Live", "Preview"]

Json = dict[str, Any]

PSEUDO = frozenset(
    f"AWS::{name}"
    for name in (
        "AccountId", "NoValue", "NotificationARNs", "Partition", "Region", "StackId", "StackName",
        "URLSuffix",
    )
)  # fmt: skip


def zones(account: str, region: str) -> list[str]:
    """The availability zones of a Region."""
    from moto.ec2.models import ec2_backends

    backend = ec2_backends[account][region]
    return [zone.name for zone in backend.describe_availability_zones()]


class Conditions:
    """The conditions of a template; ``parameters`` are what its parameters stand for."""

    def __init__(self, template: Json, parameters: Json, place: tuple[str, str]) -> None:
        self._definitions = section(template, "Conditions")
        self._mappings = section(template, "Mappings")
        self._resources = section(template, "Resources")
        self._parameters = parameters
        self._place = place
        self._known: dict[str, bool] = {}
        self._asked: list[str] = []

    def evaluated(self) -> dict[str, bool]:
        """Whether each holds; raises AwsError where one is wrong."""
        return {name: self.condition(name) for name in self._definitions}

    def active(self, described: Json) -> bool:
        """Whether a resource or an output is to be there."""
        name = described.get("Condition")
        return name is None or self.condition(name)

    # The scope of their definitions.

    def condition(self, name: str) -> bool:
        """Whether one holds."""
        if name in self._asked:
            raise aws_error("template.condition-circle", names=", ".join(self._asked))
        if name not in self._known:
            if name not in self._definitions:
                raise aws_error("template.condition-unknown", name=name, function="Condition")
            self._asked.append(name)
            self._known[name] = holds(self._definitions[name], self)
            self._asked.pop()
        return self._known[name]

    def ref(self, name: str) -> Any:
        """A parameter: there are no resources yet."""
        if name in self._parameters:
            return self._parameters[name]
        if name in PSEUDO:
            return UNKNOWN
        raise aws_error("template.condition-resources", names=name)

    def attribute(self, name: str, attribute: str) -> Any:  # noqa: ARG002
        """There are no resources yet."""
        raise aws_error("template.condition-resources", names=name)

    def mapping(self, name: str) -> Json | None:
        """A mapping."""
        return self._mappings.get(name)

    def imported(self, name: str) -> Any:  # noqa: ARG002
        """Other stacks do not decide what is made."""
        raise aws_error("template.condition-function", function="Fn::ImportValue")

    def zones(self, region: str) -> list[str]:
        """The zones of a Region."""
        return zones(self._place[0], region or self._place[1])

    def text(self, value: str) -> str:
        """A text."""
        return value


class Preview:
    """A template before its stack is made: resources are not known, but whether they will be.

    ``part`` is the section that is being looked at, ``imports`` what other stacks are to give.
    """

    def __init__(self, template: Json, parameters: Json, place: tuple[str, str]) -> None:
        self.conditions = Conditions(template, parameters, place)
        self.part = "Resources"
        self.imports: set[str] = set()
        self._resources = section(template, "Resources")
        self._parameters = parameters
        # What holds for conditions holds here too.
        self.mapping = self.conditions.mapping
        self.zones = self.conditions.zones
        self.text = self.conditions.text

    def condition(self, name: str) -> bool:
        """Whether a condition holds."""
        return self.conditions.condition(name)

    def ref(self, name: str) -> Any:
        """A parameter, or a resource that will be there."""
        if name in self._parameters:
            return self._parameters[name]
        return UNKNOWN if name in PSEUDO else self._later(name)

    def attribute(self, name: str, attribute: str) -> Any:  # noqa: ARG002
        """What a resource will have."""
        return self._later(name)

    def _later(self, name: str) -> Any:
        found = self._resources.get(name)
        if found is None or not self.conditions.active(found):
            raise aws_error("template.unresolved", names=name, section=self.part)
        return UNKNOWN

    def imported(self, name: str) -> Any:
        """What another stack gives is asked for when it is needed."""
        self.imports.add(name)
        return UNKNOWN


class Live:
    """A stack that is being made, moto's ResourceMap: who asks for a resource makes it."""

    def __init__(self, resources: Any) -> None:
        self._resources = resources

    def ref(self, name: str) -> Any:
        """A parameter, a pseudo parameter, or a resource's physical id."""
        if name == "AWS::NotificationARNs":
            return list(self._resources.stack.notification_arns)
        found = self._found(name)
        return getattr(found, "physical_resource_id", found)

    def attribute(self, name: str, attribute: str) -> Any:
        """What a resource tells of itself; one that moto does not know is refused by name."""
        from moto.cloudformation.exceptions import UnformattedGetAttTemplateException

        resource = self._found(name)
        try:
            found = resource.get_cfn_attribute(attribute)
        except (UnformattedGetAttTemplateException, NotImplementedError):
            found = self._otherwise(name, attribute)
        if found is None:
            kind = self._resources._resource_json_map[name]["Type"]
            raise not_implemented(f"the attribute {attribute} of {kind}")
        return found

    def _otherwise(self, name: str, attribute: str) -> Any:
        """An attribute that its resource does not tell: its own id, or what it was given."""
        described = self._resources._resource_json_map[name]
        if attribute == types.identifier(described["Type"]):
            return self.ref(name)
        return evaluate(described.get("Properties", {}).get(attribute), self)

    def _found(self, name: str) -> Any:
        try:
            found = self._resources[name]
        except KeyError as error:
            raise aws_error("template.unresolved", names=name, section="Resources") from error
        if found is None:
            raise aws_error("template.unresolved", names=name, section="Resources")
        return found

    def condition(self, name: str) -> bool:
        """Whether a condition holds."""
        known: dict[str, bool] = self._resources.lazy_condition_map
        if name not in known:
            raise aws_error("template.condition-unknown", name=name, function="Fn::If")
        return known[name]

    def mapping(self, name: str) -> Json | None:
        """A mapping."""
        return section(self._resources._template, "Mappings").get(name)

    def imported(self, name: str) -> Any:
        """The value of another stack's export; who has asked for which is noted."""
        exports = self._resources.stack.cross_stack_resources
        if name not in exports:
            raise aws_error("template.no-export", name=name)
        self._resources.imports.add(name)
        return exports[name].value

    def zones(self, region: str) -> list[str]:
        """The zones of a Region."""
        return zones(self._resources._account_id, region or self._resources._region_name)

    def text(self, value: str) -> str:
        """A text in which dynamic references have been resolved."""
        return dynamic.resolve(value, self._resources._account_id, self._resources._region_name)
