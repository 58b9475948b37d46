"""What a task may name as its resource: functions, activities, and services with their actions.

moto finds out when the task runs, or never.
Source: https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
"""

from __future__ import annotations

from typing import Any

from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service,
    state_task_service_factory,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import Resource

from lambdalab import facts
from lambdalab.neighbours.workflows.services import service_model

__all__ = ["UnknownResourceError", "read"]

_SDK = "aws-sdk"
# Services whose SDK for Java, after which Step Functions names them, has another name than boto3's.
_JAVA_NAMES = {
    "applicationautoscaling": "application-autoscaling",
    "cloudwatchevents": "events",
    "cloudwatchlogs": "logs",
    "cognitoidentity": "cognito-identity",
    "cognitoidentityprovider": "cognito-idp",
    "eventbridge": "events",
    "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2",
    "resourcegroups": "resource-groups",
}
# Integrations that nobody in the lab answers.
_ABSENT = ("apigateway", "http")
state_task_service.StateTaskService._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES.update(_JAVA_NAMES)


class UnknownResourceError(ValueError):
    """A resource that a task cannot have; says why."""


def read(arn: str) -> Any:
    """The resource that an ARN names, None where it names none; refuses what is not known."""
    resource = Resource.from_resource_arn(arn)
    service = getattr(resource, "service_name", None)
    if service in _ABSENT:
        raise UnknownResourceError(facts.message("workflow.no-integration").format(service=service))
    if service is not None and not _known(resource, service):
        raise UnknownResourceError(facts.message("workflow.resource").format(resource=arn))
    return resource


def _known(resource: Any, service: str) -> bool:
    try:
        task = state_task_service_factory.state_task_service_for(service)
    except Exception:
        return False
    patterns: set[Any] = getattr(task, "_supported_integration_patterns", set())
    if resource.condition is not None and resource.condition not in patterns:
        return False
    task.resource = resource
    return _has_action(task) if service == _SDK else task._get_supported_parameters() is not None


def _has_action(task: Any) -> bool:
    try:
        model = service_model(task._get_boto_service_name())
    except UnknownServiceError:
        return False
    return task._get_boto_service_action() in map(xform_name, model.operation_names)
