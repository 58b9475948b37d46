"""How a clock has gone: in spans of real time, each with its own pace."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from typing import NamedTuple

__all__ = ["History", "Span"]

# Spans of at least so many seconds are kept, and so many of them.
SHORTEST = 0.01
MOST = 10_000


class Span(NamedTuple):
    """From ``real`` on (seconds of some clock), time is ``platform`` and goes at ``rate``."""

    real: float
    platform: float
    rate: float

    def at(self, real: float) -> float:
        """The platform time that belongs to a real one in this span."""
        return self.platform + (real - self.real) * self.rate


class History:
    """The spans of one clock, oldest first."""

    def __init__(self, first: Span) -> None:
        self._spans: deque[Span] = deque([first], maxlen=MOST)

    def add(self, span: Span) -> None:
        """A new span begins."""
        if len(self._spans) > 1 and span.real - self._spans[-1].real < SHORTEST:
            span = span._replace(real=self._spans.pop().real)
        self._spans.append(span)

    def at(self, real: float, now: float) -> float:
        """What the clock showed at ``real``; before its beginning and after ``now`` it is real."""
        spans = list(self._spans)
        index = bisect_right(spans, real, key=lambda span: span.real)
        if index == 0:
            return spans[0].platform + real - spans[0].real
        if real > now:
            return spans[-1].at(now) + real - now
        found = spans[index - 1].at(real)
        # What was wound over in one moment lies behind it.
        return found if index == len(spans) else min(found, spans[index].platform)
