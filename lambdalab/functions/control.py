"""The operations that create, change, show and delete functions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from lambdalab.clock import LabClock
from lambdalab.draws import identifier
from lambdalab.errors import AwsError, aws_error
from lambdalab.functions import settings, shown
from lambdalab.functions.arns import LATEST, FunctionId, resolve
from lambdalab.functions.packages import Package, PackageStore
from lambdalab.functions.records import Configuration, Function, Registry
from lambdalab.neighbours import iam, s3
from lambdalab.timeline import Record, Timeline

__all__ = ["Caller", "FunctionService"]

# How long a function is Pending, and an update InProgress, in seconds of platform time. AWS
# publishes no figure: the lab's own choice, short enough to work with and long enough to be seen.
SHORTEST_CHANGE = 0.03
LONGEST_CHANGE = 0.09


@dataclass(frozen=True)
class Caller:
    """Who calls, and where: the account and Region that a request was signed for."""

    account: str
    region: str


class FunctionService:
    """The functions of one cloud.

    ``on_change`` is called with a function whose deployed configuration has changed or that has
    been deleted: whoever runs it lets its execution environments go.
    """

    def __init__(
        self, clock: LabClock, timeline: Timeline, packages: PackageStore, draw: Random
    ) -> None:
        self._clock = clock
        self._timeline = timeline
        self._packages = packages
        self._random = draw
        self.registry = Registry()
        self.on_change: list[Callable[[Function], None]] = []

    # The operations.

    def create_function(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """CreateFunction."""
        wanted = resolve(given["FunctionName"], caller.account, caller.region)
        settings.refuse_unknown(given)
        chosen = settings.for_new(given, self._clock.utc().date())
        iam.check_assumable(caller.account, given["Role"])
        if self.registry.get(wanted) is not None:
            raise aws_error("function.exists", name=wanted.name)
        package = self._package(caller, given["Code"])
        configuration = Configuration(function=wanted, package=package, **chosen)
        function = Function(
            configuration, configuration, "", "", tags=dict(given.get("Tags") or {})
        )
        self.registry.add(function)
        self._touch(function, "created")
        self._clock.call_later(self._change_time(), lambda: self._activate(function))
        return shown.configuration(function)

    def get_function(
        self, caller: Caller, given: dict[str, Any], download: Callable[[Package], str]
    ) -> dict[str, Any]:
        """GetFunction; ``download`` gives the address under which a package can be fetched."""
        function = self.find(caller, given)
        return shown.function(function, download(function.configuration.package))

    def get_function_configuration(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """GetFunctionConfiguration."""
        return shown.configuration(self.find(caller, given))

    def list_functions(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """ListFunctions, at most 50 a page."""
        return shown.page(self.registry.of(caller.account, caller.region), given)

    def delete_function(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """DeleteFunction, the whole function with its code."""
        wanted = self._resolve(caller, given)
        if wanted.qualifier == LATEST:
            raise aws_error("function.delete-latest")
        function = self._existing(wanted)
        self.registry.remove(function)
        self._record(function, "deleted")
        self._changed(function)
        for configuration in {function.configuration, function.deployed}:
            self._let_go(configuration)
        return {"StatusCode": 204}

    def update_function_code(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """UpdateFunctionCode."""
        function = self._changeable(caller, given)
        settings.refuse_unknown(given)
        package = self._package(caller, given)
        before = function.configuration
        architectures = given.get("Architectures")
        changed = replace(
            before,
            package=package,
            architecture=architectures[0] if architectures else before.architecture,
        )
        if given.get("DryRun"):
            answer = shown.configuration(replace(function, configuration=changed))
            self._packages.remove(package)
            return answer
        return self._update(function, changed)

    def update_function_configuration(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """UpdateFunctionConfiguration: only the given settings change."""
        function = self._changeable(caller, given)
        settings.refuse_unknown(given)
        if "Role" in given:
            iam.check_assumable(caller.account, given["Role"])
        chosen = settings.for_update(given, self._clock.utc().date())
        return self._update(function, replace(function.configuration, **chosen))

    # What the rest of the service asks.

    def find(self, caller: Caller, given: dict[str, Any]) -> Function:
        """The function that a request names; raises ResourceNotFoundException."""
        return self._existing(self._resolve(caller, given))

    def empty(self) -> None:
        """Forget all functions and their code."""
        self.registry.clear()
        self._packages.clear()

    # The steps.

    def _resolve(self, caller: Caller, given: dict[str, Any]) -> FunctionId:
        qualifier = given.get("Qualifier")
        return resolve(given["FunctionName"], caller.account, caller.region, qualifier)

    def _existing(self, wanted: FunctionId) -> Function:
        function = self.registry.get(wanted)
        if function is None or wanted.qualifier not in (None, LATEST):
            suffix = f":{wanted.qualifier}" if wanted.qualifier else ""
            raise aws_error("function.missing", arn=f"{wanted.arn}{suffix}")
        return function

    def _changeable(self, caller: Caller, given: dict[str, Any]) -> Function:
        """The function to update, refused while it is being created or updated."""
        function = self.find(caller, given)
        wanted_revision = given.get("RevisionId")
        if function.state == "Pending":
            raise aws_error("state.pending", state="Pending")
        if function.last_update_status == "InProgress":
            raise aws_error("state.updating", arn=function.arn)
        if wanted_revision and wanted_revision != function.revision_id:
            raise aws_error("revision.mismatch")
        return function

    def _package(self, caller: Caller, code: dict[str, Any]) -> Package:
        if code.get("ZipFile") is not None:
            return self._packages.add(code["ZipFile"])
        if code.get("S3Bucket") and code.get("S3Key"):
            archive = s3.code_object(
                caller.account, code["S3Bucket"], code["S3Key"], code.get("S3ObjectVersion")
            )
            return self._packages.unpack(archive)
        raise AwsError(
            "InvalidParameterValueException",
            "Please provide a source for function code.",
        )

    def _update(self, function: Function, changed: Configuration) -> dict[str, Any]:
        function.configuration = changed
        function.last_update_status = "InProgress"
        self._touch(function, "updated")
        self._clock.call_later(self._change_time(), lambda: self._deploy(function))
        return shown.configuration(function)

    def _activate(self, function: Function) -> None:
        function.state, function.last_update_status = "Active", "Successful"
        # A change that comes through is a revision of its own, beside the one that asked for it.
        function.revision_id = identifier(self._random)
        function.settle()

    def _deploy(self, function: Function) -> None:
        """The update has come through: from now on invocations see it."""
        if function.deleted:
            return
        before, function.deployed = function.deployed, function.configuration
        function.last_update_status = "Successful"
        function.revision_id = identifier(self._random)
        function.settle()
        self._changed(function)
        if before.package is not function.deployed.package:
            self._let_go(before)

    def _let_go(self, configuration: Configuration) -> None:
        """Delete code that nothing new runs, once what still runs must be over."""
        loop = asyncio.get_running_loop()
        loop.call_later(configuration.timeout + 1, self._packages.remove, configuration.package)

    def _changed(self, function: Function) -> None:
        for listener in self.on_change:
            listener(function)

    def _touch(self, function: Function, change: str) -> None:
        function.revision_id = identifier(self._random)
        stamp = self._clock.utc()
        function.last_modified = f"{stamp:%Y-%m-%dT%H:%M:%S}.{stamp.microsecond // 1000:03d}+0000"
        self._record(function, change)

    def _record(self, function: Function, change: str) -> None:
        detail = {"change": change}
        self._timeline.add(Record(self._clock.now(), "function", function.id.name, detail=detail))

    def _change_time(self) -> float:
        return self._random.uniform(SHORTEST_CHANGE, LONGEST_CHANGE)
