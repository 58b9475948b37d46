"""A stack inside of a stack: it is made, changed and deleted with the one around it.

moto makes it anew at each change, knows none of its outputs, and asks nobody what it may do.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html
"""

from __future__ import annotations

from typing import Any

from moto.cloudformation import models
from moto.cloudformation.exceptions import UnformattedGetAttTemplateException

from lambdalab.errors import aws_error, not_implemented
from lambdalab.neighbours.stacks import outcomes, requests
from lambdalab.neighbours.stacks.outcomes import Manner
from lambdalab.neighbours.stacks.requests import Wish
from lambdalab.neighbours.stacks.templates import parameters, source

__all__ = ["NestedStack"]

Json = dict[str, Any]

_OUTPUT = "Outputs."


class NestedStack:
    """A nested stack as moto's engine handles it."""

    def __init__(self, stack: Any) -> None:
        self._stack = stack

    @property
    def physical_resource_id(self) -> str:
        """What ``Ref`` gives."""
        identifier: str = self._stack.stack_id
        return identifier

    def get_cfn_attribute(self, attribute_name: str) -> Any:
        """What ``Fn::GetAtt`` gives: an output of the stack inside."""
        outputs = {one["OutputKey"]: one["OutputValue"] for one in self._stack.outputs or []}
        name = attribute_name.removeprefix(_OUTPUT)
        if not self.has_cfn_attr(attribute_name) or name not in outputs:
            raise UnformattedGetAttTemplateException
        return outputs[name]

    def is_created(self) -> bool:
        """Whether it is there: the call has been waited for."""
        return True

    def delete(self, account_id: str, region: str) -> None:
        """Delete the stack inside; one that is gone is no error."""
        stack, backend = self._stack, models.cloudformation_backends[account_id][region]
        if stack.stack_id in backend.stacks:
            outcomes.delete(backend, stack)
        if stack.status == "DELETE_FAILED":
            raise aws_error(
                "stack.nested-deleted", stack=stack.stack_id, reason=stack.status_reason
            )

    @staticmethod
    def cloudformation_name_type() -> str:
        """The property that names the resource: there is none."""
        return ""

    @classmethod
    def cloudformation_type(cls) -> str:
        """The resource type."""
        return "AWS::CloudFormation::Stack"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Whether ``Fn::GetAtt`` knows the attribute."""
        return attr.startswith(_OUTPUT)

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Json,
        account_id: str,
        region_name: str,
        **ids: Any,
    ) -> NestedStack:
        """Make the stack inside, with what the one around it may do."""
        backend = models.cloudformation_backends[account_id][region_name]
        outer = backend.get_stack(ids["StackId"])
        given = _Given(cloudformation_json, account_id)
        wish = Wish(capabilities=outer.capabilities, manner=Manner("DO_NOTHING"))
        stack = requests.create(
            backend,
            resource_name,
            given.template,
            given.parameters,
            wish,
            notification_arns=given.topics,
            tags={**outer.tags, **given.tags},
        )
        stack.parent_id = outer.stack_id
        stack.root_id = getattr(outer, "root_id", None) or outer.stack_id
        if stack.status != "CREATE_COMPLETE":
            reason = stack.status_reason
            outcomes.delete(backend, stack)
            raise aws_error("stack.nested", stack=stack.stack_id, reason=reason)
        return cls(stack)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: NestedStack,
        new_resource_name: str,  # noqa: ARG003
        cloudformation_json: Json,
        account_id: str,
        region_name: str,
    ) -> NestedStack:
        """Change the stack inside."""
        stack, given = original_resource._stack, _Given(cloudformation_json, account_id)
        backend = models.cloudformation_backends[account_id][region_name]
        outer = backend.get_stack(stack.parent_id)
        wish = Wish(capabilities=outer.capabilities)
        changed = requests.update(backend, stack, given.template, given.parameters, wish)
        if changed and stack.status != "UPDATE_COMPLETE":
            raise aws_error(
                "stack.nested-updated", stack=stack.stack_id, reason=stack.status_reason
            )
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(cls, *given: Any) -> None:
        """Never called: a resource deletes itself."""
        raise NotImplementedError(given)


class _Given:
    """The properties of a nested stack."""

    def __init__(self, described: Json, account: str) -> None:
        properties = described.get("Properties", {})
        if "TimeoutInMinutes" in properties:
            raise not_implemented("the property TimeoutInMinutes of AWS::CloudFormation::Stack")
        self.template = source.at(properties.get("TemplateURL", ""), account)
        given = properties.get("Parameters", {})
        self.parameters = {name: parameters.plain(value) for name, value in given.items()}
        self.topics = list(properties.get("NotificationARNs", []))
        self.tags = {one["Key"]: one["Value"] for one in properties.get("Tags", [])}
