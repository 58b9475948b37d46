"""What happened, as a learner reads it: a sequence, a table, a picture."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, overload

from lambdalab.lab.tables import html_table, text_table
from lambdalab.timeline import CAPACITY, Record

if TYPE_CHECKING:
    from lambdalab.lab.control import Control
    from lambdalab.lab.lanes import Span
    from lambdalab.lab.picture import Picture

__all__ = ["Timeline", "TimelineReader"]

SHOWN = 50


class Timeline(Sequence[Record]):
    """Records in the order of their times, newest last; it does not change any more."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = sorted(records, key=lambda record: record.time)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Timeline: ...
    def __getitem__(self, index: int | slice) -> Record | Timeline:
        if isinstance(index, slice):
            return Timeline(self._records[index])
        return self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def of(self, function: str) -> Timeline:
        """Only the records of one function."""
        return Timeline(record for record in self if record.function == function)

    def kind(self, *kinds: str) -> Timeline:
        """Only the records of these kinds, such as "invoke" or "init"."""
        return Timeline(record for record in self if record.kind in kinds)

    def table(self) -> dict[str, list[Any]]:
        """One list per column, as ``pandas.DataFrame(...)`` takes them; times are UTC datetimes."""
        columns: dict[str, list[Any]] = {
            name: [getattr(record, name) for record in self] for name in Record._fields
        }
        columns["time"] = [datetime.fromtimestamp(time, UTC) for time in columns["time"]]
        return columns

    def data(self) -> list[Span]:
        """Return the spans that ``picture()`` draws, lane by lane: see ``lambdalab.lab.lanes``."""
        from lambdalab.lab.lanes import spans

        return spans(self)

    def picture(self) -> Picture:
        """Draw the environments as lanes: what each of them did, and when it was frozen."""
        from lambdalab.lab.picture import Picture

        return Picture(self)

    def __repr__(self) -> str:
        if not self:
            return "(nothing has happened yet)"
        text = text_table(_shown(self._records))
        return "\n".join([line for line in [_left_out(self)] if line] + [text])

    def _repr_html_(self) -> str:
        if not self:
            return "<p>Nothing has happened yet.</p>"
        left_out = _left_out(self)
        note = f" ({left_out})" if left_out else ""
        return html_table(_shown(self._records), f"What happened, newest last{note}")


class TimelineReader:
    """Fetches what is new in the cloud's timeline and keeps what it has: one lab has one."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._lock = threading.Lock()
        self._records: deque[Record] = deque(maxlen=CAPACITY)
        self._next = 0

    def forget(self) -> None:
        """Start anew: the cloud was reset."""
        with self._lock:
            self._records.clear()
            self._next = 0

    def read(self) -> Timeline:
        """All that has happened until now."""
        with self._lock:
            new, self._next = self._control.timeline(self._next)
            self._records.extend(Record(*row) for row in new)
            return Timeline(self._records)


def _left_out(timeline: Timeline) -> str:
    earlier = len(timeline) - SHOWN
    return f"{earlier} earlier records are not shown" if earlier > 0 else ""


def _shown(records: list[Record]) -> dict[str, list[str]]:
    records = records[-SHOWN:]
    return {
        "Time (UTC)": [_time_text(record.time) for record in records],
        "Kind": [record.kind for record in records],
        "Function": [record.function for record in records],
        "Environment": [record.environment or "" for record in records],
        "Duration (ms)": [_milliseconds(record.duration) for record in records],
        "Detail": [_detail_text(record) for record in records],
    }


def _time_text(seconds: float) -> str:
    text = datetime.fromtimestamp(seconds, UTC).isoformat(" ", "milliseconds")
    return text.removesuffix("+00:00")


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.1f}"


def _detail_text(record: Record) -> str:
    """Return the detail of a record in words."""
    known = {key: value for key, value in record.detail.items() if value is not None}
    return ", ".join(_word(key, value) for key, value in known.items())


def _word(key: str, value: Any) -> str:
    return _WORDS[key](value) if key in _WORDS else f"{key}={value}"


# "key=value" is clear for anything; what stands in most rows reads better as words.
_WORDS: dict[str, Callable[[Any], str]] = {
    "change": str,
    "reason": str,
    "status": str,
    "cold": lambda cold: "cold start" if cold else "warm",
    "memory_mb": lambda size: f"{size} MB used",
}
