"""Publishing a version: a snapshot of code and settings under the next number."""

from __future__ import annotations

from dataclasses import replace
from random import Random

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
        """The new version, or the last one where nothing has changed since."""
        last = function.versions.get(str(function.published))
        if last is not None and _unchanged(function):
            return last
        function.published += 1
        latest = function.latest
        settings = dict(latest.configuration.settings)
        if description is not None:
            settings["Description"] = description
        config = replace(latest.configuration, settings=settings, version=str(function.published))
        version = Version(
            configuration=config,
            deployed=config,
            revision_id=identifier(self._random),
            last_modified=self._clock.stamp(),
            state=latest.state,
            last_update_status="Successful" if latest.state == "Active" else None,
        )
        function.versions[config.version] = version
        function.published_from = latest.configuration
        return version


def _unchanged(function: Function) -> bool:
    """Whether ``$LATEST`` has the code and the settings that the last version was made from."""
    before, now = function.published_from, function.latest.configuration
    return (
        before is not None
        and before.package.sha256 == now.package.sha256
        and before.settings == now.settings
    )
