"""How many batches of one queue a mapping has processed at a time.

It begins with five; while all are busy and messages wait, more are added minute by minute, up to a
limit; when the queue has been emptied it begins anew. A batch that fails takes one away, a batch
that succeeds gives one back. (AWS says that it backs off gradually; how, it does not say.)
Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""

from __future__ import annotations

from typing import Any

from lambdalab import facts

__all__ = ["Scaling"]

_FIRST = facts.quota("mapping.queue-batches-first").value
_MOST = facts.quota("mapping.queue-batches-most").value
_PER_MINUTE = facts.quota("mapping.queue-batches-per-minute").value
_PROVISIONED = facts.quota("mapping.queue-batches-per-minute-provisioned").value
_PER_POLLER = facts.quota("mapping.queue-batches-per-poller").value
# What floating point may lack of a whole batch.
_ROUNDING = 1e-4


class Scaling:
    """The limit of one mapping, by its settings; times are platform time in seconds."""

    def __init__(self, settings: dict[str, Any]) -> None:
        pollers = settings.get("ProvisionedPollerConfig")
        wanted = (settings.get("ScalingConfig") or {}).get("MaximumConcurrency")
        self._most = wanted or (pollers["MaximumPollers"] * _PER_POLLER if pollers else _MOST)
        self._first = min(
            self._most, pollers["MinimumPollers"] * _PER_POLLER if pollers else _FIRST
        )
        self._per_second: float = (_PROVISIONED if pollers else _PER_MINUTE) / 60
        self._limit = float(self._first)
        self._busy_since: float | None = None

    @property
    def limit(self) -> int:
        """How many batches may be processed at a time."""
        return int(self._limit + _ROUNDING)

    def grow(self, now: float) -> None:
        """Add what has come up to now, if all have been busy."""
        if self._busy_since is not None:
            grown = (now - self._busy_since) * self._per_second
            self._limit = min(self._most, self._limit + grown)
            self._busy_since = now

    def saturated(self, now: float) -> float | None:
        """All are busy and messages wait: the limit grows; gives when it is larger, or None."""
        self._busy_since = now
        if self._limit >= self._most:
            return None
        return now + (self.limit + 1 - self._limit) / self._per_second

    def relaxed(self) -> None:
        """Not all are busy."""
        self._busy_since = None

    def emptied(self) -> None:
        """The queue has nothing more: begin anew."""
        self._busy_since = None
        self._limit = min(self._limit, self._first)

    def failed(self) -> None:
        """A batch was refused, or failed as a whole."""
        self._limit = max(1.0, self._limit - 1)

    def succeeded(self) -> None:
        """A batch has succeeded."""
        if self._limit < self._first:
            self._limit += 1
