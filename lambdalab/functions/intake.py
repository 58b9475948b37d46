"""What versions run: code and layers as they are taken in, counted, and let go again.

Whatever is refused here leaves nothing behind; what nobody runs any more is deleted.
Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from lambdalab import facts
from lambdalab.errors import aws_error
from lambdalab.functions.layers import LayerRegistry, LayerVersion
from lambdalab.functions.lookup import Caller
from lambdalab.functions.packages import Merged, Package, PackageStore
from lambdalab.functions.records import Configuration, Function, Registry, Version
from lambdalab.neighbours.buckets import s3

__all__ = ["Intake"]


class Intake:
    """Takes in the code of functions and the content of layers."""

    def __init__(self, registry: Registry, layers: LayerRegistry, packages: PackageStore) -> None:
        self._registry = registry
        self._layers = layers
        self._packages = packages

    # Taking in.

    async def code(self, caller: Caller, given: dict[str, Any]) -> Package:
        """The package of a function, from the request or from S3."""
        if _from_s3(given) and given.get("ZipFile") is not None:
            raise aws_error("package.two-sources")
        return await self._package(caller, given, "package.no-source")

    async def layer(self, caller: Caller, given: dict[str, Any]) -> Package:
        """The content of a layer version; refused where it has no room in the account's storage."""
        package = await self._package(caller, given, "layers.no-content")
        with self.kept(package):
            self.check_storage(caller, package.unpacked)
        return package

    async def with_layers(
        self, caller: Caller, config: Configuration, arns: list[str]
    ) -> Configuration:
        """A configuration with other layers, or with none any more."""
        versions = self.usable_layers(caller, arns)
        settings = {name: value for name, value in config.settings.items() if name != "Layers"}
        if not versions:
            return replace(config, settings=settings, layers=None)
        packages = [version.package for version in versions]
        _check_size(config.package, *packages)
        settings["Layers"] = [{"Arn": one.arn, "CodeSize": one.package.size} for one in versions]
        return replace(config, settings=settings, layers=await self._packages.merge(packages))

    async def _package(self, caller: Caller, given: dict[str, Any], missing: str) -> Package:
        if given.get("ZipFile") is not None:
            return await self._packages.add(given["ZipFile"])
        if given.get("S3Bucket") and given.get("S3Key"):
            place = given["S3Bucket"], given["S3Key"], given.get("S3ObjectVersion")
            archive = s3.code_object(caller.account, caller.region, *place)
            return await self._packages.unpack(archive)
        raise aws_error("package.half-of-s3" if _from_s3(given) else missing)

    # Rules.

    def usable_layers(self, caller: Caller, arns: list[str]) -> list[LayerVersion]:
        """The layer versions that a function asks for, in their order; raises AWS's refusals."""
        if len(arns) > facts.quota("layers.per-function").value:
            raise aws_error("layers.too-many")
        chosen: dict[str, LayerVersion] = {}
        for arn in arns:
            version = self._layers.usable(caller, arn)
            if arn.split(":")[3] != caller.region:
                raise aws_error("layers.other-region", region=caller.region)
            if version is None:
                raise aws_error("layers.missing", arn=arn)
            if version.layer.arn in chosen:
                first = chosen[version.layer.arn].arn
                raise aws_error("layers.two-versions", arn=first, other_arn=arn)
            chosen[version.layer.arn] = version
        return list(chosen.values())

    def check_code(
        self, caller: Caller, package: Package, config: Configuration, *, publish: bool | None
    ) -> None:
        """Refuse code that is too large with the layers of ``config``, or for the storage."""
        if config.layers is not None:
            _check_size(package, config.layers)
        before = 0 if package is config.package else config.package.unpacked
        self.check_storage(caller, package.unpacked * (2 if publish else 1) - before)

    def check_storage(self, caller: Caller, more: int) -> None:
        """Refuse code that the account has no room for in the Region; ``more`` is in bytes."""
        functions = self._registry.of(caller.account, caller.region)
        used = sum(
            version.configuration.package.unpacked
            for function in functions
            for version in function.every_version()
        )
        used += sum(version.package.unpacked for version in self._layers.versions(caller))
        if used + more > facts.quota("package.code-storage").bytes:
            raise aws_error("package.storage-exceeded")

    def stored_layers(self, caller: Caller) -> int:
        """What the layers of an account count for in TotalCodeSize, in bytes."""
        return sum(version.package.size for version in self._layers.versions(caller))

    # Letting go.

    @contextmanager
    def kept(self, *taken: Package | Merged | None) -> Iterator[None]:
        """What was taken in is kept, unless what is done with it fails."""
        try:
            yield
        except BaseException:
            self.drop(*taken)
            raise

    def drop(self, *gone: Package | Merged | None) -> None:
        """Delete what nobody runs."""
        for one in gone:
            self._packages.remove(one)

    def let_go(self, function: Function, gone: Configuration) -> None:
        """Delete what no version has any more, once what still runs must be over."""
        versions = () if function.deleted else tuple(function.every_version())
        kept = [config for version in versions for config in _both(version)]
        unused: list[Package | Merged | None] = []
        if not any(config.package is gone.package for config in kept):
            unused.append(gone.package)
        if not any(config.layers is gone.layers for config in kept):
            unused.append(gone.layers)
        asyncio.get_running_loop().call_later(gone.timeout + 1, self.drop, *unused)


def _check_size(*parts: Package | Merged) -> None:
    """Refuse code that is too large together with its layers."""
    size = sum(part.unpacked for part in parts)
    if size > facts.quota("package.unzipped").bytes:
        raise aws_error("package.with-layers-too-large", size=size)


def _both(version: Version) -> tuple[Configuration, Configuration]:
    return version.configuration, version.deployed


def _from_s3(given: dict[str, Any]) -> bool:
    return any(given.get(name) for name in ("S3Bucket", "S3Key", "S3ObjectVersion"))
