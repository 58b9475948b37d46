"""The request that moto is answering, and the trace that it goes on with.

moto's services call each other without telling for whom. Here they can see it: a notification
names whoever put the object, and a chain of calls is followed through queues, topics and buckets.
Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import unquote

from lambdalab.wire import Request

__all__ = ["access_key", "asked", "asking", "carrying", "trace"]

_HEADER = "x-amzn-trace-id"
_KEY = re.compile(r"(?:Credential=|AWSAccessKeyId=|^AWS )([^/:,&]+)")
# In a browser's form the fields stand before the file.
_FORM_KEY = re.compile(rb'name="(?:x-amz-credential|AWSAccessKeyId)"\r\n\r\n([^/\r\n]+)', re.I)
_FORM = 20_000

_request: ContextVar[Request | None] = ContextVar("request", default=None)
_trace: ContextVar[str | None] = ContextVar("trace", default=None)


@contextmanager
def asking(request: Request) -> Iterator[None]:
    """Within the block, moto answers a request."""
    token = _request.set(request)
    try:
        with carrying(request.headers.get(_HEADER)):
            yield
    finally:
        _request.reset(token)


@contextmanager
def carrying(trace: str | None) -> Iterator[None]:
    """Within the block, whatever is sent goes on with a trace (an X-Amzn-Trace-Id)."""
    token = _trace.set(trace or None)
    try:
        yield
    finally:
        _trace.reset(token)


def asked() -> Request | None:
    """The request that is being answered in this thread; None where the platform acts by itself."""
    return _request.get()


def trace() -> str | None:
    """The trace that belongs to what happens in this thread."""
    return _trace.get()


def access_key(request: Request) -> str | None:
    """The key that a request was signed with: in its header, its query string, or its form."""
    given = request.headers.get("authorization") or unquote(request.query_string)
    found = _KEY.search(given)
    if found is not None:
        return found[1]
    form = _FORM_KEY.search(request.body[:_FORM]) if request.method == "POST" else None
    return form[1].decode("latin-1") if form else None
