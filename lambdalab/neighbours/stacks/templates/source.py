"""Where the text of a template comes from: a request, or an object in S3.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

from lambdalab import facts
from lambdalab.errors import aws_error

__all__ = ["at", "given"]

# An object's address: the bucket before the service's name, or in the path.
_HOST = re.compile(r"(?:(?P<bucket>.+)\.)?s3(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com")


def given(body: str | None, url: str | None, account: str) -> str | None:
    """The template of a request, None where there is none; raises AwsError for a wrong one."""
    if body:
        most = facts.quota("stack.template-body").value
        if len(body.encode()) > int(most):
            raise aws_error("template.body-too-long", body=body, most=most)
        return body
    return at(url, account) if url else None


def at(url: str, account: str) -> str:
    """The template at an address of S3, or of the lab's own port; raises AwsError."""
    parts = urlsplit(str(url))
    if parts.scheme == "s3":
        raise aws_error("template.url-domain", bucket=parts.netloc)
    bucket, key = _place(parts.hostname or "", unquote(parts.path.lstrip("/")))
    if parts.scheme not in ("http", "https") or not bucket or not key:
        raise aws_error("template.url")
    version = parse_qs(parts.query).get("versionId", [None])[0]
    return _read(account, bucket, key, version)


def _place(host: str, path: str) -> tuple[str, str]:
    found = _HOST.fullmatch(host)
    if found is not None and found["bucket"]:
        return found["bucket"], path
    if found is not None or host in ("localhost", "127.0.0.1"):
        bucket, _, key = path.partition("/")
        return bucket, key
    return "", ""


def _read(account: str, bucket: str, key: str, version: str | None) -> str:
    from moto.s3.exceptions import S3ClientError
    from moto.s3.models import s3_backends

    try:
        found = s3_backends[account]["aws"].get_object(bucket, key, version)
    except S3ClientError as error:
        raise aws_error("template.url-bucket") from error
    if found is None:
        raise aws_error("template.url-object")
    body: bytes = found.value
    most = facts.quota("stack.template-object").value
    if len(body) > int(most):
        raise aws_error("template.too-long", most=most)
    return body.decode("utf-8", "replace")
