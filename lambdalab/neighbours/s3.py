"""Deployment packages in moto's S3."""

from __future__ import annotations

from lambdalab.errors import aws_error

__all__ = ["code_object"]


def code_object(account: str, bucket: str, key: str, version: str | None) -> bytes:
    """The bytes of an object that a function's code is taken from; raises AWS's errors."""
    from moto.s3.exceptions import MissingBucket
    from moto.s3.models import s3_backends

    try:
        found = s3_backends[account]["aws"].get_object(bucket, key, version_id=version)
    except MissingBucket:
        raise aws_error("package.bucket-missing") from None
    if found is None:
        raise aws_error("package.key-missing")
    content: bytes = found.value
    return content
