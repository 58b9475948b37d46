"""How an execution environment starts: what of an image runs, from a snapshot or not, traced."""

from __future__ import annotations

import json
from typing import Any

from lambdalab import facts
from lambdalab.errors import aws_error
from lambdalab.functions.arns import FunctionId
from lambdalab.functions.lookup import Caller

__all__ = ["image", "snapshots", "tracing"]


def image(caller: Caller, function: FunctionId, before: Any, value: Any) -> Any:  # noqa: ARG001
    """What replaces the image's own entry point, command and directory; nothing where empty."""
    given = {name: item for name, item in value.items() if item}
    if len(json.dumps(given).encode()) > facts.quota("package.image-settings").bytes:
        raise aws_error("configuration.image-settings-too-large")
    return {"ImageConfig": given} if given else None


def snapshots(caller: Caller, function: FunctionId, before: Any, value: Any) -> Any:  # noqa: ARG001
    """SnapStart; ``$LATEST`` is never started from a snapshot, so its status stays Off."""
    return {"ApplyOn": value.get("ApplyOn", "None"), "OptimizationStatus": "Off"}


def tracing(caller: Caller, function: FunctionId, before: Any, value: Any) -> Any:  # noqa: ARG001
    """The mode of tracing."""
    return {"Mode": value.get("Mode", "PassThrough")}
