"""What is asked of moto's log groups, streams and events, where moto answers otherwise than AWS.

moto lists the events of one stream after the other unless told otherwise, where AWS has given up
that choice; numbers events shortly; takes a token that it never gave; and speaks of groups where a
stream is missing or there already.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

from lambdalab import facts
from lambdalab.imports import after_load
from lambdalab.neighbours.monitoring import logs_subscriptions
from lambdalab.neighbours.request_checks import checked

__all__ = ["event_id", "install"]

_LONGEST_NAME = 512
_CHECKED = {
    "filter_log_events": "FilterLogEvents",
    "get_log_events": "GetLogEvents",
    "put_log_events": "PutLogEvents",
    "create_log_group": "CreateLogGroup",
    "create_log_stream": "CreateLogStream",
    "put_metric_filter": "PutMetricFilter",
    "delete_metric_filter": "DeleteMetricFilter",
    "describe_metric_filters": "DescribeMetricFilters",
}


def install() -> None:
    """Mend moto once it is loaded."""
    after_load("moto.logs.models", _mend)
    after_load("moto.logs.responses", _mend_responses)


def event_id(number: int) -> str:
    """The id of an event, everywhere the same, by which it is found again."""
    return f"{number:056d}"


def _mend(module: ModuleType) -> None:
    group = module.LogGroup
    group.create_log_stream = _if_known(group.create_log_stream, "logs.stream-exists")
    group.get_log_events = _unless_known(group.get_log_events)
    group.delete_log_stream = _unless_known(group.delete_log_stream)
    group.filter_log_events = _in_order(group.filter_log_events)
    module.LogEvent.to_filter_dict = _numbered(module.LogEvent.to_filter_dict)


def _mend_responses(module: ModuleType) -> None:
    handler = module.LogsResponse
    handler.filter_log_events = _readable(handler.filter_log_events)
    checked(handler, "logs", _CHECKED)
    for method in _CHECKED:
        setattr(handler, method, _named(getattr(handler, method)))


def _named(original: Callable[..., Any]) -> Callable[..., Any]:
    """Of names that are too long AWS speaks before all else, and in other words."""

    @wraps(original)
    def act(self: Any) -> Any:
        name = self._get_param("logGroupName")
        if isinstance(name, str) and len(name) > _LONGEST_NAME:
            raise _error("logs.name-too-long")
        return original(self)

    return act


def _readable(original: Callable[..., Any]) -> Callable[..., Any]:
    """A pattern is looked at also where there is no event."""

    @wraps(original)
    def filter_log_events(self: Any) -> Any:
        logs_subscriptions.check(self._get_param("filterPattern") or "")
        return original(self)

    return filter_log_events


def _if_known(original: Callable[..., Any], refusal: str) -> Callable[..., Any]:
    @wraps(original)
    def act(self: Any, log_stream_name: str) -> Any:
        if log_stream_name in self.streams:
            raise _error(refusal)
        return original(self, log_stream_name)

    return act


def _unless_known(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def act(self: Any, log_stream_name: str, *given: Any, **named: Any) -> Any:
        if log_stream_name not in self.streams:
            raise _error("logs.stream-missing")
        return original(self, log_stream_name, *given, **named)

    return act


_Page = tuple[list[dict[str, Any]], str | None, list[dict[str, Any]]]


def _in_order(original: Callable[..., _Page]) -> Callable[..., _Page]:
    """All streams together, by time; a token that leads nowhere is refused."""

    @wraps(original)
    def filter_log_events(self: Any, *given: Any) -> _Page:
        *asked, _interleaved = given
        page = original(self, *asked, True)
        token = asked[5]
        if token and not page[0]:
            raise _error("logs.token-invalid")
        return page

    return filter_log_events


def _numbered(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    return lambda self: {**original(self), "eventId": event_id(self.event_id)}


def _error(name: str) -> Exception:
    from moto.core.exceptions import JsonRESTError

    message = facts.message(name)
    refusal: Exception = JsonRESTError(message.code or "", str(message))
    return refusal
