"""A function that is about to be ready is worth waiting for.

Services that deliver asynchronously try again where a function cannot be invoked for the moment.
Right after its creation a function is ``Pending``; nothing else that Lambda says to such a delivery
goes by with time. How often each of them tries is told for SNS only.
Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
"""

from __future__ import annotations

from collections.abc import Callable

from lambdalab import facts
from lambdalab.clock import LabClock
from lambdalab.errors import AwsError

__all__ = ["later"]

_PENDING = facts.message("state.pending").code
# Until the next try, in seconds: SNS's before it backs off.
_WAIT = 1.0


def later(clock: LabClock, refusal: AwsError, again: Callable[[], None]) -> bool:
    """Whether a delivery that was refused is to be tried again; ``again`` is called then."""
    if refusal.code != _PENDING:
        return False
    clock.call_later(_WAIT, again)
    return True
