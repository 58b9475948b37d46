"""How long presigned URLs hold, in platform time.

A client dates a URL by its own clock, which nobody winds. That date is put in platform time: a URL
for an hour holds for an hour of the lab's, and a lab that was wound refuses nobody. The date tells
no more than a second; if the clock was wound within it, the URL was made after that, unless it has
been used before.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple
from xml.sax.saxutils import escape

from lambdalab.clock import LabClock, wall_time
from lambdalab.wire import Request, Response

__all__ = ["PresignedUrls"]

_FORM = "%Y%m%dT%H%M%SZ"
# As many URLs are remembered.
_MOST = 10_000


class _Term(NamedTuple):
    """When a URL ends in platform time, and for how many seconds it was made, if it says so."""

    end: float
    seconds: str | None


class PresignedUrls:
    """Knows which presigned URLs have run out."""

    def __init__(self, clock: LabClock) -> None:
        self._clock = clock
        self._seen: dict[str, float] = {}

    def refusal(self, request: Request) -> Response | None:
        """S3's answer to a URL that has run out; None for every other request."""
        term = self._term(request)
        now = self._clock.now()
        if term is None or now <= term.end:
            return None
        told = {"Expires": _iso(term.end), "ServerTime": _iso(now)}
        if term.seconds is not None:
            told = {"X-Amz-Expires": term.seconds} | told
        details = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in told.items())
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code>'
            f"<Message>Request has expired</Message>{details}</Error>"
        )
        return Response(403, body.encode(), (("Content-Type", "application/xml"),))

    def clear(self) -> None:
        """The cloud was emptied."""
        self._seen.clear()

    def _term(self, request: Request) -> _Term | None:
        if "Signature=" not in request.query_string:
            return None
        query = request.query
        try:
            if "X-Amz-Signature" in query:
                seconds = query["X-Amz-Expires"]
                end = self._begin(query["X-Amz-Date"]) + int(seconds)
                first = self._clock.now() + int(seconds)
                return _Term(self._noted(query["X-Amz-Signature"], min(end, first)), seconds)
            if "AWSAccessKeyId" in query:
                # Signature Version 2 tells the end only: winding counts from the first use.
                end = self._clock.platform_at(int(query["Expires"]))
                return _Term(self._noted(query["Signature"], end), None)
        except (KeyError, ValueError, OverflowError):
            return None  # not for the lab to judge
        return None

    def _begin(self, date: str) -> float:
        """The platform time at the end of the second that a URL was signed in."""
        signed = datetime.strptime(date, _FORM).replace(tzinfo=UTC).timestamp()
        return self._clock.platform_at(min(signed + 1, max(signed, wall_time())))

    def _noted(self, signature: str, end: float) -> float:
        """The end that was found when the URL was used first."""
        if len(self._seen) >= _MOST:
            self._seen.clear()
        return self._seen.setdefault(signature, end)


def _iso(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ}"
