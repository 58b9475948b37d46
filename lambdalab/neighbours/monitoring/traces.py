"""Segments of traces into moto's X-Ray, and what is told of whole traces.

moto takes every trace to last whole seconds, to answer in one, and to have no service.
Source: https://docs.aws.amazon.com/xray/latest/api/API_TraceSummary.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

from lambdalab.imports import after_load

__all__ = ["install", "put_segments"]

_MARKS = {"HasError": "error", "HasFault": "fault", "HasThrottle": "throttle"}


def install() -> None:
    """Mend moto once it is loaded."""
    after_load("moto.xray.models", _mend)


def put_segments(account: str, region: str, segments: list[dict[str, Any]]) -> None:
    """Store segment documents as PutTraceSegments takes them."""
    from moto.xray.models import xray_backends

    backend = xray_backends[account][region]
    for segment in segments:
        backend.process_segment(json.dumps(segment))


def _mend(module: ModuleType) -> None:
    backend = module.XRayBackend
    backend.get_trace_summary = _summed(backend.get_trace_summary)
    backend.get_trace_ids = _measured(backend.get_trace_ids)


def _summed(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    @wraps(original)
    def get_trace_summary(self: Any, *given: Any) -> dict[str, Any]:
        told = original(self, *given)
        for summary in told["TraceSummaries"]:
            summary.update(_summary(_segments(self, summary["Id"])))
        return told

    return get_trace_summary


def _measured(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    @wraps(original)
    def get_trace_ids(self: Any, trace_ids: list[str]) -> dict[str, Any]:
        told = original(self, trace_ids)
        for trace in told["Traces"]:
            trace["Duration"] = _lasted(_segments(self, trace["Id"]))
        return told

    return get_trace_ids


def _segments(backend: Any, trace_id: str) -> list[Any]:
    segments: list[Any] = backend._segment_collection._traces[trace_id]["segments"]
    return segments


def _summary(segments: list[Any]) -> dict[str, Any]:
    root = next((one for one in segments if not one.parent_id), segments[0])
    services = {(one.name, one.origin): None for one in segments}
    status = ((root.http or {}).get("response") or {}).get("status")
    marked = {told: any(one.misc.get(mark) for one in segments) for told, mark in _MARKS.items()}
    return marked | {
        "Duration": _lasted(segments),
        "ResponseTime": _lasted([root]),
        "Http": {"HttpStatus": status} if status else {},
        "IsPartial": False,
        "ServiceIds": [
            {"Name": name, "Names": [name]} | ({"Type": origin} if origin else {})
            for name, origin in services
        ],
        "Users": [],
    }


def _lasted(segments: list[Any]) -> float:
    """From the first beginning to the last end, in seconds."""
    first = min(one.start_time for one in segments)
    last = max(one.end_time or one.start_time for one in segments)
    return round(float(last - first), 3)
