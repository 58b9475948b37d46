"""The settings of a function: their defaults, their rules, and the ones the lab does not act on."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error, not_implemented

__all__ = ["for_new", "for_update", "refuse_unknown"]

_INVALID = "InvalidParameterValueException"

# Settings whose behaviour the lab does not have yet, and when they ask for it. Accepting one in
# silence would teach that it works.
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
    "Publish": bool,
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


def for_new(given: dict[str, Any], day: date) -> dict[str, Any]:
    """The settings of a new function, checked, with AWS's defaults where none is given."""
    if len(given["FunctionName"].rpartition(":")[2]) > facts.quota("function.name").value:
        raise aws_error("function.name-too-long", value=given["FunctionName"])
    if len(given.get("Tags") or {}) > facts.quota("tags.per-resource").value:
        raise aws_error("tags.too-many")
    missing = [name for name in ("Runtime", "Handler") if not given.get(name)]
    if missing:
        raise AwsError(
            _INVALID,
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} mandatory parameter"
            f"{'' if len(missing) == 1 else 's'} for functions created with deployment packages.",
        )
    defaults = {
        "memory": facts.quota("memory.default").value,
        "timeout": facts.quota("timeout.default").value,
    }
    _check_runtime(given["Runtime"], day, new=True)
    return defaults | _chosen(given)


def for_update(given: dict[str, Any], day: date) -> dict[str, Any]:
    """The settings that an update gives, checked; the others stay out."""
    if "Runtime" in given:
        _check_runtime(given["Runtime"], day, new=False)
    return _chosen(given)


def _chosen(given: dict[str, Any]) -> dict[str, Any]:
    chosen = {ours: given[name] for name, ours in _PLAIN.items() if name in given}
    if given.get("Environment") is not None:
        chosen["environment"] = _environment(given["Environment"].get("Variables") or {})
    if given.get("Architectures"):
        chosen["architecture"] = given["Architectures"][0]
    if given.get("EphemeralStorage"):
        chosen["ephemeral_storage"] = given["EphemeralStorage"]["Size"]
    return chosen


_PLAIN = {
    "Runtime": "runtime",
    "Handler": "handler",
    "Role": "role",
    "Description": "description",
    "MemorySize": "memory",
    "Timeout": "timeout",
}


def _check_runtime(runtime: str, day: date, *, new: bool) -> None:
    """Refuse an unknown runtime, and a retired one from the day on which AWS blocks it."""
    known = {one.name: one for one in facts.runtimes()}
    if runtime not in known:
        raise aws_error("runtime.unknown", runtime=runtime, runtimes=", ".join(known))
    allowed = known[runtime].creatable if new else known[runtime].updatable
    if not allowed(day):
        raise aws_error("runtime.blocked", runtime=runtime)


def _environment(variables: dict[str, str]) -> dict[str, str]:
    reserved = [name for name in variables if name in facts.reserved_variables()]
    if reserved:
        raise aws_error("environment.reserved", keys=", ".join(reserved))
    measured = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > facts.quota("environment.maximum").bytes:
        raise aws_error("environment.too-large", json=measured)
    return variables
