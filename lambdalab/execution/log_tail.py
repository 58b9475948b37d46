"""The end of an invocation's log, for a caller who asks for it."""

from __future__ import annotations

from lambdalab import facts

__all__ = ["LogTail"]

_KEPT = facts.quota("payload.log-tail").bytes
# Lines are dropped only now and then: most invocations write less than this.
_MOST = 16 * _KEPT


class LogTail:
    """Keeps the last lines of an invocation: all that a tail can show, little more."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._size = 0

    def add(self, lines: list[str]) -> None:
        """Append lines."""
        self._lines += lines
        for line in lines:
            self._size += len(line)
        if self._size > _MOST:
            self._drop()

    def take(self) -> list[str]:
        """The lines, and begin anew."""
        lines, self._lines, self._size = self._lines, [], 0
        return lines

    def _drop(self) -> None:
        """Forget all but the last lines; of a long line its end is enough."""
        last: list[str] = []
        size = 0
        for line in reversed(self._lines):
            # A character is at least a byte, so these are bytes enough.
            last.append(line[-_KEPT:])
            size += len(last[-1])
            if size >= _KEPT:
                break
        self._lines, self._size = last[::-1], size
