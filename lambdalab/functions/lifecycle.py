"""How functions and their versions come into being, change and go: states, revisions, records."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from lambdalab import facts
from lambdalab.clock import LabClock
from lambdalab.draws import identifier
from lambdalab.errors import aws_error
from lambdalab.functions.intake import Intake
from lambdalab.functions.lookup import Directory
from lambdalab.functions.publishing import Publisher
from lambdalab.functions.records import Alias, Configuration, Function, Version
from lambdalab.timeline import Record, Timeline

__all__ = ["Lifecycle", "SnapshotFailure"]

# How long a function is Pending, and an update InProgress, in seconds of platform time. AWS
# publishes no figure: the lab's own choice, short enough to work with and long enough to be seen.
SHORTEST_CHANGE = 0.03
LONGEST_CHANGE = 0.09


class SnapshotFailure(NamedTuple):
    """Why no snapshot was taken: AWS's code for the state, and the type of the error."""

    code: str
    error: str


# Takes the snapshot of a version; says how that went when it is over.
TakeSnapshot = Callable[[Version, Callable[[SnapshotFailure | None], None]], None]


class Lifecycle:
    """Makes functions, changes them and lets them go.

    ``on_change`` is called with the ARN of a version whose deployed configuration has changed or
    that is gone: whoever runs it lets its execution environments go. ``take_snapshot`` is called
    for a version with SnapStart, which is Pending until its snapshot has been taken.
    """

    def __init__(
        self,
        directory: Directory,
        *,
        clock: LabClock,
        timeline: Timeline,
        intake: Intake,
        draw: Random,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._timeline = timeline
        self._intake = intake
        self._random = draw
        self._publisher = Publisher(clock, draw)
        self.on_change: list[Callable[[str], None]] = []
        self.take_snapshot: TakeSnapshot = lambda _, done: done(None)
        self._snapshots: set[Version] = set()

    def create(self, function: Function) -> None:
        """Keep a new function: Pending first, then Active."""
        self._directory.registry.add(function)
        self._touch(function, "created")
        self._later(lambda: self._activate(function))

    def update(self, function: Function, changed: Configuration) -> None:
        """Give ``$LATEST`` another configuration: InProgress first, and the old one runs on."""
        latest = function.latest
        latest.configuration, latest.last_update_status = changed, "InProgress"
        self._touch(function, "updated")
        self._later(lambda: self._deploy(function))

    def unpublished(self, function: Function) -> bool:
        """Whether ``$LATEST`` has changed since a version was published last."""
        return self._publisher.current(function) is None

    def publish(self, function: Function, description: str | None = None) -> Version:
        """Publish a version; it is Pending for as long as ``$LATEST`` is not ready."""
        version = self._publisher.publish(function, description)
        if version.state == "Pending" and not function.latest.changing:
            # SnapStart: the version alone is waited for, until its snapshot has been taken.
            self._later(lambda: self._activate(function))
        return version

    def delete(self, function: Function) -> None:
        """Delete a function with all its versions."""
        self._directory.registry.remove(function)
        self._record(function, "deleted")
        for version in function.every_version():
            self._changed(version)
        for config in {config for one in function.every_version() for config in _both(one)}:
            self._intake.let_go(function, config)

    def delete_version(self, function: Function, number: str) -> None:
        """Delete a published version that no alias names; one that is not there is no error."""
        users = [alias.name for alias in function.aliases.values() if number in _targets(alias)]
        if users:
            raise aws_error("version.used-by-alias", aliases=", ".join(sorted(users)))
        version = function.versions.pop(number, None)
        if version is None:
            return
        function.detach(number)
        self._record(function, "version deleted")
        self._changed(version)
        self._intake.let_go(function, version.deployed)

    # The steps.

    def _activate(self, function: Function) -> None:
        """What is Pending has come into being."""
        for version in function.every_version():
            if version.state == "Pending" and version not in self._snapshots:
                if version.deployed.snapshot:
                    self._snapshot(function, version)
                else:
                    self._active(version)
        function.settle()

    def snapshot_again(self, function: Function, version: Version) -> None:
        """Take the snapshot of a version anew: it was let go."""
        text = facts.message("snap-start.restoring").text
        version.state, version.state_reason = "Pending", ("Restoring", text)
        self._snapshot(function, version)

    def _active(self, version: Version) -> None:
        version.state, version.last_update_status = "Active", "Successful"
        version.state_reason = None
        self._revise(version)

    def _snapshot(self, function: Function, version: Version) -> None:
        """SnapStart: the version is Pending until its snapshot has been taken."""

        def done(failure: SnapshotFailure | None) -> None:
            self._snapshots.discard(version)
            if failure is None:
                self._active(version)
            else:
                text = facts.message("snap-start.failed").format(error=failure.error)
                version.state, version.state_reason = "Failed", (failure.code, text)
                self._revise(version)
            function.settle()

        self._snapshots.add(version)
        self.take_snapshot(version, done)

    def _deploy(self, function: Function) -> None:
        """The update has come through: from now on invocations see it."""
        if function.deleted:
            return
        latest = function.latest
        before, latest.deployed = latest.deployed, latest.configuration
        latest.last_update_status = "Successful"
        self._revise(latest)
        self._activate(function)
        self._changed(latest)
        self._intake.let_go(function, before)

    def _changed(self, version: Version) -> None:
        for listener in self.on_change:
            listener(version.configuration.arn)

    def _touch(self, function: Function, change: str) -> None:
        self._revise(function.latest)
        function.latest.last_modified = self._clock.stamp()
        self._record(function, change)

    def _revise(self, version: Version) -> None:
        """A revision of its own: asking for a change is one, and its coming through another."""
        version.revision_id = identifier(self._random)

    def _record(self, function: Function, change: str) -> None:
        detail = {"change": change}
        self._timeline.add(Record(self._clock.now(), "function", function.id.name, detail=detail))

    def _later(self, step: Callable[[], None]) -> None:
        self._clock.call_later(self._random.uniform(SHORTEST_CHANGE, LONGEST_CHANGE), step)


def _both(version: Version) -> tuple[Configuration, Configuration]:
    return version.configuration, version.deployed


def _targets(alias: Alias) -> set[str]:
    return {alias.version, *alias.weights}
