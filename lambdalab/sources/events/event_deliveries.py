"""Deliveries of EventBridge's rules and schedules: tried again for a day, then a dead letter.

What cannot succeed (no such function, no permission) is not tried again.
Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from lambdalab import facts
from lambdalab.clock import Hold, LabClock, Scheduled
from lambdalab.errors import AwsError
from lambdalab.neighbours.messages import sqs
from lambdalab.timeline import Record, Timeline

__all__ = ["Deliveries", "Delivery", "RetryPolicy"]

_RETRIES = facts.quota("events.retries-default").value
_AGE = facts.quota("events.age-default").seconds
_FIRST_WAIT = facts.quota("events.retry-first-wait").seconds
_LONGEST_WAIT = facts.quota("events.retry-longest-wait").seconds

# EventBridge's names for what went wrong; what is not here is worth another try.
_CODES = {
    "ResourceNotFoundException": "NO_RESOURCE",
    "AccessDeniedException": "NO_PERMISSIONS",
    "InvalidRequestContentException": "INVALID_JSON",
    "InvalidParameterValueException": "INVALID_PARAMETER",
    "RequestEntityTooLargeException": "INVALID_PARAMETER",
    "RequestTooLargeException": "INVALID_PARAMETER",
    "ValidationException": "INVALID_PARAMETER",
    "NotImplementedException": "SDK_CLIENT_ERROR",
}
_NAMES = {**_CODES, "TooManyRequestsException": "THROTTLING"}
_UNNAMED = "ERROR_FROM_TARGET"


@dataclass(frozen=True)
class RetryPolicy:
    """How often a delivery is tried again, and for how long, in seconds."""

    attempts: int = _RETRIES
    age: float = _AGE

    @staticmethod
    def of(given: Mapping[str, Any] | None) -> RetryPolicy:
        """As a target says it; AWS's defaults for what it does not say."""
        policy = given or {}
        return RetryPolicy(
            int(policy.get("MaximumRetryAttempts", _RETRIES)),
            float(policy.get("MaximumEventAgeInSeconds", _AGE)),
        )


@dataclass(eq=False)
class Delivery:
    """One event for one target.

    ``act`` delivers; it is called in a thread, may block, and raises AwsError. ``letter`` is what
    the dead-letter queue ``queue`` gets, with ``attributes`` that say what it was for;
    ``own_codes`` says whether those tell the target's code of what went wrong, or EventBridge's.
    """

    target: str
    act: Callable[[], object]
    policy: RetryPolicy
    queue: str | None
    letter: str
    attributes: Mapping[str, str]
    own_codes: bool = False
    began: float = 0.0
    retries: int = 0

    @property
    def name(self) -> str:
        """The name of the function, or of whatever else the target is."""
        return self.target.split(":")[6 if ":lambda:" in self.target else -1]


class Deliveries:
    """All deliveries of one cloud, whose event loop is ``loop``."""

    def __init__(
        self,
        clock: LabClock,
        timeline: Timeline,
        random: Random,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._clock = clock
        self._timeline = timeline
        self._random = random
        self._loop = loop
        self._waiting: dict[Delivery, Scheduled] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, delivery: Delivery) -> None:
        """Try it now, in the thread that calls; what fails is tried again, or buried."""
        delivery.began = self._clock.now()
        self._try(delivery)

    def later(self, act: Callable[[], None]) -> None:
        """Do something that blocks, in a thread; winding waits for it. From the loop's thread."""
        task = self._loop.create_task(self._in_thread(act, self._clock.hold()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def clear(self) -> None:
        """Forget all that waits."""
        for waiting in self._waiting.values():
            waiting.cancel()
        self._waiting.clear()

    async def drained(self) -> None:
        """Wait until nothing is being delivered."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _in_thread(self, act: Callable[[], None], hold: Hold) -> None:
        try:
            await asyncio.to_thread(act)
        finally:
            hold.release()

    def _try(self, delivery: Delivery) -> None:
        try:
            delivery.act()
        except AwsError as error:
            self._failed(delivery, error)
        except Exception as error:
            # Whatever is wrong in the lab: no event is lost for it, and the timeline tells.
            self._failed(delivery, AwsError("ServiceException", str(error), 500))

    def _failed(self, delivery: Delivery, error: AwsError) -> None:
        left = delivery.began + delivery.policy.age - self._clock.now()
        if error.code in _CODES:
            self._bury(delivery, error, None)
        elif delivery.retries >= delivery.policy.attempts:
            self._bury(delivery, error, "MaximumRetryAttempts")
        elif left <= 0:
            self._bury(delivery, error, "MaximumEventAgeInSeconds")
        else:
            longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(delivery.retries, 30))
            delay = min(left, longest * (0.5 + self._random.random() / 2))
            delivery.retries += 1
            self._tell("retry", delivery, reason=error.code, attempts=delivery.retries, delay=delay)
            with contextlib.suppress(RuntimeError):  # the cloud has ended
                self._loop.call_soon_threadsafe(self._wait, delivery, delay)

    def _wait(self, delivery: Delivery, delay: float) -> None:
        self._waiting[delivery] = self._clock.call_later(delay, lambda: self._again(delivery))

    def _again(self, delivery: Delivery) -> None:
        self._waiting.pop(delivery, None)
        self.later(lambda: self._try(delivery))

    def _bury(self, delivery: Delivery, error: AwsError, exhausted: str | None) -> None:
        """Give it up: into the dead-letter queue, where there is one."""
        self._tell(
            "dropped", delivery, condition=exhausted or error.code, attempts=delivery.retries,
            reason=error.message,
        )  # fmt: skip
        if delivery.queue is None:
            return
        own = str(getattr(error, "own", error.code))
        told = {
            "TARGET_ARN": delivery.target,
            **delivery.attributes,
            "ERROR_CODE": own if delivery.own_codes else _NAMES.get(error.code, _UNNAMED),
            "ERROR_MESSAGE": error.message,
            "RETRY_ATTEMPTS": str(delivery.retries),
        }
        if exhausted:
            told["EXHAUSTED_RETRY_CONDITION"] = exhausted
        attributes = {name: ("String", value) for name, value in told.items()}
        try:
            sqs.send(delivery.queue, delivery.letter, attributes, None)
        except Exception as refused:
            words = str(getattr(refused, "message", None) or refused) or type(refused).__name__
            self._tell("undelivered", delivery, what="dead letter", to=delivery.queue, error=words)
        else:
            self._tell("delivered", delivery, what="dead letter", to=delivery.queue)

    def _tell(self, kind: str, delivery: Delivery, **detail: object) -> None:
        now = self._clock.now()
        self._timeline.add(Record(now, kind, delivery.name, None, None, None, dict(detail)))
