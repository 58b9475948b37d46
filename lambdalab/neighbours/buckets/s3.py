"""Deployment packages in moto's S3."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

from lambdalab import facts
from lambdalab.errors import aws_error

__all__ = ["code_object", "put_object"]

GET = "s3:GetObject"


def code_object(account: str, region: str, bucket: str, key: str, version: str | None) -> bytes:
    """The bytes of an object that code is taken from; raises AWS's errors.

    The bucket must be in the Region of the function. One of another account must let the caller's
    account read: moto itself lets everybody.
    """
    from moto.s3.exceptions import MissingBucket
    from moto.s3.models import s3_backends

    backend = s3_backends[account]["aws"]
    try:
        place = backend.get_bucket(bucket)
    except MissingBucket:
        raise aws_error("package.bucket-missing") from None
    found = backend.get_object(bucket, key, version_id=version)
    if place.account_id != account and not _shared(place, found, account, key):
        raise aws_error("package.object-denied", bucket=bucket, key=key)
    if place.region_name != region:
        raise aws_error("package.bucket-elsewhere", region=place.region_name)
    if found is None:
        missing = version is not None and backend.get_object(bucket, key) is not None
        raise aws_error("package.version-missing" if missing else "package.key-missing")
    if found.size > facts.quota("package.unzipped").bytes:
        # Nothing that large can be a package; it is not even read.
        raise aws_error("package.unzipped-too-large")
    content: bytes = found.value
    return content


def put_object(account: str, bucket: str, key: str, content: bytes) -> None:
    """Write an object; raises moto's error where there is no such bucket."""
    from moto.s3.models import s3_backends

    s3_backends[account]["aws"].put_object(bucket, key, content)


def _shared(bucket: Any, found: Any, account: str, key: str) -> bool:
    """Whether a bucket's policy, or the object's access list, lets another account read."""
    if found is not None and found.acl is not None and found.acl.public_read:
        return True
    policy = json.loads(bucket.policy or "{}")
    resource = f"arn:aws:s3:::{bucket.name}/{key}"
    allowing = [
        statement["Effect"]
        for statement in _listed(policy.get("Statement"))
        if _concerns(statement, account, resource)
    ]
    return bool(allowing) and "Deny" not in allowing


def _concerns(statement: dict[str, Any], account: str, resource: str) -> bool:
    """Whether a statement speaks of an account that gets an object; conditions are not judged."""
    principal = statement.get("Principal")
    named = _listed(principal.get("AWS") if isinstance(principal, dict) else principal)
    return (
        bool({"*", account, f"arn:aws:iam::{account}:root"} & set(named))
        and any(fnmatchcase(GET, action) for action in _listed(statement.get("Action")))
        and any(fnmatchcase(resource, one) for one in _listed(statement.get("Resource")))
        and "Condition" not in statement
    )


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
