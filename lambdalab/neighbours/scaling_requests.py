"""Requests to Application Auto Scaling for Lambda: what AWS refuses, and moto takes.

moto keeps policies and actions of targets that nobody has registered, bounds that exclude each
other, schedules that never come; and it keeps them when their target is registered no more.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from lambdalab import facts
from lambdalab.neighbours.request_checks import checked

__all__ = ["install_checks"]

DIMENSION = "lambda:function:ProvisionedConcurrency"
METRIC = "LambdaProvisionedConcurrencyUtilization"
# Raises ValueError for a schedule or a time zone that is none.
Readable = Callable[[str, str | None], object]

_OPERATIONS = {
    "register_scalable_target": "RegisterScalableTarget",
    "deregister_scalable_target": "DeregisterScalableTarget",
    "put_scaling_policy": "PutScalingPolicy",
    "delete_scaling_policy": "DeleteScalingPolicy",
    "put_scheduled_action": "PutScheduledAction",
    "delete_scheduled_action": "DeleteScheduledAction",
}
# A version or an alias: a colon, a dollar sign and so $LATEST have no place in it.
_RESOURCE = re.compile(r"function:[a-zA-Z0-9-_]+:[a-zA-Z0-9-_]+")


def install_checks(readable: Readable) -> None:
    """Have moto refuse them; whether a schedule can be read, ``readable`` says."""
    from moto.applicationautoscaling.models import ApplicationAutoscalingBackend as Backend
    from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse

    checked(ApplicationAutoScalingResponse, "application-autoscaling", _OPERATIONS)
    _before(Backend, "register_scalable_target", _check_target)
    _before(Backend, "deregister_scalable_target", _forget_what_hangs_on_it)
    _before(Backend, "put_scaling_policy", _check_policy)
    _before(Backend, "delete_scaling_policy", _check_has_policy)
    _before(
        Backend,
        "put_scheduled_action",
        lambda backend, **given: _check_action(backend, readable, **given),
    )
    _before(Backend, "delete_scheduled_action", _check_has_action)


def _before(backend: Any, method: str, check: Callable[..., None]) -> None:
    original = getattr(backend, method)

    @wraps(original)
    def act(self: Any, *args: Any, **given: Any) -> Any:
        names = original.__code__.co_varnames[1:]
        request = dict(zip(names, args, strict=False)) | given
        if (request.get("dimension") or request.get("scalable_dimension")) == DIMENSION:
            check(self, **request)
        return original(self, *args, **given)

    setattr(backend, method, act)


def _refuse(name: str, **fields: object) -> None:
    from moto.core.exceptions import JsonRESTError

    message = facts.message(f"auto-scaling.{name}")
    raise JsonRESTError(message.code or "", message.format(**fields))


# ---- targets


def _check_target(
    backend: Any, r_id: str, min_capacity: int | None, max_capacity: int | None, **_: Any
) -> None:
    if not _RESOURCE.fullmatch(r_id):
        _refuse("unsupported")
    known = backend.targets.get(DIMENSION, {}).get(r_id)
    if known is None and None in (min_capacity, max_capacity):
        _refuse("new-target")
    least = known.min_capacity if min_capacity is None else min_capacity
    most = known.max_capacity if max_capacity is None else max_capacity
    _check_bounds(least, most)


def _check_bounds(least: int | None, most: int | None) -> None:
    if min(least or 0, most or 0) < 0:
        _refuse("negative")
    if least is not None and most is not None and most < least:
        _refuse("bounds")


def _forget_what_hangs_on_it(backend: Any, r_id: str, **_: Any) -> None:
    """Policies with their alarms, and actions: AWS deletes them with their target."""
    if r_id not in backend.targets.get(DIMENSION, {}):
        _refuse("target-missing", resource=r_id)
    for key, policy in list(backend.policies.items()):
        if (policy.resource_id, policy.scalable_dimension) == (r_id, DIMENSION):
            policy.delete_alarms(backend.account_id, backend.region_name)
            del backend.policies[key]
    backend.scheduled_actions = [
        action
        for action in backend.scheduled_actions
        if (action.resource_id, action.scalable_dimension) != (r_id, DIMENSION)
    ]


def _check_registered(backend: Any, resource: str) -> None:
    if resource not in backend.targets.get(DIMENSION, {}):
        _refuse("no-target", resource=resource)


# ---- policies


def _check_policy(
    backend: Any, resource_id: str, policy_type: str | None, policy_body: Any, **_: Any
) -> None:
    _check_registered(backend, resource_id)
    if policy_type != "TargetTrackingScaling":
        return  # that is refused when its alarms are made
    if not policy_body:
        _refuse("no-configuration")
    predefined = policy_body.get("PredefinedMetricSpecification")
    if bool(predefined) == bool(policy_body.get("CustomizedMetricSpecification")):
        _refuse("one-metric")
    if predefined and predefined.get("PredefinedMetricType") != METRIC:
        _refuse("other-metric", metric=predefined.get("PredefinedMetricType"))


def _check_has_policy(backend: Any, policy_name: str, resource_id: str, **_: Any) -> None:
    if not any(
        (policy.policy_name, policy.resource_id, policy.scalable_dimension)
        == (policy_name, resource_id, DIMENSION)
        for policy in backend.policies.values()
    ):
        _refuse("policy-missing", resource=resource_id, policy=policy_name)


# ---- scheduled actions


def _check_action(
    backend: Any,
    readable: Readable,
    *,
    resource_id: str,
    schedule: str | None,
    timezone: str | None,
    scheduled_action_name: str,
    scalable_target_action: Any,
    **_: Any,
) -> None:
    _check_registered(backend, resource_id)
    known = _action(backend, resource_id, scheduled_action_name)
    if known is None and not (schedule and scalable_target_action):
        _refuse("new-action")
    if schedule:
        try:
            readable(schedule, timezone)
        except ValueError as error:
            _refuse("schedule", reason=error)
    bounds = scalable_target_action or {}
    _check_bounds(bounds.get("MinCapacity"), bounds.get("MaxCapacity"))


def _check_has_action(backend: Any, scheduled_action_name: str, resource_id: str, **_: Any) -> None:
    if _action(backend, resource_id, scheduled_action_name) is None:
        _refuse("action-missing", resource=resource_id, action=scheduled_action_name)


def _action(backend: Any, resource: str, name: str) -> Any:
    return next(
        (
            action
            for action in backend.scheduled_actions
            if (action.scheduled_action_name, action.resource_id, action.scalable_dimension)
            == (name, resource, DIMENSION)
        ),
        None,
    )
