"""Provisioned concurrency: environments that AWS keeps ready for a version or an alias.

It counts against the account's concurrency and what the function reserves. Whoever runs functions
makes the environments, when their time has come (``allocate``).
Source: https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from lambdalab import facts
from lambdalab.clock import LabClock
from lambdalab.errors import aws_error
from lambdalab.functions.arns import LATEST
from lambdalab.functions.capacity import PROVISIONED, no_room, provisioned, unclaimed
from lambdalab.functions.lookup import Caller, Directory
from lambdalab.functions.paging import page
from lambdalab.functions.records import Function

__all__ = ["Provisioned", "ProvisionedService"]

MINUTE = 60.0


@dataclass(eq=False)
class Provisioned:
    """Provisioned concurrency of one version or alias.

    ``allocated`` is what can be used: nothing of a request can until all of it is there.
    """

    requested: int
    last_modified: str
    allocated: int = 0
    status: str = "IN_PROGRESS"
    reason: str | None = None

    def ready(self) -> None:
        """All that was requested is there."""
        self.allocated, self.status, self.reason = self.requested, "READY", None

    def fail(self, reason: str) -> None:
        """It cannot be had; what was there before stays in use."""
        self.status, self.reason = "FAILED", reason

    def shown(self) -> dict[str, Any]:
        """The members of the API."""
        told = {"StatusReason": self.reason} if self.reason else {}
        return told | {
            "RequestedProvisionedConcurrentExecutions": self.requested,
            "AvailableProvisionedConcurrentExecutions": self.allocated,
            "AllocatedProvisionedConcurrentExecutions": self.allocated,
            "Status": self.status,
            "LastModified": self.last_modified,
        }


# Hears of a function, a version or alias of it, and what is provisioned for that.
Listener = Callable[[Function, str, Provisioned], None]


class ProvisionedService:
    """The operations on provisioned concurrency.

    ``allocate`` is called when the allocation for a version or an alias is due; it says at the end
    how it went. ``on_change`` hears of each function for which something else is provisioned now.
    """

    def __init__(self, directory: Directory, clock: LabClock, draw: Random) -> None:
        self._directory = directory
        self._clock = clock
        self._random = draw
        self.allocate: Listener = lambda _function, _qualifier, config: config.ready()
        self.on_change: list[Callable[[Function], None]] = []

    def put_provisioned_concurrency_config(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """PutProvisionedConcurrencyConfig: READY once all of it is allocated."""
        function, qualifier = self._find(caller, given, "concurrency.provisioned-on-latest")
        _check_target(function, qualifier)
        wanted = given["ProvisionedConcurrentExecutions"]
        self._check_room(function, qualifier, wanted)
        before = function.attachments(PROVISIONED).get(qualifier)
        kept = min(before.allocated, wanted) if before else 0
        return self._begin(function, qualifier, wanted, kept).shown()

    def alias_changed(self, function: Function, name: str, before: str | None) -> None:
        """An alias names another version than ``before``, or is gone: so does what it has."""
        config = function.attachments(PROVISIONED).get(name)
        alias = function.aliases.get(name)
        if config is not None and alias is not None and alias.version != before:
            self._begin(function, name, config.requested, 0)
        else:
            self._changed(function)

    def _begin(self, function: Function, qualifier: str, wanted: int, kept: int) -> Provisioned:
        """A new allocation, of which ``kept`` environments are there already."""
        config = Provisioned(wanted, f"{self._clock.utc():%Y-%m-%dT%H:%M:%S+0000}", kept)
        function.attachments(PROVISIONED)[qualifier] = config
        self._directory.registry.provisioning.add(function)
        self._changed(function)
        self._clock.call_later(
            self._allocation_time(wanted - kept), lambda: self._due(function, qualifier, config)
        )
        return config

    def _due(self, function: Function, qualifier: str, config: Provisioned) -> None:
        # It may have been replaced by another request, or be gone with what it was for.
        if not function.deleted and function.attachments(PROVISIONED).get(qualifier) is config:
            self.allocate(function, qualifier, config)

    def _changed(self, function: Function) -> None:
        for listener in self.on_change:
            listener(function)

    def get_provisioned_concurrency_config(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """GetProvisionedConcurrencyConfig."""
        function, qualifier = self._find(caller, given, "concurrency.provisioned-read-latest")
        config = function.attachments(PROVISIONED).get(qualifier)
        if config is None:
            raise aws_error("concurrency.provisioned-missing")
        shown: dict[str, Any] = config.shown()
        return shown

    def delete_provisioned_concurrency_config(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """DeleteProvisionedConcurrencyConfig; one that does not exist is no error."""
        function, qualifier = self._find(caller, given, "concurrency.provisioned-read-latest")
        if function.attachments(PROVISIONED).pop(qualifier, None) is not None:
            self._changed(function)
        return {}

    def list_provisioned_concurrency_configs(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """ListProvisionedConcurrencyConfigs."""
        function = self._directory.function(caller, given)
        configs = sorted(function.attachments(PROVISIONED).items())
        rows, more = page(given, configs, lambda row: row[0])
        shown = [
            {"FunctionArn": function.qualified_arn(qualifier), **config.shown()}
            for qualifier, config in rows
        ]
        return {**more, "ProvisionedConcurrencyConfigs": shown}

    def _find(self, caller: Caller, given: dict[str, Any], on_latest: str) -> tuple[Function, str]:
        """The function, and which version or alias of it is meant."""
        wanted = self._directory.identify(caller, given)
        qualifier = wanted.qualifier or LATEST
        if qualifier == LATEST:
            raise aws_error(on_latest)
        function = self._directory.registry.get(wanted)
        if function and (qualifier in function.versions or qualifier in function.aliases):
            return function, qualifier
        missing = "function.missing" if qualifier.isdecimal() else "alias.missing"
        raise aws_error(missing, arn=f"{wanted.arn}:{qualifier}")

    def _check_room(self, function: Function, qualifier: str, wanted: int) -> None:
        """Refuse more than the function reserves, or than the account has left."""
        own = function.attachments(PROVISIONED).get(qualifier)
        others = provisioned(function) - (own.requested if own else 0)
        if function.reserved_concurrency is not None:
            if others + wanted > function.reserved_concurrency:
                raise aws_error("concurrency.provisioned-above-reserved")
            return
        registry = self._directory.registry
        left = unclaimed(registry, function.id, but=function) - others
        if wanted > left:
            raise no_room("provisioned-above-unreserved", unreserved=left)
        floor = registry.limits.unreserved_floor
        if left - wanted < floor:
            raise no_room("provisioned-breaks-floor", minimum=floor)

    def _allocation_time(self, amount: int) -> float:
        """How long the allocation of so many takes, in seconds of platform time."""
        if amount <= 0:  # environments go at once
            return 0.0
        first = self._random.uniform(
            facts.quota("provisioned.first-wait-shortest").value,
            facts.quota("provisioned.first-wait-longest").value,
        )
        rate: int = facts.quota("provisioned.environments-per-minute").value
        return MINUTE * (first + amount / rate)


def _check_target(function: Function, qualifier: str) -> None:
    """Refuse a version that another qualifier provisions or that has a snapshot.

    And an alias that AWS does not take.
    """
    alias = function.aliases.get(qualifier)
    if alias is not None and alias.version == LATEST:
        raise aws_error("concurrency.provisioned-on-latest")
    if alias is not None and alias.weights:
        raise aws_error("concurrency.provisioned-weights")
    version = alias.version if alias else qualifier
    if function.versions[version].configuration.snapshot:
        raise aws_error("concurrency.provisioned-snapstart")
    for other in function.attachments(PROVISIONED):
        target = function.aliases.get(other)
        if other != qualifier and version == (target.version if target else other):
            raise aws_error(
                "concurrency.provisioned-version-taken"
                if alias
                else "concurrency.provisioned-alias-taken"
            )
