"""The directory in which a cloud keeps code and sockets, and which goes with it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

__all__ = ["scratch_directory"]

PREFIX = "lambdalab-"
LOCK = "lock"


def scratch_directory() -> Path:
    """A directory of this cloud's own; those of clouds that were killed are swept away."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        _sweep(left)
    directory = Path(tempfile.mkdtemp(prefix=PREFIX))
    # The lock says that the owner lives; it is held until the process ends, however it ends.
    descriptor = os.open(directory / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return directory


def _sweep(left: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(left / LOCK, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
        finally:
            os.close(descriptor)
