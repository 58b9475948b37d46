"""Processes of this machine, as /proc shows them; nothing is seen where there is no /proc."""

from __future__ import annotations

import contextlib
import os
import signal

__all__ = ["descendants", "send"]


def descendants(pid: int) -> list[int]:
    """The children of a process, their children, and so on."""
    found: list[int] = []
    for child in _children(pid):
        found += [child, *descendants(child)]
    return found


def send(pids: list[int], number: signal.Signals) -> None:
    """Send a signal; whoever is gone is past caring."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _children(pid: int) -> list[int]:
    """Each thread's: a child belongs to the thread that made it."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - quicker, and this runs often
    except OSError:
        return []
    found: list[int] = []
    for thread in threads:
        with (
            contextlib.suppress(OSError),
            open(f"/proc/{pid}/task/{thread}/children", "rb") as listing,  # noqa: PTH123
        ):
            found += [int(child) for child in listing.read().split()]
    return found
