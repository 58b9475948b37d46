"""What web requests, and the events and answers made of them, have in common."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Any

from lambdalab.wire import Request

__all__ = [
    "HOP",
    "SOURCE_IP",
    "body_of",
    "decoded",
    "fields_of",
    "is_text",
    "java_text",
    "joined",
    "may_be_sent",
]

# Only this machine reaches the lab.
SOURCE_IP = "127.0.0.1"
# What concerns one connection, and is nobody's business behind it.
HOP = frozenset(
    {
        "connection", "expect", "keep-alive", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    }
)  # fmt: skip

Fields = list[tuple[str, str]]

# The second group is text to some services only.
_TEXT = re.compile(r"(text/.*|application/(?:json|javascript|xml))|([^;]*\+(?:json|xml))")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_IN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def fields_of(raw: Iterable[tuple[bytes, bytes]]) -> Fields:
    """The header fields of a request in their order; names in lower case."""
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw]


def joined(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Header fields by name; the values of a repeated one with commas between them."""
    found: dict[str, str] = {}
    for name, value in fields:
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def is_text(content_type: str, *, suffixes: bool = True) -> bool:
    """Whether a body of that type is handed on as text; every other one in base64.

    ``suffixes`` says whether types such as ``application/problem+json`` are text too.
    """
    found = _TEXT.fullmatch(content_type.partition(";")[0].strip().lower())
    return found is not None and (suffixes or found[1] is not None)


def body_of(request: Request, *, suffixes: bool = True) -> tuple[str, bool]:
    """The body of a request as an event has it, and whether it is in base64."""
    encoded = request.headers.get("content-encoding", "identity") != "identity"
    if is_text(request.headers.get("content-type", ""), suffixes=suffixes) and not encoded:
        try:
            return request.body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(request.body).decode(), True


def decoded(text: str) -> bytes:
    """The bytes that a function gave in base64, read as leniently as AWS does.

    Either alphabet will do, and what belongs to neither is left out.
    """
    letters = text.encode("ascii", "ignore").translate(bytes.maketrans(b"-_", b"+/"))
    letters = _NOT_BASE64.sub(b"", letters)
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return base64.b64decode(letters + b"=" * (-len(letters) % 4))


def java_text(value: Any) -> str:
    """A value of JSON as text, where AWS expects text and takes whatever else comes."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={java_text(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(java_text, value)) + "]"
    return str(value)


def may_be_sent(name: str, value: str) -> bool:
    """Whether a header field is one: a line break in it would begin another."""
    return _NAME.fullmatch(name) is not None and not _NOT_IN_VALUE.search(value)
