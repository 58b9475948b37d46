"""Rules across settings: what goes together, and what excludes each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambdalab import facts
from lambdalab.errors import aws_error
from lambdalab.functions.settings import runtimes

__all__ = ["check", "check_packaging"]

_MANDATORY = ("Runtime", "Handler")


def check_packaging(kind: str, given: Mapping[str, Any], *, new: bool) -> None:
    """Refuse settings that the other kind of package has, and miss those that this one needs."""
    if kind == "Image":
        if any(given.get(name) for name in (*_MANDATORY, "Layers")):
            raise aws_error("package.image-refuses")
        return
    if given.get("ImageConfig"):
        raise aws_error("package.zip-refuses")
    missing = [name for name in _MANDATORY if not given.get(name)]
    if new and missing:
        many = len(missing) > 1
        raise aws_error(
            f"package.mandatory-{'both' if many else 'one'}", names=" and ".join(missing)
        )


def check(before: Mapping[str, Any], after: dict[str, Any]) -> None:
    """Check all settings together. A key that nothing needs is given up: AWS does not keep it."""
    _check_file_systems(before, after)
    _check_snapshots(after)
    if not (after.get("Environment") or {}).get("Variables"):
        after["KMSKeyArn"] = None


def _check_file_systems(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    mounted = after.get("FileSystemConfigs")
    if mounted and not _attached(after):
        name = "removed" if _attached(before) and before.get("FileSystemConfigs") else "needed"
        raise aws_error(f"vpc.{name}-by-access-point", arn=mounted[0]["Arn"])


def _attached(settings: Mapping[str, Any]) -> bool:
    return bool((settings.get("VpcConfig") or {}).get("VpcId"))


def _check_snapshots(after: Mapping[str, Any]) -> None:
    """SnapStart excludes some runtimes, mounted file systems, and more than the least of /tmp."""
    if after["SnapStart"]["ApplyOn"] == "None":
        return
    runtime = after.get("Runtime")
    if runtime and not runtimes.takes_snapshots(runtime):
        raise aws_error("function.snapstart-runtime", runtime=runtime)
    if after.get("FileSystemConfigs"):
        raise aws_error("function.snapstart-files")
    if after["EphemeralStorage"]["Size"] > facts.quota("tmp.default").value:
        raise aws_error("function.snapstart-tmp")
