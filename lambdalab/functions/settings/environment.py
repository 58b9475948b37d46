"""Environment variables, and the key that encrypts them."""

from __future__ import annotations

import json
from typing import Any

from lambdalab import facts
from lambdalab.errors import aws_error
from lambdalab.functions.arns import FunctionId
from lambdalab.functions.lookup import Caller

__all__ = ["key", "variables"]


def variables(caller: Caller, function: FunctionId, before: Any, value: Any) -> Any:  # noqa: ARG001
    """The variables, none of them reserved, and no more than 4 KB of them.

    AWS measures the compact JSON text of all keys and values together.
    """
    given = dict(value.get("Variables") or {})
    reserved = [name for name in given if name in facts.reserved_variables()]
    if reserved:
        raise aws_error("environment.reserved", keys=", ".join(reserved))
    measured = json.dumps(given, separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > facts.quota("environment.maximum").bytes:
        raise aws_error("environment.too-large", json=measured)
    return {"Variables": given}


def key(caller: Caller, function: FunctionId, before: Any, value: str) -> str | None:  # noqa: ARG001
    """The ARN of a key; an empty one gives the key up, and AWS's own is used again."""
    if ":alias/" in value:
        raise aws_error("environment.key-alias")
    return value or None
