"""Tokens of Amazon Cognito user pools.

A method without scopes takes identity tokens, one with scopes takes access tokens that have one of
them.
Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-integrate-with-cognito.html
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from lambdalab.neighbours.api_gateway.rest_apis import Authorizer
from lambdalab.sources.api_gateway.refusals import RefusedError
from lambdalab.sources.gateway.call import Call
from lambdalab.sources.gateway.text import fits
from lambdalab.sources.gateway.tokens import BadTokenError, checked, scopes_of, shown

__all__ = ["claims"]

_BEARER = re.compile(r"(?:bearer\s+)?(?P<token>\S+)", re.IGNORECASE)
_HEADER = "method.request.header."
_DATES = ("exp", "iat", "nbf")


async def claims(authorizer: Authorizer, call: Call, scopes: Collection[str]) -> dict[str, Any]:
    """What the event tells of the token's holder; RefusedError without a token that holds."""
    source = (authorizer.sources or (f"{_HEADER}Authorization",))[0]
    given = call.header(source.removeprefix(_HEADER)) or ""
    found = _BEARER.fullmatch(given.strip())
    if found is None or not fits(authorizer.validation or ".*", given):
        raise RefusedError("unauthorized")
    told = await _held(found["token"], authorizer, call.time)
    wanted = "access" if scopes else "id"
    if told.get("token_use") != wanted or (scopes and not set(scopes) & set(scopes_of(told))):
        raise RefusedError("unauthorized")
    dates = {name: _date(told[name]) for name in _DATES if name in told}
    return {"claims": shown(told | dates)}


async def _held(token: str, authorizer: Authorizer, now: float) -> dict[str, Any]:
    expired = False
    for arn in authorizer.pools:
        region, pool = arn.partition("cognito-idp:")[2].partition(":")[0], arn.rpartition("/")[2]
        try:
            issuer = f"https://cognito-idp.{region}.amazonaws.com/{pool}"
            return await checked(token, issuer, (), now)
        except BadTokenError as error:
            expired = expired or "expired" in str(error)
    raise RefusedError("token-expired" if expired else "unauthorized")


def _date(seconds: Any) -> str:
    return f"{datetime.fromtimestamp(int(seconds), UTC):%a %b %d %H:%M:%S UTC %Y}"
