"""Access logs: a line for each request, in the form that a stage gives.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from lambdalab.neighbours.monitoring import logs
from lambdalab.sources.gateway.call import Call, Place
from lambdalab.wire import Response

__all__ = ["write"]

_NAMED = re.compile(r"\$context\.([\w.-]*\w)")


def write(
    settings: Mapping[str, Any],
    known: Callable[[str], Any],
    place: Place,
    call: Call,
    answer: Response,
) -> None:
    """Write a request's line into the log group of a stage, if it has one.

    ``known`` tells what ``$context`` has under a name; what it does not have is a dash.
    """
    destination, form = str(settings.get("destinationArn") or ""), settings.get("format")
    if ":log-group:" not in destination or not form:
        return
    own = {"status": answer.status, "responseLength": len(answer.body)}

    def value(found: re.Match[str]) -> str:
        given = own.get(found[1]) if found[1] in own else known(found[1])
        return "-" if given is None or given == "" else str(given)

    line = _NAMED.sub(value, str(form))
    account, group = destination.split(":")[4], destination.split(":")[6]
    stream = hashlib.sha256(place.arn.encode()).hexdigest()[:32]
    logs.put_events(account, place.region, group, stream, [(call.milliseconds, line)])
