"""The load balancers that moto holds, and what it does not do with those that call functions.

moto stores balancers, rules and target groups, and serves none of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

__all__ = [
    "Balancer",
    "HealthCheck",
    "Listener",
    "Rule",
    "TargetGroup",
    "balancer",
    "function_groups",
    "target_group",
]

_MODELS = "moto.elbv2.models"
_DEFAULT = "default"
_MULTI_VALUE = "lambda.multi_value_headers.enabled"


class Rule(NamedTuple):
    """Conditions, all of which must hold, and the actions of a rule."""

    conditions: list[dict[str, Any]]
    actions: list[dict[str, Any]]


class Listener(NamedTuple):
    """A port that a balancer listens on, ``HTTP`` or ``HTTPS``; rules in order of priority."""

    port: int
    protocol: str
    rules: list[Rule]


class Balancer(NamedTuple):
    """An Application Load Balancer."""

    dns_name: str
    account: str
    region: str
    attributes: Mapping[str, str]
    listeners: list[Listener]


class HealthCheck(NamedTuple):
    """How targets are checked; times in seconds, ``codes`` such as ``200,300-399``."""

    enabled: bool
    path: str
    interval: int
    timeout: int
    codes: str
    healthy: int
    unhealthy: int


class TargetGroup(NamedTuple):
    """A target group; ``function`` is the ARN of its target, ``kind`` is ``lambda`` where that is.

    ``in_use`` says whether a listener or a rule sends it anything.
    """

    arn: str
    account: str
    kind: str
    function: str | None
    multi_value: bool
    in_use: bool
    check: HealthCheck


def balancer(name: str) -> Balancer | None:
    """The Application Load Balancer of a DNS name or a name, in any account and Region."""
    for backend in _backends():
        for found in list(backend.load_balancers.values()):
            known = (found.dns_name.lower(), found.name.lower())
            if found.type == "application" and name.lower() in known:
                return Balancer(
                    found.dns_name, backend.account_id, backend.region_name, found.attrs,
                    [_listener(one) for one in list(found.listeners.values())],
                )  # fmt: skip
    return None


def target_group(arn: str) -> TargetGroup | None:
    """A target group by its ARN."""
    for backend in _backends():
        found = backend.target_groups.get(arn)
        if found is not None:
            return _group(backend, found)
    return None


def function_groups() -> list[TargetGroup]:
    """The target groups whose targets are functions."""
    return [
        _group(backend, found)
        for backend in _backends()
        for found in list(backend.target_groups.values())
        if found.target_type == "lambda"
    ]


def _backends() -> Iterator[Any]:
    """Nothing is stored before moto's module is loaded, and it is not loaded to find that out."""
    models = sys.modules.get(_MODELS)
    if models is not None:
        for regions in list(models.elbv2_backends.values()):
            yield from list(regions.values())


def _listener(found: Any) -> Listener:
    rules = list(found.rules.values())
    own = sorted((one for one in rules if one.priority != _DEFAULT), key=_priority)
    default = [one for one in rules if one.priority == _DEFAULT]
    return Listener(int(found.port), found.protocol, [_rule(one) for one in own + default])


def _priority(rule: Any) -> int:
    return int(rule.priority)


def _rule(found: Any) -> Rule:
    return Rule(found.conditions or [], [action.data for action in found.actions])


def _group(backend: Any, found: Any) -> TargetGroup:
    targets = list(found.targets)
    check = HealthCheck(
        str(found.health_check_enabled).lower() == "true",
        found.health_check_path or "/",
        int(found.health_check_interval_seconds),
        int(found.health_check_timeout_seconds),
        found.matcher.get("HttpCode") or "200",
        int(found.healthy_threshold_count),
        int(found.unhealthy_threshold_count),
    )
    return TargetGroup(
        found.arn, backend.account_id, found.target_type, targets[0] if targets else None,
        str(found.attributes.get(_MULTI_VALUE)).lower() == "true",
        backend._any_listener_using(found.arn), check,
    )  # fmt: skip
