"""How often the API may be called: AWS's request rates, for who wants to meet them.

Each account has its own allowance in each Region: one for GetFunction, one for GetPolicy, and one
for all other operations of the control plane together. An allowance is a bucket that fills up at
the rate and holds what a second brings.
Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

from lambdalab import facts
from lambdalab.clock import LabClock
from lambdalab.errors import AwsError, aws_error
from lambdalab.functions.lookup import Caller

__all__ = ["RequestRates"]

_SHARED = "rate.control-plane"
_OF_THEIR_OWN = {"GetFunction": "rate.get-function", "GetPolicy": "rate.get-policy"}
# Invocations have rates of their own, which come from concurrency.
_INVOCATIONS = {"Invoke", "InvokeAsync", "InvokeWithResponseStream"}


class RequestRates:
    """Counts the calls of each account in each Region, on the lab's clock."""

    def __init__(self, clock: LabClock) -> None:
        self._clock = clock
        # For each allowance: what is left of it, and when that was so.
        self._left: dict[tuple[str, str, str], tuple[float, float]] = {}

    def clear(self) -> None:
        """All allowances are full again."""
        self._left.clear()

    def spend(self, caller: Caller, operation: str) -> None:
        """Let a call pass, or raise TooManyRequestsException."""
        if operation in _INVOCATIONS:
            return
        name = _OF_THEIR_OWN.get(operation, _SHARED)
        rate = facts.quota(name).value
        key = (caller.account, caller.region, name)
        now = self._clock.now()
        left, then = self._left.get(key, (rate, now))
        left = min(rate, left + (now - then) * rate)
        allowed = left >= 1
        self._left[key] = (left - allowed, now)
        if not allowed:
            raise _too_many()


def _too_many() -> AwsError:
    error = aws_error("throttle.caller")
    reason = "CallerRateLimitExceeded"
    error.members = {"Reason": reason, "Type": "User", "message": error.message}
    return error
