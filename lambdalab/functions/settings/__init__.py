"""The settings of a function: defaults, one reader for each, and rules across them.

Settings are kept under the names and in the form in which the API shows them. A reader checks what
a request gives and says what is kept; None stands for a member that is not shown. ``rules`` are
checked last, on all settings together, because an update gives only some of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from lambdalab import facts
from lambdalab.errors import aws_error, not_implemented
from lambdalab.functions.arns import FunctionId
from lambdalab.functions.lookup import Caller
from lambdalab.functions.records import Configuration
from lambdalab.functions.settings import environment, files, logs, network, rules, runtimes, start

__all__ = ["for_code", "for_new", "for_update", "refuse_unknown"]

# Settings of newer families, and settings whose behaviour the lab does not have: accepted in
# silence, one would teach that it works.
_NOT_ACTED: dict[str, Callable[[Any], bool]] = {
    "AcceleratorConfig": bool,
    "CapacityProviderConfig": bool,
    "DurableConfig": bool,
    "PublishTo": bool,
    "RuntimeConfig": bool,
    "S3ObjectStorageMode": lambda mode: mode != "COPY",
    "SourceKMSKeyArn": bool,
    "TenancyConfig": bool,
}


def refuse_unknown(given: dict[str, Any]) -> None:
    """Refuse, by name, a setting that asks for a behaviour that the lab does not have."""
    for place in (given, given.get("Code") or {}):
        for name, asks in _NOT_ACTED.items():
            if name in place and asks(place[name]):
                raise not_implemented(f"the setting {name}")


def for_new(
    caller: Caller, function: FunctionId, given: dict[str, Any], day: date
) -> dict[str, Any]:
    """The settings of a new function, checked, with AWS's defaults where none is given."""
    refuse_unknown(given)
    if len(function.name) > facts.quota("function.name").value:
        raise aws_error("function.name-too-long", value=given["FunctionName"])
    rules.check_packaging(given.get("PackageType", "Zip"), given, new=True)
    if given.get("Runtime"):
        runtimes.check(given["Runtime"], day, new=True)
    return _merged(caller, function, _defaults(function), given)


def for_update(
    caller: Caller, before: Configuration, given: dict[str, Any], day: date
) -> dict[str, Any]:
    """All settings after an update, checked."""
    refuse_unknown(given)
    rules.check_packaging(before.settings["PackageType"], given, new=False)
    if before.runtime:
        runtimes.check(given.get("Runtime") or before.runtime, day, new=False)
    return _merged(caller, before.function, before.settings, given)


def for_code(before: Configuration, given: dict[str, Any], day: date) -> dict[str, Any]:
    """All settings after an update of code, checked: new code may be for another architecture."""
    refuse_unknown(given)
    if before.runtime:
        runtimes.check(before.runtime, day, new=False)
    architectures = given.get("Architectures") or before.settings["Architectures"]
    return {**before.settings, "Architectures": architectures}


def _defaults(function: FunctionId) -> dict[str, Any]:
    return {
        "Description": "",
        "MemorySize": facts.quota("memory.default").value,
        "Timeout": facts.quota("timeout.default").value,
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": facts.quota("tmp.default").value},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "TracingConfig": {"Mode": "PassThrough"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function.name}"},
    }


Reader = Callable[[Caller, FunctionId, Any, Any], Any]


def _merged(
    caller: Caller, function: FunctionId, before: Mapping[str, Any], given: dict[str, Any]
) -> dict[str, Any]:
    """The settings with each given one in place of the one before, checked by its reader."""
    after = dict(before)
    for name, read in _READERS.items():
        if name in given:
            shown = _SHOWN_AS.get(name, name)
            after[shown] = read(caller, function, before.get(shown), given[name])
    rules.check(before, after)
    return {name: value for name, value in after.items() if value is not None}


def _some(caller: Caller, function: FunctionId, before: Any, value: Any) -> Any:  # noqa: ARG001
    return value or None


def _plain(caller: Caller, function: FunctionId, before: Any, value: Any) -> Any:  # noqa: ARG001
    return value


# One reader for each setting: (caller, function, value before, value given) -> value kept.
_READERS: dict[str, Reader] = {
    "PackageType": _plain,
    "Runtime": _some,
    "Handler": _plain,
    "Role": _plain,
    "Description": _plain,
    "MemorySize": _plain,
    "Timeout": _plain,
    "Environment": environment.variables,
    "KMSKeyArn": environment.key,
    "Architectures": _plain,
    "EphemeralStorage": _plain,
    "ImageConfig": start.image,
    "VpcConfig": network.vpc,
    "FileSystemConfigs": files.file_systems,
    "DeadLetterConfig": network.dead_letters,
    "TracingConfig": start.tracing,
    "SnapStart": start.snapshots,
    "LoggingConfig": logs.logging,
}

# Settings that are shown under another name than they are given.
_SHOWN_AS = {"ImageConfig": "ImageConfigResponse"}
