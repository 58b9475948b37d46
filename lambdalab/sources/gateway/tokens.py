"""JSON Web Tokens: whether one is an issuer's, is meant for this API, and holds now.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from lambdalab.neighbours.identity.token_keys import UnreachableError, claims_of, keys_of

__all__ = ["BadTokenError", "checked", "scopes_of", "shown"]


class BadTokenError(Exception):
    """A token that nobody is let in with; the text says why."""


async def checked(token: str, issuer: str, audience: Collection[str], now: float) -> dict[str, Any]:
    """The claims of a token that holds at platform time ``now``; BadTokenError otherwise."""
    if token.count(".") != 2:
        raise BadTokenError("token contains an invalid number of segments")
    try:
        keys = await asyncio.to_thread(keys_of, issuer)
    except UnreachableError:
        raise BadTokenError("OIDC discovery endpoint communication error") from None
    claims = claims_of(token, keys)
    if claims is None:
        raise BadTokenError("signature is invalid")
    if claims.get("iss") != issuer:
        raise BadTokenError("claim issuer mismatch")
    if audience and not _audiences(claims) & set(audience):
        raise BadTokenError("the token does not have a valid audience")
    _check_time(claims, now)
    return claims


def scopes_of(claims: Mapping[str, Any]) -> list[str]:
    """The scopes of a token."""
    given = claims.get("scope", claims.get("scp", ""))
    return [str(one) for one in given] if isinstance(given, list) else str(given).split()


def shown(claims: Mapping[str, Any]) -> dict[str, str]:
    """Claims as functions see them: each is text."""
    return {name: _text(value) for name, value in sorted(claims.items())}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{' '.join(_text(one) for one in value)}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _audiences(claims: Mapping[str, Any]) -> set[str]:
    given = claims.get("aud", claims.get("client_id"))
    return {str(one) for one in (given if isinstance(given, list) else [given])}


def _check_time(claims: Mapping[str, Any], now: float) -> None:
    # Clocks of issuers count whole seconds.
    if not isinstance(claims.get("exp"), int | float) or claims["exp"] <= now:
        raise BadTokenError("the token has expired")
    for name in ("nbf", "iat"):
        if isinstance(claims.get(name), int | float) and claims[name] > now + 1:
            raise BadTokenError("the token is not valid yet")
