"""Dates as events and records of streams write them."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["in_milliseconds", "in_seconds"]


def in_milliseconds(time: float) -> str:
    """ISO 8601 in UTC with milliseconds: ``2026-11-20T10:00:00.000Z``."""
    moment = datetime.fromtimestamp(round(time, 3), UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def in_seconds(time: float) -> str:
    """ISO 8601 in UTC with seconds: ``2026-11-20T10:00:00Z``."""
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ}"
