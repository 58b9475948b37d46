"""What CloudFormation answers about stacks and their resources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from lambdalab.errors import aws_error
from lambdalab.neighbours.stacks import events, exports, operations, wishes

__all__ = ["ANSWERS"]

Json = dict[str, Any]

# ---- stacks


def _create_stack(self: Any) -> Any:
    wishes.refuse_unused(self, "CreateStack")
    stack = self.cloudformation_backend.create_stack(
        self._get_param("StackName"),
        wishes.template(self),
        wishes.values(self),
        wish=wishes.wish(self, self._get_param("OnFailure")),
        notification_arns=self._get_param("NotificationARNs", []),
        tags=wishes.tags(self),
        role_arn=self._get_param("RoleARN"),
        enable_termination_protection=self._get_bool_param("EnableTerminationProtection", False),
    )
    return ActionResult({"StackId": stack.stack_id})


def _update_stack(self: Any) -> Any:
    wishes.refuse_unused(self, "UpdateStack")
    backend = self.cloudformation_backend
    stack = backend.get_stack(self._get_param("StackName"))
    topics = self._get_param("NotificationARNs")
    backend.update_stack(
        stack.stack_id,
        wishes.template(self, stack),
        wishes.values(self, stack),
        wishes.wish(self),
        wishes.tags(self) or None,
    )
    stack.role_arn = self._get_param("RoleARN") or stack.role_arn
    stack.notification_arns = topics if topics is not None else stack.notification_arns
    return ActionResult({"StackId": stack.stack_id})


def _delete_stack(self: Any) -> Any:
    wishes.refuse_unused(self, "DeleteStack")
    backend, name = self.cloudformation_backend, self._get_param("StackName")
    for stack in backend.stacks.values():
        if name in (stack.stack_id, stack.name) and stack.enable_termination_protection:
            raise aws_error("stack.protected", name=stack.name)
    backend.delete_stack(name, self._get_param("RetainResources", []))
    return EmptyResult()


def _cancel_update_stack(self: Any) -> Any:
    stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
    if stack.status != "UPDATE_IN_PROGRESS":
        raise aws_error("stack.not-updating")
    operations.cancel(stack)
    return EmptyResult()


def _update_termination_protection(self: Any) -> Any:
    stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
    stack.enable_termination_protection = self._get_bool_param("EnableTerminationProtection")
    return ActionResult({"StackId": stack.stack_id})


def _list_imports(self: Any) -> Any:
    name = self._get_param("ExportName")
    found = exports.importers(self.cloudformation_backend, name)
    if not found:
        raise aws_error("stack.not-imported", export=name)
    return ActionResult({"Imports": found})


# ---- resources


def _resource(stack: Any, resource: Any) -> Json:
    name = resource.logical_resource_id
    state = events.states(stack).get(name)
    found = {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "LogicalResourceId": name,
        "PhysicalResourceId": getattr(resource, "physical_resource_id", None),
        "ResourceType": getattr(resource, "cf_resource_type", None),
        "ResourceStatus": state.status if state else stack.status,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }
    time = state.time if state else stack.creation_time
    found |= {"Timestamp": time, "LastUpdatedTimestamp": time}
    return found | ({"ResourceStatusReason": state.reason} if state and state.reason else {})


def _describe_stack_resource(self: Any) -> Any:
    stack, resource = self.cloudformation_backend.describe_stack_resource(
        self._get_param("StackName"), self._get_param("LogicalResourceId")
    )
    return ActionResult({"StackResourceDetail": _resource(stack, resource)})


def _describe_stack_resources(self: Any) -> Any:
    name, physical = self._get_param("StackName"), self._get_param("PhysicalResourceId")
    backend, logical = self.cloudformation_backend, self._get_param("LogicalResourceId")
    stacks = [backend.get_stack(name)] if name else list(backend.stacks.values())
    found = [_resource(stack, one) for stack in stacks for one in stack.stack_resources]
    if physical:
        owners = {one["StackId"] for one in found if one["PhysicalResourceId"] == physical}
        found = [one for one in found if one["StackId"] in owners]
    if logical:
        found = [one for one in found if one["LogicalResourceId"] == logical]
    found.sort(key=lambda one: str(one["LogicalResourceId"]))
    return ActionResult({"StackResources": found})


def _list_stack_resources(self: Any) -> Any:
    stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
    found = [_resource(stack, one) for one in stack.stack_resources]
    return ActionResult({"StackResourceSummaries": found})


ANSWERS: dict[str, Callable[[Any], Any]] = {
    "cancel_update_stack": _cancel_update_stack,
    "create_stack": _create_stack,
    "delete_stack": _delete_stack,
    "describe_stack_resource": _describe_stack_resource,
    "describe_stack_resources": _describe_stack_resources,
    "list_imports": _list_imports,
    "list_stack_resources": _list_stack_resources,
    "update_stack": _update_stack,
    "update_termination_protection": _update_termination_protection,
}
