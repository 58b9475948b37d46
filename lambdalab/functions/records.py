"""What the service keeps of a function."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from lambdalab import facts
from lambdalab.functions.arns import LATEST, FunctionId
from lambdalab.functions.packages import Package

__all__ = ["Configuration", "Function", "Registry"]


@dataclass(frozen=True, eq=False)
class Configuration:
    """Code and settings of a function at one moment: what an execution environment is made from.

    ``memory`` is in MB, ``timeout`` in seconds, ``ephemeral_storage`` in MB.
    """

    function: FunctionId
    runtime: str
    handler: str
    role: str
    package: Package
    memory: int
    timeout: int
    description: str = ""
    environment: dict[str, str] | None = None
    architecture: str = "x86_64"
    ephemeral_storage: int = 512
    version: str = LATEST

    @property
    def log_group(self) -> str:
        """The log group that the function writes to."""
        return f"/aws/lambda/{self.function.name}"


@dataclass
class Function:
    """A function: what was asked for, what is deployed, and in which state it is."""

    configuration: Configuration
    deployed: Configuration
    revision_id: str
    last_modified: str
    state: str = "Pending"
    last_update_status: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    deleted: bool = False
    _waiters: list[asyncio.Future[None]] = field(default_factory=list)

    @property
    def id(self) -> FunctionId:
        """Account, Region and name."""
        return self.configuration.function

    @property
    def arn(self) -> str:
        """The unqualified ARN."""
        return self.id.arn

    async def settled(self) -> None:
        """Wait until the function is neither being created nor updated."""
        while not self.deleted and (
            self.state == "Pending" or self.last_update_status == "InProgress"
        ):
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    def settle(self) -> None:
        """A change has come through, or the function is gone: whoever waits goes on."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def status(self) -> dict[str, Any]:
        """The members that tell the state, as the API shows them."""
        if self.state == "Pending":
            return {"State": "Pending", **_reasons("State")}
        if self.last_update_status == "InProgress":
            return {
                "State": self.state,
                "LastUpdateStatus": "InProgress",
                **_reasons("LastUpdateStatus"),
            }
        return {"State": self.state, "LastUpdateStatus": self.last_update_status}


def _reasons(member: str) -> dict[str, str]:
    # AWS gives this one reason for a new function and for an update alike.
    return {
        f"{member}Reason": facts.message("state.creating").text,
        f"{member}ReasonCode": "Creating",
    }


class Registry:
    """The functions of all accounts and Regions of one cloud."""

    def __init__(self) -> None:
        self._functions: dict[tuple[str, str, str], Function] = {}

    def add(self, function: Function) -> None:
        """Keep a new function."""
        self._functions[function.id[:3]] = function

    def get(self, wanted: FunctionId) -> Function | None:
        """The function of that account, Region and name, or None."""
        return self._functions.get(wanted[:3])

    def remove(self, function: Function) -> None:
        """Forget a function."""
        function.deleted = True
        function.settle()
        del self._functions[function.id[:3]]

    def of(self, account: str, region: str) -> list[Function]:
        """The functions of an account in a Region, by name."""
        names = sorted(key for key in self._functions if key[:2] == (account, region))
        return [self._functions[name] for name in names]

    def clear(self) -> None:
        """Forget all functions."""
        for function in list(self._functions.values()):
            self.remove(function)
