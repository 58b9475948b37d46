"""Which authorizers of HTTP APIs moto takes, and AWS refuses.

Sources: refusals recorded on AWS in September 2026, at https://github.com/radkawar/stackd and
https://github.com/badmintoncryer/cdk-preflight, and public reports.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from lambdalab.neighbours.api_gateway.http_api_refusals import Given, changed, refused

__all__ = ["create", "delete", "update"]

_SOURCE = re.compile(
    r"\$(request\.(header|querystring)\.[^ ]+|context\.[^ ]+|stageVariables\.[^ ]+)"
)
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_MOST_SECONDS = 3600


def create(_: Any, given: Given) -> None:
    """Refuse an authorizer that cannot be."""
    check = _KINDS.get(given.get("authorizer_type") or "")
    if check is None:
        raise refused("authorizer-kind")
    check(given)


def _check_tokens(given: Given) -> None:
    settings = given.get("jwt_config")
    if not settings:
        raise refused("jwt-settings")
    issuer = urlsplit(str(settings.get("issuer") or ""))
    # Whoever learns may have an issuer on this machine, which needs no certificate.
    if not issuer.hostname or (issuer.scheme != "https" and issuer.hostname not in _LOOPBACK):
        raise refused("jwt-issuer")
    if not settings.get("audience"):
        raise refused("jwt-audience")


def _check_function(given: Given) -> None:
    version = given.get("auth_payload_format_version")
    if not version:
        raise refused("authorizer-payload")
    if version not in ("1.0", "2.0"):
        raise refused("authorizer-payload-unsupported", version=version)
    if given.get("enable_simple_response") and version != "2.0":
        raise refused("authorizer-simple")
    seconds = int(given.get("auth_result_ttl") or 0)
    if not 0 <= seconds <= _MOST_SECONDS:
        raise refused("authorizer-ttl")
    sources = given.get("identity_source") or ()
    if seconds and not sources:
        raise refused("authorizer-cache")
    for source in [sources] if isinstance(sources, str) else sources:
        if not _SOURCE.fullmatch(source):
            raise refused("authorizer-source", source=source)
    if not given.get("authorizer_uri"):
        raise refused("authorizer-uri")


def update(api: Any, given: Given) -> None:
    """Refuse a change that leads to an authorizer that cannot be."""
    create(api, changed(api.get_authorizer(given["authorizer_id"]), given))


def delete(api: Any, given: Given) -> None:
    """Refuse to delete an authorizer that is not there, or that routes use."""
    found = api.get_authorizer(given["authorizer_id"])
    users = [one.route_key for one in api.routes.values() if one.authorizer_id == found.id]
    if users:
        raise refused("authorizer-used", authorizer=found.name, routes=", ".join(users))


_KINDS: Mapping[str, Callable[[Given], None]] = {
    "JWT": _check_tokens,
    "REQUEST": _check_function,
}
