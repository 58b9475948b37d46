"""What the report at the end of a function's log says, in either log format.

Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

__all__ = ["Report", "last_report"]


class Report(NamedTuple):
    """``duration``, ``billed`` and ``init`` in ms (None where it was warm), ``used`` in MB."""

    duration: float
    billed: float
    used: int
    init: float | None


# How each figure is named: in a line of text, and among the metrics of a JSON record.
_NAMES = {
    "duration": (r"\tDuration: ([\d.]+) ms", "durationMs"),
    "billed": (r"\tBilled Duration: ([\d.]+) ms", "billedDurationMs"),
    "used": (r"\tMax Memory Used: ([\d.]+) MB", "maxMemoryUsedMB"),
    "init": (r"\tInit Duration: ([\d.]+) ms", "initDurationMs"),
}


def last_report(log: str) -> Report | None:
    """The last report in a log, or None where there is none."""
    for line in reversed(log.splitlines()):
        if line.startswith("REPORT "):
            return _report(_of_text(line))
        if line.startswith("{") and '"platform.report"' in line:
            return _report(_of_json(line))
    return None


def _of_text(line: str) -> dict[str, float]:
    hits = {name: re.search(pattern, line) for name, (pattern, _) in _NAMES.items()}
    return {name: float(hit[1]) for name, hit in hits.items() if hit}


def _of_json(line: str) -> dict[str, float]:
    metrics = json.loads(line)["record"]["metrics"]
    return {name: metrics[key] for name, (_, key) in _NAMES.items() if key in metrics}


def _report(found: dict[str, float]) -> Report:
    return Report(found["duration"], found["billed"], int(found["used"]), found.get("init"))
