"""Sign-in of moto's user pools, with the triggers of the pool: passwords and challenges.

moto answers CUSTOM_AUTH with nothing. Here three functions lead it: one says what comes next, one
makes the challenge, one looks at the answer.
Source: https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-challenge.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from lambdalab.errors import aws_error
from lambdalab.neighbours.identity import user_pool_triggers as triggers
from lambdalab.neighbours.identity.user_pool_tokens import signing_in, with_overrides
from lambdalab.neighbours.identity.user_pool_triggers import as_moto, ask, attributes_of

__all__ = ["install", "migrate"]

Json = dict[str, Any]
Call = Callable[..., Any]

_PASSWORDS = ("USER_PASSWORD_AUTH", "ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH")
_REFRESHES = ("REFRESH_TOKEN", "REFRESH_TOKEN_AUTH")
_CUSTOM = "CUSTOM_CHALLENGE"


def install() -> None:
    """Let sign-in call the triggers of the pool."""
    from moto.cognitoidp import models

    backend, pool = models.CognitoIdpBackend, models.CognitoIdpUserPool
    backend.initiate_auth = _initiate(backend.initiate_auth)
    backend.admin_initiate_auth = _admin_initiate(backend.admin_initiate_auth)
    backend.respond_to_auth_challenge = _respond(backend.respond_to_auth_challenge)
    pool.create_jwt = with_overrides(pool.create_jwt)


def _initiate(initiate: Call) -> Call:
    @wraps(initiate)
    def run(backend: Any, client_id: str, auth_flow: str, auth_parameters: Json) -> Any:
        pools = backend.user_pools.values()
        pool = next((one for one in pools if client_id in one.clients), None)

        def act() -> Any:
            return initiate(backend, client_id, auth_flow, auth_parameters)

        return (
            act()
            if pool is None
            else _begin(backend, pool, client_id, auth_flow, auth_parameters, act)
        )

    return run


def _admin_initiate(initiate: Call) -> Call:
    @wraps(initiate)
    def run(
        backend: Any, user_pool_id: str, client_id: str, auth_flow: str, auth_parameters: Json
    ) -> Any:
        pool = backend.describe_user_pool(user_pool_id)

        def act() -> Any:
            return initiate(backend, user_pool_id, client_id, auth_flow, auth_parameters)

        return _begin(backend, pool, client_id, auth_flow, auth_parameters, act)

    return run


def _begin(
    backend: Any, pool: Any, client_id: str, flow: str, parameters: Json | None, act: Call
) -> Any:
    username = (parameters or {}).get("USERNAME") or ""
    if flow in _REFRESHES:
        with signing_in("RefreshTokens"):
            return act()
    user = pool._get_user(username)
    if user is None and flow in _PASSWORDS:
        user = migrate(pool, client_id, username, (parameters or {}).get("PASSWORD"))
    if user is not None and user.enabled:
        _before(pool, user, client_id)
    if flow == "CUSTOM_AUTH":
        return _custom(backend, pool, client_id, backend.admin_get_user(pool.id, username), [])
    with signing_in("Authentication"):
        return act()


def _before(pool: Any, user: Any, client_id: str) -> None:
    given, _ = triggers.metadata()
    request = {"userAttributes": attributes_of(user), "validationData": given or None}
    ask(pool, "PreAuthentication", "Authentication", user.username, client_id, request, {})


def migrate(pool: Any, client_id: str, username: str, password: str | None) -> Any | None:
    """Ask the function for a user that the pool does not know; gives the user, or None."""
    from moto.cognitoidp.models import CognitoIdpUser, UserStatus

    source = "ForgotPassword" if password is None else "Authentication"
    given, _ = triggers.metadata()
    request: Json = {"password": password, "validationData": None, "userAttributes": None}
    # What the begin of a sign-in calls client metadata is validation data to the function.
    request["clientMetadata" if password is None else "validationData"] = given or None
    names = "userAttributes", "forceAliasCreation", "finalUserStatus", "messageAction"
    empty = dict.fromkeys((*names, "desiredDeliveryMediums"))
    found = ask(pool, "UserMigration", source, username, client_id, request, empty)
    attributes = (found or {}).get("userAttributes")
    if not isinstance(attributes, dict) or not attributes:
        return None
    rows = [{"Name": name, "Value": str(value)} for name, value in attributes.items()]
    wanted = (found or {}).get("finalUserStatus") or "RESET_REQUIRED"
    known = {status.name: status for status in UserStatus}
    user = CognitoIdpUser(
        pool.id, username, password, known.get(wanted, known["RESET_REQUIRED"]), rows
    )
    pool.users[user.username] = user
    return user


# ---- challenges of the functions' own


def _custom(backend: Any, pool: Any, client_id: str, user: Any, session: list[Json]) -> Any:
    """What comes next: tokens, a refusal, or a challenge."""
    shown = {"userAttributes": attributes_of(user), "session": session, "userNotFound": False}
    empty = {"challengeName": None, "issueTokens": None, "failAuthentication": None}
    said = _ask_user(pool, "DefineAuthChallenge", user, client_id, shown, empty)
    if said.get("failAuthentication"):
        raise as_moto(aws_error("user-pool.not-authorized"))
    if said.get("issueTokens"):
        with signing_in("Authentication"):
            return backend._log_user_in(pool, pool.clients[client_id], user.username)
    if said.get("challengeName") != _CUSTOM:
        raise as_moto(aws_error("user-pool.unreadable"))
    return _challenge(backend, pool, client_id, user, session)


def _challenge(backend: Any, pool: Any, client_id: str, user: Any, session: list[Json]) -> Any:
    from moto.moto_api._internal import mock_random

    shown = {"userAttributes": attributes_of(user), "challengeName": _CUSTOM, "session": session}
    names = "publicChallengeParameters", "privateChallengeParameters", "challengeMetadata"
    made = _ask_user(pool, "CreateAuthChallenge", user, client_id, shown, dict.fromkeys(names))
    key = str(mock_random.uuid4())
    backend.sessions[key] = (user.username, pool)
    _open(backend)[key] = (session, made)
    public = made.get("publicChallengeParameters") or {}
    return {
        "ChallengeName": _CUSTOM,
        "Session": key,
        "ChallengeParameters": {"USERNAME": user.username, **public},
    }


def _open(backend: Any) -> dict[str, tuple[list[Json], Json]]:
    """The challenges that wait for an answer, by their session."""
    found: dict[str, tuple[list[Json], Json]] = backend.__dict__.setdefault("challenges", {})
    return found


def _respond(respond: Call) -> Call:
    @wraps(respond)
    def run(
        backend: Any, session: str, client_id: str, challenge_name: str, responses: Json
    ) -> Any:
        if challenge_name == _CUSTOM and session in _open(backend):
            return _answered(backend, session, client_id, responses)
        source = "NewPasswordChallenge" if challenge_name == "NEW_PASSWORD_REQUIRED" else None
        with signing_in(source or "Authentication"):
            return respond(backend, session, client_id, challenge_name, responses)

    return run


def _answered(backend: Any, key: str, client_id: str, responses: Json) -> Any:
    earlier, made = _open(backend).pop(key)
    username, pool = backend.sessions.pop(key)
    user = backend.admin_get_user(pool.id, username)
    shown = {
        "userAttributes": attributes_of(user),
        "privateChallengeParameters": made.get("privateChallengeParameters"),
        "challengeAnswer": (responses or {}).get("ANSWER"),
        "userNotFound": False,
    }
    empty = {"answerCorrect": None}
    judged = _ask_user(pool, "VerifyAuthChallengeResponse", user, client_id, shown, empty)
    step = {
        "challengeName": _CUSTOM,
        "challengeResult": bool(judged.get("answerCorrect")),
        "challengeMetadata": made.get("challengeMetadata"),
    }
    return _custom(backend, pool, client_id, user, [*earlier, step])


def _ask_user(
    pool: Any, trigger: str, user: Any, client_id: str, request: Json, response: Json
) -> Json:
    given = triggers.later_metadata()
    shown = {**request, **({"clientMetadata": given} if given else {})}
    found = ask(pool, trigger, "Authentication", user.username, client_id, shown, response)
    if found is None:
        raise as_moto(aws_error("user-pool.no-trigger", trigger=trigger))
    return found
