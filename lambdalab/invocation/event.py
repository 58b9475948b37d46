"""The event of an invocation: how long it may be, and that it is JSON."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error

__all__ = ["checked", "client_context"]

_LIMITS = {
    "RequestResponse": (facts.quota("payload.synchronous-request").bytes, "synchronous"),
    "Event": (facts.quota("payload.asynchronous").bytes, "asynchronous"),
}
_TOKEN = re.compile(rb"[A-Za-z_$][A-Za-z0-9_$]*")
_FIRST_PRINTABLE, _LAST_PRINTABLE = 32, 126


def checked(event: bytes, invocation_type: str, *, is_json: bool = False) -> bytes:
    """The event as the handler gets it: an absent one is an empty object.

    With ``is_json`` only its length is looked at.
    """
    largest, kind = _LIMITS.get(invocation_type, (len(event), ""))
    if len(event) > largest:
        raise aws_error(f"payload.{kind}-too-large", size=len(event))
    if not event.strip():
        return b"{}"
    if not is_json:
        _check_json(event)
    return event


def _check_json(event: bytes) -> None:
    try:
        json.loads(event, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        # The error counts characters, AWS's parser bytes.
        raise _not_json(event, len(error.doc[: error.pos].encode())) from None
    except UnicodeDecodeError as error:
        raise _not_json(event, error.start) from None
    except (ValueError, RecursionError):
        raise _not_json(event, 0) from None


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _not_json(event: bytes, position: int) -> AwsError:
    """The refusal in the words of AWS's JSON parser; line and column count from 1."""
    token = _TOKEN.match(event, position)
    if token and not event[:position].strip():
        # A word where the document should begin: the parser stops behind it.
        word = token[0].decode("ascii")
        reason = facts.message("payload.unrecognized-token").format(token=word)
        position = token.end()
    else:
        reason = _reason(event, position)
    before = event[:position]
    line = before.count(b"\n") + 1
    column = position - (before.rfind(b"\n") + 1) + 1
    return aws_error("payload.not-json", reason=reason, line=line, column=column)


def _reason(event: bytes, position: int) -> str:
    if position >= len(event):
        return "Unexpected end-of-input"
    code = event[position]
    if _FIRST_PRINTABLE <= code <= _LAST_PRINTABLE:
        shown = f"'{chr(code)}' (code {code})"
    else:
        shown = facts.message("payload.control-character").format(code_point=code)
    return facts.message("payload.unexpected-character").format(character=shown)


def client_context(given: dict[str, Any]) -> str | None:
    """The client's context as JSON text; a header carries it in base64."""
    encoded = given.get("ClientContext")
    if not encoded:
        return None
    try:
        # Written anew, for a header holds no line break and nothing but ASCII.
        return json.dumps(json.loads(base64.b64decode(encoded, validate=True)))
    except ValueError:
        raise AwsError(
            "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON."
        ) from None
