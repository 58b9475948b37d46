"""From what a function returned to what the client of its URL gets.

Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-response-payload, and
answers recorded on AWS in 2026 (https://github.com/radkawar/stackd), from which the rules for
results that do not keep to the form come.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from lambdalab import facts
from lambdalab.execution.spec import Outcome
from lambdalab.execution.streaming import LARGEST_RESPONSE, ResponseSink
from lambdalab.sources.http_messages import decoded, java_text, may_be_sent

__all__ = [
    "FAILED",
    "INTEGRATION",
    "OCTETS",
    "PRELUDE_END",
    "Answer",
    "buffered",
    "from_prelude",
    "unstreamed",
]

JSON = "application/json"
OCTETS = "application/octet-stream"
# What a runtime calls a stream that begins with status and headers, and what ends those.
INTEGRATION = "application/vnd.awslambda.http-integration-response"
PRELUDE_END = b"\0" * 8
# AWS keeps these for itself: what a function gives under such a name comes with another one.
_REMAPPED = frozenset(
    {"connection", "content-length", "date", "server", "www-authenticate", "x-amzn-requestid"}
)
_DROPPED = frozenset({"keep-alive", "transfer-encoding", "trailer", "upgrade"})
# A status below 200 is no answer: the client would go on waiting for one.
_LEAST_STATUS, _MOST_STATUS = 200, 599


@dataclass
class Answer:
    """Status, header fields and body of an answer."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def typed(self, content_type: str) -> Answer:
        """The answer, of that type unless it has one."""
        if all(name != "content-type" for name, _ in self.headers):
            self.headers.insert(0, ("content-type", content_type))
        return self


_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode
_WORDS = facts.message("url.failed")
FAILED = Answer(_WORDS.status or 502, [("content-type", JSON)], _WORDS.text.encode())


def buffered(outcome: Outcome, sink: ResponseSink) -> Answer:
    """The answer of a URL that waits for the whole result."""
    if sink.begun:
        return _gathered(sink)
    if outcome.failed:
        return FAILED
    return _interpreted(outcome.payload) or FAILED


def unstreamed(outcome: Outcome) -> Answer:
    """The answer of a URL that streams, to a result that came in one piece.

    Status and headers are read from the result, but its body is the result as it is; and an error
    of the function is its result.
    """
    answer = Answer() if outcome.failed else _head(_parsed(outcome.payload)) or Answer()
    answer.body = outcome.payload
    return answer.typed(JSON)


def from_prelude(prelude: bytes) -> Answer | None:
    """Status and headers from the beginning of a stream; None where it makes no sense."""
    parsed = _parsed(prelude)
    return _head({"statusCode": 200, **parsed} if isinstance(parsed, dict) else None)


def _gathered(sink: ResponseSink) -> Answer:
    """A stream that nobody wanted as one: AWS sends of one with a prelude the prelude only."""
    whole = sink.taken()
    if len(whole) > LARGEST_RESPONSE:
        return FAILED
    if not whole:
        return Answer().typed(JSON)
    if sink.content_type != INTEGRATION:
        return Answer(body=whole).typed(OCTETS)
    return (from_prelude(whole.partition(PRELUDE_END)[0]) or Answer()).typed(JSON)


def _interpreted(payload: bytes) -> Answer | None:
    result = _parsed(payload)
    if not isinstance(result, dict) or "statusCode" not in result:
        body = result if isinstance(result, str) else _compact(result)
        return Answer(body=body.encode("utf-8", "replace")).typed(JSON)
    answer = _head(result)
    if answer is not None:
        answer.body = _body(result)
        answer.typed(JSON)
    return answer


def _head(result: Any) -> Answer | None:
    """Status and headers of a result that gives them; None for one that does not, or wrongly."""
    if not isinstance(result, dict):
        return None
    status = _status(result.get("statusCode"))
    headers = _headers(result)
    return None if status is None or headers is None else Answer(status, headers)


def _status(given: Any) -> int | None:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        status = int(given)
    except ValueError:
        return None
    return status if _LEAST_STATUS <= status <= _MOST_STATUS else None


def _headers(result: dict[str, Any]) -> list[tuple[str, str]] | None:
    given, cookies = result.get("headers") or {}, result.get("cookies") or []
    if not isinstance(given, dict) or not isinstance(cookies, list):
        return None
    found = [(name.lower(), java_text(value)) for name, value in given.items()]
    found += [("set-cookie", java_text(cookie)) for cookie in cookies]
    if not all(may_be_sent(*one) for one in found):
        return None
    return [(_renamed(name), value) for name, value in found if name not in _DROPPED]


def _renamed(name: str) -> str:
    return f"x-amzn-remapped-{name}" if name in _REMAPPED else name


def _body(result: dict[str, Any]) -> bytes:
    body = result.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        return _compact(body).encode()
    if result.get("isBase64Encoded") is True:
        return decoded(body)
    return body.encode("utf-8", "replace")


def _parsed(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return payload.decode("utf-8", "replace")


def _compact(value: Any) -> str:
    """JSON as AWS writes what it has read: without blanks, and every slash escaped."""
    return _json(value).replace("/", "\\/")
