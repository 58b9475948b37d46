"""Layer versions: published, shown, listed, deleted.

A version never changes and its number is never given again. Deleting one takes it from whoever
wants it new; functions that have it keep it.
Source: https://docs.aws.amazon.com/lambda/latest/dg/creating-deleting-layers.html
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from lambdalab.clock import LabClock
from lambdalab.errors import aws_error
from lambdalab.functions.intake import Intake
from lambdalab.functions.layers import Layer, LayerRegistry, LayerVersion, identify
from lambdalab.functions.lookup import Caller
from lambdalab.functions.packages import Package
from lambdalab.functions.paging import page
from lambdalab.functions.policies import Policy

__all__ = ["LayerService", "check_number"]

# The most that a list of layers shows at once: what the model lets MaxItems be.
LARGEST_PAGE = 50


class LayerService:
    """The operations on layers and their versions."""

    def __init__(
        self,
        layers: LayerRegistry,
        intake: Intake,
        *,
        clock: LabClock,
        draw: Random,
        download: Callable[[Package], str],
    ) -> None:
        self._layers = layers
        self._intake = intake
        self._clock = clock
        self._random = draw
        self._download = download

    async def publish_layer_version(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """PublishLayerVersion."""
        wanted = identify(caller, given["LayerName"], "lambda:PublishLayerVersion")
        package = await self._intake.layer(caller, given["Content"])
        layer, number = self._layers.publish(wanted)
        members = self._members(given)
        version = LayerVersion(wanted, number, package, members, Policy(self._random))
        layer.versions[number] = version
        return self._shown(version)

    def get_layer_version(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """GetLayerVersion."""
        check_number(given)
        wanted = identify(caller, given["LayerName"], "lambda:GetLayerVersion")
        return self._get(caller, f"{wanted.arn}:{given['VersionNumber']}")

    def get_layer_version_by_arn(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """GetLayerVersionByArn."""
        layer, _, number = given["Arn"].rpartition(":")
        if number == "0":
            raise aws_error("layers.bad-number")
        if ":layer:" in layer:
            identify(caller, layer, "lambda:GetLayerVersion")
        return self._get(caller, given["Arn"])

    def delete_layer_version(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """DeleteLayerVersion; one that does not exist is no error."""
        check_number(given)
        wanted = identify(caller, given["LayerName"], "lambda:DeleteLayerVersion")
        layer = self._layers.get(wanted)
        version = layer.versions.pop(given["VersionNumber"], None) if layer else None
        if version is not None:
            self._intake.drop(version.package)
        return {}

    def list_layers(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """ListLayers: each that has a version for the runtime and architecture asked for."""
        newest = [(layer, _matching(layer, given)[:1]) for layer in self._layers.of(caller)]
        rows = [versions[0] for _, versions in newest if versions]
        shown, more = page(given, rows, lambda one: one.layer.name, LARGEST_PAGE)
        return {**more, "Layers": [_layer_row(version) for version in shown]}

    def list_layer_versions(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """ListLayerVersions, newest first; of a layer that does not exist, none."""
        wanted = identify(caller, given["LayerName"], "lambda:ListLayerVersions")
        layer = self._layers.get(wanted) or Layer(wanted)
        shown, more = page(given, _matching(layer, given), _place, LARGEST_PAGE)
        return {**more, "LayerVersions": [_row(version) for version in shown]}

    def _get(self, caller: Caller, arn: str) -> dict[str, Any]:
        version = self._layers.usable(caller, arn)
        if version is None:
            raise aws_error("resource.missing")
        return self._shown(version)

    def _members(self, given: dict[str, Any]) -> dict[str, Any]:
        """What a version shows of its request: a list that is not given is not shown, [] is."""
        names = ("CompatibleArchitectures", "CompatibleRuntimes", "LicenseInfo")
        return {
            "CreatedDate": self._clock.stamp(),
            "Description": given.get("Description", ""),
            **{name: given[name] for name in names if name in given},
        }

    def _shown(self, version: LayerVersion) -> dict[str, Any]:
        content = {
            "Location": self._download(version.package),
            "CodeSha256": version.package.sha256,
            "CodeSize": version.package.size,
        }
        return {**_row(version), "LayerArn": version.layer.arn, "Content": content}


def check_number(given: dict[str, Any]) -> None:
    """Refuse a version number that no version can have."""
    if given["VersionNumber"] < 1:
        raise aws_error("layers.bad-number")


def _matching(layer: Layer, given: dict[str, Any]) -> list[LayerVersion]:
    return layer.newest_first(given.get("CompatibleRuntime"), given.get("CompatibleArchitecture"))


def _row(version: LayerVersion) -> dict[str, Any]:
    return {"LayerVersionArn": version.arn, "Version": version.number, **version.members}


def _layer_row(newest: LayerVersion) -> dict[str, Any]:
    return {
        "LayerName": newest.layer.name,
        "LayerArn": newest.layer.arn,
        "LatestMatchingVersion": _row(newest),
    }


def _place(version: LayerVersion) -> str:
    """The place in lists: markers compare as text, and the highest number comes first."""
    return f"{10**18 - version.number:018d}"
