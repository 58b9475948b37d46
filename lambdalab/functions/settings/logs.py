"""The format of the log, its levels, and the log group.

Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
"""

from __future__ import annotations

from typing import Any

from lambdalab.errors import aws_error
from lambdalab.functions.arns import FunctionId
from lambdalab.functions.lookup import Caller

__all__ = ["logging"]

_LEVELS = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}


def logging(
    caller: Caller,  # noqa: ARG001
    function: FunctionId,  # noqa: ARG001
    before: dict[str, str],
    value: dict[str, str],
) -> dict[str, Any]:
    """What is given changes, the rest stays; only logs as JSON have levels, INFO by default."""
    after = before | value
    if after["LogFormat"] == "JSON":
        return _LEVELS | after
    if any(level in value for level in _LEVELS):
        raise aws_error("configuration.log-level-of-text")
    return {name: after[name] for name in after if name not in _LEVELS}
