"""What pages of other origins may do with a function URL.

AWS itself answers their preflights, and adds its headers to those of the function.
Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-cors
"""

from __future__ import annotations

from typing import Any

from lambdalab.sources.function_urls.answers import Answer
from lambdalab.wire import Request

__all__ = ["add", "is_preflight", "preflight"]

_ORIGIN = "access-control-allow-origin"
_CREDENTIALS = ("access-control-allow-credentials", "true")
_EXPOSED = "access-control-expose-headers"


def is_preflight(request: Request) -> bool:
    """Whether a browser asks what a page may do, before it does it."""
    asked = request.headers
    return (
        request.method == "OPTIONS"
        and "origin" in asked
        and "access-control-request-method" in asked
    )


def preflight(settings: dict[str, Any], request: Request) -> Answer:
    """The answer to a preflight: without a word of leave where something is not allowed."""
    answer = Answer(headers=[("content-type", "application/json")])
    wanted = request.headers.get("access-control-request-headers", "")
    method = request.headers["access-control-request-method"]
    if not (
        _allows(settings, "AllowOrigins", request.headers["origin"])
        and _allows(settings, "AllowMethods", method)
        and all(_allows(settings, "AllowHeaders", one) for one in _listed(wanted))
    ):
        return answer
    answer.headers += _leave(settings, request)
    for member, name in (
        ("AllowHeaders", "access-control-allow-headers"),
        ("AllowMethods", "access-control-allow-methods"),
    ):
        if settings.get(member):
            answer.headers.append((name, ",".join(settings[member])))
    if settings.get("MaxAge"):
        answer.headers.append(("access-control-max-age", str(settings["MaxAge"])))
    return answer


def add(settings: dict[str, Any], request: Request, answer: Answer) -> None:
    """Add to an answer what lets a page of that origin read it."""
    origin = request.headers.get("origin")
    if origin is None or not _allows(settings, "AllowOrigins", origin):
        return
    exposed = [value for name, value in answer.headers if name == _EXPOSED]
    exposed += settings.get("ExposeHeaders", [])
    answer.headers = [one for one in answer.headers if one[0] != _EXPOSED]
    answer.headers += _leave(settings, request)
    if exposed:
        answer.headers.append((_EXPOSED, ",".join(exposed)))


def _leave(settings: dict[str, Any], request: Request) -> list[tuple[str, str]]:
    """The headers that name the origin; one of many is named for the browser that asks."""
    credentials = bool(settings.get("AllowCredentials"))
    if "*" in settings.get("AllowOrigins", []) and not credentials:
        return [(_ORIGIN, "*")]
    named = [(_ORIGIN, request.headers["origin"]), ("vary", "Origin")]
    return [*named, *([_CREDENTIALS] if credentials else [])]


def _allows(settings: dict[str, Any], member: str, wanted: str) -> bool:
    allowed = [one.lower() for one in settings.get(member, [])]
    return "*" in allowed or wanted.lower() in allowed


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]
