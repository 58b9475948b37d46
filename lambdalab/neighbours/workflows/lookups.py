"""What is asked for by its ARN, and is not there."""

from __future__ import annotations

from functools import wraps
from typing import Any

from moto.stepfunctions import responses
from moto.stepfunctions.exceptions import ActivityDoesNotExist, ResourceNotFound
from moto.stepfunctions.parser import models

from lambdalab import facts
from lambdalab.neighbours.workflows.executions import all_of

__all__ = ["install"]


def install(check_arn: Any) -> None:
    """Refuse what is not there as AWS does; an activity of the same name is given once more."""
    backend = models.StepFunctionsParserBackend
    backend._validate_activity_arn = lambda _, arn: check_arn(arn, "activity")
    backend.create_activity = _creation(backend.create_activity)
    backend.describe_activity = _described(backend.describe_activity)
    for name in ("describe_map_run", "update_map_run"):
        setattr(backend, name, _of_map_run(getattr(backend, name)))
    for name in ("tag_resource", "untag_resource", "list_tags_for_resource"):
        kind = responses.StepFunctionResponse
        setattr(kind, name, _tagged(getattr(kind, name)))


def _creation(create: Any) -> Any:
    @wraps(create)
    def run(backend: Any, name: str, *given: Any, **options: Any) -> Any:
        same = next((one for one in backend.activities.values() if one.name == name), None)
        wanted = options.get("encryption_configuration")
        if same is not None and wanted in (None, same.encryption_configuration):
            return same
        return create(backend, name, *given, **options)

    return run


def _described(describe: Any) -> Any:
    @wraps(describe)
    def run(backend: Any, activity_arn: str) -> Any:
        try:
            return describe(backend, activity_arn)
        except ActivityDoesNotExist:
            text = facts.message("workflow.activity-missing").format(arn=activity_arn)
            raise ActivityDoesNotExist(text) from None

    return run


def _of_map_run(act: Any) -> Any:
    @wraps(act)
    def run(backend: Any, map_run_arn: str, *given: Any, **options: Any) -> Any:
        for execution in all_of(backend):
            if execution.exec_worker.env.map_run_record_pool_manager.get(map_run_arn):
                return act(backend, map_run_arn, *given, **options)
        raise ResourceNotFound(map_run_arn)

    return run


def _tagged(act: Any) -> Any:
    @wraps(act)
    def run(response: Any) -> Any:
        backend, arn = response.stepfunction_backend, response._get_param("resourceArn")
        machines = (one.arn for one in backend.state_machines)
        if arn not in backend.activities and arn not in machines:
            raise ResourceNotFound(arn)
        return act(response)

    return run
