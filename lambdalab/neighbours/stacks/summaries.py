"""What is told of a template, and of a change set.

moto asks cfn-lint, which judges as a linter and writes a file into the current directory.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from lambdalab import facts
from lambdalab.neighbours.stacks import steps, transforms
from lambdalab.neighbours.stacks.evaluation import shown_parameters
from lambdalab.neighbours.stacks.templates import checks, parameters, text
from lambdalab.neighbours.stacks.templates.structure import section

__all__ = ["of_change_set", "of_template", "validated"]

Json = dict[str, Any]


def validated(body: str) -> Json:
    """What ValidateTemplate tells of a template; raises AwsError for a wrong one."""
    template = text.read(body)
    checks.check(template, steps.gives)
    return {
        "Parameters": [_validated(name, one) for name, one in _declared(template)],
        **_told(template),
    }


def of_template(body: str) -> Json:
    """What GetTemplateSummary tells of a template; raises AwsError for a wrong one."""
    template = text.read(body)
    checks.check(template, steps.gives)
    by_type: dict[str, list[str]] = defaultdict(list)
    for name, one in section(template, "Resources").items():
        by_type[one["Type"]].append(name)
    found = {
        "Parameters": [_declaration(name, one) for name, one in _declared(template)],
        "ResourceTypes": sorted(by_type),
        "ResourceIdentifierSummaries": [
            {"ResourceType": kind, "LogicalResourceIds": names} for kind, names in by_type.items()
        ],
        **_told(template),
    }
    if "AWSTemplateFormatVersion" in template:
        found["Version"] = template["AWSTemplateFormatVersion"]
    if "Metadata" in template:
        found["Metadata"] = str(template["Metadata"])
    return found


def _declared(template: Json) -> list[tuple[str, Json]]:
    return list(section(template, "Parameters").items())


def _told(template: Json) -> Json:
    found: Json = {"DeclaredTransforms": transforms.transforms(template)}
    if "Description" in template:
        found["Description"] = template["Description"]
    needed = transforms.needed_by(template)
    found["Capabilities"] = [needed] if needed else []
    if needed:
        named = ", ".join(transforms.iam_types(template))
        found["CapabilitiesReason"] = facts.message("stack.capabilities-reason").format(types=named)
    return found


def _validated(name: str, declared: Json) -> Json:
    hidden = parameters.plain(declared.get("NoEcho", False)) == "true"
    found: Json = {"ParameterKey": name, "NoEcho": hidden}
    if "Default" in declared:
        found["DefaultValue"] = parameters.plain(declared["Default"])
    if "Description" in declared:
        found["Description"] = declared["Description"]
    return found


def _declaration(name: str, declared: Json) -> Json:
    allowed = [parameters.plain(one) for one in declared.get("AllowedValues", [])]
    return {
        **_validated(name, declared),
        "ParameterType": declared["Type"],
        "ParameterConstraints": {"AllowedValues": allowed} if allowed else {},
    }


def of_change_set(change_set: Any) -> Json:
    """What DescribeChangeSet tells."""
    found: Json = {
        "ChangeSetName": change_set.change_set_name,
        "ChangeSetId": change_set.change_set_id,
        "StackId": change_set.stack_id,
        "StackName": change_set.stack_name,
        "CreationTime": change_set.creation_time,
        "ExecutionStatus": change_set.execution_status,
        "Status": change_set.status,
        "NotificationARNs": change_set.notification_arns or [],
        "RollbackConfiguration": {},
        "Capabilities": change_set.capabilities,
        "Tags": [{"Key": key, "Value": one} for key, one in (change_set.tags or {}).items()],
        "Parameters": shown_parameters(change_set),
        "Changes": [_change(one) for one in change_set.changes],
        "IncludeNestedStacks": False,
        "OnStackFailure": change_set.wish.manner.on_failure,
    }
    told = {"StatusReason": change_set.status_reason, "Description": change_set.description}
    return found | {name: value for name, value in told.items() if value}


def _change(change: Any) -> Json:
    told = {
        "Action": change.action,
        "LogicalResourceId": change.logical_resource_id,
        "ResourceType": change.resource_type,
        "Scope": change.scope,
        "Details": change.details,
    }
    if change.physical_resource_id:
        told["PhysicalResourceId"] = change.physical_resource_id
    if change.action == "Modify":
        told["Replacement"] = change.replacement
    return {"Type": "Resource", "ResourceChange": told}
