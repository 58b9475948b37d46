"""Deployment packages in moto's S3."""

from __future__ import annotations

from lambdalab.errors import AwsError

__all__ = ["code_object"]


def code_object(account: str, bucket: str, key: str, version: str | None) -> bytes:
    """The bytes of an object that a function's code is taken from; raises AWS's errors."""
    from moto.s3.exceptions import MissingBucket
    from moto.s3.models import s3_backends

    try:
        found = s3_backends[account]["aws"].get_object(bucket, key, version_id=version)
    except MissingBucket:
        raise _missing("NoSuchBucket", "The specified bucket does not exist") from None
    if found is None:
        raise _missing("NoSuchKey", "The specified key does not exist.")
    content: bytes = found.value
    return content


def _missing(code: str, message: str) -> AwsError:
    return AwsError(
        "InvalidParameterValueException",
        f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}",
    )
