"""What functions left running when the zygote died: found, and ended.

The zygote adopts the orphans of functions and ends them. Should it be killed itself, they become
children of the lab's process, which then does the same. Linux only: elsewhere nothing is adopted.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

__all__ = ["adopt", "end_all"]

LINUX = sys.platform == "linux"
PR_SET_CHILD_SUBREAPER = 36


def adopt() -> None:
    """From now on orphaned descendants become children of this process."""
    if LINUX:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_all() -> None:
    """End all children of this process with their descendants, until none is left."""
    while children := _children():
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in children:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children() -> list[int]:
    """Children of every thread of this process: a child belongs to the thread that made it."""
    found: list[int] = []
    for listing in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(pid) for pid in listing.read_text().split()]
    return found
