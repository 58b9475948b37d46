"""Documents that a template names instead of holding them: objects in S3."""

from __future__ import annotations

from typing import Any

from lambdalab.errors import aws_error

__all__ = ["at", "read"]


def at(account: str, place: dict[str, Any]) -> Any:
    """The document at a location of a template: its data, or its text where that is none."""
    import yaml

    text = read(account, place["Bucket"], place["Key"], place.get("Version"))
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def read(account: str, bucket: str, key: str, version: str | None = None) -> str:
    """The text of an object; raises AwsError where there is none."""
    from moto.s3.exceptions import S3ClientError
    from moto.s3.models import s3_backends

    try:
        found = s3_backends[account]["aws"].get_object(bucket, key, version)
    except S3ClientError:
        found = None
    if found is None:
        raise aws_error("stack.no-document", key=f"s3://{bucket}/{key}")
    text: str = found.value.decode()
    return text
