"""Provisioned concurrency: environments that AWS keeps ready for a version or an alias.

It is recorded, and counted against the account's concurrency and what the function reserves; no
execution environments are made ahead yet.
Source: https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from lambdalab import facts
from lambdalab.clock import LabClock
from lambdalab.errors import aws_error
from lambdalab.functions.arns import LATEST
from lambdalab.functions.capacity import FLOOR, PROVISIONED, no_room, provisioned, unclaimed
from lambdalab.functions.lookup import Caller, Directory
from lambdalab.functions.paging import page
from lambdalab.functions.records import Function

__all__ = ["ProvisionedService"]

MINUTE = 60.0


@dataclass(eq=False)
class Provisioned:
    """Provisioned concurrency of one version or alias."""

    requested: int
    last_modified: str
    allocated: int = 0
    status: str = "IN_PROGRESS"

    def shown(self) -> dict[str, Any]:
        """The members of the API."""
        return {
            "RequestedProvisionedConcurrentExecutions": self.requested,
            "AvailableProvisionedConcurrentExecutions": self.allocated,
            "AllocatedProvisionedConcurrentExecutions": self.allocated,
            "Status": self.status,
            "LastModified": self.last_modified,
        }


class ProvisionedService:
    """The operations on provisioned concurrency."""

    def __init__(self, directory: Directory, clock: LabClock, draw: Random) -> None:
        self._directory = directory
        self._clock = clock
        self._random = draw

    def put_provisioned_concurrency_config(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """PutProvisionedConcurrencyConfig: READY once all of it is allocated."""
        function, qualifier = self._find(caller, given, "concurrency.provisioned-on-latest")
        _check_target(function, qualifier)
        wanted = given["ProvisionedConcurrentExecutions"]
        self._check_room(function, qualifier, wanted)
        configs = function.attachments(PROVISIONED)
        before = configs.get(qualifier)
        config = Provisioned(wanted, f"{self._clock.utc():%Y-%m-%dT%H:%M:%S+0000}")
        config.allocated = min(before.allocated, wanted) if before else 0
        configs[qualifier] = config
        self._clock.call_later(self._allocation_time(wanted), lambda: _ready(config))
        return config.shown()

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
        function.attachments(PROVISIONED).pop(qualifier, None)
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
        left = unclaimed(self._directory.registry, function.id, but=function) - others
        if wanted > left:
            raise no_room("provisioned-above-unreserved", unreserved=left)
        if left - wanted < FLOOR:
            raise no_room("provisioned-breaks-floor", minimum=FLOOR)

    def _allocation_time(self, amount: int) -> float:
        """How long the allocation takes, in seconds of platform time."""
        first = self._random.uniform(
            facts.quota("provisioned.first-wait-shortest").value,
            facts.quota("provisioned.first-wait-longest").value,
        )
        rate: int = facts.quota("provisioned.environments-per-minute").value
        return MINUTE * (first + amount / rate)


def _check_target(function: Function, qualifier: str) -> None:
    """Refuse a version that another qualifier provisions, and an alias that AWS does not take."""
    alias = function.aliases.get(qualifier)
    if alias is not None and alias.version == LATEST:
        raise aws_error("concurrency.provisioned-on-latest")
    if alias is not None and alias.weights:
        raise aws_error("concurrency.provisioned-weights")
    version = alias.version if alias else qualifier
    for other in function.attachments(PROVISIONED):
        target = function.aliases.get(other)
        if other != qualifier and version == (target.version if target else other):
            raise aws_error(
                "concurrency.provisioned-version-taken"
                if alias
                else "concurrency.provisioned-alias-taken"
            )


def _ready(config: Provisioned) -> None:
    config.allocated, config.status = config.requested, "READY"
