"""Whether an invocation may run now, and in which kind of environment.

The rules stand in ``simulator/rules.py``, the same for the engine and for the simulator; here are
the numbers that they decide by: what runs, what the account and the function may have.
Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from lambdalab.errors import AwsError, aws_error
from lambdalab.functions.capacity import allocated, claimed_by_others
from lambdalab.functions.lookup import Located
from lambdalab.functions.records import Function, Registry
from lambdalab.simulator import rules

__all__ = ["Admission", "Ticket", "throttled"]


class Ticket(NamedTuple):
    """An invocation that was let in, until it leaves.

    ``decision`` is one of ``rules.PROVISIONED``, ``WARM`` and ``COLD``; ``unreserved`` says whether
    it takes from the concurrency that functions of the account share. ``provisioned`` is what the
    version that runs has ready of provisioned concurrency.
    """

    target: Located
    decision: int
    unreserved: bool
    provisioned: int

    @property
    def spilled(self) -> bool:
        """Whether it runs elsewhere because all provisioned environments were taken."""
        return self.provisioned > 0 and self.decision != rules.PROVISIONED


class _Running:
    """What the rules keep of a function, and of each version its provisioned environments."""

    def __init__(self, now: float) -> None:
        self.state = rules.fresh(now)
        self.unreserved = 0
        self.by_qualifier: dict[str, int] = {}
        # When one was let in last where something is provisioned, by qualifier.
        self.used: dict[str, float] = {}
        self._versions: dict[str, list[float]] = {}

    @property
    def total(self) -> int:
        """How many invocations of the function run, in provisioned environments too."""
        busy = sum(kept[0] for kept in self._versions.values())
        return int(self.state[rules.RUNNING] + busy)

    def busy(self, version: str) -> int:
        """How many provisioned environments of a version run an invocation."""
        return int(self._versions[version][0]) if version in self._versions else 0

    def load(self, version: str) -> None:
        """The state is that of one version: its provisioned environments and their rate."""
        kept = self._versions.get(version)
        state = self.state
        if kept is None:
            kept = [0.0, *rules.fresh(state[rules.REQUESTS + rules.AT])[-4:]]
        state[rules.PROVISIONED_BUSY] = kept[0]
        state[rules.PROVISIONED_REQUESTS :] = kept[1:]

    def store(self, version: str) -> None:
        """Keep what the rules have changed of the version."""
        state = self.state
        if state[rules.PROVISIONED_BUSY] or state[rules.PROVISIONED_REQUESTS + rules.MOST]:
            kept = [state[rules.PROVISIONED_BUSY], *state[rules.PROVISIONED_REQUESTS :]]
            self._versions[version] = kept
        else:
            self._versions.pop(version, None)


class Admission:
    """Lets invocations in, or refuses them; counts are per account and Region.

    ``idle`` tells how many warm environments of a version (by its ARN) wait for work, the
    provisioned ones not among them.
    """

    def __init__(self, registry: Registry, idle: Callable[[Located], int]) -> None:
        self._registry = registry
        self._idle = idle
        self._functions: WeakKeyDictionary[Function, _Running] = WeakKeyDictionary()
        self._places: dict[tuple[str, str], int] = {}
        self._unreserved: dict[tuple[str, str], int] = {}
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()

    def enter(self, target: Located, now: float, *, paced: bool = True) -> Ticket:
        """Let an invocation in, or raise TooManyRequestsException.

        ``paced``: whether it counts against the requests per second; asynchronous ones do not.
        """
        running = self._of(target.function, now)
        version = target.version.deployed.arn
        ready = self._prepare(running, target, paced=paced)
        decision = rules.decide(running.state, now)
        running.store(version)
        if decision >= rules.ACCOUNT_FULL:
            raise throttled(rules.REASONS[decision])
        unreserved = target.function.reserved_concurrency is None and decision != rules.PROVISIONED
        ticket = Ticket(target, decision, unreserved, ready)
        if ready:
            running.used[target.key] = now
        self._count(ticket, running, +1)
        return ticket

    def leave(self, ticket: Ticket, now: float) -> None:
        """An invocation that was let in is over."""
        running = self._of(ticket.target.function, now)
        version = ticket.target.version.deployed.arn
        running.load(version)
        rules.leave(running.state, ticket.decision, now)
        running.store(version)
        self._count(ticket, running, -1)

    async def none(self) -> None:
        """Wait until no invocation runs."""
        await self._empty.wait()

    # What is counted.

    def running(self, function: Function) -> int:
        """How many invocations of a function run."""
        known = self._functions.get(function)
        return known.total if known else 0

    def running_as(self, target: Located) -> int:
        """How many run that named the same version or alias."""
        known = self._functions.get(target.function)
        return known.by_qualifier.get(target.key, 0) if known else 0

    def provisioned_busy(self, function: Function, version: str) -> int:
        """How many provisioned environments of a version (by its ARN) run an invocation."""
        known = self._functions.get(function)
        return known.busy(version) if known else 0

    def used(self, function: Function, qualifier: str) -> float:
        """When a version or alias with provisioned concurrency was last invoked, in seconds."""
        known = self._functions.get(function)
        return known.used.get(qualifier, 0.0) if known else 0.0

    def running_in(self, place: tuple[str, str]) -> int:
        """How many invocations run in an account and Region."""
        return self._places.get(place, 0)

    def unreserved_in(self, place: tuple[str, str]) -> int:
        """How many of those take from what no function has reserved or provisioned."""
        return self._unreserved.get(place, 0)

    # The steps.

    def _of(self, function: Function, now: float) -> _Running:
        known = self._functions.get(function)
        if known is None:
            known = self._functions[function] = _Running(now)
        return known

    def _prepare(self, running: _Running, target: Located, *, paced: bool) -> int:
        """Put into the state what holds now; gives what is provisioned for the version."""
        function, state = target.function, running.state
        reserved = function.reserved_concurrency
        ready, in_all = allocated(function, target.version.deployed.version)
        running.load(target.version.deployed.arn)
        rules.limit(
            state,
            self._registry.limits.concurrency,
            claimed_by_others(self._registry, function),
            -1.0 if reserved is None else reserved,
            in_all,
            ready,
        )
        others = self._unreserved.get(function.id[:2], 0) - running.unreserved
        state[rules.OTHERS] = others if reserved is None else 0
        state[rules.PACED] = 1.0 if paced else 0.0
        state[rules.IDLE] = self._idle(target)
        state[rules.PROVISIONED_IDLE] = max(0.0, ready - state[rules.PROVISIONED_BUSY])
        return ready

    def _count(self, ticket: Ticket, running: _Running, step: int) -> None:
        place, key = ticket.target.function.id[:2], ticket.target.key
        _add(self._places, place, step)
        _add(running.by_qualifier, key, step)
        if ticket.unreserved:
            _add(self._unreserved, place, step)
            running.unreserved += step
        self._inside += step
        if self._inside:
            self._empty.clear()
        else:
            self._empty.set()


def _add(counts: dict[Any, int], key: Any, step: int) -> None:
    counts[key] = counts.get(key, 0) + step
    if not counts[key]:
        del counts[key]


def throttled(reason: str) -> AwsError:
    """The refusal of an invocation for lack of concurrency."""
    refusal = aws_error("throttle.invoke")
    refusal.members = {"Reason": reason, "Type": "User", "message": refusal.message}
    return refusal
