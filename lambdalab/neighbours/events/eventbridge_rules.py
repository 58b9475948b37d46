"""The rules of moto's EventBridge: what they match, and when they change.

moto stops with an error at a rule that has a function as its target, sends events to rules that are
disabled, never runs a schedule, takes any pattern, and does not know TestEventPattern. Here a rule
hands its events to whoever is the ``Bridge``, which also judges what is asked to be stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from lambdalab.errors import AwsError
from lambdalab.imports import after_load
from lambdalab.neighbours.events import event_archives, event_buses
from lambdalab.neighbours.events.event_entries import MOST_ENTRIES, refusal_of, too_many
from lambdalab.neighbours.request_checks import checked, refuse

__all__ = ["Bridge", "Event", "Rule", "find", "install"]

_ORDER = (
    "version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail",
)  # fmt: skip


class Rule(NamedTuple):
    """A rule as it is now."""

    arn: str
    name: str
    bus: str
    account: str
    region: str
    pattern: str | None
    schedule: str | None
    enabled: bool
    targets: tuple[dict[str, Any], ...]


class Event(NamedTuple):
    """An event on its way: what targets get, when it came in, whose trace it follows."""

    value: dict[str, Any]
    ingested: str
    trace: str | None


class Bridge(Protocol):
    """Who acts for the rules. All is called in moto's threads; what refuses raises AwsError."""

    def check_rule(self, pattern: str | None, schedule: str | None) -> None:
        """A rule is about to be stored."""

    def check_targets(self, targets: list[dict[str, Any]], already: list[dict[str, Any]]) -> None:
        """Targets are about to be stored in a rule that has others."""

    def test(self, pattern: str, event: str) -> bool:
        """TestEventPattern."""

    def arrived(self, rule: Rule, event: Event) -> None:
        """An event has come to a rule's bus; whether the rule matches is for the bridge to see."""

    def changed(self, rule_arn: str) -> None:
        """A rule was stored, enabled, disabled or deleted."""


_make: Callable[[], Bridge]
# The trace of the request that puts events, for those that bring none of their own.
_trace: ContextVar[str | None] = ContextVar("events_trace", default=None)
# Whether events come from a client: those of AWS's own services are not for it to send.
_by_client: ContextVar[bool] = ContextVar("events_by_client", default=False)


def install(make: Callable[[], Bridge]) -> None:
    """Let a bridge act for moto's rules; the last one counts.

    ``make`` is called whenever it is asked, and always gives the same one.
    """
    global _make
    _make = make
    after_load("moto.events.models", _mend_models)
    after_load("moto.events.responses", _mend_responses)
    event_buses.install()
    event_archives.install(_check_pattern)


def find(rule_arn: str) -> Rule | None:
    """The rule of that ARN as it is now; None where there is none."""
    from moto.events.models import events_backends

    region, account, path = rule_arn.split(":", 5)[3:6]
    _, *between, name = path.split("/")
    bus = events_backends[account][region].event_buses.get("/".join(between) or "default")
    found = None if bus is None else bus.rules.get(name)
    return None if found is None else _view(found)


def _view(rule: Any) -> Rule:
    return Rule(
        rule.arn,
        rule.name,
        rule.event_bus_name,
        rule.account_id,
        rule.region_name,
        rule.event_pattern.dump(),
        rule.scheduled_expression,
        rule.state != "DISABLED",
        tuple(rule.targets),
    )


def _asked(call: Callable[[Bridge], Any]) -> Any:
    """Ask the bridge; a refusal becomes one of moto's."""
    from moto.core.exceptions import JsonRESTError

    try:
        return call(_make())
    except AwsError as error:
        raise JsonRESTError(error.code, error.message) from None


def _check_pattern(pattern: str) -> None:
    _asked(lambda bridge: bridge.check_rule(pattern, None))


# The backend.


def _mend_models(module: ModuleType) -> None:
    backend, rule = module.EventsBackend, module.Rule
    backend.put_rule = _put_rule(backend.put_rule)
    backend.put_targets = _put_targets(backend.put_targets)
    for name in ("enable_rule", "disable_rule", "delete_rule"):
        setattr(backend, name, _changing(getattr(backend, name)))
    backend.put_events = _put_events
    rule.send_to_targets = _send_to_targets


def _put_rule(original: Callable[..., Any]) -> Callable[..., Any]:
    def put_rule(self: Any, name: str, *given: Any, **options: Any) -> Any:
        pattern, schedule = options.get("event_pattern"), options.get("scheduled_expression")
        _asked(lambda bridge: bridge.check_rule(pattern, schedule))
        rule = original(self, name, *given, **options)
        _asked(lambda bridge: bridge.changed(rule.arn))
        return rule

    return put_rule


def _put_targets(original: Callable[..., Any]) -> Callable[..., Any]:
    def put_targets(
        self: Any, name: str, event_bus_arn: str | None, targets: list[dict[str, Any]]
    ) -> None:
        bus = self._get_event_bus(self._normalize_event_bus_arn(event_bus_arn))
        rule = bus.rules.get(name)
        # What moto makes for archives has an input of its own kind.
        if rule is not None and rule.managed_by is None:
            _asked(lambda bridge: bridge.check_targets(targets, rule.targets))
        original(self, name, event_bus_arn, targets)

    return put_targets


def _changing(original: Callable[..., Any]) -> Callable[..., Any]:
    def act(self: Any, name: str, event_bus_arn: str | None) -> Any:
        bus = self.event_buses.get(self._normalize_event_bus_arn(event_bus_arn))
        rule = bus.rules.get(name) if bus is not None else None
        found = original(self, name, event_bus_arn)
        if rule is not None:
            _asked(lambda bridge: bridge.changed(rule.arn))
        return found

    return act


def _put_events(self: Any, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each entry is answered for itself; one for a bus that does not exist goes nowhere."""
    from moto.core.exceptions import JsonRESTError
    from moto.events.models import events_backends
    from moto.moto_api._internal import mock_random

    by_client = _by_client.get()
    _by_client.set(False)  # what comes of these events comes from AWS
    refused = too_many(events)
    if refused is not None:
        raise JsonRESTError(refused.code, refused.message)
    answers: list[dict[str, Any]] = []
    for entry in events:
        wrong = refusal_of(entry, by_client=by_client)
        answers.append(wrong or {"EventId": str(mock_random.uuid4())})
        if wrong is None:
            name = entry.get("EventBusName") or "default"
            place = name.split(":")
            backend = events_backends[place[4]][place[3]] if len(place) > 5 else self
            bus = backend.event_buses.get(name.rpartition("event-bus/")[2])
            for rule in list(bus.rules.values()) if bus is not None else ():
                _arrived(rule, _event_of(self, entry, answers[-1]["EventId"]), entry)
    return answers


def _event_of(backend: Any, entry: dict[str, Any], event_id: str) -> dict[str, Any]:
    from moto.core.utils import unix_time

    return {
        "version": "0",
        "id": event_id,
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": backend.account_id,
        "time": entry.get("Time") or unix_time(),
        "region": backend.region_name,
        "resources": entry.get("Resources") or [],
        "detail": json.loads(entry["Detail"]),
    }


def _send_to_targets(self: Any, original_event: Any, **_as_moto_would: bool) -> None:
    """Services of moto's, and its replays, send to a rule in this way."""
    _arrived(self, dict(original_event), {})


def _arrived(rule: Any, event: dict[str, Any], entry: dict[str, Any]) -> None:
    from moto.core.utils import unix_time

    value = {name: event[name] for name in _ORDER if name in event}
    value["time"] = _stamp(value["time"])
    if "replay-name" in event:
        value["replay-name"] = event["replay-name"]
    trace = entry.get("TraceHeader") or _trace.get()
    told = Event(value, _stamp(event.get("ingestion-time") or unix_time()), trace)
    _asked(lambda bridge: bridge.arrived(_view(rule), told))


def _stamp(time: Any) -> str:
    """A time as events have it: to the second, in UTC."""
    if isinstance(time, str) and not time.replace(".", "").isdecimal():
        return time
    return f"{datetime.fromtimestamp(float(time), UTC):%Y-%m-%dT%H:%M:%SZ}"


# The way in.


def _mend_responses(module: ModuleType) -> None:
    handler = module.EventsHandler
    original = handler.put_events

    def put_events(self: Any) -> Any:
        trace = _trace.set(self.headers.get("X-Amzn-Trace-Id"))
        client = _by_client.set(True)
        try:
            # Of too many entries AWS speaks in words of its own.
            entries = self._get_param("Entries")
            many = isinstance(entries, list) and len(entries) > MOST_ENTRIES
            refuse("events", "PutEvents", self.body, bounds=not many)
            return original(self)
        finally:
            _by_client.reset(client)
            _trace.reset(trace)

    def test_event_pattern(self: Any) -> Any:
        pattern, event = self._get_param("EventPattern"), self._get_param("Event")
        result = _asked(lambda bridge: bridge.test(pattern, event))
        return self._create_response({"Result": result})

    handler.put_events = put_events
    handler.test_event_pattern = test_event_pattern
    operations = {
        "put_rule": "PutRule",
        "put_targets": "PutTargets",
        "test_event_pattern": "TestEventPattern",
    }
    checked(handler, "events", operations)
