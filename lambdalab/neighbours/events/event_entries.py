"""What PutEvents says of entries that it does not take.

moto warns where it should refuse, and does not tell what was sent when there is too much of it.
"""

from __future__ import annotations

import json
from typing import Any

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error

__all__ = ["MOST_ENTRIES", "refusal_of", "too_many"]

MOST_ENTRIES = facts.quota("events.entries").value
_MOST_BYTES = facts.quota("events.request").bytes
_REQUIRED = ("Source", "DetailType", "Detail")
# The members of an entry in the order in which AWS writes them down.
_MEMBERS = (
    "Time", "Source", "Resources", "DetailType", "Detail", "EventBusName", "TraceHeader",
    "KmsKeyIdentifier", "InternalMetadata",
)  # fmt: skip


def too_many(entries: list[dict[str, Any]]) -> AwsError | None:
    """The refusal of a request that holds too many entries, or too much; None where it may pass."""
    if len(entries) > MOST_ENTRIES:
        value = ", ".join(_written(entry) for entry in entries)
        return aws_error("events.too-many-entries", entries=value, most=MOST_ENTRIES)
    if sum(_size(entry) for entry in entries) > _MOST_BYTES:
        return aws_error("events.too-large")
    return None


def refusal_of(entry: dict[str, Any], *, by_client: bool) -> dict[str, Any] | None:
    """The answer for an entry that is not taken; None for one that is."""
    for name in _REQUIRED:
        if not entry.get(name):
            words = facts.message("event-entry.incomplete").format(name=name)
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": words}
    if by_client and entry["Source"].startswith("aws."):
        words = facts.message("event-entry.source-reserved").text
        return {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": words}
    try:
        is_object = isinstance(json.loads(entry["Detail"]), dict)
    except (ValueError, RecursionError):
        is_object = False
    if is_object:
        return None
    words = facts.message("event-entry.detail-malformed").text
    return {"ErrorCode": "MalformedDetail", "ErrorMessage": words}


def _size(entry: dict[str, Any]) -> int:
    """The size of an entry as AWS counts it: its texts, and 14 bytes for a time."""
    texts = [entry.get(name) or "" for name in _REQUIRED] + (entry.get("Resources") or [])
    return sum(len(text.encode()) for text in texts) + (14 if entry.get("Time") else 0)


def _written(entry: dict[str, Any]) -> str:
    shown = []
    for name in _MEMBERS:
        value = entry.get(name)
        text = f"[{', '.join(value)}]" if isinstance(value, list) else value
        shown.append(f"{name[0].lower()}{name[1:]}={'null' if value is None else text}")
    return f"PutEventsRequestEntry({', '.join(shown)})"
