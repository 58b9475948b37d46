"""Subscription filters of moto's CloudWatch Logs: what they match, and who gets it.

moto sends every event to every destination, whatever the pattern says; asks its own Lambda, which
has none of the lab's functions, when a filter is stored; and cannot change one of two filters.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from lambdalab.errors import AwsError, aws_error
from lambdalab.imports import after_load
from lambdalab.neighbours.request_checks import checked

__all__ = ["Batch", "Bridge", "check", "deliver", "fields", "install", "subscribed", "values"]

_MOST_FILTERS = 2
_DESTINATIONS = ("lambda", "kinesis", "firehose", "logs")
# (account, region, log group) of each group with filters: whoever writes events may look here.
subscribed: set[tuple[str, str, str]] = set()


class Batch(NamedTuple):
    """Events that were written to a stream at once; each has ``id``, ``timestamp``, ``message``."""

    account: str
    region: str
    group: str
    stream: str
    events: list[dict[str, Any]]


class Bridge(Protocol):
    """Who acts for the filters; what refuses raises AwsError."""

    def check_pattern(self, text: str, *, metric: bool = False) -> None:
        """A filter with that pattern is about to be stored; one for a metric or another."""

    def check_function(self, arn: str, account: str, region: str, group: str) -> None:
        """A filter with that function as its destination is about to be stored."""

    def matches(self, text: str, message: str) -> bool:
        """Whether a pattern matches a message."""

    def fields(self, text: str, message: str) -> dict[str, str] | None:
        """What a pattern calls by name in a message that it matches; None where it does not."""

    def values(self, selector: str, message: str) -> list[Any]:
        """What a selector such as ``$.order.amount`` finds in a message."""

    def written(self, batch: Batch, name: str, text: str, destination: str) -> None:
        """Events were written to a group that has a filter; in any thread, and must not block."""


_make: Callable[[], Bridge]


def install(make: Callable[[], Bridge]) -> None:
    """Let a bridge act for moto's subscription filters; the last one counts.

    ``make`` is called whenever it is asked, and always gives the same one.
    """
    global _make
    _make = make
    subscribed.clear()
    after_load("moto.logs.models", _mend)
    after_load("moto.logs.responses", _mend_responses)


def deliver(batch: Batch, name: str, destination: str) -> None:
    """Hand a batch to a destination that is no function, in moto's own way."""
    from moto.logs.models import logs_backends

    stream = logs_backends[batch.account][batch.region].groups[batch.group].streams[batch.stream]
    _send(stream, destination.split(":")[2], destination, name, batch.events)


def check(text: str, *, metric: bool = False) -> None:
    """Refuse what is no pattern, for a metric or else, with an error of moto's."""
    _asked(lambda bridge: bridge.check_pattern(text, metric=metric))


def fields(text: str, message: str) -> dict[str, str] | None:
    """What a pattern calls by name in a message that it matches; None where it does not."""
    found: dict[str, str] | None = _asked(lambda bridge: bridge.fields(text, message))
    return found


def values(selector: str, message: str) -> list[Any]:
    """What a selector such as ``$.order.amount`` finds in a message."""
    found: list[Any] = _asked(lambda bridge: bridge.values(selector, message))
    return found


_send: Callable[..., None]


def _asked(call: Callable[[Bridge], Any]) -> Any:
    from moto.core.exceptions import JsonRESTError

    try:
        return call(_make())
    except AwsError as error:
        raise JsonRESTError(error.code, error.message) from None


def _mend(module: ModuleType) -> None:
    global _send
    _send = module.LogStream._send_log_events
    module.LogStream.put_log_events = _put_log_events(module.LogStream.put_log_events)
    backend, group = module.LogsBackend, module.LogGroup
    backend.put_subscription_filter = _put_filter(backend.put_subscription_filter)
    backend.delete_subscription_filter = _delete_filter(backend.delete_subscription_filter)
    group.put_subscription_filter = _keep_filter(group.put_subscription_filter)
    module.SubscriptionFilter.to_json = _shown(module.SubscriptionFilter.to_json)
    vars(module)["EventMessageFilter"] = _Filter


def _mend_responses(module: ModuleType) -> None:
    checked(module.LogsResponse, "logs", {"put_subscription_filter": "PutSubscriptionFilter"})


class _Filter:
    """What FilterLogEvents asks of a pattern."""

    def __init__(self, pattern: str | None) -> None:
        self._pattern = pattern or ""

    def matches(self, message: str) -> bool:
        return bool(_asked(lambda bridge: bridge.matches(self._pattern, message)))


def _put_log_events(original: Callable[..., str]) -> Callable[..., str]:
    def put_log_events(self: Any, log_events: list[dict[str, Any]]) -> str:
        group = self.log_group
        filters, group.subscription_filters = group.subscription_filters, {}
        before = len(self.events)
        try:
            token = original(self, log_events)
        finally:
            group.subscription_filters = filters
        if filters and log_events:
            events = [
                {"id": one.event_id, "timestamp": one.timestamp, "message": one.message}
                for one in self.events[before:]
            ]
            batch = Batch(self.account_id, self.region, group.name, self.log_stream_name, events)
            for one in list(filters.values()):
                _tell(batch, one)
        return token

    return put_log_events


def _tell(batch: Batch, one: Any) -> None:
    given = (batch, one.name, one.filter_pattern or "", one.destination_arn)
    _asked(lambda bridge: bridge.written(*given))


def _put_filter(original: Callable[..., None]) -> Callable[..., None]:
    def put_subscription_filter(
        self: Any, log_group_name: str, name: str, pattern: str, arn: str, role_arn: str | None
    ) -> None:
        from moto.logs.exceptions import ResourceNotFoundException

        _asked(lambda bridge: bridge.check_pattern(pattern or ""))
        group = self.groups.get(log_group_name)
        service = arn.split(":")[2] if arn.count(":") > 4 else ""
        if service not in _DESTINATIONS:
            _asked(lambda _: _refuse("logs.bad-destination"))
        if service == "kinesis" and not role_arn:
            _asked(lambda _: _refuse("logs.no-role"))
        if service != "lambda":
            original(self, log_group_name, name, pattern, arn, role_arn)
        else:
            account, region = self.account_id, self.region_name
            _asked(lambda bridge: bridge.check_function(arn, account, region, log_group_name))
            if group is None:
                raise ResourceNotFoundException
            group.put_subscription_filter(name, pattern, arn, role_arn)
        subscribed.add((self.account_id, self.region_name, log_group_name))

    return put_subscription_filter


def _keep_filter(original: Callable[..., None]) -> Callable[..., None]:
    def put_subscription_filter(self: Any, filter_name: str, *given: Any, **named: Any) -> None:
        from moto.logs.exceptions import LimitExceededException

        known = self.subscription_filters.get(filter_name)
        if known is None and len(self.subscription_filters) >= _MOST_FILTERS:
            raise LimitExceededException
        if known is None:
            original(self, filter_name, *given, **named)
        else:
            known.update(*given, **named)

    return put_subscription_filter


def _delete_filter(original: Callable[..., None]) -> Callable[..., None]:
    def delete_subscription_filter(self: Any, log_group_name: str, filter_name: str) -> None:
        original(self, log_group_name, filter_name)
        if not self.groups[log_group_name].subscription_filters:
            subscribed.discard((self.account_id, self.region_name, log_group_name))

    return delete_subscription_filter


def _shown(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    return lambda self: {**original(self), "applyOnTransformedLogs": False}


def _refuse(name: str) -> None:
    raise aws_error(name)
