"""What the platform tells of an execution environment, as small records.

An event is made once, and rendered as it is wanted: as a line of plain text (``report``), as a
system log in JSON, as an event of the Telemetry API.
Source: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from lambdalab.execution.spec import Outcome, RuntimeSpec

__all__ = [
    "Event",
    "as_json",
    "billed",
    "billed_restore",
    "extension",
    "init_report",
    "init_runtime_done",
    "init_start",
    "logs_dropped",
    "report",
    "restore_report",
    "restore_runtime_done",
    "restore_start",
    "runtime_done",
    "runtime_version",
    "start",
    "status",
    "telemetry_subscription",
    "timestamp",
]

Record = dict[str, Any]


class Event(NamedTuple):
    """One event: when (platform seconds), its type as AWS names it, and what it tells.

    The record of a ``function`` or ``extension`` event is the line that was written.
    """

    time: float
    type: str
    record: Record | str

    @property
    def category(self) -> str:
        """What extensions subscribe to: platform, function or extension."""
        return self.type.partition(".")[0]


# INIT.


def init_start(
    time: float, spec: RuntimeSpec, instance: str, phase: str = "init", kind: str = "on-demand"
) -> Event:
    """INIT begins; ``instance`` is the name of the environment's log stream."""
    record = {
        "initializationType": kind,
        "phase": phase,
        "runtimeVersion": runtime_version(spec.runtime),
        "runtimeVersionArn": spec.runtime_version_arn,
        "functionName": spec.name,
        "functionVersion": spec.version,
        "instanceId": instance,
        "instanceMaxMemory": spec.memory,
    }
    return Event(time, "platform.initStart", record)


def init_runtime_done(
    time: float, failure: Outcome | None, phase: str = "init", kind: str = "on-demand"
) -> Event:
    """The runtime has initialized the function, or has failed to (``failure``)."""
    record = {"initializationType": kind, "phase": phase} | _end(failure)
    return Event(time, "platform.initRuntimeDone", record)


def init_report(
    time: float,
    duration: float,
    failure: Outcome | None,
    phase: str = "init",
    kind: str = "on-demand",
) -> Event:
    """What INIT took, in seconds, and how it ended."""
    record: Record = {"initializationType": kind, "phase": phase} | _end(failure)
    record["metrics"] = {"durationMs": _milliseconds(duration)}
    return Event(time, "platform.initReport", record)


# RESTORE, for functions with SnapStart.


def restore_start(time: float, spec: RuntimeSpec, instance: str) -> Event:
    """An environment comes back from its snapshot."""
    record = {
        "functionName": spec.name,
        "functionVersion": spec.version,
        "instanceId": instance,
        "instanceMaxMemory": spec.memory,
        "runtimeVersion": runtime_version(spec.runtime),
        "runtimeVersionArn": spec.runtime_version_arn,
    }
    return Event(time, "platform.restoreStart", record)


def restore_runtime_done(time: float, failure: Outcome | None) -> Event:
    """The hooks after the restore have run."""
    return Event(time, "platform.restoreRuntimeDone", _end(failure))


def restore_report(time: float, duration: float, failure: Outcome | None) -> Event:
    """What the restore took, in seconds, and how it ended."""
    record = _end(failure) | {"metrics": {"durationMs": _milliseconds(duration)}}
    return Event(time, "platform.restoreReport", record)


# INVOKE.


def start(time: float, request_id: str, version: str, trace: str = "") -> Event:
    """An invocation begins; ``trace`` is its tracing header."""
    return Event(
        time, "platform.start", {"requestId": request_id, "version": version} | _tracing(trace)
    )


def runtime_done(
    time: float,
    request_id: str,
    outcome: Outcome,
    trace: str = "",
    *,
    responded: float | None = None,
    sending: float = 0.0,
) -> Event:
    """The runtime has finished an invocation.

    ``responded`` is when the answer began, ``sending`` how long it took, in seconds from
    ``outcome.began``; both are told as spans.
    """
    record: Record = {"requestId": request_id} | _end(outcome)
    if responded is not None:
        record["spans"] = _spans(outcome, responded, sending)
    metrics: Record = {"durationMs": _milliseconds(outcome.duration)}
    metrics["producedBytes"] = len(outcome.payload) if outcome.status == "success" else 0
    record["metrics"] = metrics
    return Event(time, "platform.runtimeDone", record | _tracing(trace))


def report(time: float, request_id: str, outcome: Outcome, memory: int, trace: str = "") -> Event:
    """What an invocation took; ``memory`` is the function's memory size in MB."""
    record: Record = {"requestId": request_id} | _end(outcome)
    metrics: Record = {
        "durationMs": _milliseconds(outcome.duration),
        "billedDurationMs": billed(outcome),
        "memorySizeMB": memory,
        "maxMemoryUsedMB": outcome.memory_used,
    }
    if outcome.init_duration is not None:
        metrics["initDurationMs"] = _milliseconds(outcome.init_duration)
    if outcome.restore_duration is not None:
        metrics["restoreDurationMs"] = _milliseconds(outcome.restore_duration)
        metrics["billedRestoreDurationMs"] = billed_restore(outcome)
    record["metrics"] = metrics
    return Event(time, "platform.report", record | _tracing(trace))


def billed(outcome: Outcome) -> int:
    """Milliseconds that an invocation is charged for; since August 2025 INIT is among them."""
    return math.ceil(round((outcome.duration + (outcome.init_duration or 0)) * 1000, 2))


def billed_restore(outcome: Outcome) -> int:
    """Milliseconds of a restore that are charged for."""
    return math.ceil(round((outcome.restore_duration or 0) * 1000, 2))


# Extensions and telemetry.


def extension(
    time: float, name: str, state: str, events: Iterable[str], error_type: str | None = None
) -> Event:
    """An extension has registered (``Ready``), or has not."""
    record: Record = {"name": name, "state": state, "events": list(events)}
    if error_type is not None:
        record["errorType"] = error_type
    return Event(time, "platform.extension", record)


def telemetry_subscription(time: float, name: str, state: str, types: Iterable[str]) -> Event:
    """An extension has subscribed to telemetry."""
    record = {"name": name, "state": state, "types": list(types)}
    return Event(time, "platform.telemetrySubscription", record)


def logs_dropped(time: float, size: int, records: int, reason: str) -> Event:
    """Events of ``size`` bytes were not delivered."""
    record = {"droppedBytes": size, "droppedRecords": records, "reason": reason}
    return Event(time, "platform.logsDropped", record)


# What an event looks like.


def timestamp(time: float) -> str:
    """A moment of platform time as AWS writes it, with milliseconds."""
    moment = datetime.fromtimestamp(time, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def as_json(event: Event) -> str:
    """The event as one line of JSON, without a line break."""
    return json.dumps(
        {"time": timestamp(event.time), "type": event.type, "record": event.record},
        separators=(",", ":"),
        ensure_ascii=False,
    )


def runtime_version(runtime: str) -> str:
    """A runtime as AWS writes its version: ``python:3.13.v1`` for python3.13."""
    name, version = re.fullmatch(r"([a-z]*)\.?(.*?)(?:\.x)?", runtime).groups()  # type: ignore[union-attr]
    return f"{name}:{version}.v1"


def status(outcome: Outcome | None) -> str:
    """How a phase ended, in AWS's words; None is a success."""
    if outcome is None or outcome.status == "success":
        return "success"
    return "timeout" if outcome.status == "timeout" else "error"


# The parts of records.


def _end(outcome: Outcome | None) -> Record:
    ended: Record = {"status": status(outcome)}
    if outcome is not None and outcome.status not in ("success", "timeout"):
        ended["errorType"] = outcome.error_type
    return ended


def _spans(outcome: Outcome, responded: float, sending: float) -> list[Record]:
    rest = max(outcome.duration - responded - sending, 0.0)
    parts = (
        ("responseLatency", 0.0, responded),
        ("responseDuration", responded, sending),
        ("runtimeOverhead", responded + sending, rest),
    )
    return [
        {
            "name": name,
            "start": timestamp(outcome.began + begin),
            "durationMs": _milliseconds(duration),
        }
        for name, begin, duration in parts
    ]


def _tracing(trace: str) -> Record:
    """The tracing header, where the invocation is traced."""
    if "Sampled=1" not in trace:
        return {}
    return {"tracing": {"type": "X-Amzn-Trace-Id", "value": trace}}


def _milliseconds(seconds: float) -> float:
    """Milliseconds as AWS writes them in JSON: three decimals."""
    return round(seconds * 1000, 3)
