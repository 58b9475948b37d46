"""One figure with its unit, source and date: what a quota or a price is made of."""

from __future__ import annotations

import datetime
import html
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

_SIZES = {"bytes": 1.0, "KB": 1024.0, "MB": 1024.0**2, "GB": 1024.0**3}
_TIMES = {"ms": 0.001, "seconds": 1.0, "minutes": 60.0, "hours": 3600.0, "days": 86400.0}
_SCALES = (_SIZES, _TIMES)


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A figure that AWS publishes.

    Attributes:
        name: dotted name, such as ``memory.maximum``.
        value: number, or text such as a pattern.
        unit: unit of ``value``, or None where it has none.
        source: where the figure stands: a public address, or words.
        checked: day on which it was last compared with the source.
        since: when it came to be so (``2025-10``), where older material says otherwise.
        was: the earlier figure, in the same unit, or words.
        verified: False where no first source confirms the figure.
        note: condition that belongs to the figure.

    """

    name: str
    value: Any
    unit: str | None = None
    source: str
    checked: datetime.date
    since: str | None = None
    was: Any = None
    verified: bool = True
    note: str | None = None

    def __str__(self) -> str:
        """Value and unit as one writes them: ``10,240 MB``."""
        return _written(self.value, self.unit)

    @property
    def earlier(self) -> str | None:
        """Return the earlier figure as one writes it, or None."""
        return None if self.was is None else _written(self.was, self.unit)

    @property
    def bytes(self) -> int:
        """Return the size in bytes; ValueError if the figure is not a size."""
        return int(self.to("bytes").value)

    @property
    def seconds(self) -> float:
        """Return the time in seconds; ValueError if the figure is not a time."""
        return float(self.to("seconds").value)

    def to(self, unit: str) -> Fact:
        """Tell the same fact in another unit of size or of time; ValueError if there is no way."""
        here = self.unit or ""
        for scale in _SCALES:
            if here in scale and unit in scale:
                value = self.value * scale[here] / scale[unit]
                return replace(self, value=int(value) if value == int(value) else value, unit=unit)
        raise ValueError(f"{self.name} is in {self.unit}, which cannot be told in {unit}")

    def _repr_html_(self) -> str:
        parts = [f"<strong>{html.escape(str(self))}</strong>", f"<code>{self.name}</code>"]
        if self.note:
            parts.append(html.escape(self.note))
        if self.earlier:
            since = f" (until {self.since})" if self.since else ""
            parts.append(f"Older material: {html.escape(self.earlier)}{since}.")
        if not self.verified:
            parts.append("<em>Not verified: no first source confirms it.</em>")
        parts.append(f"Source: {linked(self.source)}, checked {self.checked}.")
        return f'<p class="lambdalab-fact">{" ".join(parts)}</p>'


def linked(source: str) -> str:
    """Write a source as HTML, its address turned into a link."""
    link = r'<a href="\g<0>">\g<0></a>'
    return re.sub(r"https://[\w./#-]+", link, html.escape(source))


def _written(value: Any, unit: str | None) -> str:
    if isinstance(value, str):
        return value
    number = _number(value, money=unit is not None and unit.startswith("USD"))
    if unit is None:
        return number
    if unit == "%":
        return f"{number}%"
    return f"{number} {_singular(unit) if value == 1 else unit}"


def _number(value: float, *, money: bool) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    digits = format(Decimal(repr(value)), ",f")
    whole, _, fraction = digits.partition(".")
    return f"{whole}.{fraction:0<2}" if money else digits


def _singular(unit: str) -> str:
    """Write ``requests per second`` for one: ``request per second``."""
    counted, per, rest = unit.partition(" per ")
    symbol = counted in ("ms", "MBps", "Mbps")
    return (counted if symbol else counted.removesuffix("s")) + per + rest
