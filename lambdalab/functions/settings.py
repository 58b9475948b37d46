"""The settings of a function: defaults, rules across members, and those the lab does not act on.

Settings are kept under their API names, in the form in which the API shows them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error, not_implemented
from lambdalab.functions.arns import FunctionId
from lambdalab.functions.lookup import Caller
from lambdalab.functions.records import Configuration

__all__ = ["for_new", "for_update", "refuse_unknown"]

_INVALID = "InvalidParameterValueException"

# Settings of newer families, and settings whose behaviour the lab does not have: accepted in
# silence, one would teach that it works.
_NOT_ACTED: dict[str, Callable[[Any], bool]] = {
    "CapacityProviderConfig": bool,
    "AcceleratorConfig": bool,
    "CodeSigningConfigArn": bool,
    "DeadLetterConfig": lambda config: bool(config.get("TargetArn")),
    "DurableConfig": bool,
    "FileSystemConfigs": bool,
    "ImageConfig": bool,
    "ImageUri": bool,
    "KMSKeyArn": bool,
    "Layers": bool,
    "LoggingConfig": lambda config: (
        config.get("LogFormat", "Text") != "Text" or bool(config.get("LogGroup"))
    ),
    "PackageType": lambda kind: kind != "Zip",
    "PublishTo": bool,
    "RuntimeConfig": bool,
    "S3ObjectStorageMode": lambda mode: mode != "COPY",
    "SnapStart": lambda config: config.get("ApplyOn", "None") != "None",
    "SourceKMSKeyArn": bool,
    "TenancyConfig": bool,
    "TracingConfig": lambda config: config.get("Mode", "PassThrough") != "PassThrough",
    "VpcConfig": lambda config: bool(config.get("SubnetIds") or config.get("SecurityGroupIds")),
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
    _check_mandatory(given)
    _check_runtime(given["Runtime"], day, new=True)
    return _defaults(function) | _chosen(caller, function, _defaults(function), given)


def for_update(
    caller: Caller, before: Configuration, given: dict[str, Any], day: date
) -> dict[str, Any]:
    """The settings that an update gives, checked; the others stay out."""
    refuse_unknown(given)
    if "Runtime" in given:
        _check_runtime(given["Runtime"], day, new=False)
    return _chosen(caller, before.function, before.settings, given)


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


def _check_mandatory(given: dict[str, Any]) -> None:
    missing = [name for name in ("Runtime", "Handler") if not given.get(name)]
    if missing:
        raise AwsError(
            _INVALID,
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} mandatory parameter"
            f"{'' if len(missing) == 1 else 's'} for functions created with deployment packages.",
        )


def _check_runtime(runtime: str, day: date, *, new: bool) -> None:
    """Refuse an unknown runtime, and a retired one from the day on which AWS blocks it."""
    known = {one.name: one for one in facts.runtimes()}
    if runtime not in known:
        raise aws_error("runtime.unknown", runtime=runtime, runtimes=", ".join(known))
    allowed = known[runtime].creatable if new else known[runtime].updatable
    if not allowed(day):
        raise aws_error("runtime.blocked", runtime=runtime)


Reader = Callable[[Caller, FunctionId, Any, Any], Any]


def _chosen(
    caller: Caller, function: FunctionId, before: Mapping[str, Any], given: dict[str, Any]
) -> dict[str, Any]:
    """Each given setting, checked by its reader, in the form in which it is shown."""
    return {
        name: read(caller, function, before.get(name), given[name])
        for name, read in _READERS.items()
        if name in given
    }


def _plain(caller: Caller, function: FunctionId, before: Any, value: Any) -> Any:  # noqa: ARG001
    return value


def _environment(caller: Caller, function: FunctionId, before: Any, value: Any) -> Any:  # noqa: ARG001
    variables = dict(value.get("Variables") or {})
    reserved = [name for name in variables if name in facts.reserved_variables()]
    if reserved:
        raise aws_error("environment.reserved", keys=", ".join(reserved))
    measured = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > facts.quota("environment.maximum").bytes:
        raise aws_error("environment.too-large", json=measured)
    return {"Variables": variables}


# One reader for each setting: (caller, function, value before, value given) -> value kept.
_READERS: dict[str, Reader] = {
    "Runtime": _plain,
    "Handler": _plain,
    "Role": _plain,
    "Description": _plain,
    "MemorySize": _plain,
    "Timeout": _plain,
    "Environment": _environment,
    "Architectures": _plain,
    "EphemeralStorage": _plain,
}
