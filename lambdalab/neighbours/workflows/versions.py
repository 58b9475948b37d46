"""Versions of state machines: one for each revision that is published."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from moto.stepfunctions.exceptions import StateMachineDoesNotExist
from moto.stepfunctions.parser.api import ConflictException, InvalidArn

from lambdalab import facts

__all__ = ["delete", "listed", "publish"]

Json = dict[str, Any]


def listed(backend: Any, given: Json) -> list[Json]:
    """The versions of a machine, the latest first."""
    machine = backend.describe_state_machine(given["stateMachineArn"])
    return [
        {"stateMachineVersionArn": one.arn, "creationDate": one.creation_date}
        for _, one in sorted(machine.versions.items(), reverse=True)
    ]


def publish(backend: Any, given: Json) -> Json:
    """Publish what a machine is now; the same once more where it was published already."""
    machine = backend.describe_state_machine(given["stateMachineArn"])
    revision = getattr(machine, "revision_id", None) or "INITIAL"
    wanted = given.get("revisionId")
    if wanted is not None and wanted != revision:
        text = facts.message("workflow.revision").format(wanted=wanted, revision=revision)
        raise ConflictException(text)
    latest = machine.latest_version
    if latest is None or getattr(latest, "of_revision", "INITIAL") != revision:
        machine.publish(given.get("description"))
        latest = machine.latest_version
        latest.of_revision = revision
    return {"stateMachineVersionArn": latest.arn, "creationDate": latest.creation_date}


def delete(backend: Any, given: Json) -> Json:
    """Delete a version that no alias leads to."""
    arn = given["stateMachineVersionArn"]
    source, _, number = arn.rpartition(":")
    if not number.isdigit():
        raise InvalidArn(f"Invalid Arn: '{arn}'")
    with suppress(StateMachineDoesNotExist):
        machine = backend.describe_state_machine(source)
        aliases = [
            alias.name
            for alias in machine.aliases.values()
            if any(row["stateMachineVersionArn"] == arn for row in alias.routing_configuration)
        ]
        if aliases:
            text = facts.message("workflow.version-in-use").format(aliases=", ".join(aliases))
            raise ConflictException(text)
        machine.versions.pop(int(number), None)
    return {}
