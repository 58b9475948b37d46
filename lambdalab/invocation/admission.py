"""Whether an invocation may run now."""

from __future__ import annotations

import asyncio

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error
from lambdalab.functions.records import Function

__all__ = ["Concurrency"]


ACCOUNT_LIMIT = facts.quota("concurrency.account").value


class Concurrency:
    """How many invocations run, against the account's concurrency and what functions reserve.

    Concurrency that a function reserves is kept for it, and caps it. Counts are per Region.
    Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
    """

    def __init__(self) -> None:
        self._unreserved: dict[tuple[str, str], int] = {}
        self._function: dict[str, int] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    def enter(self, function: Function, reserved_by_all: int = 0) -> tuple[int, bool]:
        """Admit one invocation, or raise TooManyRequestsException.

        ``reserved_by_all`` is what all functions of the Region reserve together. Gives how many
        invocations of the function run now, and whether this one counts as unreserved.
        """
        running = self._function.get(function.arn, 0)
        if function.reserved_concurrency is not None:
            if running >= function.reserved_concurrency:
                raise throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
            return self._count(function, running), False
        place = function.id[:2]
        if self._unreserved.get(place, 0) >= ACCOUNT_LIMIT - reserved_by_all:
            raise throttled("ConcurrentInvocationLimitExceeded")
        self._unreserved[place] = self._unreserved.get(place, 0) + 1
        return self._count(function, running), True

    def _count(self, function: Function, running: int) -> int:
        self._function[function.arn] = running + 1
        self._idle.clear()
        return running + 1

    def leave(self, function: Function, *, unreserved: bool) -> None:
        """An admitted invocation is over."""
        if unreserved:
            self._unreserved[function.id[:2]] -= 1
        self._function[function.arn] -= 1
        if not self._function[function.arn]:
            del self._function[function.arn]
        if not self._function:
            self._idle.set()

    async def none(self) -> None:
        """Wait until no invocation runs."""
        await self._idle.wait()


def throttled(reason: str) -> AwsError:
    """The refusal of an invocation for lack of concurrency."""
    refusal = aws_error("throttle.invoke")
    refusal.members = {"Reason": reason, "Type": "User", "message": refusal.message}
    return refusal
