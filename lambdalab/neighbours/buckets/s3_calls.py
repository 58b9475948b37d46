"""PutObject without the long way through moto's HTTP application.

That way takes longer than the whole way of an object to the function that is told of it. Here the
plain case is answered from moto's own backend: an object that is not large, by the path of a bucket
without settings that would change it. Whatever is special about a request goes to moto.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from lambdalab.neighbours.asking import asking
from lambdalab.neighbours.buckets.s3_configurations import rules_of
from lambdalab.neighbours.buckets.s3_events import gathering
from lambdalab.wire import Request, Response

__all__ = ["answer"]

_LARGEST = 1 << 18
# Some SDKs name the operation.
_QUERIES = ("", "x-id=PutObject")
_HOSTS = ("127.0.0.1", "localhost")
_CHECKSUM = "x-amz-checksum-"
# What the headers of a plain request are; all that is written down of an object is among them.
_HEADERS = frozenset(
    {
        "accept", "accept-encoding", "amz-sdk-invocation-id", "amz-sdk-request", "authorization",
        "connection", "content-length", "content-md5", "content-type", "expect", "host",
        "user-agent", "x-amz-content-sha256", "x-amz-date", "x-amz-sdk-checksum-algorithm",
        "x-amz-security-token", "x-amz-user-agent", "x-amzn-trace-id",
    }
)  # fmt: skip
_PREFIXES = ("x-amz-meta-", _CHECKSUM)


def answer(request: Request, account: str) -> Response | None:
    """The answer to a plain PutObject; None for whatever else moto shall answer."""
    if request.method != "PUT" or request.query_string not in _QUERIES:
        return None
    if len(request.body) > _LARGEST:
        return None
    headers = request.headers
    if headers.get("host", "").partition(":")[0] not in _HOSTS or not _is_plain(headers):
        return None
    name, _, key = unquote(request.path[1:]).partition("/")
    bucket = _plain_bucket(account, name) if key else None
    return None if bucket is None else _put(request, bucket, key)


def _is_plain(headers: dict[str, str]) -> bool:
    return not headers.get("x-amz-content-sha256", "").startswith("STREAMING-") and all(
        name in _HEADERS or name.startswith(_PREFIXES) for name in headers
    )


def _plain_bucket(account: str, name: str) -> Any | None:
    """A bucket that keeps objects as they come, and tells only functions of them."""
    from moto.s3.models import s3_backends

    bucket = s3_backends[account]["aws"].buckets.get(name)
    if bucket is None or bucket.encryption or bucket.object_lock_enabled or bucket.policy:
        return None
    found = bucket.notification_configuration
    only_functions = found is None or (
        found.event_bridge is None and all(rule.kind == "CloudFunction" for rule in rules_of(found))
    )
    return bucket if type(bucket).__name__ == "FakeBucket" and only_functions else None


def _put(request: Request, bucket: Any, key: str) -> Response:
    from moto.s3.models import s3_backends
    from moto.s3.utils import metadata_from_headers

    headers, backend = request.headers, s3_backends[bucket.account_id]["aws"]
    algorithm = headers.get("x-amz-sdk-checksum-algorithm", "")
    checksum = headers.get(f"{_CHECKSUM}{algorithm.lower()}") if algorithm else None
    with asking(request), gathering() as gathered:
        put = backend.put_object(bucket.name, key, request.body, checksum_value=checksum)
        put.set_metadata(metadata_from_headers(headers))
        put.set_acl(bucket.acl)
        put.checksum_algorithm = algorithm if checksum else None
        # The object that was there before may have had tags.
        backend.tagger.delete_all_tags_for_resource(put.arn)
        told = {**gathered.ids, **put.response_dict}
    del told["content-length"]
    if checksum:
        told[f"{_CHECKSUM}{algorithm.lower()}"] = checksum
    return Response(200, b"", tuple(told.items()))
