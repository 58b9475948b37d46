"""Throttles: so many requests in a second, and so many at once.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from lambdalab.clock import LabClock

__all__ = ["Throttle"]


@dataclass
class _Bucket:
    """Tokens, filled at a rate up to a burst."""

    tokens: float
    seen: float

    def take(self, now: float, rate: float, burst: float) -> bool:
        self.tokens = min(burst, self.tokens + (now - self.seen) * rate)
        self.seen = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Throttle:
    """Counts requests against limits, each by its key."""

    def __init__(self, clock: LabClock) -> None:
        self._clock = clock
        self._buckets: dict[Hashable, _Bucket] = {}

    def clear(self) -> None:
        """Forget all requests."""
        self._buckets.clear()

    def admits(self, key: Hashable, rate: float | None, burst: float | None) -> bool:
        """Whether one more request may come in; without limits, any."""
        if rate is None and burst is None:
            return True
        now = self._clock.now()
        most = float(burst if burst is not None else rate or 0)
        return self._buckets.setdefault(key, _Bucket(most, now)).take(now, float(rate or 0), most)
