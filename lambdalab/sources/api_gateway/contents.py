"""Bodies of integrations that are no proxies, between text, bytes and base64.

Which of them a body is, the API's binary media types say; what becomes of it, the content
handling of the integration and of its response.
Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

from lambdalab.sources.api_gateway.events import is_binary
from lambdalab.sources.gateway.call import Call
from lambdalab.sources.http_messages import decoded

__all__ = ["asked", "given", "is_opaque", "text"]

_TO_TEXT, _TO_BINARY = "CONVERT_TO_TEXT", "CONVERT_TO_BINARY"


def text(body: bytes) -> str:
    """A body as text."""
    return body.decode("utf-8", "replace")


def is_opaque(call: Call, binary: Sequence[str], handling: str | None) -> bool:
    """Whether the body of a request is bytes, which no template can read."""
    return handling != _TO_TEXT and is_binary(call.header("content-type"), binary)


def asked(call: Call, binary: Sequence[str], handling: str | None) -> bytes:
    """The body of a request as the integration gets it."""
    if is_binary(call.header("content-type"), binary):
        return b64encode(call.body) if handling == _TO_TEXT else call.body
    if handling == _TO_BINARY:
        return decoded(text(call.body))
    return text(call.body).encode("utf-8", "replace")


def given(
    body: bytes, kind: str | None, accept: str | None, binary: Sequence[str], handling: str | None
) -> bytes:
    """The body that an integration has answered, of the type ``kind``, as the client gets it."""
    wanted = handling or (_TO_BINARY if binary and is_binary(accept, binary) else _TO_TEXT)
    if binary and is_binary(kind, binary):
        return body if wanted == _TO_BINARY else b64encode(body)
    if wanted == _TO_BINARY:
        return decoded(text(body))
    return text(body).encode("utf-8", "replace")
