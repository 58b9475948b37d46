"""What a web page in the learner's browser could send here, refused.

A page of any site can make the browser post to a port of this machine, and a DNS name under its
control can be made to point here. Neither gets an answer: the Host must be loopback or AWS's own
naming, and a request that names an Origin must come from this machine.

The web addresses of functions are the exception, for at AWS they are open to pages of every origin:
what those may read is for CORS to say, and who may call for the function's policy. The Host counts
for them too.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

from lambdalab.wire import Request, Response

__all__ = ["refusal"]

_LOOPBACK = re.compile(
    r"(?:localhost|(?:[a-z0-9.-]+\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\]|::1)(?::\d+)?", re.I
)
_AWS = re.compile(
    r"(?:[a-z0-9.-]+\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws|on\.aws|amazonaws\.eu)(?::\d+)?", re.I
)


def refusal(request: Request, *, public: bool = False) -> Response | None:
    """The answer to a request that must not be served, or None.

    ``public`` says that it is for a web address of functions, which pages of all origins may call.
    """
    headers = request.headers
    if public:
        return _judge(headers.get("host", ""), None, None)
    return _judge(headers.get("host", ""), headers.get("origin"), headers.get("sec-fetch-site"))


@lru_cache(maxsize=256)
def _judge(host: str, origin: str | None, site: str | None) -> Response | None:
    if not (_LOOPBACK.fullmatch(host) or _AWS.fullmatch(host)):
        return _forbidden(f"the Host '{host[:100]}' is neither loopback nor a name of AWS")
    if origin is not None and not _is_local(origin):
        return _forbidden(f"the Origin '{origin[:100]}' is not this machine")
    if site == "cross-site":
        return _forbidden("it comes from another site's page")
    return None


def _is_local(origin: str) -> bool:
    return bool(_LOOPBACK.fullmatch(urlsplit(origin).netloc))


def _forbidden(reason: str) -> Response:
    text = f"Lambda Lab refused this request: {reason}.\n"
    return Response(403, text.encode(), (("Content-Type", "text/plain; charset=utf-8"),))
