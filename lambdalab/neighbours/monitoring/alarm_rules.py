"""When an alarm is in which state: its data points, those that are missing, and the words for it.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from lambdalab import facts

__all__ = [
    "ALARM",
    "COMPARISONS",
    "INSUFFICIENT",
    "OK",
    "Point",
    "Rule",
    "Verdict",
    "judge",
    "stamp",
]

OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_WORDS = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}
_TREATED = {"breaching": "Breaching", "notBreaching": "NonBreaching"}


class Point(NamedTuple):
    """What a metric was in the period that begins at ``time`` (seconds); None where nothing was."""

    time: float
    value: float | None


class Rule(NamedTuple):
    """What an alarm wants: ``needed`` of ``periods`` data points beyond the threshold."""

    comparison: str
    threshold: float
    periods: int
    needed: int
    missing: str


class Verdict(NamedTuple):
    """The state that the data points earn, why, and those that count, the oldest first."""

    state: str
    reason: str
    points: tuple[Point, ...]


def judge(rule: Rule, points: Sequence[Point], state: str) -> Verdict | None:
    """The verdict on ``points``, the newest first; None where an alarm keeps its ``state``.

    There are more of them than the alarm has periods: where some are missing, older ones count.
    """
    breaches = COMPARISONS[rule.comparison]
    real = [point for point in points if point.value is not None][: rule.periods]
    bad = [point for point in real if breaches(point.value or 0.0, rule.threshold)]
    gaps = rule.periods - len(real)
    if not real:
        return _without_data(rule)
    filled = gaps if rule.missing == "breaching" else 0
    if len(bad) + filled >= rule.needed or (rule.missing == "missing" and _old(rule, points, bad)):
        return _verdict(rule, ALARM, bad, real, state)
    if gaps and rule.missing in ("missing", "ignore") and len(bad) == len(real):
        return None
    return _verdict(rule, OK, [one for one in real if one not in bad], real, state)


def _old(rule: Rule, points: Sequence[Point], bad: list[Point]) -> bool:
    """Whether all that is known is bad, and has been so for as long as the alarm wants it."""
    known = [point for point in points if point.value is not None]
    return known == bad and points.index(bad[-1]) + 1 >= rule.needed


def _without_data(rule: Rule) -> Verdict | None:
    if rule.missing == "ignore":
        return None
    treated = _TREATED.get(rule.missing)
    if treated is None:
        words = facts.message("alarm.unknown")
        return Verdict(INSUFFICIENT, words.format(points=_counted(rule.periods, True)), ())
    words = facts.message("alarm.no-data")
    reason = words.format(
        periods=f"{rule.periods} period{'' if rule.periods == 1 else 's'}",
        missing=f"{rule.periods} missing datapoint{'' if rule.periods == 1 else 's'}",
        were="was" if rule.periods == 1 else "were",
        treated=treated,
    )
    return Verdict(ALARM if rule.missing == "breaching" else OK, reason, ())


def _counted(number: int, verb: bool) -> str:
    if not verb:
        return f"{number} datapoint{'' if number == 1 else 's'}"
    return f"{number} datapoint was" if number == 1 else f"{number} datapoints were"


def _verdict(
    rule: Rule, new: str, chosen: Sequence[Point], real: Sequence[Point], old: str
) -> Verdict:
    needed = rule.needed if new == ALARM else rule.periods - rule.needed + 1
    beyond = _WORDS[rule.comparison]
    reason = facts.message("alarm.crossed").format(
        count=len(chosen),
        periods=rule.periods,
        values=", ".join(f"{point.value} ({_time(point.time)})" for point in chosen),
        were="was" if len(chosen) == 1 else "were",
        beyond=beyond if new == ALARM else f"not {beyond}",
        threshold=rule.threshold,
        points=_counted(needed, False),
        transition=f"{old} -> {new}",
    )
    return Verdict(new, reason, tuple(reversed(real)))


def stamp(seconds: float) -> str:
    """A time in seconds as CloudWatch writes it."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%d/%m/%y %H:%M:%S}"
