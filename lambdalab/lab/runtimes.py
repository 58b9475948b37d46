"""Which runtimes this machine has besides the lab's own Python."""

from __future__ import annotations

from datetime import UTC, date, datetime

from lambdalab import facts
from lambdalab.clock import wall_time
from lambdalab.execution.runtimes import node_search, own_runtime, pythons

__all__ = ["absent_pythons", "node_version"]


def node_version() -> str | None:
    """The version of the Node.js that functions may run on; None without one."""
    node = node_search.installed()
    return node.version if node else None


def absent_pythons(today: date | None = None) -> list[str]:
    """The Python runtimes that can be created, but run on the lab's own version here."""
    day = today or datetime.fromtimestamp(wall_time(), UTC).date()
    return sorted(
        runtime.name
        for runtime in facts.runtimes()
        if runtime.language == "Python"
        and runtime.creatable(day)
        and runtime.name != own_runtime()
        and pythons.find(runtime.name) is None
    )
