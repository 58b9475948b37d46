"""What becomes of headers on their way through a REST API.

Recorded on AWS in LocalStack's snapshot tests of July 2024; and
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["UNMAPPABLE", "let_in", "let_out", "merged"]

Pairs = tuple[tuple[str, str], ...]

# What an API keeps from templates and functions.
_KEPT_BACK = frozenset(
    {
        "connection", "content-length", "content-md5", "expect", "max-forwards",
        "proxy-authenticate", "server", "te", "trailer", "transfer-encoding", "upgrade",
        "www-authenticate",
    }
)  # fmt: skip
# A request to a function or a service cannot be given these by its integration's parameters.
UNMAPPABLE = frozenset(
    {
        "authorization", "connection", "content-length", "expect", "proxy-authenticate", "te",
        "transfer-encoding",
    }
)  # fmt: skip
# What AWS keeps for itself comes to the client under another name.
_REMAPPED = frozenset(
    {
        "authorization", "connection", "content-length", "content-md5", "date", "expect", "host",
        "max-forwards", "proxy-authenticate", "server", "trailer", "upgrade", "user-agent",
        "www-authenticate", "x-amzn-requestid",
    }
)  # fmt: skip
_DROPPED = frozenset({"keep-alive", "proxy-connection", "transfer-encoding"})


def let_in(headers: Iterable[tuple[str, str]]) -> Pairs:
    """The headers of a request that are told to functions and templates."""
    return tuple(one for one in headers if one[0].lower() not in _KEPT_BACK)


def let_out(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers of an answer under the names by which they come to the client."""
    return [
        (f"x-amzn-Remapped-{name}" if name.lower() in _REMAPPED else name, value)
        for name, value in headers
        if name.lower() not in _DROPPED
    ]


def merged(headers: Mapping[str, str], others: Mapping[str, str]) -> dict[str, str]:
    """Headers with others over them, whatever the case of their names."""
    lower = {name.lower() for name in others}
    kept = {name: value for name, value in headers.items() if name.lower() not in lower}
    return kept | dict(others)
