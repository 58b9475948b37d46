"""Rotation rules of Secrets Manager: which schedules and windows there are, and where they begin.

Windows begin on the hour, those of a rate in days at midnight, all in UTC. A secret is rotated at
some time within its window; here that is when the window opens.
Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise, takewhile
from typing import Any

from lambdalab.errors import aws_error
from lambdalab.sources.events.cron import Cron
from lambdalab.sources.events.schedule_expressions import parse

__all__ = ["check", "next_date"]

_DAYS = range(1, 1001)
_RATE_HOURS = range(4, 24)
_RATE_DAYS = range(1, 1000)
_WINDOW_HOURS = range(1, 25)
_HOURS_APART = 4
_HOUR, _DAY = 3600, 86400

_RATE = re.compile(r"rate\((\d+) (hour|day)s?\)", re.ASCII)
_CRON = re.compile(r"cron\(([^()]*)\)")
_WINDOW = re.compile(r"(\d+)h", re.ASCII)


def check(rules: Mapping[str, Any]) -> None:
    """Raise AwsError where rules make no sense, in AWS's words."""
    days, expression = rules.get("AutomaticallyAfterDays"), rules.get("ScheduleExpression")
    if days is not None and expression is not None:
        raise aws_error("secret.two-schedules")
    if days is not None and days not in _DAYS:
        raise aws_error("secret.days")
    window = _window(rules.get("Duration"))
    if expression is None:
        return
    rate, cron = _RATE.fullmatch(expression), _CRON.fullmatch(expression)
    if rate:
        _check_rate(int(rate[1]), rate[2], window)
    elif cron:
        _check_cron(cron[1].split(), window)
    else:
        raise aws_error("secret.schedule")


def next_date(expression: str, now: float) -> float | None:
    """When a window opens next; raises ValueError where there is no such expression."""
    rate = _RATE.fullmatch(expression)
    unit = (_DAY if rate[2] == "day" else _HOUR) if rate else 1
    return parse(expression.replace(" /", " 0/")).after(now, now // unit * unit)


def _window(text: str | None) -> int:
    """The hours of a window; none where there is no text."""
    if text is None:
        return 0
    found = _WINDOW.fullmatch(text)
    if not found or int(found[1]) not in _WINDOW_HOURS:
        raise aws_error("secret.window")
    return int(found[1])


def _check_rate(number: int, unit: str, window: int) -> None:
    if unit == "day":
        if number not in _RATE_DAYS:
            raise aws_error("secret.rate-days")
        return
    if number not in _RATE_HOURS:
        raise aws_error("secret.rate-hours")
    if window > number:
        raise aws_error("secret.window-over-rate")


def _check_cron(fields: list[str], window: int) -> None:
    """On the hour, in all years, by one kind of day, and hours that are far enough apart."""
    if len(fields) != 6:
        raise aws_error("secret.schedule")
    minute, hours, day, _month, weekday, year = fields
    on_the_hour = minute == "0" and year == "*"
    if not on_the_hour or (day == "?") == (weekday == "?"):
        raise aws_error("secret.schedule")
    try:
        due = _hours(hours)
    except ValueError:
        raise aws_error("secret.schedule") from None
    if any(later - earlier < _HOURS_APART for earlier, later in pairwise(due)):
        raise aws_error("secret.schedule")
    if due[-1] * (len(due) == 1) + window > 24:
        raise aws_error("secret.window-over-day")


def _hours(field: str) -> list[int]:
    """At which hours of a day a secret is due; ValueError where there are none."""
    midnight = datetime(2000, 1, 1)  # noqa: DTZ001 - of any zone
    times = Cron(f"0 {field} * * ? *".replace(" /", " 0/")).times(midnight - timedelta(minutes=1))
    return [time.hour for time in takewhile(lambda time: time.date() == midnight.date(), times)]
