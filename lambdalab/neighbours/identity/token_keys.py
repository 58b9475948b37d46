"""The public keys by which tokens are checked: those of moto's user pools, and of issuers here.

The lab asks nobody outside this machine: other issuers' keys cannot be had.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, build_opener

__all__ = ["UnreachableError", "claims_of", "keys_of", "pool_of"]

_POOL = re.compile(r"https://cognito-idp\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<pool>[^/]+)")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Signatures that a public key can check.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
_SECONDS = 3.0
_MOST = 1 << 20


class UnreachableError(Exception):
    """The issuer's keys cannot be had."""


def keys_of(issuer: str) -> dict[str, Any]:
    """The key set of an issuer; blocks where it is a server on this machine."""
    found = _POOL.fullmatch(issuer.rstrip("/"))
    if found:
        pool = pool_of(found["pool"])
        if pool is None:
            raise UnreachableError
        key = pool.json_web_key.as_dict(private=False)
        return {"keys": [key | {"kid": "dummy", "alg": "RS256", "use": "sig"}]}
    address = urlsplit(issuer)
    if address.scheme not in ("http", "https") or address.hostname not in _LOOPBACK:
        raise UnreachableError
    document = _fetched(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    jwks = str(document.get("jwks_uri"))
    if urlsplit(jwks).hostname not in _LOOPBACK:
        raise UnreachableError
    return _fetched(jwks)


def pool_of(pool_id: str) -> Any | None:
    """Moto's user pool of that id."""
    if "moto.cognitoidp.models" not in sys.modules:
        return None
    from moto.cognitoidp.models import cognitoidp_backends

    for regions in list(cognitoidp_backends.values()):
        for backend in list(regions.values()):
            if pool_id in backend.user_pools:
                return backend.user_pools[pool_id]
    return None


def claims_of(token: str, keys: dict[str, Any]) -> dict[str, Any] | None:
    """What a token says, where its signature is that of one of the keys; None otherwise."""
    from joserfc import jwk, jwt
    from joserfc.errors import JoseError

    try:
        key_set = jwk.KeySet.import_key_set(keys)  # type: ignore[arg-type]
        return dict(jwt.decode(token, key_set, algorithms=_ALGORITHMS).claims)
    except (JoseError, ValueError, TypeError, KeyError):
        return None


class _NoWayOn(HTTPRedirectHandler):
    """Follows nobody: a redirection could lead away from this machine."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _fetched(url: str) -> dict[str, Any]:
    try:
        with build_opener(ProxyHandler({}), _NoWayOn).open(url, timeout=_SECONDS) as answer:
            found = json.loads(answer.read(_MOST))
    except (OSError, ValueError):
        raise UnreachableError from None
    if not isinstance(found, dict):
        raise UnreachableError
    return found
