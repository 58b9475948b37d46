"""The event of an invocation: how long it may be, and that it is JSON."""

from __future__ import annotations

import json

from lambdalab import facts
from lambdalab.errors import AwsError

__all__ = ["checked"]

_LIMITS = {
    "RequestResponse": "payload.synchronous-request",
    "Event": "payload.asynchronous",
}
_EXPECTED = (
    "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
)


def checked(event: bytes, invocation_type: str) -> bytes:
    """The event as the handler gets it: an absent one is an empty object."""
    quota = _LIMITS.get(invocation_type)
    if quota is not None:
        largest = facts.quota(quota).bytes
        if len(event) > largest:
            raise AwsError(
                "RequestEntityTooLargeException",
                f"{len(event)} byte payload is too large for the {invocation_type} "
                f"invocation type (limit {largest} bytes)",
                413,
            )
    if not event.strip():
        return b"{}"
    _check_json(event)
    return event


def _check_json(event: bytes) -> None:
    try:
        json.loads(event, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise _not_json(event, error.pos) from None
    except UnicodeDecodeError as error:
        raise _not_json(event, error.start) from None
    except (ValueError, RecursionError):
        raise _not_json(event, 0) from None


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _not_json(event: bytes, position: int) -> AwsError:
    """AWS's words, which are those of its JSON parser; line and column count from 1."""
    before = event[:position]
    line = before.count(b"\n") + 1
    column = position - (before.rfind(b"\n") + 1) + 1
    return AwsError(
        "InvalidRequestContentException",
        "Could not parse request body into json: Could not parse payload into json: "
        f"{_problem(event, position)}\n at [Source: REDACTED "
        "(`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); "
        f"line: {line}, column: {column}]",
    )


def _problem(event: bytes, position: int) -> str:
    if position >= len(event):
        return "Unexpected end-of-input"
    code = event[position]
    if chr(code).isalpha() and code < 128:
        token = event[position:].split(None, 1)[0].decode("utf-8", "replace")
        return (
            f"Unrecognized token '{token}': was expecting "
            "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
        )
    shown = f"CTRL-CHAR, code {code}" if code < 32 or code > 126 else f"'{chr(code)}' (code {code})"
    return f"Unexpected character ({'(' + shown + ')' if code < 32 or code > 126 else shown}): {_EXPECTED}"
