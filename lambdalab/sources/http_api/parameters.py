"""Parameter mapping: what an HTTP API changes in a request, and in a response.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote, urlencode

from lambdalab.sources.gateway.call import Call, Place
from lambdalab.sources.http_api.expressions import mapped
from lambdalab.sources.http_api.routes import Taken
from lambdalab.sources.http_messages import may_be_sent
from lambdalab.wire import Response

__all__ = ["answered", "changed"]

_STATUS = re.compile("[2-5][0-9]{2}")


def changed(call: Call, parameters: Mapping[str, str], place: Place, taken: Taken) -> Call:
    """The request as the integration is to see it."""
    for rule, text in parameters.items():
        action, _, target = rule.partition(":")
        part, _, name = target.partition(".")
        value = mapped(text, call, place, taken.route.key, taken.parameters)
        if part == "header":
            call = replace(call, headers=_headers(call.headers, action, name.lower(), value))
        elif part == "querystring":
            call = replace(call, raw_query=_query(call, action, name, value))
        elif part == "path" and action == "overwrite":
            call = replace(call, sent_path=quote(value, safe="/"))
    return call


def answered(
    answer: Response,
    parameters: Mapping[str, Mapping[str, str]],
    call: Call,
    place: Place,
    taken: Taken,
) -> Response:
    """The response as the client is to see it, by the rules for its status."""
    headers, status = answer.headers, answer.status
    for rule, text in parameters.get(str(answer.status), {}).items():
        action, _, target = rule.partition(":")
        part, _, name = target.partition(".")
        value = _of_response(text, answer, call, place, taken)
        if part == "header" and may_be_sent(name, value):
            headers = _headers(headers, action, name.lower(), value)
        elif part == "statuscode" and _STATUS.fullmatch(value):
            status = int(value)
    return Response(status, answer.body, headers)


def _of_response(text: str, answer: Response, call: Call, place: Place, taken: Taken) -> str:
    if text.startswith("$response.header."):
        wanted = text.removeprefix("$response.header.").lower()
        found = [value for name, value in answer.headers if name.lower() == wanted]
        return ",".join(found)
    return mapped(text, call, place, taken.route.key, taken.parameters)


def _headers(
    headers: tuple[tuple[str, str], ...], action: str, name: str, value: str
) -> tuple[tuple[str, str], ...]:
    others = tuple(one for one in headers if one[0].lower() != name)
    if action == "remove":
        return others
    return (*(headers if action == "append" else others), (name, value))


def _query(call: Call, action: str, name: str, value: str) -> str:
    found = {one: list(values) for one, values in call.query.items()}
    if action == "remove":
        found.pop(name, None)
    else:
        found[name] = [*(found.get(name, []) if action == "append" else []), value]
    return urlencode(found, doseq=True)
