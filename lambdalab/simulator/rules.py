"""Lambda's scaling rules: may an invocation run now, and in which kind of environment.

One source for two users. The engine calls these functions for each request; the simulator compiles
them and calls them for millions. So they are plain functions over a state that is a sequence of
floats (a list there, an array here): they allocate nothing, raise nothing, and call only those that
stand before them in ``COMPILABLE``.

A state is one function's. ``state[IDLE]`` and the like name its numbers; times are seconds, from
any origin. Whoever owns a state sets its limits with ``limit`` and keeps ``OTHERS`` true, if
other functions draw on the same concurrency.
Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html and
https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
"""

from __future__ import annotations

from collections.abc import Callable, MutableSequence
from typing import Any

from lambdalab import facts

__all__ = ["COMPILABLE", "REASONS", "SIZE", "decide", "fresh", "leave", "limit", "reclaimed"]

State = MutableSequence[float]

# ---- the numbers of a state

# How many invocations may run together outside provisioned environments, and how many do: this
# function's own, and those of others that draw on the same concurrency.
ROOM = 0
RUNNING = 1
OTHERS = 2
# 1.0 where the room is the function's own, reserved; 0.0 where it is the account's.
IS_RESERVED = 3
# Environments that wait for work, and provisioned ones that have some.
IDLE = 4
PROVISIONED_IDLE = 5
PROVISIONED_BUSY = 6
# 1.0 where requests are counted against the rates (synchronous ones), 0.0 where they are not.
PACED = 7
# Three token buckets, each of four numbers: what is in it and when that was so, what it holds at
# most, and what flows in each second.
REQUESTS = 8
ENVIRONMENTS = 12
PROVISIONED_REQUESTS = 16
SIZE = 20
LEFT, AT, MOST, PER_SECOND = 0, 1, 2, 3

# ---- what is decided

# Admitted: in a provisioned environment, a warm one, a new one.
PROVISIONED = 0
WARM = 1
COLD = 2
# Refused: no concurrency in the account; too many requests; too many new environments; nothing left
# of what the function reserves; too many requests for that.
ACCOUNT_FULL = 3
TOO_FAST = 4
SCALING_TOO_FAST = 5
RESERVED_FULL = 6
RESERVED_TOO_FAST = 7

# The reason that AWS gives in the answer, by decision.
REASONS = (
    "",
    "",
    "",
    "ConcurrentInvocationLimitExceeded",
    "FunctionInvocationRateLimitExceeded",
    "FunctionInvocationRateLimitExceeded",
    "ReservedFunctionConcurrentInvocationLimitExceeded",
    "ReservedFunctionInvocationRateLimitExceeded",
)

REQUESTS_PER_ENVIRONMENT = float(facts.quota("rate.synchronous-per-environment").value)
SCALING_STEP = float(facts.quota("concurrency.scaling-step").value)
SCALING_PER_SECOND = SCALING_STEP / facts.quota("concurrency.scaling-period").seconds


def spend(state: State, bucket: int, now: float) -> bool:
    """Take one token from a bucket, after what has flowed in since; False when there is none.

    What flows into a full bucket is lost: AWS does not accrue what was not used.
    """
    left = state[bucket + LEFT] + (now - state[bucket + AT]) * state[bucket + PER_SECOND]
    if left > state[bucket + MOST]:
        left = state[bucket + MOST]
    state[bucket + AT] = now
    if left < 1.0:
        state[bucket + LEFT] = left
        return False
    state[bucket + LEFT] = left - 1.0
    return True


def decide(state: State, now: float) -> int:
    """What becomes of an invocation that arrives now; counts it where it is admitted.

    In AWS's order: a warm provisioned environment, a warm one, a new one, a refusal. Whatever
    provisioned environments cannot take spills over.
    """
    paced = state[PACED] > 0.0
    if state[PROVISIONED_IDLE] >= 1.0 and (not paced or spend(state, PROVISIONED_REQUESTS, now)):
        state[PROVISIONED_IDLE] -= 1.0
        state[PROVISIONED_BUSY] += 1.0
        return PROVISIONED
    reserved = state[IS_RESERVED] > 0.0
    if state[RUNNING] + state[OTHERS] >= state[ROOM]:
        return RESERVED_FULL if reserved else ACCOUNT_FULL
    if paced and not spend(state, REQUESTS, now):
        return RESERVED_TOO_FAST if reserved else TOO_FAST
    decision = WARM
    if state[IDLE] >= 1.0:
        state[IDLE] -= 1.0
    elif spend(state, ENVIRONMENTS, now):
        decision = COLD
    else:
        return SCALING_TOO_FAST
    state[RUNNING] += 1.0
    return decision


def leave(state: State, decision: int, now: float) -> None:  # noqa: ARG001 - a rule may need it
    """An admitted invocation is over: its environment waits for the next."""
    if decision == PROVISIONED:
        state[PROVISIONED_BUSY] -= 1.0
        state[PROVISIONED_IDLE] += 1.0
    else:
        state[RUNNING] -= 1.0
        state[IDLE] += 1.0


def reclaimed(state: State, provisioned: bool) -> None:
    """An idle environment has gone."""
    if provisioned:
        state[PROVISIONED_IDLE] -= 1.0
    else:
        state[IDLE] -= 1.0


def _bound(state: State, bucket: int, most: float, per_second: float) -> None:
    """Give a bucket its bounds; one that grows is not fuller for it, except by what flows in."""
    if state[bucket + MOST] < 0.0 or state[bucket + LEFT] > most:
        state[bucket + LEFT] = most
    state[bucket + MOST] = most
    state[bucket + PER_SECOND] = per_second


def limit(
    state: State, account: float, claimed: float, reserved: float, provisioned: float, pool: float
) -> None:
    """Set what may run.

    ``account`` is the account's concurrency, ``claimed`` what other functions have reserved and
    provisioned of it; ``reserved`` is what the function itself reserves, below 0 for nothing;
    ``provisioned`` is what is provisioned for all its versions and aliases together, and ``pool``
    the part of that for the version or alias that is called. Requests per second are ten times the
    concurrency that limits the function.
    """
    rate = account
    state[IS_RESERVED] = 0.0
    state[ROOM] = account - claimed - provisioned
    if reserved >= 0.0:
        rate = reserved - provisioned
        state[IS_RESERVED] = 1.0
        state[ROOM] = rate
    rate *= REQUESTS_PER_ENVIRONMENT
    _bound(state, REQUESTS, rate, rate)
    rate = pool * REQUESTS_PER_ENVIRONMENT
    _bound(state, PROVISIONED_REQUESTS, rate, rate)


# In this order each can be compiled after those that it calls.
COMPILABLE: tuple[Callable[..., Any], ...] = (spend, decide, leave, reclaimed, _bound, limit)


def fresh(now: float = 0.0) -> list[float]:
    """The state of a function that has not run yet; its limits are still to be set."""
    state = [0.0] * SIZE
    state[PACED] = 1.0
    for bucket in (REQUESTS, ENVIRONMENTS, PROVISIONED_REQUESTS):
        state[bucket + AT] = now
        state[bucket + MOST] = -1.0
    _bound(state, ENVIRONMENTS, SCALING_STEP, SCALING_PER_SECOND)
    return state
