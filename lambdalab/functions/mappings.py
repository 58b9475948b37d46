"""Event source mappings: what Lambda reads from, and which function gets it.

They are recorded, with all of AWS's rules and states; whoever reads from the sources (the room
``sources``) hears of each change of state.
Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from lambdalab import facts
from lambdalab.clock import LabClock
from lambdalab.draws import identifier
from lambdalab.errors import aws_error
from lambdalab.functions.arns import FunctionId, resolve
from lambdalab.functions.lookup import Caller, Directory, Located
from lambdalab.functions.mapping import EventSourceMapping, shown
from lambdalab.functions.mapping_kinds import SELF_MANAGED_KAFKA, Kind, kind_of
from lambdalab.functions.mapping_settings import check, check_given, merged
from lambdalab.functions.paging import page
from lambdalab.neighbours.messages import sqs
from lambdalab.neighbours.streams import dynamodb, kinesis

__all__ = ["MappingService"]

# How long a mapping is on its way to another state, in seconds of platform time. AWS publishes no
# figure: the lab's own choice, long enough to be seen and short enough to wait for.
SHORTEST_CHANGE = 0.3
LONGEST_CHANGE = 0.9

# What a request names that is no setting.
_NO_SETTINGS = {"UUID", "FunctionName", "EventSourceArn", "Enabled", "Tags"}
# What makes two mappings of one function the same.
_SOURCE = (
    "EventSourceArn",
    "SelfManagedEventSource",
    "Topics",
    "Queues",
    "DocumentDBEventSourceConfig",
)
# The same words for whatever does not exist.
_MISSING = "resource.missing"


class MappingService:
    """The operations on event source mappings."""

    def __init__(self, directory: Directory, clock: LabClock, draw: Random) -> None:
        self._directory = directory
        self._mappings = directory.registry.mappings
        self._clock = clock
        self._random = draw
        self.on_change: list[Callable[[EventSourceMapping], None]] = []

    def create_event_source_mapping(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """CreateEventSourceMapping."""
        kind, wanted = _kind(given), _settings(given)
        check_given(kind, wanted)
        settings = merged(kind, kind.defaults(), wanted)
        if "EventSourceArn" in given:
            settings["EventSourceArn"] = given["EventSourceArn"]
        check(kind, settings, self._clock.now())
        found = self._function(caller, given)
        function = found.function.id._replace(qualifier=found.qualifier)
        mapping = EventSourceMapping("", kind, function, settings, "Creating", self._clock.now())
        self._check_unique(mapping)
        _check_source(caller, mapping, found)
        self._keep(mapping, given)
        return shown(mapping)

    def get_event_source_mapping(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """GetEventSourceMapping."""
        return shown(self._find(caller, given))

    def update_event_source_mapping(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """UpdateEventSourceMapping: only what is given changes."""
        mapping = self._at_rest(caller, given, "update")
        wanted = _settings(given)
        check_given(mapping.kind, wanted)
        settings = merged(mapping.kind, mapping.settings, wanted)
        _check_group(mapping, settings)
        check(mapping.kind, settings, self._clock.now())
        if "FunctionName" in given:
            self._point(caller, mapping, self._function(caller, given))
        mapping.settings = settings
        enabled = given.get("Enabled", mapping.state == "Enabled")
        target = "Enabled" if enabled else "Disabled"
        changes = {"Enabled": "Enabling", "Disabled": "Disabling"}
        self._move(mapping, "Updating" if target == mapping.state else changes[target], target)
        return shown(mapping)

    def delete_event_source_mapping(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """DeleteEventSourceMapping: it is Deleting for a while, then gone."""
        mapping = self._at_rest(caller, given, "delete")
        self._move(mapping, "Deleting", None)
        return shown(mapping)

    def list_event_source_mappings(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """ListEventSourceMappings, of one source or one function where one is given."""
        mappings = [one for _, one in sorted(self._mappings.items()) if _is_of(one, caller, given)]
        largest = facts.quota("list.page-size-of-mappings").value
        rows, more = page(given, mappings, lambda one: one.uuid, largest)
        return {**more, "EventSourceMappings": [_row(one) for one in rows]}

    def tags_of(self, caller: Caller, arn: str) -> dict[str, str]:
        """The tags of the mapping that an ARN names, to read and to change."""
        return self._find(caller, {"UUID": arn.rpartition(":")[2]}).tags

    # The steps.

    def _function(self, caller: Caller, given: dict[str, Any]) -> Located:
        found = self._directory.locate(caller, given, "mapping.function-missing")
        if found.function.id.account != caller.account:
            raise aws_error("mapping.function-missing")
        return found

    def _find(self, caller: Caller, given: dict[str, Any]) -> EventSourceMapping:
        mapping = self._mappings.get(given["UUID"])
        if mapping is None or not _is_of(mapping, caller, {}):
            raise aws_error(_MISSING)
        return mapping

    def _at_rest(self, caller: Caller, given: dict[str, Any], action: str) -> EventSourceMapping:
        mapping = self._find(caller, given)
        if mapping.moving:
            raise aws_error("mapping.in-use", action=action)
        return mapping

    def _point(self, caller: Caller, mapping: EventSourceMapping, found: Located) -> None:
        """Give a mapping another function, unless that is refused."""
        before = mapping.function
        mapping.function = found.function.id._replace(qualifier=found.qualifier)
        try:
            self._check_unique(mapping)
            _check_source(caller, mapping, found)
        except Exception:
            mapping.function = before
            raise

    def _check_unique(self, mapping: EventSourceMapping) -> None:
        for other in self._mappings.values():
            if other.uuid != mapping.uuid and _same(mapping, other):
                raise _exists(other)

    def _keep(self, mapping: EventSourceMapping, given: dict[str, Any]) -> None:
        mapping.uuid = identifier(self._random)
        mapping.tags = dict(given.get("Tags") or {})
        group = mapping.kind.group
        if group:
            # A consumer group of its own, unless one is named.
            named = mapping.settings.get(group, {})
            mapping.settings[group] = {"ConsumerGroupId": identifier(self._random)} | named
        self._mappings[mapping.uuid] = mapping
        if given.get("Enabled", True):
            self._move(mapping, "Creating", "Enabled")
        else:
            self._arrive(mapping, "Disabled")

    def _move(self, mapping: EventSourceMapping, state: str, target: str | None) -> None:
        """Be in a state for a while, then in another one; None means gone."""
        mapping.state, mapping.last_modified = state, self._clock.now()
        mapping.at_rest.clear()
        self._tell(mapping)
        delay = self._random.uniform(SHORTEST_CHANGE, LONGEST_CHANGE)
        self._clock.call_later(delay, lambda: self._arrive(mapping, target))

    def _arrive(self, mapping: EventSourceMapping, target: str | None) -> None:
        if target is None:
            self._mappings.pop(mapping.uuid, None)
        else:
            mapping.state, mapping.last_modified = target, self._clock.now()
        mapping.at_rest.set()
        self._tell(mapping)

    def _tell(self, mapping: EventSourceMapping) -> None:
        for changed in self.on_change:
            changed(mapping)


def _kind(given: dict[str, Any]) -> Kind:
    """The kind of source that a request names."""
    arn = given.get("EventSourceArn")
    if "SelfManagedEventSource" in given:
        if arn is not None:
            raise aws_error("mapping.parameter-refused", parameter="eventSourceArn")
        return SELF_MANAGED_KAFKA
    kind = kind_of(arn) if arn else None
    if kind is None:
        raise aws_error("mapping.no-source")
    return kind


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in _NO_SETTINGS}


def _check_group(mapping: EventSourceMapping, settings: dict[str, Any]) -> None:
    """A consumer group is chosen once."""
    group = mapping.kind.group
    if group and settings[group]["ConsumerGroupId"] != mapping.settings[group]["ConsumerGroupId"]:
        raise aws_error("mapping.parameter-refused", parameter="consumerGroupId")


def _check_source(caller: Caller, mapping: EventSourceMapping, found: Located) -> None:
    """Refuse a queue or stream that is not there; the other sources are taken at their word."""
    arn = mapping.settings.get("EventSourceArn", "")
    # A queue or stream of another Region is out of reach.
    near = f":{caller.region}:" in arn
    if mapping.kind.name == "sqs":
        _check_visibility(sqs.visibility_timeout(arn) if near else None, found)
    look = {"kinesis": kinesis.exists, "dynamodb": dynamodb.stream_exists}.get(mapping.kind.name)
    if look is not None and not (near and look(arn)):
        raise aws_error("mapping.stream-missing", arn=arn)


def _check_visibility(visibility: int | None, found: Located) -> None:
    """A message must stay hidden for as long as the function may work on it."""
    if visibility is None:
        raise aws_error("mapping.queue-missing")
    timeout = found.version.configuration.timeout
    if visibility < timeout:
        raise aws_error("mapping.visibility-too-short", visibility=visibility, timeout=timeout)


def _same(one: EventSourceMapping, other: EventSourceMapping) -> bool:
    return one.function_arn == other.function_arn and all(
        one.settings.get(name) == other.settings.get(name) for name in _SOURCE
    )


def _exists(other: EventSourceMapping) -> Exception:
    """The refusal of a second mapping like ``other``."""
    if other.kind is SELF_MANAGED_KAFKA:
        endpoints = other.settings["SelfManagedEventSource"]["Endpoints"]
        return aws_error(
            "mapping.topic-mapping-exists",
            source=",".join(one for listed in endpoints.values() for one in listed),
            function=other.function_arn,
            topics=",".join(other.settings["Topics"]),
            uuid=other.uuid,
        )
    name = "queue-mapping-exists" if other.kind.name == "sqs" else "stream-mapping-exists"
    return aws_error(
        f"mapping.{name}",
        source_arn=other.settings["EventSourceArn"],
        function=other.function.name,
        uuid=other.uuid,
    )


def _is_of(mapping: EventSourceMapping, caller: Caller, given: dict[str, Any]) -> bool:
    """Whether a mapping is the caller's, and of the source and the function that are given."""
    source, name = given.get("EventSourceArn"), given.get("FunctionName")
    if mapping.function[:2] != (caller.account, caller.region):
        return False
    if source and mapping.settings.get("EventSourceArn") != source:
        return False
    return not name or _names(resolve(name, caller.account, caller.region), mapping.function)


def _names(wanted: FunctionId, function: FunctionId) -> bool:
    """Whether a name means a function; without a qualifier it means it with any."""
    same = wanted[:3] == function[:3]
    return same and wanted.qualifier in (None, function.qualifier)


def _row(mapping: EventSourceMapping) -> dict[str, Any]:
    """A mapping in a list: filter criteria that are encrypted are not told there."""
    members = shown(mapping)
    if "KMSKeyArn" in members and "FilterCriteria" in members:
        members["FilterCriteria"] = None
    return members
