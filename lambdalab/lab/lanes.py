"""The timeline as lanes: for each environment, what it did from when to when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from lambdalab.timeline import Record

__all__ = ["FAILED", "NO_LANE", "STARTS", "Span", "duration_text", "spans"]

# A refused invocation reaches no environment: it is shown in a lane of its own.
NO_LANE = "refused"
FAILED = "failed"
# Between two things that follow at once lies the way through the machinery, not a freeze.
_SHORTEST_FREEZE = 0.005


class Span(NamedTuple):
    """One stretch of a lane, from ``start`` to ``end`` in platform seconds since the epoch.

    ``kind`` is "init", "restore", "invoke", "failed" (an invoke without success), "frozen", "end"
    or "throttle"; the last two have no length. ``label`` says what is special about it.
    """

    environment: str
    function: str
    kind: str
    start: float
    end: float
    label: str

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.start


def spans(records: Iterable[Record]) -> list[Span]:
    """All spans, lane after lane in the order in which they begin, each lane in order of time."""
    lanes: dict[tuple[str, str], list[Span]] = {}
    for record in records:
        if record.kind in _KINDS:
            span = _span(record)
            lanes.setdefault((span.function, span.environment), []).append(span)
    last = max((span.end for lane in lanes.values() for span in lane), default=0.0)
    return [span for lane in lanes.values() for span in _with_freezes(_one_by_one(lane), last)]


def duration_text(seconds: float) -> str:
    """``seconds`` in at most two units: "45 ms", "1.2 s", "6 min 30 s", "3 d 4 h"."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 59.95:
        return f"{seconds:.3g} s"
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    rest, parts = round(seconds), []
    for unit, size in units:
        count, rest = divmod(rest, size)
        parts.append(f"{count} {unit}" if count else "")
    first = next(index for index, part in enumerate(parts) if part)
    return " ".join(part for part in parts[first : first + 2] if part)


STARTS = ("init", "restore")
_KINDS = {*STARTS, "invoke", "end", "throttle"}


def _span(record: Record) -> Span:
    status = record.detail.get("status", "success")
    failed = record.kind == "invoke" and status != "success"
    return Span(
        environment=record.environment or NO_LANE,
        function=record.function,
        kind=FAILED if failed else record.kind,
        start=record.time,
        end=record.time + (record.duration or 0.0),
        label=str(record.detail.get("reason", status if failed else "")),
    )


def _one_by_one(lane: list[Span]) -> list[Span]:
    """Give an INIT inside an invocation, as after a reset, its own place: before the rest of it."""
    inits = [span for span in lane if span.kind in STARTS]
    apart = [span if span.kind in STARTS else _after(span, inits) for span in lane]
    return sorted(apart, key=lambda span: span.start)


def _after(span: Span, inits: list[Span]) -> Span:
    inside = (init.end for init in inits if span.start <= init.start < span.end)
    return span._replace(start=min(max(inside, default=span.start), span.end))


def _with_freezes(lane: list[Span], last: float) -> Iterator[Span]:
    """Yield the lane and what lies between its spans; after its end there is nothing."""
    for span, after in pairwise(lane):
        yield span
        yield from _freeze(span, after.start)
    yield lane[-1]
    if lane[-1].kind != "end":
        yield from _freeze(lane[-1], last)


def _freeze(span: Span, until: float) -> Iterator[Span]:
    if span.environment != NO_LANE and until - span.end >= _SHORTEST_FREEZE:
        yield span._replace(kind="frozen", start=span.end, end=until, label="")
