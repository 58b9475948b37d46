"""Publishing a version: a snapshot of code and settings under the next number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from lambdalab.clock import LabClock
from lambdalab.draws import identifier
from lambdalab.functions.records import Function, Version

__all__ = ["Publisher"]


class Publisher:
    """Publishes versions; numbers are never used twice."""

    def __init__(self, clock: LabClock, draw: Random) -> None:
        self._clock = clock
        self._random = draw

    def publish(self, function: Function, description: str | None = None) -> Version:
        """The new version, or the last one where nothing has changed since.

        It is Pending for as long as ``$LATEST`` is being created or updated, and where SnapStart
        takes its snapshot first. ``$LATEST`` gets another revision: publishing is a change of it.
        """
        last = self.current(function)
        if last is not None:
            return last
        function.published += 1
        latest = function.latest
        settings = _published(latest.configuration.settings, description)
        config = replace(latest.configuration, settings=settings, version=str(function.published))
        pending = latest.changing or _snapshot(settings)
        version = Version(
            configuration=config,
            deployed=config,
            revision_id=identifier(self._random),
            last_modified=self._clock.stamp(),
            state="Pending" if pending else "Active",
            last_update_status=None if pending else "Successful",
        )
        function.versions[config.version] = version
        function.published_from = latest.configuration
        latest.revision_id = identifier(self._random)
        return version

    @staticmethod
    def current(function: Function) -> Version | None:
        """The version that was published last, where nothing has changed since."""
        last = function.versions.get(str(function.published))
        return last if last is not None and _unchanged(function) else None


def _published(settings: Mapping[str, Any], description: str | None) -> dict[str, Any]:
    """The settings of ``$LATEST`` as a version has them."""
    changed: dict[str, Any] = {} if description is None else {"Description": description}
    if _snapshot(settings):
        changed["SnapStart"] = settings["SnapStart"] | {"OptimizationStatus": "On"}
    return {**settings, **changed}


def _snapshot(settings: Mapping[str, Any]) -> bool:
    return bool(settings["SnapStart"]["ApplyOn"] == "PublishedVersions")


def _unchanged(function: Function) -> bool:
    """Whether ``$LATEST`` has the code and the settings that the last version was made from."""
    before, now = function.published_from, function.latest.configuration
    return (
        before is not None
        and before.package.sha256 == now.package.sha256
        and before.settings == now.settings
    )
