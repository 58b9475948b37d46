"""Schedule expressions: ``rate(5 minutes)``, ``cron(0 9 ? * MON *)``, ``at(2026-12-24T18:00:00)``.

Rules take rates and crons in UTC; EventBridge Scheduler also takes single times, and time zones.
Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from lambdalab.sources.events.cron import Cron

__all__ = ["Expression", "is_rule_schedule", "parse", "zone_of"]

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)", re.ASCII)
_CRON = re.compile(r"cron\(([^()]*)\)")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)", re.ASCII)
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


class Expression(Protocol):
    """When a schedule is due; ``once`` tells whether it is due a single time."""

    once: bool

    def after(self, time: float, anchor: float) -> float | None:
        """The first time after ``time``, in seconds since the epoch; None where there is none.

        ``anchor`` is when the schedule began: rates count from there.
        """


def parse(text: str, zone: ZoneInfo | None = None) -> Expression:
    """Read an expression, meant in a time zone (UTC); raises ValueError where it is none."""
    place = zone or ZoneInfo("UTC")
    rate = _RATE.fullmatch(text)
    if rate and int(rate[1]) > 0:
        return _Rate(int(rate[1]) * _SECONDS[rate[2]])
    cron = _CRON.fullmatch(text)
    if cron:
        return _CronTimes(Cron(cron[1]), place)
    single = _AT.fullmatch(text)
    if single:
        return _Once(datetime.fromisoformat(single[1]), place)
    raise ValueError(f"{text} is no schedule expression")


def is_rule_schedule(text: str) -> bool:
    """Whether a rule takes an expression: no single time, and ``1 minute`` but ``2 minutes``."""
    rate = _RATE.fullmatch(text)
    if rate and (int(rate[1]) == 1) == bool(rate[3]):
        return False
    try:
        return not parse(text).once
    except ValueError:
        return False


def zone_of(name: str) -> ZoneInfo:
    """The time zone of an IANA name; raises ValueError where there is none."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError(f"{name} is no time zone") from None


class _Rate:
    once = False

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds

    def after(self, time: float, anchor: float) -> float | None:
        if time < anchor:
            return anchor
        # In whole steps: what is due now is not due again because of a rounding.
        steps = int((time - anchor) / self._seconds + 1e-6)
        return anchor + (steps + 1) * self._seconds


class _CronTimes:
    once = False

    def __init__(self, cron: Cron, zone: ZoneInfo) -> None:
        self._cron = cron
        self._zone = zone

    def after(self, time: float, anchor: float) -> float | None:
        """A time that the change to summer leaves out is left out; one that comes twice is once."""
        start = max(time, anchor)
        local = datetime.fromtimestamp(start, self._zone).replace(tzinfo=None, second=0)
        for candidate in self._cron.times(local.replace(microsecond=0)):
            found = _seconds(candidate, self._zone)
            if found is not None and found > start:
                return found
        return None


class _Once:
    once = True

    def __init__(self, time: datetime, zone: ZoneInfo) -> None:
        self._due = _seconds(time, zone)

    def after(self, time: float, anchor: float) -> float | None:
        del anchor  # a single time counts from nothing
        return None if self._due is None or self._due <= time else self._due


def _seconds(local: datetime, zone: ZoneInfo) -> float | None:
    """A local time in seconds since the epoch; None where the clocks go over it."""
    aware = local.replace(tzinfo=zone, fold=0)
    back = aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    return aware.timestamp() if back == local else None
