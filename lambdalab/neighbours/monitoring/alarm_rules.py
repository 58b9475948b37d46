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
    """What a metric was in the period that begins at ``time`` (seconds); None where nothing was.

    ``samples`` is how many values it is made of, where that is known.
    """

    time: float
    value: float | None
    samples: float | None = None


class Rule(NamedTuple):
    """What an alarm wants: ``needed`` of ``periods`` data points beyond the threshold.

    ``of_last`` is whether the alarm says itself how many are needed: then its reasons do so, too.
    """

    comparison: str
    threshold: float
    periods: int
    needed: int
    missing: str
    of_last: bool = False


class Verdict(NamedTuple):
    """The state that the data points earn, why, and those that count, the newest first."""

    state: str
    reason: str
    points: tuple[Point, ...]


def judge(rule: Rule, points: Sequence[Point]) -> Verdict | None:
    """The verdict on ``points``, the newest first; None where an alarm keeps its state.

    There are more of them than the alarm has periods: where some are missing, older ones count.
    """
    breaches = COMPARISONS[rule.comparison]
    real = [point for point in points if point.value is not None][: rule.periods]
    bad = [point for point in real if breaches(point.value or 0.0, rule.threshold)]
    gaps = rule.periods - len(real)
    if not real:
        return _without_data(rule, points)
    filled = gaps if rule.missing == "breaching" else 0
    if len(bad) + filled >= rule.needed or (rule.missing == "missing" and _old(rule, points, bad)):
        return Verdict(ALARM, _reason(rule, ALARM, bad, real), tuple(real))
    if gaps and rule.missing in ("missing", "ignore") and len(bad) == len(real):
        return None
    good = [one for one in real if one not in bad]
    return Verdict(OK, _reason(rule, OK, good, real), tuple(real))


def _old(rule: Rule, points: Sequence[Point], bad: list[Point]) -> bool:
    """Whether all that is known is bad, and has been so for as long as the alarm wants it."""
    known = [point for point in points if point.value is not None]
    return known == bad and points.index(bad[-1]) + 1 >= rule.needed


def _without_data(rule: Rule, points: Sequence[Point]) -> Verdict | None:
    if rule.missing == "ignore":
        return None
    missing = tuple(points[: rule.periods])
    if rule.missing not in _TREATED:
        words = facts.message("alarm.unknown").format(points=_received(rule.periods))
        return Verdict(INSUFFICIENT, words, missing)
    state = ALARM if rule.missing == "breaching" else OK
    return Verdict(state, _filled_only(rule, 0), missing)


# The words for it.


def _reason(rule: Rule, state: str, chosen: Sequence[Point], real: Sequence[Point]) -> str:
    """Why: the data points that earn the state, or that what is missing has earned it."""
    if not chosen:
        return _filled_only(rule, len(real))
    beyond = _WORDS[rule.comparison]
    return facts.message("alarm.crossed").format(
        points=_points(rule, len(chosen)),
        values=", ".join(f"{point.value} ({_time(point.time)})" for point in chosen),
        were=_were(len(chosen)),
        beyond=beyond if state == ALARM else f"not {beyond}",
        threshold=rule.threshold,
        filled=_filled(rule, rule.periods - len(real)),
        least=_least(rule, state),
    )


def _points(rule: Rule, count: int) -> str:
    if not rule.of_last:
        return _counted(count, "datapoint")
    return facts.message("alarm.points-of").format(count=count, periods=rule.periods)


def _least(rule: Rule, state: str) -> str:
    if not rule.of_last:
        return ""
    needed = rule.needed if state == ALARM else rule.periods - rule.needed + 1
    return facts.message("alarm.least").format(
        points=_counted(needed, "datapoint"),
        transition="OK -> ALARM" if state == ALARM else "ALARM -> OK",
    )


def _filled(rule: Rule, gaps: int) -> str:
    if not gaps or rule.missing not in _TREATED:
        return ""
    return facts.message("alarm.filled").format(
        missing=_counted(gaps, "missing datapoint"),
        were=_were(gaps),
        treated=_TREATED[rule.missing],
    )


def _filled_only(rule: Rule, received: int) -> str:
    return facts.message("alarm.no-data").format(
        received=_received(received) if received else "no datapoints were",
        periods=_counted(rule.periods, "period"),
        filled=_filled(rule, rule.periods - received),
    )


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _received(number: int) -> str:
    return f"{_counted(number, 'datapoint')} {_were(number)}"


def stamp(seconds: float) -> str:
    """A time in seconds as CloudWatch writes it."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%d/%m/%y %H:%M:%S}"
