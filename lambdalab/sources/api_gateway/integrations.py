"""Integrations that are not proxies: mapped requests, chosen and mapped responses, mocks.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-custom-integrations.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lambdalab.neighbours.api_gateway.rest_apis import Integration, IntegrationResponse
from lambdalab.sources.api_gateway import contents
from lambdalab.sources.api_gateway.headers import let_out, merged
from lambdalab.sources.api_gateway.json_path import MISSING, found
from lambdalab.sources.api_gateway.refusals import RefusedError
from lambdalab.sources.api_gateway.resources import Found
from lambdalab.sources.api_gateway.templates import Parameters, context_for, rendered
from lambdalab.sources.gateway.call import Call, Place, gathered
from lambdalab.sources.gateway.text import fits
from lambdalab.sources.http_messages import may_be_sent
from lambdalab.sources.velocity import TemplateError, text_of
from lambdalab.wire import Response

__all__ = ["Mapper", "Prepared", "mock_status"]

_JSON = "application/json"
_LEAST, _MOST = 200, 599
# A mock reads its status from what need not be JSON, as long as it is in braces.
_STATUS = re.compile(r"""[{,\s]["']?statusCode["']?\s*:\s*(-?\d+)\s*[,}]""")


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

    @cached_property
    def _known(self) -> dict[str, Any]:
        """``$context`` of the templates, which may change it."""
        return context_for(self.context)

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
        body = contents.asked(self.call, self.binary, integration.content)
        template = integration.templates.get(kind)
        if template is None:
            _check_passthrough(integration)
        elif contents.is_opaque(self.call, self.binary, integration.content):
            raise RefusedError("api-configuration-error")
        else:
            body = self._rendered(template, body).encode("utf-8", "replace")
        return Prepared(body, self.sent(integration, "header"))

    def sent(self, integration: Integration, part: str) -> dict[str, str]:
        """What goes to one part of the integration's request, such as its header.

        That is what its parameters say, and over it what the template has set.
        """
        prefix = f"integration.request.{part}."
        named = {
            target.removeprefix(prefix): self._value(source)
            for target, source in integration.parameters.items()
            if target.startswith(prefix)
        }
        found = {name: value for name, value in named.items() if value is not None}
        set_by_template = _texts(_member(self._known, "requestOverride", part))
        return merged(found, set_by_template) if part == "header" else found | set_by_template

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
        accept = self.call.header("accept")
        kind, template = _template(chosen.templates, accept)
        told = (given or {}).get("content-type", _JSON)
        body = contents.given(payload, told, accept, self.binary, chosen.content)
        if template:
            body = self._rendered(template, body).encode("utf-8", "replace")
        headers = merged({"Content-Type": kind}, self._mapped(chosen, payload, given or {}))
        headers = merged(headers, _texts(_member(self._known, "responseOverride", "header")))
        sent = tuple(one for one in let_out(headers.items()) if may_be_sent(*one))
        status = _overridden(_member(self._known, "responseOverride", "status"), chosen.status)
        return Response(status, body, sent)

    def _rendered(self, template: str, body: bytes) -> str:
        try:
            return rendered(
                template, contents.text(body), self._parameters, self._known, self.place.variables
            )
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
            return self._of_body(name)
        if part == "header":
            return self.call.header(name)
        if part.startswith("multivalue"):
            return self._all(part, name)
        return self._parameters.get(part, {}).get(name)

    def _of_body(self, path: str) -> str | None:
        """The body, or what is at a path in it; an empty one is an empty object."""
        whole = self.call.body or b"{}"
        parsed = _parsed(whole)
        if parsed is None and whole.lstrip().startswith(b"{"):
            raise RefusedError("bad-json")
        return _text_at(parsed, path) if path else contents.text(whole)

    def _all(self, part: str, name: str) -> str | None:
        """All values of a header or of a query parameter."""
        if part == "multivaluequerystring":
            values = self.call.query.get(name)
        else:
            headers = [(one.lower(), value) for one, value in self.call.headers]
            values = gathered(headers).get(name.lower())
        return ",".join(values) if values else None

    def _mapped(
        self, chosen: IntegrationResponse, payload: bytes, given: Mapping[str, str]
    ) -> dict[str, str]:
        headers = {}
        for target, source in chosen.parameters.items():
            name = target.removeprefix("method.response.header.")
            if source.startswith("integration.response.body"):
                path = source.removeprefix("integration.response.body").lstrip(".")
                parsed = _parsed(payload)
                value = _text_at(parsed, path) if path else contents.text(payload)
            elif source.startswith("integration.response."):
                value = given.get(source.rpartition("header.")[2].lower())
            else:
                value = self._value(source)
            if value is not None:
                headers[name] = value
        return headers


def mock_status(prepared: Prepared) -> str:
    """The status that a mock's request template says; RefusedError where it says no number."""
    text = contents.text(prepared.body).strip()
    found = _STATUS.search(text) if text.startswith("{") and text.endswith("}") else None
    if found is None:
        raise RefusedError("api-configuration-error")
    return found[1]


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


def _overridden(given: Any, status: int) -> int:
    if isinstance(given, str) and given.isdigit():
        given = int(given)
    valid = isinstance(given, int) and not isinstance(given, bool) and _LEAST <= given <= _MOST
    return int(given) if valid and given is not None else status


def _member(known: Mapping[str, Any], name: str, part: str) -> Any:
    """What templates have set in a part of an override; it may be anything."""
    override = known.get(name)
    return override.get(part) if isinstance(override, dict) else None


def _texts(given: Any) -> dict[str, str]:
    """Names and values that a template has set, as texts; several values with commas."""
    if not isinstance(given, dict):
        return {}
    return {text_of(name): _joined(value) for name, value in given.items()}


def _joined(value: Any) -> str:
    return ",".join(map(text_of, value)) if isinstance(value, list) else text_of(value)


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
