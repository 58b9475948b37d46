"""Which listeners, rules and target groups moto takes, and AWS refuses.

Source: refusals recorded on AWS in September 2026, https://github.com/badmintoncryer/cdk-preflight
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps
from inspect import signature
from ipaddress import ip_network
from types import ModuleType
from typing import Any

from lambdalab import facts

__all__ = ["mend", "refused"]

_Given = Mapping[str, Any]

_ROUTING = ("forward", "redirect", "fixed-response")
_CONFIGS = {"redirect": "RedirectConfig", "fixed-response": "FixedResponseConfig"}
_CONDITIONS = {
    "host-header": "HostHeaderConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "path-pattern": "PathPatternConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}
# Conditions of which a rule has one at most.
_ALONE = ("host-header", "http-request-method", "path-pattern", "source-ip")
# What moto calls a number, in groups that are made and that are changed, what AWS calls it, and
# its range.
_NUMBERS = {
    "priority": ("priority", 1, 50_000),
    "port": ("port", 1, 65_535),
    "healthy_threshold_count": ("healthyThresholdCount", 2, 10),
    "unhealthy_threshold_count": ("unhealthyThresholdCount", 2, 10),
    "healthcheck_interval_seconds": ("healthCheckIntervalSeconds", 5, 300),
    "health_check_interval": ("healthCheckIntervalSeconds", 5, 300),
    "healthcheck_timeout_seconds": ("healthCheckTimeoutSeconds", 2, 120),
    "health_check_timeout": ("healthCheckTimeoutSeconds", 2, 120),
}
_UNCHANGED = {"Protocol": "#{protocol}", "Host": "#{host}", "Port": "#{port}", "Path": "/#{path}",
              "Query": "#{query}"}  # fmt: skip
_MOST_VALUES, _MOST_GROUPS, _MOST_WEIGHT, _MOST_SECONDS = 5, 5, 999, 604_800


def mend(models: ModuleType) -> None:
    """Let moto's load balancers refuse what AWS refuses."""
    backend = models.ELBv2Backend
    for name in ("create_listener", "modify_listener", "create_rule", "modify_rule"):
        setattr(backend, name, _before(getattr(backend, name), _listening))
    for name in ("create_target_group", "modify_target_group"):
        setattr(backend, name, _before(getattr(backend, name), _checked))
    backend.create_load_balancer = _before(backend.create_load_balancer, _balanced)
    backend.set_rule_priorities = _before(backend.set_rule_priorities, _prioritized)
    backend.delete_rule = _before(backend.delete_rule, _deleted)


def refused(name: str, **fields: object) -> Exception:
    """A refusal as moto raises it; its text and code stand in the facts."""
    from moto.elbv2.exceptions import ELBClientError

    message = facts.message(f"elb.{name}")
    error: Exception = ELBClientError(message.code or "ValidationError", message.format(**fields))
    return error


def _before(act: Callable[..., Any], check: Callable[[Any, _Given], Any]) -> Callable[..., Any]:
    """An operation before which something is checked; what that finds is its answer."""

    @wraps(act)
    def checked(*given: Any, **named: Any) -> Any:
        known = dict(signature(act).bind(*given, **named).arguments)
        found = check(known.pop("self"), known | known.pop("kwargs", {}))
        return act(*given, **named) if found is None else found

    return checked


def _check_numbers(given: _Given) -> None:
    for name, (field, least, most) in _NUMBERS.items():
        value = given.get(name)
        if value is not None and not least <= int(value) <= most:
            bound, end = ("greater", least) if int(value) < least else ("less", most)
            raise refused("number", value=value, field=field, bound=bound, end=end)


# ---- balancers, listeners and rules


def _balanced(backend: Any, given: _Given) -> Any:
    """The balancer of a name, where that is made once more as it is."""
    wanted = {
        *given["subnet_ids"],
        *(one["SubnetId"] for one in given.get("subnet_mappings") or ()),
    }
    kind = given.get("loadbalancer_type") or "application"
    if kind == "application" and len(wanted) == 1:
        raise refused("one-subnet")
    for one in backend.load_balancers.values():
        if one.name == given["name"]:
            if (one.type, {subnet.id for subnet in one.subnets}) == (kind, wanted):
                return one
            raise refused("balancer-taken", balancer=one.name)
    return None


def _listening(backend: Any, given: _Given) -> None:
    _check_numbers(given)
    _check_default(backend, given.get("rule_arn", ""), "modified")
    if "load_balancer_arn" in given:
        _check_port(backend, given)
    if "priority" in given:
        _check_priority(backend, given)
    if given.get("conditions") or "priority" in given:
        _check_conditions(given["conditions"])
    if given.get("actions") or "priority" in given or "load_balancer_arn" in given:
        _check_actions(backend, given["actions"])


def _check_port(backend: Any, given: _Given) -> None:
    balancer = backend.load_balancers.get(given["load_balancer_arn"])
    taken = balancer.listeners.values() if balancer else ()
    if any(str(one.port) == str(given.get("port")) for one in taken):
        raise refused("port-taken", balancer=given["load_balancer_arn"])


def _check_priority(backend: Any, given: _Given) -> None:
    for listener in backend.describe_listeners(None, [given["listener_arn"]]):
        if any(str(one.priority) == str(given["priority"]) for one in listener.rules.values()):
            raise refused("priority-taken", priority=given["priority"])


def _check_conditions(conditions: list[dict[str, Any]]) -> None:
    if not conditions:
        raise refused("condition-missing")
    values = 0
    fields = [condition.get("Field") for condition in conditions]
    for condition in conditions:
        values += len(_values(condition))
    for field in _ALONE:
        if fields.count(field) > 1:
            raise refused("condition-twice", field=field)
    if values > _MOST_VALUES:
        raise refused("values-too-many", most=_MOST_VALUES)


def _values(condition: dict[str, Any]) -> list[Any]:
    field = condition.get("Field")
    if field not in _CONDITIONS:
        raise refused("condition-field", field=field, fields=",".join(_FIELDS))
    config = _CONDITIONS[field]
    if config not in condition and not condition.get("Values"):
        either = "Values or RegexValues or " if field in ("host-header", "path-pattern") else ""
        raise refused("condition-config", field=field, config=f"{either}{config}")
    values: list[Any] = condition.get(config, condition).get("Values") or []
    if not values:
        raise refused("condition-values", config=config)
    if field == "http-header" and not condition[config].get("HttpHeaderName"):
        raise refused("header-name")
    for one in values if field == "source-ip" else ():
        _check_network(one)
    return values


def _check_network(given: str) -> None:
    try:
        network = ip_network(given)
    except ValueError:
        network = None
    if network is None or "/" not in given:
        raise refused("network", value=given)


_FIELDS = (
    "http-header", "http-request-method", "host-header", "query-string", "path-pattern",
    "source-ip",
)  # fmt: skip


def _check_actions(backend: Any, actions: list[dict[str, Any]]) -> None:
    if not actions:
        raise refused("action-missing")
    routing = [one.get("Type") for one in actions if one.get("Type") in _ROUTING]
    if len(routing) > 1:
        raise refused("actions-together", types=",".join(map(str, routing)))
    if len(actions) > 1 and not all(one.get("Order") for one in actions):
        raise refused("action-order")
    last = max(actions, key=lambda one: int(one.get("Order") or 0)).get("Type")
    if routing and last != routing[0]:
        raise refused("action-last", type=routing[0])
    for action in actions:
        _check_action(backend, action)


def _check_action(backend: Any, action: dict[str, Any]) -> None:
    kind = action.get("Type", "")
    config = _CONFIGS.get(kind)
    if config and not action.get(config):
        raise refused("action-config", type=kind, config=config)
    if kind == "forward":
        _check_forward(backend, action)
    elif kind == "redirect":
        _check_redirect(action["RedirectConfig"])


def _check_forward(backend: Any, action: dict[str, Any]) -> None:
    config = action.get("ForwardConfig") or {}
    groups = config.get("TargetGroups") or []
    arns = [one.get("TargetGroupArn") for one in groups]
    own = action.get("TargetGroupArn")
    if not own and not arns:
        raise refused("action-config", type="forward", config="TargetGroupArn")
    if own and arns and arns != [own]:
        raise refused("groups-differ")
    if len(arns) > _MOST_GROUPS:
        raise refused("groups-too-many", most=_MOST_GROUPS)
    for arn in arns or [own]:
        if arn not in backend.target_groups:
            raise refused("group-missing", group=arn)
    _check_weights(groups)
    _check_stickiness(config.get("TargetGroupStickinessConfig") or {})


def _check_weights(groups: list[dict[str, Any]]) -> None:
    for group in groups:
        weight = group.get("Weight", None if len(groups) > 1 else 1)
        if weight is None or not 0 <= int(weight) <= _MOST_WEIGHT:
            raise refused("weights" if len(groups) > 1 else "weight")


def _check_stickiness(given: _Given) -> None:
    if str(given.get("Enabled")).lower() != "true":
        return
    seconds = given.get("DurationSeconds")
    if seconds is None:
        raise refused("stickiness-missing")
    if not 1 <= int(seconds) <= _MOST_SECONDS:
        raise refused("stickiness")


def _check_redirect(config: _Given) -> None:
    status, port, path = config.get("StatusCode"), config.get("Port"), config.get("Path")
    if status not in ("HTTP_301", "HTTP_302"):
        raise refused("redirect-status", status=status)
    number = int(port) if port and re.fullmatch("[0-9]{1,5}", str(port)) else 0
    if port and port != _UNCHANGED["Port"] and not 1 <= number <= _NUMBERS["port"][2]:
        raise refused("redirect-port", port="#{port}")
    if path and not path.startswith("/"):
        raise refused("redirect-path", path="#{path}", host="#{host}", port="#{port}")
    if all(config.get(name) in (None, own) for name, own in _UNCHANGED.items() if name != "Query"):
        raise refused("redirect-loop")


def _prioritized(_: Any, given: _Given) -> None:
    for one in given["rule_priorities"]:
        _check_numbers({"priority": one["Priority"]})


def _deleted(backend: Any, given: _Given) -> None:
    _check_default(backend, given["arn"], "deleted")


def _check_default(backend: Any, arn: str, changed: str) -> None:
    for balancer in backend.load_balancers.values():
        for listener in balancer.listeners.values():
            if any(one.arn == arn and one.is_default for one in listener.rules.values()):
                raise refused("rule-default", rule=arn, changed=changed)


# ---- target groups


def _checked(backend: Any, given: _Given) -> None:
    _check_numbers(given)
    found = backend.target_groups.get(given.get("arn"))
    function = (found.target_type if found else given.get("target_type")) == "lambda"
    interval = given.get("healthcheck_interval_seconds") or given.get("health_check_interval")
    timeout = given.get("healthcheck_timeout_seconds") or given.get("health_check_timeout")
    if found:
        interval = interval or found.health_check_interval_seconds
        timeout = timeout or found.health_check_timeout_seconds
    elif function:
        interval, timeout = interval or 35, timeout or 30
    if function and int(timeout or 0) >= int(interval or 1):
        raise refused("health-times", timeout=timeout, interval=interval)
