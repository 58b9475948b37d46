"""Whether an invocation may run now."""

from __future__ import annotations

import asyncio

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error

__all__ = ["Concurrency"]


ACCOUNT_LIMIT = facts.quota("concurrency.account").value


class Concurrency:
    """How many invocations run, against the account's concurrency in one Region."""

    def __init__(self) -> None:
        self._account: dict[tuple[str, str], int] = {}
        self._function: dict[str, int] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    def enter(self, account: str, region: str, arn: str) -> int:
        """Admit one invocation, or raise TooManyRequestsException; gives the function's count."""
        place = (account, region)
        running = self._account.get(place, 0)
        if running >= ACCOUNT_LIMIT:
            raise throttled("ConcurrentInvocationLimitExceeded")
        self._account[place] = running + 1
        self._idle.clear()
        self._function[arn] = self._function.get(arn, 0) + 1
        return self._function[arn]

    def leave(self, account: str, region: str, arn: str) -> None:
        """An admitted invocation is over."""
        self._account[account, region] -= 1
        self._function[arn] -= 1
        if not self._function[arn]:
            del self._function[arn]
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
