"""JSON bodies of requests, large ones too.

A package of 50 MB comes as 70 million letters in a body of JSON. Read in the ordinary way, it would
keep Python's interpreter lock for most of a second, whatever the thread: so it is taken out of the
body first, and decoded in pieces between which others have their turn.
"""

from __future__ import annotations

import binascii
import json
from secrets import token_hex
from typing import Any

__all__ = ["LARGE", "document"]

# From this size on, in bytes, a body is read in another thread and its package by itself.
LARGE = 1 << 20
# A multiple of four letters, which are three bytes.
PIECE = 1 << 20
_KEY = b'"ZipFile"'


def document(body: bytes) -> Any:
    """What a body of JSON holds; a large package in it is bytes instead of base64.

    Raises ValueError, or RecursionError, for what is no JSON.
    """
    place = _package(body) if len(body) >= LARGE else None
    if place is None:
        return _read(body)
    start, end = place
    try:
        package = _decoded(body, start, end)
    except binascii.Error:
        return _read(body)
    mark = token_hex(16)

    def put_back(members: dict[str, Any]) -> dict[str, Any]:
        return {name: package if value == mark else value for name, value in members.items()}

    return _read(body[:start] + mark.encode() + body[end:], object_hook=put_back)


def _read(body: bytes, **options: Any) -> Any:
    return json.loads(body, parse_constant=_refuse, **options)


def _refuse(constant: str) -> None:
    """Python reads NaN and Infinity, which JSON does not have."""
    raise ValueError(constant)


def _package(body: bytes) -> tuple[int, int] | None:
    """Where the letters of a large package begin and end, if there is one that is plain base64.

    In JSON, a quote within a string has a backslash before it: what is found is a whole string.
    """
    key = body.find(_KEY)
    opening = body.find(b'"', key + len(_KEY))
    closing = body.find(b'"', opening + 1)
    if min(key, opening, closing) < 0 or closing - opening < LARGE:
        return None
    between = body[key + len(_KEY) : opening].strip()
    escaped = body.find(b"\\", opening, closing) >= 0
    padded_inside = 0 <= body.find(b"=", opening, closing) < closing - 2
    if between != b":" or escaped or padded_inside:
        return None
    return opening + 1, closing


def _decoded(body: bytes, start: int, end: int) -> bytes:
    view = memoryview(body)
    return b"".join(
        binascii.a2b_base64(view[place : min(place + PIECE, end)], strict_mode=True)
        for place in range(start, end, PIECE)
    )
