"""What moto's user pools tell the functions that are their triggers.

moto keeps the triggers of a pool and calls none. Here a ``Moment`` is one request of a client, with
what the client gave for the functions; ``ask`` calls one function with the event of its trigger.
Source: https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-identity-pools-working-with-aws-lambda-triggers.html
"""

from __future__ import annotations

import threading
from typing import Any, Protocol

from lambdalab.errors import AwsError

__all__ = [
    "Triggers",
    "arn_of",
    "ask",
    "attributes_of",
    "connect",
    "later_metadata",
    "metadata",
    "remember",
]

Json = dict[str, Any]

ADMIN = "CLIENT_ID_NOT_APPLICABLE"
_SOURCES = {"PreTokenGeneration": "TokenGeneration"}
_SDK = "aws-sdk-unknown-unknown"

_here = threading.local()
_connected: list[Triggers] = []


class Triggers(Protocol):
    """Who calls functions for user pools."""

    def call(self, trigger: str, function_arn: str, pool: tuple[str, str], event: Json) -> Json:
        """Call a trigger; gives its response. Raises AwsError with Cognito's words."""


def connect(triggers: Triggers) -> None:
    """Call functions in this way; the last caller's counts."""
    _connected[:] = [triggers]


def remember(client_metadata: Any, validation_data: Any, *, begins: bool = False) -> None:
    """Keep what a client's request holds for the functions, for this thread.

    ``begins`` is whether it begins a sign-in: then later triggers do not get the metadata.
    """
    _here.metadata = client_metadata or {}
    _here.begins = begins
    rows = validation_data or []
    _here.validation = {one["Name"]: one.get("Value") for one in rows}


def metadata() -> tuple[Json, Json]:
    """ClientMetadata and ValidationData of the request of this thread."""
    return getattr(_here, "metadata", {}), getattr(_here, "validation", {})


def later_metadata() -> Json:
    """What those triggers get as clientMetadata that come after the begin of a sign-in.

    Source: https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_InitiateAuth.html
    """
    return {} if getattr(_here, "begins", False) else metadata()[0]


def arn_of(pool: Any, trigger: str) -> str | None:
    """The function of a trigger."""
    config = pool.extended_config.get("LambdaConfig") or {}
    if trigger == "PreTokenGeneration":
        newer = config.get("PreTokenGenerationConfig") or {}
        return newer.get("LambdaArn") or config.get(trigger)
    found: str | None = config.get(trigger)
    return found


def attributes_of(user: Any, *, status: bool = True) -> Json:
    """The attributes of a user as functions see them."""
    shown = dict(user.attribute_lookup)
    if status:
        shown["cognito:user_status"] = str(getattr(user.status, "value", user.status))
    return shown


def ask(
    pool: Any,
    trigger: str,
    source: str,
    username: str,
    client_id: str | None,
    request: Json,
    response: Json,
    version: str = "1",
) -> Json | None:
    """Call the function of a trigger; gives its response, None where the pool has none.

    Raises moto's form of Cognito's errors.
    """
    arn = arn_of(pool, trigger)
    if arn is None:
        return None
    event = {
        "version": version,
        "region": pool.region,
        "userPoolId": pool.id,
        "userName": username,
        "callerContext": {"awsSdkVersion": _SDK, "clientId": client_id or ADMIN},
        "triggerSource": f"{_SOURCES.get(trigger, trigger)}_{source}",
        "request": request,
        "response": response,
    }
    try:
        return _connected[0].call(trigger, arn, (pool.arn, pool.account_id), event)
    except AwsError as error:
        raise as_moto(error) from None


def as_moto(error: AwsError) -> Exception:
    """An error as moto's Cognito raises them."""
    from moto.core.exceptions import JsonRESTError

    raised: Exception = JsonRESTError(error.code, error.message)
    return raised
