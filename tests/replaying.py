"""One trace through the engine's admission, step by step, as the engine's pool keeps environments.

Written independently of the compiled simulator: a heap of what runs, a list of what waits.
"""

from __future__ import annotations

import heapq
from typing import Any

from lambdalab.errors import AwsError
from lambdalab.functions.limits import Limits
from lambdalab.functions.records import Registry
from lambdalab.invocation.admission import Admission, Ticket
from lambdalab.simulator import Policy, Result, rules
from tests.admissions import Account, provision, target

__all__ = ["Replay", "replayed"]


class Replay:
    """An engine's admission under a policy; time is the trace's."""

    def __init__(self, policy: Policy, fates: Any) -> None:
        self.now = 0.0
        self._policy, self._fates = policy, list(fates)
        registry = Registry(Limits(policy.account, policy.floor))
        self._admission = Admission(registry, lambda _: self._idle())
        self._target = target("f", "1")
        if policy.reserved is not None:
            registry.add(self._target.function)
            registry.reserve(self._target.function, policy.reserved)
        if policy.claimed:
            other = target("other").function
            registry.add(other)
            registry.reserve(other, policy.claimed)
        if policy.provisioned:
            account = Account()
            account.registry = registry
            provision(account, self._target, policy.provisioned)
        self._running: list[tuple[float, int, Ticket, int]] = []
        # Environments that wait, the one used last at the end: number, and when each goes.
        self._waiting: list[tuple[int, float]] = []
        self._ready = list(range(policy.provisioned))[::-1]
        self._made: list[tuple[float, float, float]] = []
        for _ in range(policy.others):
            self._admission.enter(target("neighbour"), 0.0, paced=False)

    def arrive(self, order: int, time: float, duration: float) -> tuple[str, int]:
        """What a request gets: what was decided, in words, and the number of its environment."""
        self._settle(time)
        self.now = time
        try:
            ticket = self._admission.enter(self._target, time, paced=self._policy.paced)
        except AwsError as refusal:
            return str(refusal.body()["Reason"]), -1
        number, init = self._take(ticket.decision)
        heapq.heappush(self._running, (time + init + duration, order, ticket, number))
        return ("provisioned", "warm", "cold")[ticket.decision], number

    def _take(self, decision: int) -> tuple[int, float]:
        if decision == rules.PROVISIONED:
            return self._ready.pop(), 0.0
        if decision == rules.WARM:
            return self._waiting.pop()[0], 0.0
        init, idle, age = self._fates[len(self._made)]
        self._made.append((init, idle, self.now + age))
        return self._policy.provisioned + len(self._made) - 1, init

    def _settle(self, time: float) -> None:
        while self._running and self._running[0][0] <= time:
            ended, _, ticket, number = heapq.heappop(self._running)
            self._admission.leave(ticket, ended)
            if number < self._policy.provisioned:
                self._ready.append(number)
            else:
                _, idle, last = self._made[number - self._policy.provisioned]
                self._waiting.append((number, min(ended + idle, last)))

    def _idle(self) -> int:
        while self._waiting and self._waiting[-1][1] <= self.now:
            self._waiting.pop()
        return len(self._waiting)


def replayed(result: Result, durations: Any) -> list[tuple[str, int]]:
    """Every decision of the engine for the arrivals of a simulated run."""
    replay = Replay(result.policy, result.fates)
    arrivals = zip(result.arrival.tolist(), durations, strict=True)
    return [replay.arrive(order, time, each) for order, (time, each) in enumerate(arrivals)]


def decided(result: Result) -> list[tuple[str, int]]:
    """The same of the simulator."""
    words = ("provisioned", "warm", "cold", *rules.REASONS[3:])
    pairs = zip(result.decision.tolist(), result.environment.tolist(), strict=True)
    return [(words[decision], number) for decision, number in pairs]
