"""moto's CodeDeploy: the operations and members that it leaves out."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from lambdalab.errors import AwsError
from lambdalab.neighbours.code_deploy.codedeploy import deployer, refusal, refused
from lambdalab.neighbours.code_deploy.codedeploy_records import config_of, configs

__all__ = ["install"]

Json = dict[str, Any]
Answer = Callable[[Any], Json]
_STATUSES = ("Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Unknown")


def install(responses: ModuleType) -> None:
    """Let moto answer."""
    responses.__dict__["_deployment_info"] = _info(responses.__dict__["_deployment_info"])
    group_info = _group_info(responses.__dict__["_deployment_group_info"])
    responses.__dict__["_deployment_group_info"] = group_info
    answers: Any = responses.CodeDeployResponse
    for name, act in _OPERATIONS.items():
        setattr(answers, name, _answered(act, responses.ActionResult))


def _answered(act: Answer, result: Any) -> Any:
    def run(self: Any) -> Any:
        try:
            return result(act(self))
        except AwsError as error:
            raise refused(error) from error

    return run


# ---- what deployments and groups tell


def _info(shown: Callable[[Any], Json]) -> Callable[[Any], Json]:
    def run(info: Any) -> Json:
        found = shown(info)
        lab = getattr(info, "lab", None)
        return found | lab.shown() if lab is not None else found

    return run


def _group_info(shown: Callable[[Any], Json]) -> Callable[[Any], Json]:
    def run(group: Any) -> Json:
        return shown(group) | {"alarmConfiguration": group.alarm_configuration or {}}

    return run


def _deployment(answer: Any) -> Any:
    """The deployment that a request names, if it is one of the lab's."""
    identifier = answer._get_param("deploymentId")
    if not identifier:
        raise refusal("deployment.no-id")
    info = answer.codedeploy_backend.get_deployment(identifier)
    lab = getattr(info, "lab", None)
    if lab is None:
        raise refusal("deployment.not-lambda", id=identifier)
    return lab


# ---- operations


def _get_target(answer: Any) -> Json:
    target = _deployment(answer).target()
    wanted = answer._get_param("targetId")
    if wanted != target["lambdaTarget"]["targetId"]:
        raise refusal("deployment.no-target", id=wanted)
    return {"deploymentTarget": target}


def _batch_targets(answer: Any) -> Json:
    target, wanted = _deployment(answer).target(), answer._get_param("targetIds", [])
    return {"deploymentTargets": [target] if target["lambdaTarget"]["targetId"] in wanted else []}


def _list_targets(answer: Any) -> Json:
    return {"targetIds": [_deployment(answer).target()["lambdaTarget"]["targetId"]]}


def _stop(answer: Any) -> Json:
    roll_back = bool(answer._get_param("autoRollbackEnabled", False))
    deployer().stop_deployment(_deployment(answer), roll_back=roll_back)
    return {"status": "Succeeded", "statusMessage": "Deployment stopped"}


def _hook_status(answer: Any) -> Json:
    status = answer._get_param("status")
    execution = answer._get_param("lifecycleEventHookExecutionId")
    if status not in _STATUSES:
        raise refusal("deployment.bad-hook-status")
    deployer().answer_hook(_deployment(answer), execution, status)
    return {"lifecycleEventHookExecutionId": execution}


def _create_config(answer: Any) -> Json:
    name, backend = answer._get_param("deploymentConfigName"), answer.codedeploy_backend
    if config_of(backend, name) is not None:
        raise refusal("deployment.config-exists", name=name)
    traffic = answer._get_param("trafficRoutingConfig")
    platform = answer._get_param("computePlatform") or "Server"
    if platform != "Server":
        deployer().check_routing(traffic or {"type": "AllAtOnce"})
    made = {
        "deploymentConfigId": f"{len(configs(backend)) + 1:08d}-0000-0000-0000-000000000000",
        "deploymentConfigName": name,
        "computePlatform": platform,
        "trafficRoutingConfig": traffic or {"type": "AllAtOnce"},
        "minimumHealthyHosts": answer._get_param("minimumHealthyHosts"),
    }
    configs(backend)[name] = made
    return {"deploymentConfigId": made["deploymentConfigId"]}


def _get_config(answer: Any) -> Json:
    name, backend = answer._get_param("deploymentConfigName"), answer.codedeploy_backend
    traffic = config_of(backend, name)
    if traffic is None:
        raise refusal("deployment.no-config", name=name)
    known = {
        "deploymentConfigName": name,
        "computePlatform": "Lambda",
        "trafficRoutingConfig": traffic,
    }
    return {"deploymentConfigInfo": configs(backend).get(name, known)}


def _list_configs(answer: Any) -> Json:
    own = list(configs(answer.codedeploy_backend))
    return {"deploymentConfigsList": [*deployer().predefined, *own]}


def _delete_config(answer: Any) -> Json:
    name, backend = answer._get_param("deploymentConfigName"), answer.codedeploy_backend
    groups = [one for each in backend.deployment_groups.values() for one in each.values()]
    if any(group.deployment_config_name == name for group in groups):
        raise refusal("deployment.config-in-use", name=name)
    if name in deployer().predefined:
        raise refusal("deployment.config-predefined", name=name)
    configs(backend).pop(name, None)
    return {}


def _delete_application(answer: Any) -> Json:
    name, backend = answer._get_param("applicationName"), answer.codedeploy_backend
    backend.applications.pop(name, None)
    backend.deployment_groups.pop(name, None)
    return {}


def _update_application(answer: Any) -> Json:
    backend = answer.codedeploy_backend
    name, new = answer._get_param("applicationName"), answer._get_param("newApplicationName")
    application = backend.get_application(name)
    if new and new != name:
        if new in backend.applications:
            raise refusal("deployment.application-exists", name=new)
        application.application_name = new
        backend.applications[new] = backend.applications.pop(name)
        backend.deployment_groups[new] = backend.deployment_groups.pop(name, {})
    return {}


def _delete_group(answer: Any) -> Json:
    application = answer._get_param("applicationName")
    groups = answer.codedeploy_backend.deployment_groups.get(application, {})
    groups.pop(answer._get_param("deploymentGroupName"), None)
    return {"hooksNotCleanedUp": []}


# The members of an update of a group, and what moto calls them.
_GROUP = {
    "deploymentConfigName": "deployment_config_name",
    "serviceRoleArn": "service_role_arn",
    "triggerConfigurations": "trigger_configurations",
    "alarmConfiguration": "alarm_configuration",
    "autoRollbackConfiguration": "auto_rollback_configuration",
    "deploymentStyle": "deployment_style",
}


def _update_group(answer: Any) -> Json:
    backend = answer.codedeploy_backend
    application = answer._get_param("applicationName")
    name = answer._get_param("currentDeploymentGroupName")
    group = backend.get_deployment_group(application, name)
    config = answer._get_param("deploymentConfigName")
    is_lambda = group.application.compute_platform == "Lambda"
    if config and is_lambda and config_of(backend, config) is None:
        raise refusal("deployment.no-config", name=config)
    for member, attribute in _GROUP.items():
        value = answer._get_param(member)
        if value is not None:
            setattr(group, attribute, value)
    new = answer._get_param("newDeploymentGroupName")
    if new and new != name:
        groups = backend.deployment_groups[application]
        groups[new] = groups.pop(name)
        group.deployment_group_name = new
    return {"hooksNotCleanedUp": []}


def _batch_groups(answer: Any) -> Json:
    from moto.codedeploy import responses

    application = answer._get_param("applicationName")
    backend = answer.codedeploy_backend
    backend.get_application(application)
    groups = backend.deployment_groups.get(application, {})
    wanted = answer._get_param("deploymentGroupNames", [])
    shown = responses.__dict__["_deployment_group_info"]
    return {"deploymentGroupsInfo": [shown(groups[name]) for name in wanted if name in groups]}


def _continue(answer: Any) -> Json:
    raise refusal("deployment.not-ready", id=_deployment(answer).id)


_OPERATIONS: dict[str, Answer] = {
    "batch_get_deployment_groups": _batch_groups,
    "batch_get_deployment_targets": _batch_targets,
    "continue_deployment": _continue,
    "create_deployment_config": _create_config,
    "delete_application": _delete_application,
    "delete_deployment_config": _delete_config,
    "delete_deployment_group": _delete_group,
    "get_deployment_config": _get_config,
    "get_deployment_target": _get_target,
    "list_deployment_configs": _list_configs,
    "list_deployment_targets": _list_targets,
    "put_lifecycle_event_hook_execution_status": _hook_status,
    "stop_deployment": _stop,
    "update_application": _update_application,
    "update_deployment_group": _update_group,
}
