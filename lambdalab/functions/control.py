"""The operations that create, change, show and delete functions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from lambdalab.clock import LabClock
from lambdalab.errors import AwsError, aws_error
from lambdalab.functions import images, settings, shown
from lambdalab.functions.arns import LATEST, FunctionId, resolve
from lambdalab.functions.intake import Intake
from lambdalab.functions.lifecycle import Lifecycle
from lambdalab.functions.lookup import Caller, Directory
from lambdalab.functions.packages import Package
from lambdalab.functions.paging import page
from lambdalab.functions.records import Configuration, Function, Version
from lambdalab.functions.runtime_management import check_runtime_free
from lambdalab.functions.settings import network
from lambdalab.functions.tags import check_count
from lambdalab.neighbours.identity import iam
from lambdalab.timeline import Timeline

__all__ = ["FunctionService"]

# A qualifier that can only be an alias's name.
_ALIAS = re.compile(r"(?!\d+$)[a-zA-Z0-9-_]+")


class FunctionService:
    """The functions of one cloud.

    ``download`` gives the address under which a package can be fetched. ``on_change`` is called
    with the ARN of a version whose deployed configuration has changed or that is gone: whoever
    runs it lets its execution environments go. ``before_deployment`` is called with a function and
    its code signing configuration (or None) before code is taken for it; it may refuse.
    """

    def __init__(
        self,
        directory: Directory,
        *,
        clock: LabClock,
        timeline: Timeline,
        intake: Intake,
        draw: Random,
        download: Callable[[Package], str],
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._intake = intake
        self._download = download
        self.lifecycle = Lifecycle(
            directory, clock=clock, timeline=timeline, intake=intake, draw=draw
        )
        self.on_change = self.lifecycle.on_change
        self.before_deployment: list[Callable[[FunctionId, str | None], None]] = []

    # The operations.

    async def create_function(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """CreateFunction; with Publish, the first version is published at once."""
        await network.looked_up(caller, given)
        wanted = _new_function(caller, given["FunctionName"])
        chosen = settings.for_new(caller, wanted, given, self._clock.utc().date())
        iam.check_assumable(caller.account, given["Role"])
        self._refuse_existing(wanted)
        tags, signing = dict(given.get("Tags") or {}), self._signing(wanted, given)
        check_count(tags)
        config = await self._first(caller, wanted, given, chosen)
        function = Function(wanted, Version(config, config), tags, code_signing_config=signing)
        self.lifecycle.create(function)
        made = self.lifecycle.publish(function) if given.get("Publish") else function.latest
        # A version is answered here under the ARN of the function, as recorded.
        return shown.configuration(made) | {"FunctionArn": function.arn}

    def get_function(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """GetFunction."""
        found = self._directory.locate(caller, given)
        code = self._code_location(found.version.configuration.package)
        return shown.function(found.function, found.version, found.qualifier, code)

    def get_function_configuration(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """GetFunctionConfiguration."""
        found = self._directory.locate(caller, given)
        return shown.configuration(found.version, found.qualifier)

    def list_functions(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """ListFunctions; with FunctionVersion ALL, every version of each."""
        functions = self._directory.registry.of(caller.account, caller.region)
        if given.get("MasterRegion"):
            # It asks for replicas of Lambda@Edge functions only, and there are none here.
            functions = []
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
        if wanted.qualifier and _ALIAS.fullmatch(wanted.qualifier):
            raise aws_error("version.alias-deletion")
        if wanted.qualifier == LATEST:
            raise aws_error("function.delete-latest")
        function = self._directory.registry.get(wanted)
        if function is None:
            raise aws_error("function.missing", arn=wanted.arn)
        if wanted.qualifier is None:
            self.lifecycle.delete(function)
        else:
            self.lifecycle.delete_version(function, wanted.qualifier)
        return {"StatusCode": 204}

    async def update_function_code(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """UpdateFunctionCode."""
        function = self._changeable(caller, given)
        self._check_deployment(function.id, function.code_signing_config)
        day = self._clock.utc().date()
        settings.for_code(function.latest.configuration, given, day)
        package = await self._code(caller, function.latest.configuration, given)
        with self._intake.kept(package):
            function = self._changeable(caller, given)
            before = function.latest.configuration
            self._intake.check_code(caller, package, before, publish=given.get("Publish"))
        changed = replace(before, package=package, settings=settings.for_code(before, given, day))
        if given.get("DryRun"):
            self._intake.drop(package)
            return shown.configuration(replace(function.latest, configuration=changed))
        self.lifecycle.update(function, changed)
        if given.get("Publish"):
            return shown.configuration(self.lifecycle.publish(function))
        return shown.configuration(function.latest)

    async def update_function_configuration(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """UpdateFunctionConfiguration: only the given settings change."""
        await network.looked_up(caller, given)
        function = self._changeable(caller, given)
        before = function.latest.configuration
        chosen = settings.for_update(caller, before, given, self._clock.utc().date())
        check_runtime_free(function, given.get("Runtime"))
        if given.get("Layers"):
            self._check_deployment(function.id, function.code_signing_config)
        if "Role" in given:
            iam.check_assumable(caller.account, given["Role"])
        changed = replace(before, settings=chosen)
        if "Layers" in given:
            changed = await self._intake.with_layers(caller, changed, given["Layers"])
            with self._intake.kept(changed.layers):
                function = self._changeable(caller, given)
                if function.latest.configuration is not before:
                    raise aws_error("state.updating", arn=function.arn)
        self.lifecycle.update(function, changed)
        return shown.configuration(function.latest)

    def publish_version(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """PublishVersion: nothing new where nothing has changed since the last one."""
        settings.refuse_unknown(given)
        function = self._changeable(caller, given)
        wanted = given.get("CodeSha256")
        current = function.latest.configuration.package.sha256
        if wanted and wanted != current:
            raise aws_error("package.wrong-sha256", given=wanted, current=current)
        if self.lifecycle.unpublished(function):
            size = function.latest.configuration.package.unpacked
            self._intake.check_storage(caller, size)
        version = self.lifecycle.publish(function, given.get("Description"))
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

    def _signing(self, function: FunctionId, given: dict[str, Any]) -> str | None:
        """The code signing configuration of a new function, which may keep its code out."""
        arn: str | None = given.get("CodeSigningConfigArn")
        if arn is not None and given.get("PackageType") == "Image":
            raise aws_error("code-signing.image")
        self._check_deployment(function, arn)
        return arn

    def _check_deployment(self, function: FunctionId, signing: str | None) -> None:
        for check in self.before_deployment:
            check(function, signing)

    def _refuse_existing(self, wanted: FunctionId) -> None:
        if self._directory.registry.get(wanted) is not None:
            raise aws_error("function.exists", name=wanted.name)

    async def _first(
        self, caller: Caller, wanted: FunctionId, given: dict[str, Any], chosen: dict[str, Any]
    ) -> Configuration:
        """The first configuration of a function; while code is taken in, others are served."""
        self._intake.usable_layers(caller, given.get("Layers") or [])
        package = await self._first_code(caller, given["Code"], chosen["PackageType"])
        config = Configuration(wanted, package, chosen)
        with self._intake.kept(package):
            if given.get("Layers"):
                config = await self._intake.with_layers(caller, config, given["Layers"])
            with self._intake.kept(config.layers):
                self._refuse_existing(wanted)
                self._intake.check_code(caller, package, config, publish=given.get("Publish"))
        return config

    async def _first_code(self, caller: Caller, code: dict[str, Any], kind: str) -> Package:
        if kind == "Image":
            return images.taken(caller.region, code, "package.no-source")
        return await self._intake.code(caller, code)

    async def _code(self, caller: Caller, before: Configuration, given: dict[str, Any]) -> Package:
        """New code for a function, of the kind that it has."""
        if before.settings["PackageType"] == "Image":
            return images.taken(caller.region, given, "package.image-uri-needed")
        if given.get("ImageUri"):
            raise aws_error("package.image-uri-refused")
        return await self._intake.code(caller, given)

    def _code_location(self, package: Package) -> dict[str, str]:
        """Where the code of a version can be had, as GetFunction shows it."""
        if isinstance(package, images.Image):
            uris = {"ImageUri": package.uri, "ResolvedImageUri": package.resolved}
            return {"RepositoryType": "ECR", **uris}
        return {"RepositoryType": "S3", "Location": self._download(package)}


def _new_function(caller: Caller, name: str) -> FunctionId:
    """The function that CreateFunction is to make; another account's is nobody's to make."""
    wanted = resolve(name, caller.account, caller.region)._replace(qualifier=None)
    if wanted.account != caller.account:
        # As recorded: without a text.
        raise AwsError("AccessDeniedException", "", 403, {"Message": None})
    return wanted


def _place(version: Version) -> str:
    """The place in lists: by name, then ``$LATEST``, then the versions as they were published."""
    config = version.configuration
    number = 0 if config.version == LATEST else int(config.version)
    return f"{config.function.name}:{number:09d}"
