"""What a function writes, cut into log events.

Two things come down one pipe, so that their order is kept: plain text, an event for each line, and
frames of the Python runtime's ``logging``, an event each, line breaks included. A frame is 4 bytes
of type (0xa55a00..), 4 of length, 8 of time in microseconds, then the text.
"""

from __future__ import annotations

from lambdalab.execution.paths import Paths

__all__ = ["LogEvents"]

_FRAME = b"\xa5\x5a\x00"
_FRAME_HEAD = 16


class LogEvents:
    """Cuts the output of one environment into events, its paths shown as they are on AWS."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The events that ``data`` completes."""
        rest = self._rest + data
        events: list[str] = []
        while rest:
            if rest.startswith(_FRAME):
                size = _frame_size(rest)
                if size is None or len(rest) < size:
                    break
                event, rest = rest[_FRAME_HEAD:size], rest[size:]
            else:
                end = _text_end(rest)
                if end is None:
                    break
                event, rest = rest[:end], rest[end:]
            events.append(self._text(event))
        self._rest = rest
        return events

    def finish(self) -> list[str]:
        """The last event, where the output does not end with a line break."""
        rest, self._rest = self._rest, b""
        return [self._text(rest)] if rest else []

    def _text(self, event: bytes) -> str:
        return self._paths.on_aws(event).decode("utf-8", "replace")


def _frame_size(rest: bytes) -> int | None:
    if len(rest) < _FRAME_HEAD:
        return None
    return _FRAME_HEAD + int.from_bytes(rest[4:8], "big")


def _text_end(rest: bytes) -> int | None:
    """Where a plain line ends: after its line break, or before a frame."""
    line = rest.find(b"\n") + 1
    frame = rest.find(_FRAME, 0, line or len(rest))
    if frame > 0:
        return frame
    return line or None
