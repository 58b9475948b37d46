"""AWS's cron expressions: six fields, of which the days of the month or of the week are ``?``.

Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import product

__all__ = ["Cron"]

_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTH_NUMBERS = {name.upper(): number for name, number in _MONTHS.items()}
_DAY_NUMBERS = {name: number for number, name in enumerate(_DAYS, 1)}
_FIRST_YEAR, _LAST_YEAR = 1970, 2199

# Which days of a month (year, month) a field stands for.
_Days = Callable[[int, int], set[int]]


class Cron:
    """The times of one expression, in whatever time zone they are meant.

    Raises ValueError where the fields are no expression.
    """

    def __init__(self, fields: str) -> None:
        minute, hour, day, month, weekday, year = _six(fields.split())
        self._minutes = sorted(_numbers(minute, 0, 59))
        self._hours = sorted(_numbers(hour, 0, 23))
        self._months = sorted(_numbers(month, 1, 12, _MONTH_NUMBERS))
        self._years = sorted(_numbers(year, _FIRST_YEAR, _LAST_YEAR))
        if (day == "?") == (weekday == "?"):
            raise ValueError("one of day-of-month and day-of-week is a question mark")
        self._days = _days_of_month(day) if weekday == "?" else _days_of_week(weekday)

    def times(self, after: datetime) -> Iterator[datetime]:
        """The times after a minute, without end of their own but that of the years."""
        for year in self._years:
            if year < after.year:
                continue
            for month in self._months:
                if (year, month) >= (after.year, after.month):
                    yield from self._in_month(year, month, after)

    def _in_month(self, year: int, month: int, after: datetime) -> Iterator[datetime]:
        last = calendar.monthrange(year, month)[1]
        for day in sorted(one for one in self._days(year, month) if one <= last):
            for hour, minute in product(self._hours, self._minutes):
                time = datetime(year, month, day, hour, minute)  # noqa: DTZ001 - of any zone
                if time > after:
                    yield time


def _six(fields: list[str]) -> list[str]:
    if len(fields) != 6:
        raise ValueError(f"six fields are needed, not {len(fields)}")
    return fields


def _numbers(field: str, least: int, most: int, names: dict[str, int] | None = None) -> set[int]:
    """What a field stands for: lists, ranges, steps, all."""
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        first, last = _span(span, least, most, names or {}, open_end=bool(slash))
        width = _number(step, {}) if slash else 1
        if width < 1:
            raise ValueError(f"{part} steps by nothing")
        # A range may go over the end: FRI-MON.
        ends = [(first, last)] if first <= last else [(first, most), (least, last)]
        days = [number for start, end in ends for number in range(start, end + 1)]
        found.update(days[::width])
    return found


def _span(
    text: str, least: int, most: int, names: dict[str, int], *, open_end: bool
) -> tuple[int, int]:
    if text == "*":
        return least, most
    start, dash, end = text.partition("-")
    first = _number(start, names)
    last = _number(end, names) if dash else most if open_end else first
    if not (least <= first <= most and least <= last <= most):
        raise ValueError(f"{text} is not between {least} and {most}")
    return first, last


def _number(text: str, names: dict[str, int]) -> int:
    if text.upper() in names:
        return names[text.upper()]
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{text} is no number")
    return int(text)


# Days of the month: L is the last one, LW the last workday, 15W the workday next to the 15th.


def _days_of_month(field: str) -> _Days:
    if field == "L":
        return lambda year, month: {_last(year, month)}
    if field == "LW":
        return lambda year, month: {_workday(year, month, _last(year, month))}
    if field.endswith("W"):
        (wanted,) = _numbers(field[:-1], 1, 31)
        return lambda year, month: (
            {_workday(year, month, wanted)} if wanted <= _last(year, month) else set()
        )
    days = _numbers(field, 1, 31)
    return lambda _year, _month: days


def _last(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _workday(year: int, month: int, day: int) -> int:
    """The workday next to a day, in the same month."""
    weekday = calendar.weekday(year, month, day)
    if weekday == calendar.SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == calendar.SUNDAY:
        return day + 1 if day < _last(year, month) else day - 2
    return day


# Days of the week, 1 for Sunday: 6L is the last Friday of the month, 3#2 the second Tuesday.


def _days_of_week(field: str) -> _Days:
    if "#" in field:
        day, _, which = field.partition("#")
        (weekday,) = _numbers(day, 1, 7, _DAY_NUMBERS)
        (nth,) = _numbers(which, 1, 5)
        return lambda year, month: set(_all(year, month, {weekday})[nth - 1 : nth])
    if field.upper() == "L":
        return lambda year, month: set(_all(year, month, {7}))
    if field.upper().endswith("L"):
        (weekday,) = _numbers(field[:-1], 1, 7, _DAY_NUMBERS)
        return lambda year, month: {_all(year, month, {weekday})[-1]}
    weekdays = _numbers(field, 1, 7, _DAY_NUMBERS)
    return lambda year, month: set(_all(year, month, weekdays))


def _all(year: int, month: int, weekdays: set[int]) -> list[int]:
    """The days of a month that fall on some days of the week."""
    first = calendar.weekday(year, month, 1)
    return [day for day in range(1, _last(year, month) + 1) if (first + day) % 7 + 1 in weekdays]
