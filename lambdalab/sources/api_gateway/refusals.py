"""What a REST API answers in place of a method: gateway responses, as they are or as customized.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from lambdalab import facts
from lambdalab.neighbours.api_gateway.rest_apis import GatewayResponse
from lambdalab.sources.gateway.call import Call
from lambdalab.sources.http_messages import may_be_sent
from lambdalab.wire import Response

__all__ = ["Known", "RefusedError", "answer"]

_JSON = "application/json"
# The type where it is not the name of the message.
_TYPES = {
    "access-denied-explicitly": "ACCESS_DENIED",
    "policy-denied": "ACCESS_DENIED",
    "policy-denied-explicitly": "ACCESS_DENIED",
    "token-expired": "UNAUTHORIZED",
    "malformed": "DEFAULT_5XX",
    "bad-json": "DEFAULT_4XX",
}
# Types that say what another says.
_WORDS = {
    "invalid-api-key": "forbidden",
    "authorizer-configuration-error": "authorizer-failure",
    "api-configuration-error": "integration-failure",
}
# Those whose text AWS calls Message.
_CAPITAL = {
    "access-denied",
    "access-denied-explicitly",
    "policy-denied",
    "policy-denied-explicitly",
}
_SERVER = 500
_NAMED = re.compile(
    r"\$\{((?:context|stageVariables)\.[\w.]+)\}|\$((?:context|stageVariables)\.[\w.]*\w)"
)


class Known(NamedTuple):
    """What a gateway response may tell: ``$context``, ``$stageVariables``, the path's variables."""

    context: Mapping[str, Any] = {}
    variables: Mapping[str, str] = {}
    path: Mapping[str, str] = {}


class RefusedError(Exception):
    """A request that goes no further; ``name`` is that of its type, and of its message.

    ``validation`` says what is wrong with its body.
    """

    validation: str | None = None

    def __init__(self, name: str, **fields: str) -> None:
        super().__init__(name)
        self.name = name
        self.fields = fields

    @property
    def kind(self) -> str:
        """The type of gateway response."""
        return _TYPES.get(self.name) or self.name.replace("-", "_").upper()


def answer(
    refused: RefusedError,
    call: Call,
    customized: Mapping[str, GatewayResponse],
    known: Known,
) -> Response:
    """The response for a refusal."""
    message = facts.message(f"rest-api.{_WORDS.get(refused.name, refused.name)}")
    text = None if message.text == "null" else message.format(**refused.fields)
    status = message.status or _SERVER
    headers = [("x-amzn-ErrorType", message.code or "")]
    fallback = "DEFAULT_5XX" if status >= _SERVER else "DEFAULT_4XX"
    own = customized.get(refused.kind) or customized.get(fallback)
    if own is None:
        member = "Message" if refused.name in _CAPITAL else "message"
        body = json.dumps({member: text}, separators=(",", ":"))
        return Response(status, body.encode(), (("Content-Type", _JSON), *headers))
    return _customized(own, status, text, refused, call, known, headers)


def _customized(
    own: GatewayResponse, status: int, text: str | None, refused: RefusedError, call: Call,
    known: Known, headers: list[tuple[str, str]],
) -> Response:  # fmt: skip
    told = {
        "message": text, "messageString": json.dumps(text), "responseType": refused.kind,
        "validationErrorString": refused.validation,
    }  # fmt: skip
    known = known._replace(context={**known.context, "error": told})
    headers += [
        (name.removeprefix("gatewayresponse.header."), _value(given, call, known))
        for name, given in own.parameters.items()
        if name.startswith("gatewayresponse.header.")
    ]
    kind, template = _template(own.templates, call.header("accept"))
    body = _filled(template, known).encode("utf-8", "replace")
    sent = tuple(one for one in headers if may_be_sent(*one))
    return Response(own.status or status, body, (("Content-Type", kind), *sent))


def _template(templates: Mapping[str, str], accept: str | None) -> tuple[str, str]:
    wanted = (accept or _JSON).partition(",")[0].strip()
    kind = wanted if wanted in templates else _JSON
    return kind, templates.get(kind) or '{"message":$context.error.messageString}'


def _filled(template: str, known: Known) -> str:
    """Gateway responses know names only, no directives."""

    def value(found: re.Match[str]) -> str:
        here: Any = {"context": known.context, "stageVariables": known.variables}
        for part in (found[1] or found[2]).split("."):
            here = here.get(part) if isinstance(here, Mapping) else None
        return "" if here is None else str(here)

    return _NAMED.sub(value, template)


def _value(given: str, call: Call, known: Known) -> str:
    if given.startswith("'") and given.endswith("'"):
        return given[1:-1]
    if given.startswith(("context.", "stageVariables.")):
        return _filled(f"${given}", known)
    part, _, name = given.removeprefix("method.request.").partition(".")
    if part == "header":
        return call.header(name) or ""
    if part == "path":
        return known.path.get(name, "")
    return (call.query.get(name) or [""])[-1] if part == "querystring" else ""
