"""Resources of Lambda in moto's CloudFormation are the lab's own.

moto keeps a map from resource type to the class that creates, updates and deletes resources;
``install`` puts a class of the lab in the place of each of moto's own, which would make functions
that cannot run. How stacks change and what is told of them is in the folder ``stacks``.
"""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar, Protocol

from moto.cloudformation import models, parsing
from moto.cloudformation.exceptions import UnformattedGetAttTemplateException

from lambdalab.neighbours.stacks import (
    api,
    change_sets,
    changes,
    deployments,
    evaluation,
    operations,
    outcomes,
    requests,
    services,
    steps,
)
from lambdalab.neighbours.stacks.deployments import Outcomes
from lambdalab.neighbours.stacks.nested import NestedStack
from lambdalab.neighbours.stacks.services.calls import Calls

__all__ = ["Resource", "Stacks", "install"]


class Resource(Protocol):
    """A resource of the Lambda service, as a template sees it."""

    @property
    def key(self) -> dict[str, str]:
        """What tells it from others."""

    @property
    def place(self) -> Any:
        """Where it stands."""

    @property
    def properties(self) -> dict[str, Any]:
        """What the template gave it."""

    @property
    def reference(self) -> str:
        """What ``Ref`` gives."""

    def attribute(self, name: str) -> str:
        """What ``Fn::GetAtt`` gives."""


class Stacks(Protocol):
    """What stacks ask of the Lambda service; each call returns when it has come through."""

    def attributes(self) -> dict[str, frozenset[str]]:
        """The types of resources, and what ``Fn::GetAtt`` knows of each."""

    def place(
        self,
        account: str,
        region: str,
        stack_id: str,
        logical_id: str,
        stack_tags: dict[str, str],
    ) -> Any:
        """Where a resource is to stand."""

    def create(self, kind: str, place: Any, name: str, properties: dict[str, Any]) -> Resource:
        """Make a resource; raises AwsError."""

    def update(self, made: Any, name: str, properties: dict[str, Any]) -> Resource:
        """Change a resource, or make another with another key; raises AwsError."""

    def delete(self, made: Any) -> None:
        """Delete a resource; one that is gone is no error."""


@cache
def install(stacks: Stacks, deployments: Outcomes, base_url: str) -> None:
    """Let Lambda's resources in stacks be made by ``stacks``, others by calls to ``base_url``.

    ``deployments`` tells what becomes of those that move an alias.
    """
    calls = Calls(base_url)
    known = parsing.get_model_map()
    for kind, attributes in stacks.attributes().items():
        members = {
            "STACKS": stacks,
            "DEPLOYMENTS": deployments,
            "CALLS": calls,
            "TYPE": kind,
            "ATTRIBUTES": attributes,
        }
        known[kind] = type(kind.rpartition(":")[2], (LambdaResource,), members)
    known[NestedStack.cloudformation_type()] = NestedStack
    services.install(known, calls)
    evaluation.install()
    steps.install()
    changes.install()
    outcomes.install()
    requests.install()
    change_sets.install()
    # Threads around what has been installed before.
    operations.install()
    api.install()


class LambdaResource:
    """A resource of the lab as moto's engine handles it; a subclass for each type."""

    STACKS: ClassVar[Stacks]
    DEPLOYMENTS: ClassVar[Outcomes]
    CALLS: ClassVar[Calls]
    TYPE: ClassVar[str]
    ATTRIBUTES: ClassVar[frozenset[str]]

    def __init__(self, made: Resource, replaces: LambdaResource | None = None) -> None:
        self.made = made
        # What this one has taken the place of: it is deleted once nothing refers to it any more.
        self.replaces = replaces

    @property
    def physical_resource_id(self) -> str:
        """What ``Ref`` gives."""
        return self.made.reference

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """What ``Fn::GetAtt`` gives."""
        if not self.has_cfn_attr(attribute_name):
            raise UnformattedGetAttTemplateException
        return self.made.attribute(attribute_name)

    def is_created(self) -> bool:
        """Whether it is there: each call has been waited for."""
        return True

    def delete(self, account_id: str, region: str) -> None:  # noqa: ARG002
        """Delete the resource."""
        self.STACKS.delete(self.made)

    @staticmethod
    def cloudformation_name_type() -> str:
        """The property that names the resource; the lab looks for it itself."""
        return ""

    @classmethod
    def cloudformation_type(cls) -> str:
        """The resource type."""
        return cls.TYPE

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Whether ``Fn::GetAtt`` knows the attribute."""
        return attr in cls.ATTRIBUTES

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **ids: Any,
    ) -> LambdaResource:
        """Create the resource."""
        stack = models.cloudformation_backends[account_id][region_name].get_stack(ids["StackId"])
        place = cls.STACKS.place(
            account_id, region_name, stack.stack_id, ids["LogicalId"], dict(stack.tags)
        )
        properties = _properties(cloudformation_json)
        return cls(cls.STACKS.create(cls.TYPE, place, resource_name, properties))

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: LambdaResource,
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> LambdaResource:
        """Update the resource in place, or replace it."""
        made, place = original_resource.made, (account_id, region_name)
        if cls.TYPE == "AWS::Lambda::Alias":
            deployments.deploy(
                cls.CALLS, cls.DEPLOYMENTS, place, cloudformation_json, made.properties
            )
        after = cls.STACKS.update(made, new_resource_name, _properties(cloudformation_json))
        return cls(after, original_resource if after.key != made.key else None)

    @classmethod
    def delete_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> None:
        """Never called: a resource deletes itself."""
        raise NotImplementedError(resource_name, cloudformation_json, account_id, region_name)


def _properties(described: dict[str, Any]) -> dict[str, Any]:
    """The properties of a resource; what is none counts as not given."""
    found = described.get("Properties")
    return found if isinstance(found, dict) else {}
