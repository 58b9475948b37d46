"""What the service keeps of a function: its versions, aliases, and what is attached to them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lambdalab.functions.arns import LATEST, FunctionId
from lambdalab.functions.limits import Limits
from lambdalab.functions.mapping import EventSourceMapping
from lambdalab.functions.packages import Merged, Package

__all__ = ["Alias", "Configuration", "Function", "Registry", "Version"]


@dataclass(frozen=True, eq=False)
class Configuration:
    """Code and settings of one version: what an execution environment is made from.

    ``settings`` holds the members of the API's FunctionConfiguration that come from requests, by
    their API names, with AWS's defaults filled in. ``layers`` is what lies under /opt.
    """

    function: FunctionId
    package: Package
    settings: Mapping[str, Any]
    version: str = LATEST
    layers: Merged | None = None

    @property
    def runtime(self) -> str:
        """The runtime identifier; empty for a container image, which brings its own."""
        return str(self.settings.get("Runtime", ""))

    @property
    def handler(self) -> str:
        """The handler string; empty for a container image."""
        return str(self.settings.get("Handler", ""))

    @property
    def role(self) -> str:
        """The ARN of the execution role."""
        return str(self.settings["Role"])

    @property
    def memory(self) -> int:
        """Memory in MB."""
        return int(self.settings["MemorySize"])

    @property
    def timeout(self) -> int:
        """Timeout in seconds."""
        return int(self.settings["Timeout"])

    @property
    def variables(self) -> dict[str, str]:
        """The function's own environment variables."""
        return dict(self.settings.get("Environment", {}).get("Variables", {}))

    @property
    def log_group(self) -> str:
        """The log group that the function writes to."""
        return str(self.settings["LoggingConfig"]["LogGroup"])

    @property
    def log_level(self) -> str | None:
        """The least level of what the function logs as JSON; None for logs as text."""
        level: str | None = self.settings["LoggingConfig"].get("ApplicationLogLevel")
        return level

    @property
    def storage(self) -> int:
        """The size of /tmp in MB."""
        return int(self.settings["EphemeralStorage"]["Size"])

    @property
    def system_log_level(self) -> str:
        """The least level of what the platform logs as JSON."""
        return str(self.settings["LoggingConfig"].get("SystemLogLevel", "INFO"))

    @property
    def traced(self) -> bool:
        """Whether Lambda itself decides that requests are traced, and tells X-Ray of them."""
        return bool(self.settings["TracingConfig"]["Mode"] == "Active")

    @property
    def snapshot(self) -> bool:
        """Whether environments of this version come from a snapshot: SnapStart, once published."""
        applied: str = self.settings["SnapStart"]["ApplyOn"]
        return applied == "PublishedVersions" and self.version != LATEST

    @property
    def arn(self) -> str:
        """The ARN of this version; that of ``$LATEST`` goes without qualifier."""
        arn = self.function.arn
        return arn if self.version == LATEST else f"{arn}:{self.version}"


@dataclass(eq=False)
class Version:
    """``$LATEST`` or a published version, and the state that it is in.

    ``configuration`` is what was asked for and is shown, ``deployed`` what invocations run: the
    two differ while an update is in progress. ``state_reason`` is the code and the text of why it
    has failed, or has no snapshot now.
    """

    configuration: Configuration
    deployed: Configuration
    revision_id: str = ""
    last_modified: str = ""
    state: str = "Pending"
    last_update_status: str | None = None
    state_reason: tuple[str, str] | None = None

    @property
    def changing(self) -> bool:
        """Whether it is being created or updated."""
        return self.state == "Pending" or self.last_update_status == "InProgress"


@dataclass(eq=False)
class Alias:
    """A name for a version, or for two of which each gets a share of the invocations."""

    name: str
    version: str
    description: str
    revision_id: str
    weights: dict[str, float] = field(default_factory=dict)


@dataclass(eq=False)
class Function:
    """A function with all that belongs to it.

    What is attached by qualifier (policies, provisioned concurrency, asynchronous settings, URLs)
    is kept under the name of the version or alias, under ``$LATEST`` for the function itself.
    """

    id: FunctionId
    latest: Version
    tags: dict[str, str] = field(default_factory=dict)
    versions: dict[str, Version] = field(default_factory=dict)
    aliases: dict[str, Alias] = field(default_factory=dict)
    published: int = 0
    published_from: Configuration | None = None
    reserved_concurrency: int | None = None
    recursive_loop: str = "Terminate"
    runtime_management: dict[str, dict[str, Any]] = field(default_factory=dict)
    code_signing_config: str | None = None
    attached: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: bool = False
    _waiters: list[asyncio.Future[None]] = field(default_factory=list)

    @property
    def arn(self) -> str:
        """The unqualified ARN."""
        return self.id.arn

    def every_version(self) -> Iterator[Version]:
        """``$LATEST`` and the published versions, oldest first."""
        yield self.latest
        yield from self.versions.values()

    def version(self, qualifier: str | None) -> Version | None:
        """The version that a qualifier names, through an alias too; None where there is none."""
        alias = self.aliases.get(qualifier or "")
        number = alias.version if alias else qualifier
        if number in (None, LATEST):
            return self.latest
        return self.versions.get(number or "")

    def qualified_arn(self, qualifier: str | None) -> str:
        """The ARN with a qualifier, where there is one."""
        return f"{self.arn}:{qualifier}" if qualifier else self.arn

    def attachments(self, kind: str) -> dict[str, Any]:
        """What is attached of one kind, by qualifier."""
        return self.attached.setdefault(kind, {})

    def detach(self, qualifier: str) -> None:
        """Forget what is attached to a version or alias that is gone."""
        for attached in self.attached.values():
            attached.pop(qualifier, None)

    async def settled(self) -> None:
        """Wait until no version is being created or updated."""
        while not self.deleted and any(one.changing for one in self.every_version()):
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    def settle(self) -> None:
        """A change has come through, or the function is gone: whoever waits goes on."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


class Registry:
    """The functions of all accounts and Regions of one cloud, and the mappings by UUID.

    Event source mappings stand beside functions, not in them: one outlives its function.
    ``limits`` is what an account has in a Region.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        # Those with provisioned concurrency: each invocation asks what they claim.
        self.provisioning: set[Function] = set()
        self.mappings: dict[str, EventSourceMapping] = {}
        self._functions: dict[tuple[str, str, str], Function] = {}
        self._reserved: dict[tuple[str, str], int] = {}

    def add(self, function: Function) -> None:
        """Keep a new function."""
        self._functions[function.id[:3]] = function

    def get(self, wanted: FunctionId) -> Function | None:
        """The function of that account, Region and name, or None."""
        return self._functions.get(wanted[:3])

    def remove(self, function: Function) -> None:
        """Forget a function."""
        self.reserve(function, None)
        self.provisioning.discard(function)
        function.deleted = True
        function.settle()
        del self._functions[function.id[:3]]

    def of(self, account: str, region: str) -> list[Function]:
        """The functions of an account in a Region, by name."""
        names = sorted(key for key in self._functions if key[:2] == (account, region))
        return [self._functions[name] for name in names]

    def reserve(self, function: Function, amount: int | None) -> None:
        """Reserve concurrency for a function, or give up what it has reserved."""
        change = (amount or 0) - (function.reserved_concurrency or 0)
        function.reserved_concurrency = amount
        place = function.id[:2]
        self._reserved[place] = self._reserved.get(place, 0) + change

    def reserved(self, place: FunctionId) -> int:
        """The concurrency that all functions of an account reserve in a Region."""
        return self._reserved.get(place[:2], 0)

    def clear(self) -> None:
        """Forget all functions and mappings."""
        for mapping in self.mappings.values():
            mapping.at_rest.set()
        self.mappings.clear()
        for function in list(self._functions.values()):
            self.remove(function)
