"""One event of the queue: what it is for, what became of it so far, how long it may stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from lambdalab import facts
from lambdalab.errors import AwsError
from lambdalab.execution.spec import Invocation, Outcome
from lambdalab.functions.event_configs import EVENT_CONFIG
from lambdalab.functions.lookup import Located
from lambdalab.functions.records import Function

__all__ = ["Attempt", "QueuedEvent"]

_RETRIES = facts.quota("asynchronous.retries-default").value
_AGE = facts.quota("asynchronous.event-age-default").seconds


class Attempt(NamedTuple):
    """A run of the function, and the version that ran."""

    outcome: Outcome
    executed: str


@dataclass(eq=False, slots=True)
class QueuedEvent:
    """An event that waits for its function, or is with it.

    ``accepted`` is platform time; ``attempts`` counts the runs, ``throttles`` the refusals since
    the last one; ``last`` is the latest run, ``refused`` the latest refusal.
    """

    target: Located
    invocation: Invocation
    accepted: float
    attempts: int = 0
    throttles: int = 0
    last: Attempt | None = None
    refused: AwsError | None = None

    @property
    def function(self) -> Function:
        """The function that the event is for."""
        return self.target.function

    @property
    def gone(self) -> bool:
        """Whether the version or alias that the event is for exists no more."""
        return self.function.version(self.target.qualifier) is None

    @property
    def config(self) -> dict[str, Any]:
        """The settings of asynchronous invocation at what the request named; they hold at once."""
        config: dict[str, Any] = self.function.attachments(EVENT_CONFIG).get(self.target.key, {})
        return config

    @property
    def most_retries(self) -> int:
        """How often a function error is retried."""
        return int(self.config.get("MaximumRetryAttempts", _RETRIES))

    @property
    def expires(self) -> float:
        """When the event is too old, in platform time."""
        return self.accepted + float(self.config.get("MaximumEventAgeInSeconds", _AGE))
