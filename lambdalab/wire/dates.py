"""The line of an answer that tells when it was given."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate

__all__ = ["DateLine"]


class DateLine:
    """Writes ``Date`` for the present that ``now`` tells, in seconds since the epoch.

    Its text changes once a second, and is made as often.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._second = -1
        self._line = b""

    def __call__(self) -> bytes:
        """The line with its end."""
        second = int(self._now())
        if second != self._second:
            self._second = second
            self._line = f"Date: {formatdate(second, usegmt=True)}\r\n".encode()
        return self._line
