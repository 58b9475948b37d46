"""CloudWatch Logs subscriptions: log events that match a pattern go to a function, gzipped.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error
from lambdalab.neighbours.monitoring import logs_subscriptions as neighbour
from lambdalab.neighbours.monitoring.logs_events import event_id
from lambdalab.neighbours.monitoring.logs_subscriptions import Batch
from lambdalab.sources.events.event_deliveries import Deliveries, Delivery, RetryPolicy
from lambdalab.sources.events.event_inputs import text_of
from lambdalab.sources.logs.log_loops import Chain, LogLoops
from lambdalab.sources.logs.log_patterns import (
    LogPattern,
    PatternError,
    UnreadableError,
    pattern,
    selected,
)
from lambdalab.sources.pushed import Pushes, Sender

__all__ = ["LogsSubscriptions"]

# Policies name the service with its Region or without.
_PRINCIPALS = ("logs.amazonaws.com", "logs.{region}.amazonaws.com")


class LogsSubscriptions:
    """The subscription filters of one cloud.

    ``log_group`` tells the log group of a function by its ARN; raises AwsError where there is none.
    """

    def __init__(
        self,
        pushes: Pushes,
        deliveries: Deliveries,
        log_group: Callable[[str], str],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._pushes = pushes
        self._deliveries = deliveries
        self._log_group = log_group
        self._loop = loop
        self._loops = LogLoops()

    def clear(self) -> None:
        """Forget what led to what."""
        self._loops.clear()

    # What moto asks.

    def check_pattern(self, text: str, *, metric: bool = False) -> None:
        """Refuse what is no pattern, for a metric or else."""
        _pattern(text, metric=metric)

    def check_function(self, arn: str, account: str, region: str, group: str) -> None:
        """Refuse a function that Logs may not call, or whose own log group this is."""
        if arn.split(":")[4] != account:
            raise aws_error("logs.cross-account")
        try:
            own = self._log_group(arn)
        except AwsError:
            raise aws_error("logs.not-invocable") from None
        if own == group:
            raise aws_error("logs.own-group")
        if not any(self._pushes.may(arn, one) for one in _senders(account, region, group)):
            raise aws_error("logs.not-invocable")

    def matches(self, text: str, message: str) -> bool:
        """Whether a pattern matches a message."""
        return _pattern(text).matches(message)

    def fields(self, text: str, message: str) -> dict[str, str] | None:
        """What a pattern calls by name in a message that it matches; None where it does not."""
        return _pattern(text).fields(message)

    def values(self, selector: str, message: str) -> list[Any]:
        """What a selector such as ``$.order.amount`` finds in a message; nothing where no JSON."""
        try:
            return selected(selector)(json.loads(message))
        except (PatternError, ValueError, RecursionError):
            return []

    def written(self, batch: Batch, name: str, text: str, destination: str) -> None:
        """Send what matches on its way; winding waits for it."""
        stream = (batch.account, batch.region, batch.group, batch.stream)
        messages = (event["message"] for event in batch.events)
        chain = self._loops.chain(stream, messages, (batch.group, destination))
        events = _matching(_pattern(text), batch.events)
        if not events:
            return
        found = batch._replace(events=events)

        def act() -> None:
            self._deliveries.later(lambda: self._deliver(found, name, destination, chain))

        if _running_in(self._loop):
            act()
        else:
            with contextlib.suppress(RuntimeError):  # the cloud has ended
                self._loop.call_soon_threadsafe(act)

    # What is done, in a thread.

    def _deliver(self, batch: Batch, name: str, destination: str, chain: Chain) -> None:
        message = text_of(
            {
                "messageType": "DATA_MESSAGE",
                "owner": batch.account,
                "logGroup": batch.group,
                "logStream": batch.stream,
                "subscriptionFilters": [name],
                "logEvents": batch.events,
            }
        )
        packed = gzip.compress(message.encode(), mtime=0)
        payload = text_of({"awslogs": {"data": b64encode(packed).decode()}}).encode()
        act = self._act(batch, name, destination, payload, chain)
        self._deliveries.start(Delivery(destination, act, RetryPolicy(), None, "", {}))

    def _act(
        self, batch: Batch, name: str, destination: str, payload: bytes, chain: Chain
    ) -> Callable[[], object]:
        if ":lambda:" not in destination:
            return lambda: neighbour.deliver(batch, name, destination)
        senders = _senders(batch.account, batch.region, batch.group)

        edge = (batch.group, destination)

        def act() -> None:
            allowed = (one for one in senders if self._pushes.may(destination, one))
            sender = next(allowed, senders[0])
            if not self._loops.goes_on(chain, edge):
                raise aws_error("logs.endless")
            request_id = self._pushes.send_from_thread(destination, payload, sender)
            group = (batch.account, batch.region, self._log_group(destination))
            self._loops.sent(request_id, chain, edge, group)

        return act


def _senders(account: str, region: str, group: str) -> list[Sender]:
    arn = f"arn:aws:logs:{region}:{account}:log-group:{group}:*"
    return [Sender(one.format(region=region), arn, account) for one in _PRINCIPALS]


def _pattern(text: str, *, metric: bool = False) -> LogPattern:
    try:
        return pattern(text)
    except PatternError as wrong:
        invalid = facts.message("logs.pattern-invalid")
        general = isinstance(wrong, UnreadableError) and not metric
        raise AwsError(invalid.code or "", str(invalid if general else wrong)) from None


def _matching(wanted: LogPattern, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events that match, with the fields that the pattern names."""
    found = []
    for event in events:
        fields = wanted.fields(event["message"])
        if fields is not None:
            shown = {**event, "id": event_id(event["id"])}
            found.append({**shown, "extractedFields": fields} if fields else shown)
    return found


def _running_in(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
