"""Archives of moto's EventBridge, and what is replayed from them.

moto replays all that an archive holds, to every rule of the bus, whatever was asked for; it takes
patterns that are none, and keeps events by the first pattern when an archive gets another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from types import ModuleType
from typing import Any

from lambdalab.imports import after_load
from lambdalab.neighbours.events.event_buses import refuse
from lambdalab.neighbours.request_checks import checked

__all__ = ["install"]

_OPERATIONS = {
    "create_archive": "CreateArchive",
    "update_archive": "UpdateArchive",
    "start_replay": "StartReplay",
}

# Refuses a pattern that is none, with an error of moto's.
_CheckPattern = Callable[[str], None]


def install(check_pattern: _CheckPattern) -> None:
    """Let moto's archives do as AWS's."""
    global _check
    _check = check_pattern
    after_load("moto.events.models", _mend_models)
    after_load("moto.events.responses", _mend_responses)


_check: _CheckPattern


def _mend_models(module: ModuleType) -> None:
    backend, replay = module.EventsBackend, module.Replay
    backend.create_archive = _create(backend.create_archive)
    backend.update_archive = _update(backend.update_archive, module.EventPattern)
    backend.list_archives = _list(backend.list_archives)
    backend.start_replay = _start(backend.start_replay)
    replay.replay_events = _replaying(module.ReplayState)
    replay.describe_short = _describing(replay.describe_short)


def _mend_responses(module: ModuleType) -> None:
    checked(module.EventsHandler, "events", _OPERATIONS)


def _create(original: Callable[..., Any]) -> Callable[..., Any]:
    def create_archive(
        self: Any, name: str, source: str, description: str, pattern: Any, *given: Any
    ) -> Any:
        # A template says it as an object.
        text = json.dumps(pattern) if isinstance(pattern, dict) else pattern
        if text:
            _check(text)
        return original(self, name, source, description, text, *given)

    return create_archive


def _update(original: Callable[..., Any], parsed: Any) -> Callable[..., Any]:
    def update_archive(
        self: Any, name: str, description: str, pattern: str | None, retention: Any
    ) -> Any:
        if pattern:
            _check(pattern)
        answer = original(self, name, description, pattern, retention)
        rule = self.archives[name].rule
        if pattern and rule is not None:
            # What is replayed is not kept a second time.
            kept = json.loads(pattern) | {"replay-name": [{"exists": False}]}
            rule.event_pattern = parsed.load(json.dumps(kept))
        return answer

    return update_archive


def _list(original: Callable[..., Any]) -> Callable[..., Any]:
    def list_archives(self: Any, prefix: str | None, source: str | None, state: str | None) -> Any:
        if source:
            self._get_event_bus(source)
        return original(self, prefix, source, state)

    return list_archives


def _start(original: Callable[..., Any]) -> Callable[..., Any]:
    def start_replay(
        self: Any, name: str, description: str, source: str, start: Any, end: Any, *given: Any
    ) -> Any:
        if start == end:
            refuse("events.replay-times")
        return original(self, name, description, source, start, end, *given)

    return start_replay


def _replaying(states: Any) -> Callable[[Any, Any], None]:
    def replay_events(self: Any, archive: Any) -> None:
        from moto.core.utils import unix_time
        from moto.events.models import events_backends
        from moto.moto_api._internal import mock_random

        wanted = self.destination.get("FilterArns") or ()
        bus = events_backends[self.account_id][self.region].describe_event_bus(
            self.destination["Arn"]
        )
        for event in _between(archive.events, self.event_start_time, self.event_end_time):
            again = {**event, "id": str(mock_random.uuid4()), "replay-name": self.name}
            self.last_replayed = _seconds(event)
            for rule in list(bus.rules.values()):
                if not wanted or rule.arn in wanted:
                    rule.send_to_targets(again)
        self.state = states.COMPLETED
        self.end_time = unix_time()

    return replay_events


def _between(events: list[dict[str, Any]], start: Any, end: Any) -> Iterator[dict[str, Any]]:
    """The events of a span of time, by what they say themselves: that is to the second."""
    for event in list(events):
        if int(float(start)) <= _seconds(event) <= float(end):
            yield event


def _seconds(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["time"]).timestamp()


def _describing(original: Callable[..., Any]) -> Callable[..., Any]:
    def describe_short(self: Any) -> dict[str, Any]:
        told: dict[str, Any] = original(self)
        last = getattr(self, "last_replayed", None)
        return told if last is None else told | {"EventLastReplayedTime": last}

    return describe_short
