"""Mapping templates: what they know, and what they may change.

A request's templates share one ``$context``: what the first sets in it, the second reads.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from lambdalab.sources.api_gateway.json_path import MISSING, found
from lambdalab.sources.velocity import JsonList, Scope, Tool, render, text_of

__all__ = ["Parameters", "context_for", "rendered"]

Parameters = dict[str, dict[str, str]]
_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_ASCII = 127
_BLANK = 32


def context_for(context: Mapping[str, Any]) -> dict[str, Any]:
    """``$context`` as the templates of one request share it, with what they may override."""
    known: dict[str, Any] = _known(context)
    return known | {
        "requestOverride": {"header": {}, "path": {}, "querystring": {}},
        "responseOverride": {"header": {}},
    }


def rendered(
    template: str, body: str, parameters: Parameters, context: dict[str, Any],
    variables: Mapping[str, str],
) -> str:  # fmt: skip
    """What a template gives; it may change ``context``. TemplateError where it is none."""
    scope = Scope(
        {
            "input": _Input(body, parameters),
            "util": _Util(),
            "context": context,
            "stageVariables": dict(variables),
        }
    )
    return render(template, scope)


def _known(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _known(one) for name, one in value.items() if one is not None}
    return value


def _from_json(value: Any) -> Any:
    """A value read from JSON, with lists that are shown as JSON."""
    if isinstance(value, list):
        return JsonList(_from_json(one) for one in value)
    if isinstance(value, dict):
        return {name: _from_json(one) for name, one in value.items()}
    return value


class _Input(Tool):
    """``$input``."""

    def __init__(self, body: str, parameters: Parameters) -> None:
        # An empty body is an empty object.
        self._body = body or "{}"
        self._parameters = parameters
        self._parsed: Any = MISSING

    def member(self, name: str) -> Any:
        return self._body if name == "body" else None

    def _value(self, path: str) -> Any:
        if self._parsed is MISSING:
            try:
                self._parsed = json.loads(self._body)
            except (ValueError, RecursionError):
                # A body that is not JSON is a text.
                self._parsed = self._body
        return found(self._parsed, path)

    def path(self, path: str) -> Any:
        """What a path means in the body."""
        value = self._value(path)
        return None if value is MISSING else _from_json(value)

    def as_json(self, path: str) -> str:
        """The same as JSON."""
        value = self._value(path)
        if value is MISSING:
            return '""'
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

    def params(self, name: str | None = None) -> Any:
        """All parameters, or the first of that name in path, query string and headers."""
        if name is None:
            return {part: dict(values) for part, values in self._parameters.items()}
        for part in ("path", "querystring"):
            if name in self._parameters[part]:
                return self._parameters[part][name]
        lower = {one.lower(): value for one, value in self._parameters["header"].items()}
        return lower.get(name.lower())

    METHODS = {"path": path, "json": as_json, "params": params}  # noqa: RUF012


class _Util(Tool):
    """``$util``."""

    METHODS = {  # noqa: RUF012
        "escapeJavaScript": lambda _, text: _escaped(text_of(text)),
        "parseJson": lambda _, text: _parsed(text_of(text)),
        "urlEncode": lambda _, text: quote_plus(text_of(text), safe="*-._"),
        "urlDecode": lambda _, text: unquote_plus(text_of(text)),
        "base64Encode": lambda _, text: base64.b64encode(text_of(text).encode()).decode(),
        "base64Decode": lambda _, text: base64.b64decode(text_of(text)).decode("utf-8", "replace"),
    }


def _parsed(text: str) -> Any:
    try:
        return _from_json(json.loads(text))
    except ValueError:
        return None


def _escaped(text: str) -> str:
    """As JavaScript wants it in either kind of quotes."""
    return "".join(_ESCAPES.get(letter) or _escape(letter) for letter in text)


def _escape(letter: str) -> str:
    if letter in "\\\"'/":
        return f"\\{letter}"
    if _BLANK <= ord(letter) <= _ASCII:
        return letter
    units = letter.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02X}{units[i + 1]:02X}" for i in range(0, len(units), 2))
