"""The operations that create, change, show and delete functions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from lambdalab.clock import LabClock
from lambdalab.draws import identifier
from lambdalab.errors import AwsError, aws_error
from lambdalab.functions import settings, shown
from lambdalab.functions.arns import LATEST, resolve
from lambdalab.functions.lookup import Caller, Directory
from lambdalab.functions.packages import Package, PackageStore
from lambdalab.functions.paging import page
from lambdalab.functions.publishing import Publisher
from lambdalab.functions.records import Configuration, Function, Version
from lambdalab.neighbours import iam, s3
from lambdalab.timeline import Record, Timeline

__all__ = ["FunctionService"]

# How long a function is Pending, and an update InProgress, in seconds of platform time. AWS
# publishes no figure: the lab's own choice, short enough to work with and long enough to be seen.
SHORTEST_CHANGE = 0.03
LONGEST_CHANGE = 0.09


class FunctionService:
    """The functions of one cloud.

    ``download`` gives the address under which a package can be fetched. ``on_change`` is called
    with the ARN of a version whose deployed configuration has changed or that is gone: whoever
    runs it lets its execution environments go.
    """

    def __init__(
        self,
        directory: Directory,
        *,
        clock: LabClock,
        timeline: Timeline,
        packages: PackageStore,
        draw: Random,
        download: Callable[[Package], str],
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._timeline = timeline
        self._packages = packages
        self._random = draw
        self._download = download
        self._publisher = Publisher(clock, draw)
        self.on_change: list[Callable[[str], None]] = []

    # The operations.

    def create_function(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """CreateFunction; with Publish, the first version is published at once."""
        wanted = resolve(given["FunctionName"], caller.account, caller.region)._replace(
            qualifier=None
        )
        chosen = settings.for_new(caller, wanted, given, self._clock.utc().date())
        iam.check_assumable(caller.account, given["Role"])
        if self._directory.registry.get(wanted) is not None:
            raise aws_error("function.exists", name=wanted.name)
        package = self._package(caller, given["Code"])
        config = Configuration(wanted, package, chosen)
        function = Function(wanted, Version(config, config), dict(given.get("Tags") or {}))
        self._directory.registry.add(function)
        self._touch(function, function.latest, "created")
        self._clock.call_later(self._change_time(), lambda: self._activate(function))
        if not given.get("Publish"):
            return shown.configuration(function.latest)
        return shown.configuration(self._publisher.publish(function))

    def get_function(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """GetFunction."""
        found = self._directory.locate(caller, given)
        location = self._download(found.version.configuration.package)
        return shown.function(found.function, found.version, found.qualifier, location)

    def get_function_configuration(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """GetFunctionConfiguration."""
        found = self._directory.locate(caller, given)
        return shown.configuration(found.version, found.qualifier)

    def list_functions(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """ListFunctions; with FunctionVersion ALL, every version of each."""
        functions = self._directory.registry.of(caller.account, caller.region)
        every = given.get("FunctionVersion") == "ALL"
        versions = [
            version
            for function in functions
            for version in (function.every_version() if every else [function.latest])
        ]
        rows, more = page(given, versions, _place)
        return {**more, "Functions": [shown.row(version, qualified=every) for version in rows]}

    def delete_function(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """DeleteFunction: the whole function, or one published version of it."""
        wanted = self._directory.identify(caller, given)
        if wanted.qualifier == LATEST:
            raise aws_error("function.delete-latest")
        function = self._directory.function(caller, given)
        if wanted.qualifier is None:
            self._delete_all(function)
        else:
            self._delete_version(function, wanted.qualifier)
        return {"StatusCode": 204}

    def update_function_code(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """UpdateFunctionCode."""
        function = self._changeable(caller, given)
        settings.refuse_unknown(given)
        before = function.latest.configuration
        package = self._package(caller, given)
        code_settings = {name: given[name] for name in ("Architectures",) if given.get(name)}
        changed = replace(before, package=package, settings={**before.settings, **code_settings})
        if given.get("DryRun"):
            answer = shown.configuration(replace(function.latest, configuration=changed))
            self._packages.remove(package)
            return answer
        self._update(function, changed)
        if given.get("Publish"):
            return shown.configuration(self._publisher.publish(function))
        return shown.configuration(function.latest)

    def update_function_configuration(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """UpdateFunctionConfiguration: only the given settings change."""
        function = self._changeable(caller, given)
        before = function.latest.configuration
        chosen = settings.for_update(caller, before, given, self._clock.utc().date())
        if "Role" in given:
            iam.check_assumable(caller.account, given["Role"])
        self._update(function, replace(before, settings={**before.settings, **chosen}))
        return shown.configuration(function.latest)

    def publish_version(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """PublishVersion: nothing new where nothing has changed since the last one."""
        function = self._changeable(caller, given)
        wanted = given.get("CodeSha256")
        current = function.latest.configuration.package.sha256
        if wanted and wanted != current:
            raise aws_error("package.wrong-sha256", given=wanted, current=current)
        version = self._publisher.publish(function, given.get("Description"))
        return shown.configuration(version)

    def list_versions_by_function(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """ListVersionsByFunction."""
        function = self._directory.function(caller, given)
        versions = list(function.every_version())
        rows, more = page(given, versions, _place)
        return {**more, "Versions": [shown.row(version, qualified=True) for version in rows]}

    # The steps.

    def _changeable(self, caller: Caller, given: dict[str, Any]) -> Function:
        """The function to change, refused while it is being created or updated."""
        function = self._directory.function(caller, given)
        latest = function.latest
        if latest.state == "Pending":
            raise aws_error("state.pending", state=latest.state)
        if latest.last_update_status == "InProgress":
            raise aws_error("state.updating", arn=function.arn)
        if given.get("RevisionId") and given["RevisionId"] != latest.revision_id:
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
            "InvalidParameterValueException", "Please provide a source for function code."
        )

    def _update(self, function: Function, changed: Configuration) -> None:
        latest = function.latest
        latest.configuration, latest.last_update_status = changed, "InProgress"
        self._touch(function, latest, "updated")
        self._clock.call_later(self._change_time(), lambda: self._deploy(function))

    def _activate(self, function: Function) -> None:
        """The function has come into being, with every version that was published meanwhile."""
        for version in function.every_version():
            if version.state == "Pending":
                version.state, version.last_update_status = "Active", "Successful"
        # A change that comes through is a revision of its own, beside the one that asked for it.
        function.latest.revision_id = identifier(self._random)
        function.settle()

    def _deploy(self, function: Function) -> None:
        """The update has come through: from now on invocations see it."""
        if function.deleted:
            return
        latest = function.latest
        before, latest.deployed = latest.deployed, latest.configuration
        self._activate(function)
        latest.last_update_status = "Successful"
        self._changed(latest)
        self._let_go(function, before)

    def _delete_all(self, function: Function) -> None:
        self._directory.registry.remove(function)
        self._record(function, "deleted")
        for version in function.every_version():
            self._changed(version)
        for config in {config for one in function.every_version() for config in _both(one)}:
            self._let_go(function, config)

    def _delete_version(self, function: Function, number: str) -> None:
        version = function.versions.get(number)
        if version is None:
            raise aws_error("function.missing", arn=function.qualified_arn(number))
        users = [alias.name for alias in function.aliases.values() if number in _targets(alias)]
        if users:
            raise aws_error("version.used-by-alias", aliases=", ".join(sorted(users)))
        del function.versions[number]
        self._record(function, "version deleted")
        self._changed(version)
        self._let_go(function, version.deployed)

    def _let_go(self, function: Function, gone: Configuration) -> None:
        """Delete code that no version has any more, once what still runs must be over."""
        if not function.deleted and any(
            config.package is gone.package
            for version in function.every_version()
            for config in _both(version)
        ):
            return
        loop = asyncio.get_running_loop()
        loop.call_later(gone.timeout + 1, self._packages.remove, gone.package)

    def _changed(self, version: Version) -> None:
        for listener in self.on_change:
            listener(version.configuration.arn)

    def _touch(self, function: Function, version: Version, change: str) -> None:
        version.revision_id = identifier(self._random)
        version.last_modified = self._clock.stamp()
        self._record(function, change)

    def _record(self, function: Function, change: str) -> None:
        detail = {"change": change}
        self._timeline.add(Record(self._clock.now(), "function", function.id.name, detail=detail))

    def _change_time(self) -> float:
        return self._random.uniform(SHORTEST_CHANGE, LONGEST_CHANGE)


def _both(version: Version) -> tuple[Configuration, Configuration]:
    return version.configuration, version.deployed


def _targets(alias: Any) -> set[str]:
    return {alias.version, *alias.weights}


def _place(version: Version) -> str:
    """The place in lists: by name, then ``$LATEST``, then the versions as they were published."""
    config = version.configuration
    number = 0 if config.version == LATEST else int(config.version)
    return f"{config.function.name}:{number:09d}"
