"""Texts: those that API Gateway answers, and whether one has a customer's form."""

from __future__ import annotations

import json
import re

from lambdalab import facts
from lambdalab.errors import not_implemented
from lambdalab.wire import Response

__all__ = ["fits", "not_there", "plain"]

_JSON = ("content-type", "application/json")


def fits(pattern: str, text: str) -> bool:
    """Whether the whole of a text is what a regular expression says; nothing fits a bad one."""
    try:
        return re.fullmatch(pattern, text) is not None
    except (re.error, RecursionError):
        return False


def plain(name: str, *headers: tuple[str, str]) -> Response:
    """The answer of an HTTP API whose text and status stand in the facts under that name."""
    message = facts.message(f"http-api.{name}")
    body = json.dumps({"message": message.text}, separators=(",", ":")).encode()
    return Response(message.status or 500, body, (_JSON, *headers))


def not_there(kind: str, what: str) -> Response:
    """The answer of the lab, not of AWS, to an integration that it does not know."""
    error = not_implemented(f"integrations of the type {kind} with {what}")
    return Response(error.status, json.dumps({"message": error.message}).encode(), (_JSON,))
