"""What moto's load balancers lack where functions are their targets.

moto registers any function, whoever may call it; it calls every target healthy, and has no setting
of the status codes that a function's health check may give.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from lambdalab.imports import after_load
from lambdalab.neighbours.load_balancers import elbv2_checks
from lambdalab.neighbours.load_balancers.elbv2_checks import refused

__all__ = ["Health", "Keeper", "install"]

# Whatever changes which groups are sent requests, or how they are checked.
_CHANGES = (
    "create_listener", "create_rule", "delete_listener", "delete_load_balancer", "delete_rule",
    "delete_target_group", "deregister_targets", "modify_listener", "modify_rule",
    "modify_target_group", "register_targets",
)  # fmt: skip


# The attributes that target groups of functions have.
_OF_FUNCTIONS = ("lambda.", "target_group_health.")


class Health(NamedTuple):
    """The health of a target as the API tells it."""

    state: str
    reason: str | None = None
    description: str | None = None


class Keeper(Protocol):
    """Who knows the functions behind the target groups; called in moto's threads."""

    def may_call(self, function_arn: str, group_arn: str, account: str) -> bool:
        """Whether load balancers may call a function for a target group."""

    def health(self, group_arn: str) -> Health:
        """How the target of a group is."""

    def changed(self) -> None:
        """Balancers or target groups have changed."""


_keepers: list[Keeper] = []


def install(keeper: Keeper) -> None:
    """Mend moto for the cloud of this process."""
    _keepers[:] = [keeper]
    after_load("moto.elbv2.models", _mend)


def _mend(models: ModuleType) -> None:
    backend, group = models.ELBv2Backend, models.FakeTargetGroup
    backend.modify_target_group = _with_codes(backend.modify_target_group)
    attributes = backend.modify_target_group_attributes
    backend.modify_target_group_attributes = _without_stickiness(attributes)
    for name in _CHANGES:
        setattr(backend, name, _telling(getattr(backend, name)))
    group.register = _checking(group.register)
    group.health_for = _knowing(group.health_for, models.FakeHealthStatus)
    elbv2_checks.mend(models)


def _telling(act: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(act)
    def changed(*given: Any, **named: Any) -> Any:
        try:
            return act(*given, **named)
        finally:
            _keepers[0].changed()

    return changed


def _with_codes(act: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(act)
    def modify(backend: Any, arn: str, *given: Any, **named: Any) -> Any:
        group = act(backend, arn, *given, **named)
        codes = signature(act).bind(backend, arn, *given, **named).arguments.get("http_codes")
        if group.target_type == "lambda" and codes:
            group.matcher["HttpCode"] = codes
        return group

    return modify


def _without_stickiness(act: Callable[..., Any]) -> Callable[..., Any]:
    """A function is the only target of its group: there is nothing to stay with."""

    @wraps(act)
    def modify(backend: Any, arn: str, attributes: dict[str, Any]) -> Any:
        group = backend.target_groups.get(arn)
        if group is not None and group.target_type == "lambda":
            for name in attributes:
                if not name.startswith(_OF_FUNCTIONS):
                    raise refused("no-such-attribute", attribute=name)
        return act(backend, arn, attributes)

    return modify


def _checking(act: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(act)
    def register(group: Any, targets: list[dict[str, Any]]) -> None:
        if group.target_type == "lambda":
            named = [target["Id"] for target in targets]
            if len({*named, *group.targets}) > 1:
                raise refused("too-many-targets", count=len({*named, *group.targets}))
            for function in named:
                if not _keepers[0].may_call(function, group.arn, group.account_id):
                    raise refused("not-permitted", function=function, group=group.arn)
        act(group, targets)

    return register


def _knowing(act: Callable[..., Any], status: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(act)
    def health_for(group: Any, target: dict[str, Any], *rest: Any) -> Any:
        if group.target_type != "lambda" or target["Id"] not in group.targets:
            return act(group, target, *rest)
        found = _keepers[0].health(group.arn)
        return status(target["Id"], None, None, *found)

    return health_for
