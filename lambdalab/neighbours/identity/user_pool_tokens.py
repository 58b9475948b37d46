"""Tokens of moto's user pools, with the claims that a function of the pool wants.

The user has signed in when the first token is made: that is when the function is told of it, and
the next one is asked what the tokens are to hold.
Source: https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-token-generation.html
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from lambdalab.neighbours.identity import user_pool_triggers as triggers
from lambdalab.neighbours.identity.user_pool_triggers import ask, attributes_of

__all__ = ["signing_in", "with_overrides"]

Json = dict[str, Any]
Call = Callable[..., Any]

# Claims that no function may change.
_FIXED = frozenset(
    {"acr", "amr", "at_hash", "aud", "auth_time", "azp", "client_id", "cognito:username", "exp"}
    | {"iat", "identities", "iss", "jti", "nbf", "nonce", "origin_jti", "sub", "token_use"}
    | {"username"}
)
# By the version of the trigger: the version of its event.
_VERSIONS = {"V2_0": "2", "V3_0": "3"}
# What a function may say of groups and roles, and the claims that it becomes.
_GROUP_CLAIMS = {
    "groupsToOverride": "cognito:groups",
    "iamRolesToOverride": "cognito:roles",
    "preferredRole": "cognito:preferred_role",
}


class _SignIn(threading.local):
    """The sign-in that this thread answers: what tokens are to hold, once that is known."""

    source: str | None = None
    overrides: Json | None = None


_now = _SignIn()


@contextmanager
def signing_in(source: str) -> Iterator[None]:
    """While this thread answers a sign-in; ``source`` tells the function of which kind."""
    _now.source, _now.overrides = source, None
    try:
        yield
    finally:
        _now.source = _now.overrides = None


def _after(pool: Any, user: Any, client_id: str) -> None:
    given = triggers.later_metadata()
    request: Json = {"userAttributes": attributes_of(user), "newDeviceUsed": False}
    if given:
        request["clientMetadata"] = given
    ask(pool, "PostAuthentication", "Authentication", user.username, client_id, request, {})


def with_overrides(create: Call) -> Call:
    """A token with the claims that the function wants; the user is signed in by then."""

    @wraps(create)
    def run(
        pool: Any,
        client_id: str,
        username: str,
        token_use: str,
        expires_in: int = 3600,
        extra_data: Json | None = None,
    ) -> Any:
        if _now.source is not None and _now.overrides is None:
            user = pool._get_user(username)
            if _now.source == "Authentication":
                _after(pool, user, client_id)
            _now.overrides = _overrides(pool, user, client_id, _now.source)
        claims = _changed(extra_data or {}, _now.overrides or {}, token_use)
        return create(pool, client_id, username, token_use, expires_in, claims)

    return run


def _overrides(pool: Any, user: Any, client_id: str, source: str) -> Json:
    config = (pool.extended_config.get("LambdaConfig") or {}).get("PreTokenGenerationConfig") or {}
    version = _VERSIONS.get(config.get("LambdaVersion") or "", "1")
    second = version != "1"
    groups = [group.group_name for group in user.groups]
    given = triggers.later_metadata()
    request: Json = {
        "userAttributes": attributes_of(user),
        "groupConfiguration": {
            "groupsToOverride": groups, "iamRolesToOverride": [], "preferredRole": None,
        },
        **({"clientMetadata": given} if given else {}),
    }  # fmt: skip
    member = "claimsAndScopeOverrideDetails" if second else "claimsOverrideDetails"
    if second:
        request["scopes"] = ["aws.cognito.signin.user.admin"]
    trigger = "PreTokenGeneration"
    said = ask(pool, trigger, source, user.username, client_id, request, {member: None}, version)
    return {"second": second, **((said or {}).get(member) or {})}


def _changed(claims: Json, overrides: Json, kind: str) -> Json:
    """The claims of a token; the first version of the trigger changes ID tokens only."""
    if overrides.get("second"):
        own = overrides.get(f"{kind}TokenGeneration") or {}
    else:
        own = overrides if kind == "id" else {}
    suppressed = set(own.get("claimsToSuppress") or []) - _FIXED
    added = {
        name: value
        for name, value in (own.get("claimsToAddOrOverride") or {}).items()
        if name not in _FIXED
    }
    changed = {name: one for name, one in claims.items() if name not in suppressed} | added
    details = overrides.get("groupOverrideDetails") or {}
    names = _GROUP_CLAIMS if kind == "id" else {"groupsToOverride": "cognito:groups"}
    found = {claim: details.get(name) for name, claim in names.items()}
    changed |= {claim: value for claim, value in found.items() if value is not None}
    return _scoped(changed, own)


def _scoped(claims: Json, own: Json) -> Json:
    if "scope" not in claims:
        return claims
    gone = set(own.get("scopesToSuppress") or [])
    kept = [one for one in claims["scope"].split() if one not in gone]
    return {**claims, "scope": " ".join([*kept, *(own.get("scopesToAdd") or [])])}
