"""Functions as the API shows them: which members are present, and in which form."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from lambdalab.errors import AwsError
from lambdalab.functions.records import Function

__all__ = ["configuration", "function", "page"]

LARGEST_PAGE = 50


def configuration(function: Function) -> dict[str, Any]:
    """A FunctionConfiguration."""
    config = function.configuration
    members = {
        "FunctionName": config.function.name,
        "FunctionArn": function.arn,
        "Runtime": config.runtime,
        "Role": config.role,
        "Handler": config.handler,
        "CodeSize": config.package.size,
        "Description": config.description,
        "Timeout": config.timeout,
        "MemorySize": config.memory,
        "LastModified": function.last_modified,
        "CodeSha256": config.package.sha256,
        "Version": config.version,
        "TracingConfig": {"Mode": "PassThrough"},
        "RevisionId": function.revision_id,
        **function.status(),
        "PackageType": "Zip",
        "Architectures": [config.architecture],
        "EphemeralStorage": {"Size": config.ephemeral_storage},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "RuntimeVersionConfig": {"RuntimeVersionArn": runtime_version_arn(function)},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": config.log_group},
    }
    if config.environment is not None:
        members["Environment"] = {"Variables": config.environment}
    return members


def runtime_version_arn(function: Function) -> str:
    """An ARN in the form of AWS's runtime versions; the digits stand for the lab's runtime."""
    config = function.configuration
    digest = hashlib.sha256(f"lambdalab {config.runtime}".encode()).hexdigest()
    return f"arn:aws:lambda:{config.function.region}::runtime:{digest}"


def function(function: Function, location: str) -> dict[str, Any]:
    """The answer of GetFunction."""
    members: dict[str, Any] = {
        "Configuration": configuration(function),
        "Code": {"RepositoryType": "S3", "Location": location},
    }
    if function.tags:
        members["Tags"] = function.tags
    return members


def page(functions: list[Function], given: dict[str, Any]) -> dict[str, Any]:
    """One page of ListFunctions; in lists AWS leaves out the state of a function."""
    after = _read_marker(given.get("Marker"))
    size = min(given.get("MaxItems", LARGEST_PAGE), LARGEST_PAGE)
    rest = [function for function in functions if function.id.name > after]
    members: dict[str, Any] = {"Functions": [_row(function) for function in rest[:size]]}
    if len(rest) > size:
        members["NextMarker"] = _marker(rest[size - 1].id.name)
    return members


_STATE_MEMBERS = ("State", "LastUpdateStatus")


def _row(function: Function) -> dict[str, Any]:
    members = configuration(function)
    return {name: members[name] for name in members if not name.startswith(_STATE_MEMBERS)}


def _marker(last_name: str) -> str:
    """A marker names the last function shown, so that changes in between lose or repeat none."""
    return base64.b64encode(json.dumps({"after": last_name}).encode()).decode("ascii")


def _read_marker(marker: str | None) -> str:
    if not marker:
        return ""
    try:
        return str(json.loads(base64.b64decode(marker, validate=True))["after"])
    except (ValueError, KeyError, TypeError) as error:
        raise AwsError(
            "InvalidParameterValueException", "Invalid marker. Please use the one returned."
        ) from error
