"""moto's CodeDeploy: a deployment to Lambda begins with its creation, or is refused."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from lambdalab.errors import AwsError
from lambdalab.neighbours.code_deploy.codedeploy import Wanted, deployer, new_id, refusal, refused

__all__ = ["config_of", "configs", "install"]

Json = dict[str, Any]
_TEXTS = ("string", "appSpecContent")


def install(models: ModuleType) -> None:
    """Let deployments begin."""
    backend: Any = models.CodeDeployBackend
    backend.create_deployment = _creation(backend.create_deployment)
    backend.create_deployment_group = _group(backend.create_deployment_group)


def configs(backend: Any) -> dict[str, Json]:
    """The deployment configurations of an account's own, by name."""
    found: dict[str, Json] = backend.__dict__.setdefault("lab_configs", {})
    return found


def config_of(backend: Any, name: str) -> Json | None:
    """The traffic routing of a configuration; None where there is no such."""
    own = configs(backend).get(name)
    if own is not None:
        routing: Json | None = own.get("trafficRoutingConfig")
        return routing
    return deployer().predefined.get(name)


def _group(create: Callable[..., Any]) -> Callable[..., Any]:
    def run(backend: Any, application_name: str, *given: Any, **options: Any) -> Any:
        application = backend.applications.get(application_name)
        if application is not None and application.compute_platform == "Lambda":
            name = options.get("deployment_config_name") or deployer().default
            options["deployment_config_name"] = name
            if config_of(backend, name) is None:
                raise refusal("deployment.no-config", name=name)
        return create(backend, application_name, *given, **options)

    return run


def _creation(create: Callable[..., str]) -> Callable[..., str]:
    def run(backend: Any, **given: Any) -> str:
        groups = backend.deployment_groups.get(given["application_name"], {})
        group = groups.get(given["deployment_group_name"])
        if group is None or group.application.compute_platform != "Lambda":
            return create(backend, **given)
        _refuse_second(backend, group)
        given["deployment_config_name"] = (
            given.get("deployment_config_name") or group.deployment_config_name
        )
        new = new_id()
        try:
            lab = deployer().prepare(_wanted(backend, group, given, new))
        except AwsError as error:
            raise refused(error) from error
        old = create(backend, **given)
        info = backend.deployments.pop(old)
        info.deployment_id, info.lab = new, lab
        backend.deployments[new] = info
        deployer().begin(lab)
        return new

    return run


def _refuse_second(backend: Any, group: Any) -> None:
    for info in backend.deployments.values():
        lab = getattr(info, "lab", None)
        if lab is not None and info.deployment_group is group and not lab.ended:
            name = group.deployment_group_name
            raise refusal("deployment.active", group=name, id=info.deployment_id)


def _wanted(backend: Any, group: Any, given: Json, identifier: str) -> Wanted:
    name = given["deployment_config_name"]
    routing = config_of(backend, name)
    if routing is None:
        raise refusal("deployment.no-config", name=name)
    alarms: Json = given.get("override_alarm_configuration") or group.alarm_configuration or {}
    rollback: Json = given.get("auto_rollback_configuration") or group.auto_rollback_configuration
    watched = alarms.get("alarms", []) if alarms.get("enabled") else []
    return Wanted(
        identifier,
        backend.account_id,
        backend.region_name,
        group.service_role_arn,
        _text(backend, given.get("revision")),
        routing,
        [one["name"] for one in watched],
        bool(alarms.get("ignorePollAlarmFailure")),
        frozenset(rollback.get("events", []) if rollback.get("enabled") else []),
    )


def _text(backend: Any, revision: Json | None) -> str:
    """The text of the application specification, from the request or from S3."""
    if not revision:
        raise refusal("deployment.no-revision")
    for name in _TEXTS:
        if revision.get(name):
            return str(revision[name].get("content", ""))
    place = revision.get("s3Location")
    if not place:
        raise refusal("deployment.bad-revision", reason="it is not given")
    from moto.s3.models import s3_backends

    key = s3_backends[backend.account_id][backend.partition].get_object(
        place.get("bucket"), place.get("key"), place.get("version")
    )
    if key is None:
        raise refusal("deployment.bad-revision", reason="it is not in the bucket")
    return str(key.value.decode())
