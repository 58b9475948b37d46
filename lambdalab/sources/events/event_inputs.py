"""What a target of a rule gets of an event: all of it, a part, a constant text, or a template.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from lambdalab.errors import aws_error
from lambdalab.neighbours.events.eventbridge_rules import Rule

__all__ = ["check_target", "input_of", "text_of"]

_WAYS = ("Input", "InputPath", "InputTransformer")
_PATH = re.compile(r"\$((\.[\w-]+|\[\d+\]|\[\*\]|\['[^']+'\])*)")
_STEP = re.compile(r"\.([\w-]+)|\[(\d+|\*)\]|\['([^']+)'\]")
_PLACEHOLDER = re.compile(r"<([\w.-]+)>")
# What a template is made of: escapes and quotes tell whether a placeholder stands inside a text.
_TOKEN = re.compile(r'\\.|"|<[\w.-]+>|[^\\"<]+|<|\\', re.DOTALL)
# Quotes with their escapes; other escapes stay as they are.
_QUOTES = re.compile(r'(\\[^"])|\\?"')
_NAMES = {
    "id": "id", "account": "account", "detail-type": "detailType", "time": "time",
    "source": "source", "region": "region", "resources": "resources", "version": "version",
}  # fmt: skip
_PREDEFINED = frozenset(
    {
        "aws.events.rule-arn",
        "aws.events.rule-name",
        "aws.events.event",
        "aws.events.event.json",
        "aws.events.event.ingestion-time",
    }
)
_ABSENT = object()


def check_target(target: Mapping[str, Any]) -> None:
    """Refuse a target whose input cannot be made: ValidationException."""
    target_id, given = target.get("Id"), [way for way in _WAYS if target.get(way) is not None]
    if len(given) > 1:
        raise aws_error("events.several-inputs", target=target_id)
    if given == ["Input"] and not _is_json(target["Input"]):
        raise aws_error("events.input-not-json", target=target_id)
    transformer = target.get("InputTransformer") or {}
    paths = transformer.get("InputPathsMap") or {}
    for path in [*paths.values(), *([target["InputPath"]] if given == ["InputPath"] else [])]:
        if not _PATH.fullmatch(path):
            raise aws_error("events.path-invalid", path=path, target=target_id)
    for name in _PLACEHOLDER.findall(transformer.get("InputTemplate") or ""):
        if name not in paths and name not in _PREDEFINED:
            raise aws_error("events.placeholder-invalid", target=target_id, placeholder=name)


def input_of(target: Mapping[str, Any], event: dict[str, Any], rule: Rule, ingested: str) -> str:
    """The text that a target gets; ``ingested`` is when the event came in."""
    if target.get("Input") is not None:
        return str(target["Input"])
    if target.get("InputPath") is not None:
        part = _select(event, target["InputPath"])
        return text_of(None if part is _ABSENT else part)
    transformer = target.get("InputTransformer")
    if transformer is None:
        return text_of(event)
    paths = transformer.get("InputPathsMap") or {}
    variables = {name: _select(event, path) for name, path in paths.items()}
    predefined = {
        "aws.events.rule-arn": rule.arn,
        "aws.events.rule-name": rule.name,
        "aws.events.event": {_NAMES[name]: event[name] for name in _NAMES if name in event},
        "aws.events.event.json": event,
        "aws.events.event.ingestion-time": ingested,
    }
    return _filled(transformer["InputTemplate"], predefined | variables)


def text_of(value: Any) -> str:
    """A value as compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _select(value: Any, path: str) -> Any:
    """The part of an event that a simple JSON path names."""
    for name, index, quoted in _STEP.findall(path):
        if index and isinstance(value, list):
            if index != "*":
                value = value[int(index)] if int(index) < len(value) else _ABSENT
        elif not index and isinstance(value, dict):
            value = value.get(name or quoted, _ABSENT)
        else:
            return _ABSENT
    return value


def _filled(template: str, variables: dict[str, Any]) -> str:
    """A template with values for its placeholders; what is not in the event is an empty text."""
    inside, parts = False, []
    for part in _TOKEN.findall(template):
        inside ^= part == '"'
        name = _PLACEHOLDER.fullmatch(part)
        value = variables.get(name[1], _ABSENT) if name else None
        parts.append(_shown(value, inside=inside) if name else part)
    return "".join(parts)


def _shown(value: Any, *, inside: bool) -> str:
    """A value as JSON; inside a text of the template, as a part of that text.

    There objects and arrays lose all their quotes.
    """
    if value is _ABSENT:
        return "" if inside else '""'
    text = text_of(value)
    if not inside:
        return text
    return text[1:-1] if isinstance(value, str) else _QUOTES.sub(r"\1", text)
