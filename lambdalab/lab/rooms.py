"""Whether execution environments get rooms of their own on this machine.

Tried in a process of its own, in the way in which a lab starts: ``python -m lambdalab.lab.rooms``
prints why there are none, or nothing.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

from lambdalab.execution.zygote_client import ZygoteClient

__all__ = ["why_there_are_none"]

# -P: a file of the learner's folder must not stand in for a module of the lab.
COMMAND = [sys.executable, "-P", "-m", "lambdalab.lab.rooms"]
PATIENCE = 60.0


def why_there_are_none() -> str:
    """Try to make a room; the reason why it fails, empty when it does not."""
    try:
        tried = subprocess.run(
            COMMAND, check=False, capture_output=True, text=True, timeout=PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if tried.returncode:
        return f"the attempt failed (status {tried.returncode})"
    return tried.stdout.strip()


async def _try() -> str:
    with tempfile.TemporaryDirectory(prefix="lambdalab-") as folder:
        zygote = ZygoteClient(Path(folder, "scratch"))
        await zygote.ready()
        zygote.stop()
        return zygote.no_rooms


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(_try()))
