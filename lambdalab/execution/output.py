"""What a function writes, cut into log events.

Two things come down one pipe, so that their order is kept: plain text, an event for each line, and
frames of a runtime's logging, an event each, line breaks included. A frame is 4 bytes of type
(0xa55a00..), 4 of length, 8 of time in microseconds, then the text.

An event holds no more than CloudWatch Logs takes: longer lines are cut in several, as soon as that
much has come, so a line without an end costs no more memory than one event.
"""

from __future__ import annotations

from lambdalab import facts
from lambdalab.execution.paths import Paths

__all__ = ["LONGEST_EVENT", "LogEvents"]

_FRAME = b"\xa5\x5a\x00"
_FRAME_HEAD = 16
# CloudWatch counts the bytes of the text and some more for each event.
LONGEST_EVENT = facts.quota("log.event").bytes - facts.quota("log.event-overhead").bytes


class LogEvents:
    """Cuts the output of one environment into events, its paths shown as they are on AWS.

    What is not UTF-8 becomes U+FFFD; all other characters stay, NUL among them. Only a line feed
    ends a line: Node.js writes a carriage return for each line break within one message.
    """

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._rest = b""
        self._in_frame = 0

    def feed(self, data: bytes) -> list[str]:
        """The events that ``data`` completes."""
        rest = self._rest + data
        events: list[str] = []
        at = 0
        while at < len(rest):
            begin, end, following = self._next(rest, at)
            if following < 0:
                break
            if begin < end:
                events.append(self._text(rest[begin:end]))
            at = following
        self._rest = rest[at:]
        return events

    def finish(self) -> list[str]:
        """The last event, where the output does not end with a line break."""
        rest, self._rest = self._rest, b""
        self._in_frame = 0
        return [self._text(rest)] if rest else []

    def _next(self, rest: bytes, at: int) -> tuple[int, int, int]:
        """Where the event at ``at`` begins and ends, and what follows; -1 when more must come."""
        if self._in_frame:
            return self._frame_part(rest, at)
        if rest.startswith(_FRAME, at):
            if len(rest) - at < _FRAME_HEAD:
                return at, at, -1
            self._in_frame = int.from_bytes(rest[at + 4 : at + 8], "big")
            # An empty frame is no event.
            return at, at, at + _FRAME_HEAD
        end = _text_end(rest, at)
        return at, end, end

    def _frame_part(self, rest: bytes, at: int) -> tuple[int, int, int]:
        """All of a frame's text, or of a long one as much as an event holds."""
        size = self._in_frame
        if size > LONGEST_EVENT:
            size = LONGEST_EVENT
        if len(rest) - at < size:
            return at, at, -1
        end = _cut(rest, at, at + size) if size < self._in_frame else at + size
        self._in_frame -= end - at
        return at, end, end

    def _text(self, event: bytes) -> str:
        return self._paths.on_aws(event).decode("utf-8", "replace")


def _text_end(rest: bytes, at: int) -> int:
    """Where a plain line ends: after its line break, before a frame, or where it is too long."""
    most = at + LONGEST_EVENT
    line = rest.find(b"\n", at, most) + 1
    frame = rest.find(_FRAME, at, line or most)
    if frame > at:
        return frame
    if line:
        return line
    return _cut(rest, at, most) if len(rest) >= most else -1


def _cut(rest: bytes, at: int, end: int) -> int:
    """The place at or shortly before ``end`` at which no UTF-8 character is cut."""
    for place in range(end, max(end - 4, at), -1):
        if place >= len(rest) or rest[place] & 0xC0 != 0x80:
            return place
    return end
