"""Admission without a cloud: functions that only have a name, and a clock that tests set."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lambdalab.errors import AwsError
from lambdalab.functions.arns import LATEST, FunctionId
from lambdalab.functions.capacity import PROVISIONED
from lambdalab.functions.limits import Limits
from lambdalab.functions.lookup import Located
from lambdalab.functions.provisioned import Provisioned
from lambdalab.functions.records import Function, Registry
from lambdalab.invocation.admission import Admission, Ticket

__all__ = ["Account", "provision", "target"]


class Account:
    """An account with ``concurrency``, whose environments stay warm when they are given back."""

    def __init__(self, concurrency: int = 1000) -> None:
        self.registry = Registry(Limits(concurrency))
        self.warm: dict[str, int] = {}
        self.room = Admission(
            self.registry, lambda wanted: self.warm.get(wanted.version.deployed.arn, 0)
        )

    def enter(self, wanted: Located, now: float = 0.0, *, paced: bool = True) -> Ticket:
        ticket = self.room.enter(wanted, now, paced=paced)
        arn = wanted.version.deployed.arn
        if ticket.decision == 1:
            self.warm[arn] -= 1
        return ticket

    def leave(self, ticket: Ticket, now: float = 0.0) -> None:
        self.room.leave(ticket, now)
        if ticket.decision:
            arn = ticket.target.version.deployed.arn
            self.warm[arn] = self.warm.get(arn, 0) + 1

    def refused(self, wanted: Located, now: float = 0.0, *, paced: bool = True) -> AwsError:
        """How an invocation is refused."""
        with pytest.raises(AwsError) as caught:
            self.enter(wanted, now, paced=paced)
        return caught.value

    def reason(self, wanted: Located, now: float = 0.0) -> str:
        """The reason that AWS gives for a refusal."""
        return str(self.refused(wanted, now).body()["Reason"])

    def burst(self, wanted: Located, count: int, now: float = 0.0) -> list[Ticket]:
        """Those of so many invocations that are let in."""
        tickets = []
        for _ in range(count):
            try:
                tickets.append(self.enter(wanted, now))
            except AwsError:
                continue
        return tickets


def target(
    name: str = "f",
    version: str = LATEST,
    *,
    function: Function | None = None,
    account: str = "1",
    region: str = "us-east-1",
) -> Located:
    """A version of a function, of a new one where none is given."""
    identity = FunctionId(account, region, name, None)
    if function is None:
        function = Function(id=identity, latest=_version(identity, LATEST))
    if version != LATEST:
        function.versions.setdefault(version, _version(function.id, version))
    return Located(function, function.version(version) or function.latest, version)


def provision(account: Account, wanted: Located, amount: int) -> None:
    """So many provisioned environments are ready for a version."""
    config = Provisioned(amount, "", amount, "READY")
    wanted.function.attachments(PROVISIONED)[wanted.key] = config
    account.registry.provisioning.add(wanted.function)


def _version(identity: FunctionId, number: str) -> Any:
    arn = identity.arn if number == LATEST else f"{identity.arn}:{number}"
    return SimpleNamespace(deployed=SimpleNamespace(arn=arn, version=number))
