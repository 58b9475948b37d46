"""Notification configurations of buckets in moto's S3: read, checked and shown as AWS does.

moto answers a rule that is not well formed with a 500, takes rules that overlap, tells no argument
of a refusal, and leaves out the configuration for EventBridge.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

from lambdalab import facts
from lambdalab.errors import AwsError

__all__ = ["KINDS", "Rule", "check_overlaps", "read", "refused", "rules_of"]

# What a configuration names its target by, and the ARN that it must be.
KINDS = {
    "Topic": re.compile(r"arn:aws[\w-]*:sns:[\w-]+:\d{12}:[\w.-]+"),
    "Queue": re.compile(r"arn:aws[\w-]*:sqs:[\w-]+:\d{12}:[\w.-]+"),
    "CloudFunction": re.compile(r"arn:aws[\w-]*:lambda:[\w-]+:\d{12}:function:[\w-]+(?::[\w$-]+)?"),
}
_ATTRIBUTES = {"Topic": "topic", "Queue": "queue", "CloudFunction": "cloud_function"}
_LONGEST_VALUE = 1024


class Rule(NamedTuple):
    """One rule of a bucket: the kind of its target, its id, its events, and what a key must be."""

    kind: str
    arn: str
    id: str
    events: tuple[str, ...]
    prefix: str
    suffix: str

    def fits(self, event: str, key: str) -> bool:
        """Whether the rule is for an event, such as ``s3:ObjectCreated:Put``, of that key."""
        return (
            any(_covers(one, event) for one in self.events)
            and key.startswith(self.prefix)
            and key.endswith(self.suffix)
        )


def rules_of(configuration: Any) -> Iterator[Rule]:
    """The rules of a configuration as moto keeps it."""
    for kind, attribute in _ATTRIBUTES.items():
        for one in getattr(configuration, attribute):
            parts = {rule["Name"]: rule["Value"] for rule in _filter_rules(one.filters)}
            given = (parts.get("Prefix", ""), parts.get("Suffix", ""))
            yield Rule(kind, one.arn, one.id, tuple(one.events), *given)


def read(body: bytes | str) -> dict[str, Any]:
    """The body of PutBucketNotificationConfiguration as moto's backend takes it."""
    from moto.s3.exceptions import MalformedXML, S3ClientError
    from moto.s3.responses import xmltodict

    try:
        parsed = xmltodict.parse(body, strip_whitespace=False)["NotificationConfiguration"]
        given = parsed if isinstance(parsed, dict) else {}
        found: dict[str, Any] = {
            f"{kind}Configuration": [_one(kind, one) for one in configured]
            for kind in KINDS
            if (configured := _listed(given, f"{kind}Configuration"))
        }
    except (AwsError, S3ClientError):
        raise
    except Exception as error:
        # What is not of the form that the service model has, in whatever way.
        raise MalformedXML from error
    if "EventBridgeConfiguration" in given:
        found["EventBridgeConfiguration"] = {}
    return found


def check_overlaps(rules: list[Rule]) -> None:
    """Refuse two rules that one event of one key could meet both, and two of one id."""
    if len({rule.id for rule in rules}) < len(rules):
        raise refused("same-id")
    for one, other in combinations(rules, 2):
        events = [(a, b) for a in one.events for b in other.events if _share(a, b)]
        if not events:
            continue
        if not any((*one[4:], *other[4:])):
            raise refused("same-event", Event=", ".join(events[0]))
        if _either(str.startswith, one.prefix, other.prefix) and _either(
            str.endswith, one.suffix, other.suffix
        ):
            raise refused("ambiguous")


def refused(name: str, /, **argument: str) -> AwsError:
    """A refusal in AWS's words, by their name in ``facts``.

    An argument that it blames is given as name=value, with an underscore for a dot.
    """
    message = facts.message(name if "." in name else f"bucket-notification.{name}")
    members = {
        key: value
        for name, blamed in argument.items()
        for key, value in (("ArgumentName", name.replace("_", ".")), ("ArgumentValue", blamed))
    }
    return AwsError(message.code or "", message.text, message.status or 400, members)


def _one(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """One configuration, with lists where there may be several, and an id."""
    from moto.moto_api._internal import mock_random

    arn = str(given[kind]).strip()
    if not KINDS[kind].fullmatch(arn):
        raise refused("unparsed-arn", **{kind: arn})
    events = [_event(one) for one in _listed(given, "Event")]
    if not events:
        raise KeyError("Event")
    made = b64encode(str(mock_random.uuid4()).encode()).decode()
    found = {"Id": given.get("Id") or made, kind: arn, "Event": events}
    if rules := _rules(given.get("Filter")):
        found["Filter"] = {"S3Key": {"FilterRule": rules}}
    return found


def _event(name: str) -> str:
    from moto.s3.exceptions import InvalidNotificationEvent
    from moto.s3.notifications import S3NotificationEvent

    if name not in S3NotificationEvent.events():
        raise InvalidNotificationEvent(name)
    return name


def _rules(given: Any) -> list[dict[str, str]]:
    key = (given or {}).get("S3Key") if isinstance(given, dict) else None
    rules = _listed(key, "FilterRule") if isinstance(key, dict) else []
    found: dict[str, str] = {}
    for rule in rules:
        name, value = str(rule["Name"]), rule["Value"] or ""
        if name.lower() not in ("prefix", "suffix"):
            raise refused("rule-name", FilterRule_Name=name)
        if name.capitalize() in found:
            raise refused(f"{name.lower()}-twice", FilterRule_Name=name)
        if len(value.encode()) > _LONGEST_VALUE:
            raise refused("rule-value", FilterRule_Value=value)
        found[name.capitalize()] = value
    return [{"Name": name, "Value": value} for name, value in found.items()]


def _filter_rules(filters: Any) -> list[dict[str, str]]:
    rules: list[dict[str, str]] = ((filters or {}).get("S3Key") or {}).get("FilterRule") or []
    return rules


def _listed(given: dict[str, Any], name: str) -> list[Any]:
    value = given.get(name)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _covers(wanted: str, event: str) -> bool:
    return wanted == event or (wanted.endswith(":*") and event.startswith(wanted[:-1]))


def _share(one: str, other: str) -> bool:
    return _covers(one, other) or _covers(other, one)


def _either(test: Any, one: str, other: str) -> bool:
    return bool(test(one, other) or test(other, one))
