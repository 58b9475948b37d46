"""The buses, rules and permissions of moto's EventBridge, answered as AWS answers.

moto leaves out when a bus was made, tells of a missing rule in words of its own, lists the first
targets of a rule again and again, hides who may send events where everybody may, and gives one
rule the tags of another that has its name.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

from lambdalab.errors import aws_error
from lambdalab.imports import after_load
from lambdalab.neighbours.request_checks import checked

__all__ = ["install", "refuse"]

_OPERATIONS = {
    "create_api_destination": "CreateApiDestination",
    "create_connection": "CreateConnection",
    "create_event_bus": "CreateEventBus",
    "delete_event_bus": "DeleteEventBus",
    "delete_rule": "DeleteRule",
    "describe_event_bus": "DescribeEventBus",
    "describe_rule": "DescribeRule",
    "disable_rule": "DisableRule",
    "enable_rule": "EnableRule",
    "list_event_buses": "ListEventBuses",
    "list_rule_names_by_target": "ListRuleNamesByTarget",
    "list_rules": "ListRules",
    "list_targets_by_rule": "ListTargetsByRule",
    "list_tags_for_resource": "ListTagsForResource",
    "put_permission": "PutPermission",
    "remove_permission": "RemovePermission",
    "remove_targets": "RemoveTargets",
    "tag_resource": "TagResource",
    "untag_resource": "UntagResource",
}
# What only partners of AWS do; moto fails at it.
_PARTNERS = ("describe_event_source", "put_partner_events")
# What a statement of a policy has, next to a name.
_STATEMENT = {"Effect", "Principal", "Action", "Resource"}


def install() -> None:
    """Let moto answer as AWS does."""
    after_load("moto.events.models", _mend_models)
    after_load("moto.events.responses", _mend_responses)


def refuse(name: str, **given: object) -> None:
    """Raise the error of that name as one of moto's."""
    from moto.core.exceptions import JsonRESTError

    error = aws_error(name, **given)
    raise JsonRESTError(error.code, error.message)


def _mend_models(module: ModuleType) -> None:
    backend = module.EventsBackend
    for name in ("describe_rule", "disable_rule", "enable_rule", "list_targets_by_rule"):
        setattr(backend, name, _of_a_rule(getattr(backend, name)))
    backend.put_permission = _put_permission(backend.put_permission)
    backend.remove_permission = _remove_permission(backend.remove_permission)
    backend.list_tags_for_resource = _list_tags
    backend.tag_resource = _tag
    backend.untag_resource = _untag
    # Several targets may have one ARN; what tells them apart is their Id.
    module.PAGINATION_MODEL["list_targets_by_rule"]["unique_attribute"] = "Id"


def _of_a_rule(original: Callable[..., Any]) -> Callable[..., Any]:
    def act(self: Any, name: str, event_bus_arn: str | None, **options: Any) -> Any:
        bus = self._get_event_bus(self._normalize_event_bus_arn(event_bus_arn))
        if name not in bus.rules:
            refuse("events.rule-missing", rule=name, bus=bus.name)
        return original(self, name, event_bus_arn, **options)

    return act


def _put_permission(original: Callable[..., Any]) -> Callable[..., Any]:
    def put_permission(
        self: Any, bus: str, action: str, principal: str, sid: str, condition: Any, policy: Any
    ) -> None:
        known = None if policy is None else _policy(policy)
        original(self, bus, action, principal, sid, condition, known)
        statement = self.describe_event_bus(bus)._statements.get(sid)
        if principal == "*" and statement is not None:
            statement.principal = principal

    return put_permission


def _policy(text: str) -> str:
    """A policy with a name for each statement, as moto needs it."""
    try:
        statements = json.loads(text)["Statement"]
        known = all(set(one) >= _STATEMENT for one in statements)
    except (ValueError, TypeError, LookupError, RecursionError):
        known = False
    if not known:
        refuse("events.policy-invalid")
    named = [{"Sid": str(number), **one} for number, one in enumerate(statements)]
    return json.dumps({**json.loads(text), "Statement": named})


def _remove_permission(original: Callable[..., Any]) -> Callable[..., Any]:
    def remove_permission(self: Any, bus: str | None, sid: str, everything: bool) -> None:
        if not everything and not self.describe_event_bus(bus).has_permissions():
            refuse("events.statement-missing")
        original(self, bus, sid, everything)

    return remove_permission


def _list_tags(self: Any, arn: str) -> Any:
    return self.tagger.list_tags_for_resource(_existing(self, arn))


def _tag(self: Any, arn: str, tags: dict[str, str]) -> None:
    self.tagger.tag_resource(_existing(self, arn), self.tagger.convert_dict_to_tags_input(tags))


def _untag(self: Any, arn: str, names: list[str]) -> None:
    self.tagger.untag_resource_using_names(_existing(self, arn), names)


def _existing(backend: Any, arn: str) -> str:
    """The ARN of a bus or a rule that is there."""
    kind, _, path = arn.rpartition(":")[2].partition("/")
    if kind == "event-bus":
        return str(backend._get_event_bus(path).arn)
    bus_name, _, name = path.rpartition("/")
    bus = backend._get_event_bus(bus_name or "default")
    if name not in bus.rules:
        refuse("events.rule-missing", rule=name, bus=bus.name)
    return str(bus.rules[name].arn)


def _mend_responses(module: ModuleType) -> None:
    handler = module.EventsHandler
    original = handler.list_event_buses

    def list_event_buses(self: Any) -> Any:
        body, headers = original(self)
        answer = json.loads(body)
        for one in answer["EventBuses"]:
            bus = self.events_backend.event_buses[one["Name"]]
            one["CreationTime"] = bus.creation_time
            one["LastModifiedTime"] = bus.last_modified_time
            if bus.description:
                one["Description"] = bus.description
        return json.dumps(answer), headers

    handler.list_event_buses = list_event_buses
    handler.delete_event_bus = _deleting(handler.delete_event_bus)
    for name in _PARTNERS:
        setattr(handler, name, _absent)
    checked(handler, "events", _OPERATIONS)


def _deleting(original: Callable[..., Any]) -> Callable[..., Any]:
    def delete_event_bus(self: Any) -> Any:
        bus = self.events_backend.event_buses.get(self._get_param("Name"))
        if bus is not None and bus.name != "default" and bus.rules:
            refuse("events.bus-in-use")
        return original(self)

    return delete_event_bus


def _absent(_handler: Any) -> None:
    """Left to be refused by its name."""
    raise NotImplementedError
