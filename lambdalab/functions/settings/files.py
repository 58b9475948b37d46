"""File systems that a function mounts."""

from __future__ import annotations

from typing import Any

from lambdalab.functions.arns import FunctionId
from lambdalab.functions.lookup import Caller

__all__ = ["file_systems"]


def file_systems(
    caller: Caller,  # noqa: ARG001
    function: FunctionId,  # noqa: ARG001
    before: Any,  # noqa: ARG001
    value: list[dict[str, Any]],
) -> list[dict[str, Any]] | None:
    """The access point and where it is mounted; an empty list unmounts it.

    That there is one at most, and what its ARN and path look like, the service model says; that it
    needs a VPC is a rule across settings.
    """
    return value or None
