"""Functions as the API shows them: which members are present, and in which form."""

from __future__ import annotations

import hashlib
from typing import Any

from lambdalab import facts
from lambdalab.functions.arns import LATEST
from lambdalab.functions.records import Configuration, Function, Version

__all__ = ["configuration", "function", "row", "runtime_version_arn"]

# What lists leave out: the state, and the version of the runtime.
_NOT_IN_LISTS = ("State", "LastUpdateStatus", "RuntimeVersionConfig")


def configuration(version: Version, qualifier: str | None = None) -> dict[str, Any]:
    """A FunctionConfiguration; the ARN carries the qualifier by which it was asked for."""
    config = version.configuration
    return {
        "FunctionName": config.function.name,
        "FunctionArn": f"{config.function.arn}:{qualifier}" if qualifier else config.arn,
        "CodeSize": config.package.size,
        "CodeSha256": config.package.sha256,
        "LastModified": version.last_modified,
        "RevisionId": version.revision_id,
        "Version": config.version,
        **_runtime_version(config),
        **config.settings,
        **_status(version),
    }


def _runtime_version(config: Configuration) -> dict[str, Any]:
    """The runtime's version; a container image brings its own runtime."""
    if not config.runtime:
        return {}
    return {"RuntimeVersionConfig": {"RuntimeVersionArn": runtime_version_arn(config)}}


def _status(version: Version) -> dict[str, Any]:
    """The members that tell the state."""
    if version.state_reason is not None:
        code, reason = version.state_reason
        told = {"State": version.state, "StateReason": reason, "StateReasonCode": code}
        done = version.last_update_status
        return told | ({"LastUpdateStatus": done} if done else {})
    if version.state == "Pending":
        return {"State": "Pending", **_reasons("State")}
    if version.last_update_status == "InProgress":
        progress = {"State": version.state, "LastUpdateStatus": "InProgress"}
        return progress | _reasons("LastUpdateStatus")
    return {"State": version.state, "LastUpdateStatus": version.last_update_status}


def _reasons(member: str) -> dict[str, str]:
    # AWS gives this one reason for a new function and for an update alike.
    return {
        f"{member}Reason": facts.message("state.creating").text,
        f"{member}ReasonCode": "Creating",
    }


def runtime_version_arn(config: Configuration) -> str:
    """An ARN in the form of AWS's runtime versions; the digits stand for the lab's runtime."""
    digest = hashlib.sha256(f"lambdalab {config.runtime}".encode()).hexdigest()
    return f"arn:aws:lambda:{config.function.region}::runtime:{digest}"


def function(
    function: Function, version: Version, qualifier: str | None, code: dict[str, str]
) -> dict[str, Any]:
    """The answer of GetFunction; ``code`` says where the code lies."""
    members: dict[str, Any] = {
        "Configuration": configuration(version, qualifier),
        "Code": code,
    }
    if function.tags:
        members["Tags"] = dict(function.tags)
    if function.reserved_concurrency is not None:
        members["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved_concurrency}
    return members


def row(version: Version, *, qualified: bool = False) -> dict[str, Any]:
    """A FunctionConfiguration in a list: AWS leaves out some members there.

    ``qualified``: where versions are listed, the ARN of ``$LATEST`` is qualified too.
    """
    wanted = version.configuration.version if qualified else None
    members = configuration(version, wanted if wanted == LATEST else None)
    return {name: members[name] for name in members if not name.startswith(_NOT_IN_LISTS)}
