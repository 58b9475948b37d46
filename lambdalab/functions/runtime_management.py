"""Runtime management: when a version of a function goes over to a newer version of its runtime.

The lab has one version of each runtime, so all three modes run the same; what differs is what is
shown, and that a function whose mode is ``Manual`` keeps its runtime.
Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html
"""

from __future__ import annotations

from typing import Any

from lambdalab.errors import aws_error
from lambdalab.functions import shown
from lambdalab.functions.arns import LATEST
from lambdalab.functions.lookup import Caller, Directory, Located
from lambdalab.functions.records import Function

__all__ = ["RuntimeManagementService", "check_runtime_free"]

_MODE = "UpdateRuntimeOn"
_ARN = "RuntimeVersionArn"


class RuntimeManagementService:
    """The operations on the runtime management of versions."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def put_runtime_management_config(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """PutRuntimeManagementConfig."""
        found = self._find(caller, given)
        _check(found, given)
        found.function.runtime_management[found.key] = {
            name: given[name] for name in (_MODE, _ARN) if name in given
        }
        return _shown(found)

    def get_runtime_management_config(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """GetRuntimeManagementConfig."""
        return _shown(self._find(caller, given))

    def _find(self, caller: Caller, given: dict[str, Any]) -> Located:
        found = self._directory.locate(caller, given)
        if found.qualifier in found.function.aliases:
            raise aws_error("runtime-management.alias-refused", arn=found.arn)
        return found


def check_runtime_free(function: Function, runtime: str | None) -> None:
    """Refuse another runtime for a function that is held at one version of its own."""
    held = function.runtime_management.get(LATEST, {}).get(_MODE) == "Manual"
    if held and runtime not in (None, function.latest.configuration.settings.get("Runtime")):
        raise aws_error("runtime-management.pinned")


def _check(found: Located, given: dict[str, Any]) -> None:
    config = found.version.configuration
    runtime = config.settings.get("Runtime")
    arn = given.get(_ARN)
    if given[_MODE] != "Manual":
        if arn is not None:
            raise aws_error("runtime-management.arn-refused")
    elif arn is None:
        raise aws_error("runtime-management.arn-needed")
    elif runtime is None or arn != shown.runtime_version_arn(config):
        raise aws_error("runtime-management.arn-unknown", arn=arn, runtime=runtime)


def _shown(found: Located) -> dict[str, Any]:
    # By the service model, RuntimeVersionArn is null unless the mode is Manual.
    kept = found.function.runtime_management.get(found.key, {_MODE: "Auto"})
    return {_ARN: None, **kept, "FunctionArn": found.arn}
