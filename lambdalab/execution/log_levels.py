"""The levels of logs in JSON, and which of them each event of the platform has.

Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
"""

from __future__ import annotations

from lambdalab.execution.events import Event

__all__ = ["LEVELS", "at_least", "level"]

# From the most to the least detail. TRACE, ERROR and FATAL are levels of applications only.
LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_RANK = {name: rank for rank, name in enumerate(LEVELS)}
# Which level a system log has: the type, the level of a success, that of all else.
_SYSTEM_LEVELS = {
    "platform.initStart": ("INFO", "INFO"),
    "platform.initRuntimeDone": ("DEBUG", "WARN"),
    "platform.initReport": ("INFO", "WARN"),
    "platform.restoreStart": ("INFO", "INFO"),
    "platform.restoreRuntimeDone": ("DEBUG", "WARN"),
    "platform.restoreReport": ("INFO", "WARN"),
    "platform.start": ("INFO", "INFO"),
    "platform.runtimeDone": ("DEBUG", "WARN"),
    "platform.report": ("INFO", "WARN"),
    "platform.extension": ("INFO", "WARN"),
    "platform.telemetrySubscription": ("INFO", "INFO"),
    "platform.logsDropped": ("WARN", "WARN"),
}


def level(event: Event) -> str:
    """The level of a system log: DEBUG, INFO or WARN."""
    assert isinstance(event.record, dict)
    record = event.record
    if "errorType" in record or record.get("status", "success") != "success":
        return _SYSTEM_LEVELS[event.type][1]
    # Of an INIT on demand the report says nothing that REPORT does not.
    if event.type == "platform.initReport" and record["initializationType"] == "on-demand":
        return "DEBUG"
    return _SYSTEM_LEVELS[event.type][0]


def at_least(level: str, wanted: str) -> bool:
    """Whether a log of ``level`` is sent where the function wants logs from ``wanted`` on."""
    return _RANK[level] >= _RANK[wanted]
