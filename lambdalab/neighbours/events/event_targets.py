"""The targets of EventBridge that moto has: queues, topics, streams, log groups, buses and so on.

moto's rules know some of them, and fail in silence or with a traceback at the rest. Each row here
is one service, and tells with LookupError where there is no such target.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from lambdalab.errors import AwsError, aws_error

__all__ = ["TargetError", "deliver"]

# How often an event may go from bus to bus. AWS lets it go on for ever within an account.
_MOST_HOPS = 16
_hops: ContextVar[int] = ContextVar("event_hops", default=0)


class TargetError(AwsError):
    """What a target has refused: ``own`` is its own code for that."""

    def __init__(self, code: str, message: str, own: str) -> None:
        super().__init__(code, message)
        self.own = own


def deliver(arn: str, text: str, settings: Mapping[str, Any], event: dict[str, Any]) -> None:
    """Hand the text of an event to a target; raises AwsError where it is not taken.

    ``settings`` is the whole target, ``event`` the event as it came, for buses and archives.
    """
    from moto.core.exceptions import ServiceException, _RESTError

    service, kind = (arn.split(":")[2], arn.split(":")[5]) if arn.count(":") >= 5 else ("", "")
    act = None if kind.startswith("api-destination/") else _TARGETS.get(service)
    if act is None:
        raise AwsError("NotImplementedException", f"Lambda Lab has no target of the kind {arn}.")
    try:
        act(arn, text, settings, event)
    except (LookupError, AttributeError) as missing:
        raise aws_error("events.target-missing", arn=arn) from missing
    except (ServiceException, _RESTError) as refused:
        raise _refusal(refused) from None


def _refusal(refused: Exception) -> TargetError:
    """What moto says, as one of two errors: no such target, or not with this."""
    code = str(getattr(refused, "error_type", None) or getattr(refused, "code", None) or "")
    missing = any(part in code for part in ("NotFound", "NonExistent", "NoSuch", "DoesNotExist"))
    words = str(getattr(refused, "message", None) or refused)
    known = "ResourceNotFoundException" if missing else "ValidationException"
    return TargetError(known, words, code or known)


def _place(arn: str) -> tuple[str, str, str]:
    region, account, rest = arn.split(":", 5)[3:6]
    return account, region, rest


def _queue(arn: str, text: str, settings: Mapping[str, Any], _event: dict[str, Any]) -> None:
    from moto.sqs.models import sqs_backends

    account, region, name = _place(arn)
    group = (settings.get("SqsParameters") or {}).get("MessageGroupId")
    sqs_backends[account][region].send_message(name, text, group_id=group)


def _topic(arn: str, text: str, _settings: Mapping[str, Any], _event: dict[str, Any]) -> None:
    from moto.sns.models import sns_backends

    account, region, _ = _place(arn)
    sns_backends[account][region].publish(text, arn=arn)


def _stream(arn: str, text: str, settings: Mapping[str, Any], event: dict[str, Any]) -> None:
    from moto.kinesis.models import kinesis_backends

    account, region, name = _place(arn)
    given = settings.get("KinesisParameters") or {}
    found: Any = event
    for step in str(given.get("PartitionKeyPath") or "$.id").split(".")[1:]:
        found = found.get(step) if isinstance(found, dict) else None
    key = str(given.get("PartitionKey") or found or event.get("id") or "key")
    records = [{"PartitionKey": key, "Data": _base64(text)}]
    kinesis_backends[account][region].put_records(arn, name.partition("/")[2], records)


def _firehose(arn: str, text: str, _settings: Mapping[str, Any], _event: dict[str, Any]) -> None:
    from moto.firehose.models import firehose_backends

    account, region, name = _place(arn)
    firehose_backends[account][region].put_record(name.partition("/")[2], {"Data": text.encode()})


def _machine(arn: str, text: str, _settings: Mapping[str, Any], _event: dict[str, Any]) -> None:
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    from lambdalab.neighbours.workflows import executions, machines

    account, region, _ = _place(arn)
    backend = stepfunctions_parser_backends[account][region]
    given = {"stateMachineArn": arn, "input": text}
    executions.begin(backend, machines.runnable(backend, arn), given)


def _log_group(arn: str, text: str, _settings: Mapping[str, Any], _event: dict[str, Any]) -> None:
    from moto.core.utils import unix_time_millis
    from moto.logs.models import logs_backends
    from moto.moto_api._internal import mock_random

    account, region, rest = _place(arn)
    backend, group = logs_backends[account][region], rest.split(":")[1]
    stream = str(mock_random.uuid4())
    backend.create_log_stream(group, stream)
    event = {"timestamp": int(unix_time_millis()), "message": text}
    backend.put_log_events(group, stream, [event])


def _bus(arn: str, text: str, _settings: Mapping[str, Any], event: dict[str, Any]) -> None:
    from moto.events.models import events_backends

    account, region, rest = _place(arn)
    if not account:
        _archive(json.loads(text)["archive-arn"], event)
        return
    bus = events_backends[account][region].event_buses[rest.partition("/")[2]]
    if _hops.get() >= _MOST_HOPS:
        raise AwsError("NotImplementedException", "The event has gone through too many buses.")
    token = _hops.set(_hops.get() + 1)
    try:
        for rule in list(bus.rules.values()):
            rule.send_to_targets(event)
    finally:
        _hops.reset(token)


def _archive(arn: str, event: dict[str, Any]) -> None:
    """The rule that moto makes for an archive says in the text that it sends which one it is."""
    from moto.core.utils import unix_time
    from moto.events.models import events_backends

    account, region, rest = _place(arn)
    archive = events_backends[account][region].archives[rest.partition("/")[2].split(":")[0]]
    archive.events.append({**event, "ingestion-time": unix_time()})


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


_TARGETS: dict[str, Callable[[str, str, Mapping[str, Any], dict[str, Any]], None]] = {
    "sqs": _queue,
    "sns": _topic,
    "kinesis": _stream,
    "firehose": _firehose,
    "states": _machine,
    "logs": _log_group,
    "events": _bus,
}
