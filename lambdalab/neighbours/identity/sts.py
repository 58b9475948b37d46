"""Credentials of execution roles, from moto's STS, and whose credentials a key belongs to."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Credentials", "account_of", "role_credentials", "secret_of"]

# The longest session that Lambda gives an execution environment's credentials.
DURATION = 12 * 3600


class Credentials(NamedTuple):
    """Temporary credentials of a role session."""

    access_key_id: str
    secret_access_key: str
    session_token: str


def role_credentials(account: str, region: str, role_arn: str, session: str) -> Credentials:
    """Assume a role as the Lambda service does; the session carries the function's name."""
    from moto.sts.models import sts_backends

    role = sts_backends[account]["aws"].assume_role(
        region_name=region,
        role_session_name=session,
        role_arn=role_arn,
        policy="",
        duration=DURATION,
        external_id="",
    )
    return Credentials(role.access_key_id, role.secret_access_key, role.session_token)


def account_of(access_key_id: str, default: str) -> str:
    """The account that a key belongs to; ``default`` for the dummy keys of a lab's user."""
    key = _find(access_key_id)
    return key[0] if key else default


def secret_of(access_key_id: str) -> str | None:
    """The secret of a key that IAM or STS of this cloud has issued."""
    key = _find(access_key_id)
    return key[1] if key else None


def _find(access_key_id: str) -> tuple[str, str] | None:
    from moto.iam.models import iam_backends

    for account, partitions in list(iam_backends.items()):
        for backend in list(partitions.values()):
            for key in backend.access_keys.values():
                if key.access_key_id == access_key_id:
                    return account, key.secret_access_key
    return _assumed(access_key_id)


def _assumed(access_key_id: str) -> tuple[str, str] | None:
    from moto.sts.models import sts_backends

    for account, partitions in list(sts_backends.items()):
        for backend in list(partitions.values()):
            role = backend.get_assumed_role_from_access_key(access_key_id)
            if role is not None:
                return account, role.secret_access_key
    return None
