"""What CloudWatch is told of invocations and of the concurrency that they take.

Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-concurrency.html
"""

from __future__ import annotations

from lambdalab.execution.spec import Outcome
from lambdalab.functions.capacity import PROVISIONED as CONFIGS
from lambdalab.functions.capacity import claimed_by_others
from lambdalab.functions.records import Function, Registry
from lambdalab.invocation.admission import Admission, Ticket
from lambdalab.invocation.metrics import ACCOUNT, FUNCTION, PROVISIONED, RESOURCE, Metrics
from lambdalab.invocation.routing import shared
from lambdalab.simulator import rules

__all__ = ["ConcurrencyCounts"]


class ConcurrencyCounts:
    """Metrics of invocations: concurrency when one begins, the rest when it is over."""

    def __init__(self, registry: Registry, admission: Admission, metrics: Metrics) -> None:
        self._registry = registry
        self._admission = admission
        self._metrics = metrics

    def began(self, ticket: Ticket, now: float) -> None:
        """An invocation was let in: how many run, of what the account and the function have."""
        function, admission = ticket.target.function, self._admission
        place, add = function.id[:2], self._metrics.add
        unreserved = admission.unreserved_in(place)
        add(
            function.id,
            now,
            None,
            ACCOUNT,
            ConcurrentExecutions=admission.running_in(place),
            UnreservedConcurrentExecutions=unreserved,
            ClaimedAccountConcurrency=unreserved + self._allocated(function),
        )
        add(function.id, now, None, FUNCTION, ConcurrentExecutions=admission.running(function))
        if ticket.target.qualifier:
            named = function.id._replace(qualifier=ticket.target.qualifier)
            as_named = admission.running_as(ticket.target)
            add(named, now, shared(ticket.target), RESOURCE, ConcurrentExecutions=as_named)
        if ticket.provisioned:
            self._provisioned(ticket, now)

    def ended(self, ticket: Ticket, started: float, outcome: Outcome) -> None:
        """An invocation is over."""
        target = ticket.target
        self._metrics.add(
            target.function.id._replace(qualifier=target.qualifier),
            started,
            shared(target),
            Invocations=1,
            Errors=int(outcome.failed),
            Duration=outcome.duration * 1000,
            Throttles=0,
        )

    def _provisioned(self, ticket: Ticket, now: float) -> None:
        function, target = ticket.target.function, ticket.target
        busy = self._admission.provisioned_busy(function, target.version.deployed.arn)
        here = ticket.decision == rules.PROVISIONED
        counted = "ProvisionedConcurrencyInvocations"
        if not here:
            counted = "ProvisionedConcurrencySpilloverInvocations"
        values: dict[str, float] = {
            counted: 1,
            "ProvisionedConcurrentExecutions": busy,
            "ProvisionedConcurrencyUtilization": min(1.0, busy / ticket.provisioned),
        }
        named = function.id._replace(qualifier=target.qualifier)
        self._metrics.add(named, now, shared(target), PROVISIONED, **values)

    def _allocated(self, function: Function) -> int:
        """What is reserved and provisioned in the function's account and Region."""
        own = function.reserved_concurrency
        if own is None:
            own = sum(config.allocated for config in function.attachments(CONFIGS).values())
        return own + claimed_by_others(self._registry, function)
