"""Sign-up, sign-in and messages of moto's user pools, with the triggers of the pool.

Source: https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-identity-pools-working-with-aws-lambda-triggers.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from lambdalab.neighbours.identity import user_pool_triggers as triggers
from lambdalab.neighbours.identity.user_pool_triggers import Triggers, ask, attributes_of

__all__ = ["install"]

Json = dict[str, Any]
Call = Callable[..., Any]

_OPERATIONS = (
    "sign_up",
    "confirm_sign_up",
    "admin_create_user",
    "admin_confirm_sign_up",
    "initiate_auth",
    "admin_initiate_auth",
    "respond_to_auth_challenge",
    "admin_respond_to_auth_challenge",
    "forgot_password",
    "confirm_forgot_password",
    "admin_reset_user_password",
    "update_user_attributes",
)
# Those that begin a sign-in.
_BEGIN = ("initiate_auth", "admin_initiate_auth")


@cache
def install(called: Triggers) -> None:
    """Let user pools call their triggers."""
    from moto.cognitoidp import models, responses

    from lambdalab.neighbours.identity import user_pool_sign_in

    triggers.connect(called)
    for name in _OPERATIONS:
        setattr(
            responses.CognitoIdpResponse,
            name,
            _remembering(getattr(responses.CognitoIdpResponse, name)),
        )
    responses.CognitoIdpResponse.resend_confirmation_code = _resend
    backend = models.CognitoIdpBackend
    backend.sign_up = _sign_up(backend.sign_up)
    backend.confirm_sign_up = _confirm(backend.confirm_sign_up)
    backend.admin_confirm_sign_up = _admin_confirm(backend.admin_confirm_sign_up)
    backend.admin_create_user = _admin_create(backend.admin_create_user)
    backend.forgot_password = _forgot(backend.forgot_password)
    backend.confirm_forgot_password = _confirm_forgotten(backend.confirm_forgot_password)
    backend.update_user_attributes = _update(backend.update_user_attributes)
    user_pool_sign_in.install()


def _remembering(answer: Call) -> Call:
    @wraps(answer)
    def run(response: Any) -> Any:
        triggers.remember(
            response._get_param("ClientMetadata"),
            response._get_param("ValidationData"),
            begins=answer.__name__ in _BEGIN,
        )
        return answer(response)

    return run


def _pool_of(backend: Any, client_id: str) -> Any:
    return next((pool for pool in backend.user_pools.values() if client_id in pool.clients), None)


# ---- sign-up


def _before_sign_up(
    pool: Any, source: str, username: str, client_id: str | None, attributes: Any
) -> Json:
    """Whether a user may sign up, and what is taken for granted; the function may refuse."""
    given, validation = triggers.metadata()
    request = {
        "userAttributes": {one["Name"]: one.get("Value") for one in attributes or []},
        "validationData": validation or None,
        **({"clientMetadata": given} if given else {}),
    }
    granted = {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False}
    return ask(pool, "PreSignUp", source, username, client_id, request, granted) or {}


def _sign_up(sign_up: Call) -> Call:
    @wraps(sign_up)
    def run(backend: Any, client_id: str, username: str, password: str, attributes: Any) -> Any:
        pool = _pool_of(backend, client_id)
        granted: Json = {}
        if pool is not None and not pool._get_user(username):
            backend._validate_password(pool.id, password)
            granted = _before_sign_up(pool, "SignUp", username, client_id, attributes)
        user, delivery = sign_up(backend, client_id, username, password, attributes)
        _grant(user, granted)
        if granted.get("autoConfirmUser"):
            user.status = _confirmed()
            _after_confirmation(pool, user, client_id, "ConfirmSignUp")
        elif delivery:
            _message(pool, user, client_id, "SignUp")
        return user, delivery

    return run


def _confirmed() -> Any:
    from moto.cognitoidp.models import UserStatus

    return UserStatus.CONFIRMED


def _grant(user: Any, granted: Json) -> None:
    """Take attributes for verified, as the function says."""
    rows = {"autoVerifyEmail": "email", "autoVerifyPhone": "phone_number"}
    verified = [
        {"Name": f"{name}_verified", "Value": "true"}
        for flag, name in rows.items()
        if granted.get(flag) and name in user.attribute_lookup
    ]
    if verified:
        user.update_attributes(verified)


def _after_confirmation(pool: Any, user: Any, client_id: str | None, source: str) -> None:
    given, _ = triggers.metadata()
    request = {"userAttributes": attributes_of(user), "clientMetadata": given}
    ask(pool, "PostConfirmation", source, user.username, client_id, request, {})


def _confirm(confirm: Call) -> Call:
    @wraps(confirm)
    def run(backend: Any, client_id: str, username: str) -> Any:
        answer = confirm(backend, client_id, username)
        pool = _pool_of(backend, client_id)
        user = backend.admin_get_user(pool.id, username)
        _grant(user, {"autoVerifyEmail": True})
        _after_confirmation(pool, user, client_id, "ConfirmSignUp")
        return answer

    return run


def _admin_confirm(confirm: Call) -> Call:
    @wraps(confirm)
    def run(backend: Any, user_pool_id: str, username: str) -> Any:
        answer = confirm(backend, user_pool_id, username)
        user = backend.admin_get_user(user_pool_id, username)
        pool = backend.describe_user_pool(user_pool_id)
        _after_confirmation(pool, user, None, "ConfirmSignUp")
        return answer

    return run


def _admin_create(create: Call) -> Call:
    @wraps(create)
    def run(
        backend: Any, user_pool_id: str, username: str, action: Any, password: Any, attributes: Any
    ) -> Any:
        pool = backend.describe_user_pool(user_pool_id)
        granted: Json = {}
        if not pool._get_user(username):
            granted = _before_sign_up(pool, "AdminCreateUser", username, None, attributes)
        user = create(backend, user_pool_id, username, action, password, attributes)
        _grant(user, granted)
        if action != "SUPPRESS":
            _message(pool, user, None, "AdminCreateUser", usernameParameter="{username}")
        return user

    return run


# ---- messages


def _message(pool: Any, user: Any, client_id: str | None, source: str, **more: str) -> None:
    """Let the function word a message; the lab sends none."""
    given = triggers.later_metadata()
    request = {
        "userAttributes": attributes_of(user),
        "codeParameter": "{####}",
        "linkParameter": "{##Click Here##}",
        "usernameParameter": None,
        "clientMetadata": given,
        **more,
    }
    worded = {"smsMessage": None, "emailMessage": None, "emailSubject": None}
    ask(pool, "CustomMessage", source, user.username, client_id, request, worded)


def _forgot(forgot: Call) -> Call:
    @wraps(forgot)
    def run(backend: Any, client_id: str, username: str) -> Any:
        from lambdalab.neighbours.identity import user_pool_sign_in

        pool = _pool_of(backend, client_id)
        if pool is not None and not pool._get_user(username):
            user_pool_sign_in.migrate(pool, client_id, username, None)
        answer = forgot(backend, client_id, username)
        user = pool._get_user(username)
        if user is not None:
            _message(pool, user, client_id, "ForgotPassword")
        return answer

    return run


def _update(update: Call) -> Call:
    @wraps(update)
    def run(backend: Any, access_token: str, attributes: Any) -> Any:
        answer = update(backend, access_token, attributes)
        if {one["Name"] for one in attributes or []} & {"email", "phone_number"}:
            pools = backend.user_pools.values()
            pool = next(one for one in pools if access_token in one.access_tokens)
            client_id, username = pool.access_tokens[access_token]
            _message(pool, pool._get_user(username), client_id, "UpdateUserAttribute")
        return answer

    return run


def _confirm_forgotten(confirm: Call) -> Call:
    @wraps(confirm)
    def run(backend: Any, client_id: str, username: str, password: str, code: str) -> Any:
        answer = confirm(backend, client_id, username, password, code)
        pool = _pool_of(backend, client_id)
        user = backend.admin_get_user(pool.id, username)
        _after_confirmation(pool, user, client_id, "ConfirmForgotPassword")
        return answer

    return run


def _resend(response: Any) -> Any:
    """ResendConfirmationCode, which moto does not have."""
    from moto.cognitoidp.models import cognitoidp_backends, find_account_region_by_value
    from moto.core.responses import ActionResult

    triggers.remember(response._get_param("ClientMetadata"), None)
    client_id, username = response._get_param("ClientId"), response._get_param("Username")
    here = (response.current_account, response.region)
    account, region = find_account_region_by_value("client_id", client_id, fallback=here)
    backend = cognitoidp_backends[account][region]
    pool = _pool_of(backend, client_id)
    user = backend.admin_get_user(pool.id if pool else "", username)
    _message(pool, user, client_id, "ResendCode")
    settings = pool.extended_config.get("AccountRecoverySetting")
    delivery = backend._get_code_delivery_details(settings, user, username)
    return ActionResult({"CodeDeliveryDetails": delivery})
