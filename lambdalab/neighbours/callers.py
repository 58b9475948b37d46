"""Who a key stands for, as moto's IAM and STS know it."""

from __future__ import annotations

from typing import Any, NamedTuple

from lambdalab.neighbours.identity import sts

__all__ = ["Signer", "signer_of"]


class Signer(NamedTuple):
    """The identity behind an access key. ``user_id`` is its unique id."""

    access_key: str
    account: str
    arn: str
    user_id: str


def signer_of(access_key: str, default_account: str) -> Signer:
    """The identity of a key; dummy keys are the root of the default account."""
    from moto.iam.models import iam_backends

    account = sts.account_of(access_key, default_account)
    backend = iam_backends[account]["aws"]
    for user in list(backend.users.values()):
        if any(key.access_key_id == access_key for key in user.access_keys):
            return Signer(access_key, account, user.arn, user.id)
    session = _session(access_key, account)
    if session is not None:
        return Signer(access_key, account, session.arn, session.user_id)
    return Signer(access_key, account, f"arn:aws:iam::{account}:root", account)


def _session(access_key: str, account: str) -> Any | None:
    from moto.sts.models import sts_backends

    for backend in list(sts_backends[account].values()):
        found = backend.get_assumed_role_from_access_key(access_key)
        if found is not None:
            return found
    return None
