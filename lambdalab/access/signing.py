"""Who signed a request: the key, the Region and the service of SigV4, and whether it is genuine.

Any dummy credentials are welcome as long as the lab has no secret. With one, a request must carry
a signature made with it, or with credentials that this cloud has itself given out.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import parse_qsl, quote

from lambdalab.errors import AwsError
from lambdalab.wire import Request

__all__ = ["Scope", "check_signature", "missing_token", "scope"]

_CREDENTIAL = re.compile(
    r"Credential=(?P<key>[^/,\s]+)/(?P<date>\d{8})/(?P<region>[^/]*)/(?P<service>[^/]+)/aws4_request"
)
_SIGNED = re.compile(r"SignedHeaders=([^,\s]+)")
_SIGNATURE = re.compile(r"Signature=([0-9a-f]+)")
# Where S3's own way of signing is used; S3 Tables and S3 Vectors sign as all others do.
_S3 = {"s3", "s3-object-lambda", "s3-outposts", "s3express"}
_ALGORITHM = "AWS4-HMAC-SHA256"


class Scope(NamedTuple):
    """The credential scope of a signed request."""

    access_key: str
    date: str
    region: str
    service: str


def scope(request: Request) -> Scope | None:
    """The scope of a request signed by header or by query string; None when it is unsigned."""
    text = request.headers.get("authorization", "")
    if not text and "X-Amz-Credential=" in request.query_string:
        text = f"Credential={request.query.get('X-Amz-Credential', '')}"
    found = _CREDENTIAL.search(text)
    return Scope(found["key"], found["date"], found["region"], found["service"]) if found else None


def check_signature(
    request: Request, signed_for: Scope | None, secret_of: Callable[[str], str | None]
) -> None:
    """Raise AWS's error unless the signature was made with the secret of the key that it names."""
    if signed_for is None:
        raise missing_token()
    secret = secret_of(signed_for.access_key)
    if secret is None:
        raise AwsError(
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            403,
        )
    by_query = "authorization" not in request.headers
    given, headers = _given(request, by_query=by_query)
    wanted = _signature(request, signed_for, secret, headers, by_query=by_query)
    if not hmac.compare_digest(given, wanted):
        raise AwsError(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method. Consult the service "
            "documentation for details.",
            403,
        )


def missing_token() -> AwsError:
    """The refusal of a request that is not signed at all."""
    return AwsError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)


def _given(request: Request, *, by_query: bool) -> tuple[str, list[str]]:
    if by_query:
        query = request.query
        return query.get("X-Amz-Signature", ""), query.get("X-Amz-SignedHeaders", "").split(";")
    text = request.headers["authorization"]
    headers, signature = _SIGNED.search(text), _SIGNATURE.search(text)
    if headers is None or signature is None:
        return "", []
    return signature[1], headers[1].split(";")


def _signature(
    request: Request, signed_for: Scope, secret: str, headers: list[str], *, by_query: bool
) -> str:
    canonical = _canonical(request, signed_for, headers, by_query=by_query)
    stamp = request.query.get("X-Amz-Date", "") if by_query else _stamp(request)
    place = f"{signed_for.date}/{signed_for.region}/{signed_for.service}/aws4_request"
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    to_sign = "\n".join([_ALGORITHM, stamp, place, digest])
    key = f"AWS4{secret}".encode()
    for part in (signed_for.date, signed_for.region, signed_for.service, "aws4_request"):
        key = _hmac(key, part)
    return _hmac(key, to_sign).hex()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _stamp(request: Request) -> str:
    return request.headers.get("x-amz-date") or request.headers.get("date", "")


def _canonical(request: Request, signed_for: Scope, headers: list[str], *, by_query: bool) -> str:
    # S3 signs the path as it is sent; every other service signs it encoded once more.
    is_s3 = signed_for.service in _S3
    path = request.path if is_s3 else _encode_again(request.path)
    lines = [f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in headers]
    body = "UNSIGNED-PAYLOAD" if by_query and is_s3 else request.headers.get("x-amz-content-sha256")
    return "\n".join(
        [
            request.method,
            path or "/",
            _canonical_query(request),
            *lines,
            "",
            ";".join(headers),
            body or hashlib.sha256(request.body).hexdigest(),
        ]
    )


def _encode_again(path: str) -> str:
    return quote(path, safe="/~-_.")


def _canonical_query(request: Request) -> str:
    pairs = parse_qsl(request.query_string, keep_blank_values=True)
    encoded = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in pairs
        if name != "X-Amz-Signature"
    )
    return "&".join(f"{name}={value}" for name, value in encoded)
