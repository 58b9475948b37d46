"""Messages to topics: what SNS takes, and how it writes their attributes.

moto takes what is empty or too long, and attributes of any name and value.
Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from lambdalab import facts
from lambdalab.neighbours.messages.sns_errors import refused

__all__ = ["Message", "attributes", "check", "size", "text_for"]

_LONGEST_NAME = facts.quota("sns.attribute-name").bytes
_LONGEST_SUBJECT = facts.quota("sns.subject").value
_LARGEST = facts.quota("sns.message").bytes
# No line breaks, and no control characters.
_SUBJECT = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_IN_NAMES = re.compile(r"[A-Za-z0-9_.-]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# Which member of an attribute has its value.
_FIELDS = {"String": "String", "Number": "String", "Binary": "Binary"}


class Message(NamedTuple):
    """A message to a topic; ``attributes`` are {"Type": ..., "Value": ...} by name."""

    text: str
    subject: str | None = None
    attributes: Mapping[str, Mapping[str, Any]] = {}
    group: str | None = None
    deduplication: str | None = None
    structure: str | None = None

    def identity(self, topic: Any) -> str | None:
        """By what a copy of it is known in a FIFO topic; None in others."""
        if not topic.fifo_topic:
            return None
        return self.deduplication or sha256(self.text.encode()).hexdigest()


def size(message: Message) -> int:
    """What counts of a message, in bytes: its text, and its attributes with their names."""
    total = len(message.text.encode())
    for name, one in message.attributes.items():
        value = str(one["Value"])
        binary = one["Type"].startswith("Binary")
        told = len(b64decode(value)) if binary else len(value.encode())
        total += len(name.encode()) + len(one["Type"].encode()) + told
    return total


def check(topic: Any, message: Message) -> None:
    """Refuse a message that a topic does not take."""
    subject = message.subject
    if subject is not None and (not _SUBJECT.fullmatch(subject) or len(subject) > _LONGEST_SUBJECT):
        raise refused("subject")
    if not message.text:
        raise refused("message-empty")
    if size(message) > int(getattr(topic, "maximum_message_size", _LARGEST)):
        raise refused("message-too-long")
    if message.structure is not None:
        if message.structure != "json":
            raise refused("structure-unknown")
        text_for(message.text, "default")
    _check_order(topic, message)


def _check_order(topic: Any, message: Message) -> None:
    """What orders messages, and tells copies; a group of a standard topic is a fair queue's."""
    if not topic.fifo_topic:
        if message.deduplication:
            raise refused("deduplication-of-standard")
    elif not message.group:
        raise refused("no-group")
    elif not message.deduplication and not topic.content_based_deduplication:
        raise refused("no-deduplication")


def text_for(text: str, protocol: str) -> str:
    """What a message with MessageStructure ``json`` says to a protocol."""
    try:
        texts = json.loads(text)
    except (ValueError, RecursionError):
        texts = None
    if not isinstance(texts, dict):
        raise refused("structure-unparsed")
    if not isinstance(texts.get("default"), str):
        raise refused("structure-no-default")
    found = texts.get(protocol)
    return found if isinstance(found, str) else str(texts["default"])


def attributes(given: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The attributes of a request as SNS sends them on; raises where one is not well made."""
    for name in given:
        for reason, fields in _wrong_names(name):
            raise refused(f"attribute-{reason}", **fields)
    return {name: _attribute(name, one) for name, one in given.items()}


def _wrong_names(name: str) -> Iterator[tuple[str, dict[str, str]]]:
    if len(name.encode()) > _LONGEST_NAME:
        yield "name-too-long", {}
    if wrong := next((sign for sign in name if not _IN_NAMES.match(sign)), None):
        yield "name-sign", {"sign": f"#x{ord(wrong):X}"}
    if name.startswith("."):
        yield "name-start", {}
    if name.endswith("."):
        yield "name-end", {}
    if ".." in name:
        yield "name-dots", {}


def _attribute(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(given.get("DataType") or "")
    base = kind.partition(".")[0]
    field = _FIELDS.get(base)
    if field is None:
        raise refused("attribute-type", name=name)
    value = given.get(f"{field}Value")
    if value is None and any(given.get(f"{one}Value") for one in _FIELDS.values()):
        raise refused("attribute-field", name=name, type=kind, field=field)
    if not value:
        raise refused("attribute-empty", name=name, type=kind)
    if field == "Binary":
        value = b64encode(value).decode()
    elif base == "Number" and not _NUMBER.fullmatch(value):
        raise refused("attribute-number", name=name)
    return {"Type": kind, "Value": value}
