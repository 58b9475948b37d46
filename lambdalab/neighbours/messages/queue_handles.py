"""Receipt handles that name their message, so that none needs to be kept."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from uuid import UUID

__all__ = ["handle_of", "message_of"]

_MARK = "AQEB"
_DIGEST = 48
_TOLD = 20


def handle_of(arn: str, message_id: str, count: int) -> str:
    """The handle of a message of that queue, received for the ``count``-th time."""
    told = UUID(message_id).bytes + count.to_bytes(4, "big")
    return _MARK + b64encode(told + _seal(arn, told)).decode("ascii")


def message_of(arn: str, handle: str) -> str | None:
    """The id of the message that a handle of that queue names; None where it is no such handle."""
    if not handle.startswith(_MARK):
        return None
    try:
        raw = b64decode(handle.removeprefix(_MARK), validate=True)
    except ValueError:
        return None
    told, seal = raw[:_TOLD], raw[_TOLD:]
    return str(UUID(bytes=told[:16])) if seal == _seal(arn, told) else None


def _seal(arn: str, told: bytes) -> bytes:
    return hashlib.blake2b(arn.encode() + told, digest_size=_DIGEST).digest()
