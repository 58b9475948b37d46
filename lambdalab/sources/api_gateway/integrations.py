"""Integrations that are not proxies: mapped requests, chosen and mapped responses, mocks.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-custom-integrations.html
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lambdalab.neighbours.api_gateway.rest_apis import Integration, IntegrationResponse
from lambdalab.sources.api_gateway.events import is_binary
from lambdalab.sources.api_gateway.json_path import MISSING, found
from lambdalab.sources.api_gateway.refusals import RefusedError
from lambdalab.sources.api_gateway.resources import Found
from lambdalab.sources.api_gateway.templates import Parameters, Rendered, rendered
from lambdalab.sources.gateway.call import Call, Place
from lambdalab.sources.gateway.text import fits
from lambdalab.sources.http_messages import decoded, may_be_sent
from lambdalab.sources.velocity import TemplateError, text_of
from lambdalab.wire import Response

__all__ = ["Mapper", "Prepared", "mock_status"]

_JSON = "application/json"
_LEAST, _MOST = 200, 599


@dataclass(frozen=True)
class Prepared:
    """A request as the integration gets it."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Mapper:
    """What mapping works with: one request and what is known of it."""

    call: Call
    place: Place
    found: Found
    context: Mapping[str, Any]
    binary: Sequence[str]

    @property
    def _parameters(self) -> Parameters:
        return {
            "path": dict(self.found.parameters),
            "querystring": {name: values[-1] for name, values in self.call.query.items()},
            "header": dict(self.call.headers),
        }

    def request(self, integration: Integration) -> Prepared:
        """The request after its template and its parameters; RefusedError where none fits."""
        kind = (self.call.header("content-type") or _JSON).partition(";")[0].strip().lower()
        body = self._text(integration)
        template = integration.templates.get(kind)
        if template is None:
            _check_passthrough(integration)
            changed: dict[str, str] = {}
        else:
            made = self._rendered(template, body)
            body, changed = made.text, _overriding(made.request)
        sent = body.encode("utf-8", "replace")
        return Prepared(sent, self.sent(integration, "header") | changed)

    def sent(self, integration: Integration, part: str) -> dict[str, str]:
        """The parameters that go to one part of the integration's request, such as its header."""
        prefix = f"integration.request.{part}."
        return {
            target.removeprefix(prefix): self._value(source) or ""
            for target, source in integration.parameters.items()
            if target.startswith(prefix)
        }

    def response(
        self,
        integration: Integration,
        payload: bytes,
        selector: str,
        given: Mapping[str, str] | None = None,
    ) -> Response:
        """The response after the choice by ``selector``, its template and its parameters.

        ``given`` are the headers of what the integration has answered.
        """
        chosen = _chosen(integration.responses, selector)
        if str(chosen.status) not in self.found.method.responses:
            raise RefusedError("api-configuration-error")
        kind, template = _template(chosen.templates, self.call.header("accept"))
        status, body = chosen.status, payload
        changed: dict[str, str] = {}
        if template:
            made = self._rendered(template, payload.decode("utf-8", "replace"))
            body, changed = made.text.encode("utf-8", "replace"), _overriding(made.response)
            status = _overridden(made, status)
        if chosen.content == "CONVERT_TO_BINARY":
            body = decoded(body.decode("utf-8", "replace"))
        elif chosen.content == "CONVERT_TO_TEXT" and not template and not _is_text(body):
            body = b64encode(body)
        headers = {"Content-Type": kind} | self._mapped(chosen, payload, given or {})
        headers = _merged(headers, changed)
        sent = tuple(one for one in headers.items() if may_be_sent(*one))
        return Response(status, body, sent)

    def _text(self, integration: Integration) -> str:
        binary = is_binary(self.call.header("content-type"), self.binary)
        if binary and integration.content == "CONVERT_TO_TEXT":
            return b64encode(self.call.body).decode()
        return self.call.body.decode("utf-8", "replace")

    def _rendered(self, template: str, body: str) -> Rendered:
        try:
            return rendered(template, body, self._parameters, self.context, self.place.variables)
        except TemplateError:
            raise RefusedError("api-configuration-error") from None

    def _value(self, source: str) -> str | None:
        """What a parameter of the request stands for."""
        if source.startswith("'"):
            return source.strip("'")
        if source.startswith("stageVariables."):
            return self.place.variables.get(source.partition(".")[2])
        if source.startswith("context."):
            return _text_at(dict(self.context), source.removeprefix("context."))
        part, _, name = source.removeprefix("method.request.").partition(".")
        if part == "body":
            whole = self.call.body
            return _text_at(_parsed(whole), name) if name else whole.decode("utf-8", "replace")
        if part == "header":
            return self.call.header(name)
        return self._parameters.get(part, {}).get(name)

    def _mapped(
        self, chosen: IntegrationResponse, payload: bytes, given: Mapping[str, str]
    ) -> dict[str, str]:
        headers = {}
        for target, source in chosen.parameters.items():
            name = target.removeprefix("method.response.header.")
            if source.startswith("integration.response.body"):
                path = source.removeprefix("integration.response.body").lstrip(".")
                parsed = _parsed(payload)
                value = _text_at(parsed, path) if path else payload.decode("utf-8", "replace")
            elif source.startswith("integration.response."):
                value = given.get(source.rpartition("header.")[2].lower())
            else:
                value = self._value(source)
            if value is not None:
                headers[name] = value
        return headers


def mock_status(prepared: Prepared) -> str:
    """The status that a mock's request template says; RefusedError where it says none."""
    answer = _parsed(prepared.body)
    status = answer.get("statusCode") if isinstance(answer, dict) else None
    if isinstance(status, bool) or not isinstance(status, int | str) or not str(status).isdigit():
        raise RefusedError("api-configuration-error")
    return str(status)


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _check_passthrough(integration: Integration) -> None:
    behaviour = integration.passthrough.upper()
    refused = behaviour == "NEVER" or (behaviour == "WHEN_NO_TEMPLATES" and integration.templates)
    if refused:
        raise RefusedError("unsupported-media-type")


def _chosen(responses: Sequence[IntegrationResponse], selector: str) -> IntegrationResponse:
    """The response whose pattern fits, or else the one without; RefusedError where none is."""
    for one in responses:
        if one.pattern and fits(one.pattern, selector):
            return one
    default = next((one for one in responses if not one.pattern), None)
    if default is None:
        raise RefusedError("api-configuration-error")
    return default


def _template(templates: Mapping[str, str | None], accept: str | None) -> tuple[str, str | None]:
    wanted = (accept or _JSON).partition(",")[0].partition(";")[0].strip()
    for kind in (wanted, _JSON, next(iter(templates), _JSON)):
        if kind in templates:
            return kind, templates[kind]
    return _JSON, None


def _overridden(made: Rendered, status: int) -> int:
    given = made.response.get("status")
    if isinstance(given, str) and given.isdigit():
        given = int(given)
    valid = isinstance(given, int) and not isinstance(given, bool) and _LEAST <= given <= _MOST
    return int(given) if valid and given is not None else status


def _overriding(override: Mapping[str, Any]) -> dict[str, str]:
    """The headers that a template has set."""
    given = override.get("header")
    return {text_of(n): text_of(v) for n, v in given.items()} if isinstance(given, dict) else {}


def _merged(headers: dict[str, str], others: dict[str, str]) -> dict[str, str]:
    """Headers with others over them, whatever the case of their names."""
    lower = {name.lower() for name in others}
    return {name: value for name, value in headers.items() if name.lower() not in lower} | others


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _text_at(value: Any, path: str) -> str | None:
    try:
        there = found(value, path)
    except ValueError:
        return None
    if there is MISSING or there is None:
        return None
    return there if isinstance(there, str) else json.dumps(there, separators=(",", ":"))
