"""Requests of extensions taken apart, and the refusals of those that AWS would refuse.

Texts and error types: https://github.com/aws/aws-lambda-runtime-interface-emulator
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from lambdalab import facts
from lambdalab.execution.extension import INVOKE, SHUTDOWN, Extension, Step
from lambdalab.wire import Request, Response

__all__ = [
    "JSON",
    "Refused",
    "check_events",
    "events_of",
    "identifier_of",
    "name_of",
    "refusal",
    "state_refusal",
]

JSON = ("Content-Type", "application/json")
# The error types of the refusals; their texts stand in the facts.
_KINDS = {
    "no-name": "Extension.InvalidExtensionName",
    "no-body": "InvalidRequestFormat",
    "bad-body": "InvalidRequestFormat",
    "configuration-keys": "InvalidRequestFormat",
    "event": "Extension.InvalidEventType",
    "internal-shutdown": "Extension.InvalidEventType",
    "state": "Extension.InvalidExtensionState",
    "name-taken": "Extension.InvalidExtensionState",
    "closed": "Extension.RegistrationClosed",
    "too-many": "Extension.TooManyExtensions",
    "no-identifier": "Extension.MissingExtensionIdentifier",
    "bad-identifier": "Extension.InvalidExtensionIdentifier",
    "unknown": "Extension.UnknownExtensionIdentifier",
    "unknown-in-error": "Extension.UnknownExtensionIdentifier",
    "no-error-type": "Extension.MissingHeader",
}


class Refused(Exception):  # noqa: N818 - an answer, not an error of the lab
    """A request is refused, with the wording of that name."""

    def __init__(self, name: str, /, **fields: object) -> None:
        super().__init__(name)
        text = facts.message(f"extension.{name}").format(**fields)
        self.response = refusal(403, _KINDS[name], text)


def state_refusal(extension: Extension, step: Step, called: str) -> Refused:
    """A call that the extension's state does not allow; ``called`` is how the request named it."""
    return Refused("state", state=extension.state, wanted=step, extension=called)


def name_of(request: Request) -> str:
    """The name that an extension gives itself: for an external one that of its file, in UTF-8."""
    name = request.headers.get("lambda-extension-name", "")
    if not name:
        raise Refused("no-name")
    return name.encode("latin-1").decode("utf-8", "replace")


def identifier_of(request: Request) -> str:
    """The extension's identifier, in the one form of a UUID that the lab gave it in."""
    given = request.headers.get("lambda-extension-identifier", "")
    if not given:
        raise Refused("no-identifier")
    try:
        return str(UUID(given))
    except ValueError:
        raise Refused("bad-identifier") from None


def events_of(body: bytes) -> tuple[str, ...]:
    """The events in the body of a registration, each once; names of members in any case."""
    members = _members(body)
    if _strings(members.get("configurationkeys")):
        raise Refused("configuration-keys")
    return tuple(dict.fromkeys(_strings(members.get("events"))))


def _members(body: bytes) -> dict[str, Any]:
    if not body.strip():
        raise Refused("no-body")
    try:
        given = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise Refused("bad-body") from None
    if given is None:  # AWS takes it for an object without members
        return {}
    if not isinstance(given, dict):
        raise Refused("bad-body")
    return {name.lower(): value for name, value in given.items()}


def _strings(given: Any) -> list[str]:
    """A list of strings, or none at all; the null of a list is an empty string, as in Go."""
    if given is None:
        return []
    if not isinstance(given, list) or not all(one is None or isinstance(one, str) for one in given):
        raise Refused("bad-body")
    return [one or "" for one in given]


def check_events(events: tuple[str, ...], *, external: bool) -> None:
    """Refuse events that there are not, or that an internal extension may not register for."""
    for event in events:
        if event == SHUTDOWN and not external:
            raise Refused("internal-shutdown", event=event)
        if event not in (INVOKE, SHUTDOWN):
            raise Refused("event", event=event)


def refusal(status: int, kind: str, message: str) -> Response:
    """An answer with an error, as the Extensions API writes it."""
    body = json.dumps({"errorMessage": message, "errorType": kind}).encode()
    return Response(status, body, (JSON,))
