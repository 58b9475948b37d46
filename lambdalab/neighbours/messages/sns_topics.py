"""Topics of moto's SNS: which one an ARN names, and which attributes a topic has.

moto answers 500 where an ARN is none, keeps any attribute, and shows a part of them.
Source: https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

from lambdalab import facts
from lambdalab.neighbours.messages.sns_errors import refused

__all__ = ["check_arn", "mend_models", "mend_responses", "now", "topic_of"]

_PARTS = 6
_SMALLEST = facts.quota("sns.smallest-message-size").bytes
_LARGEST = facts.quota("sns.largest-message-size").bytes
_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_FIFO_NAME = re.compile(r"[A-Za-z0-9_-]{1,251}\.fifo")
_OF_FIFO = ("ArchivePolicy", "ContentBasedDeduplication", "FifoThroughputScope")
# moto shows these, and the other ones not.
_SHOWN = ("ContentBasedDeduplication", "DeliveryPolicy", "DisplayName", "KmsMasterKeyId", "Policy")
_HIDDEN = (
    "ArchivePolicy", "DataProtectionPolicy", "FifoThroughputScope", "MaximumMessageSize",
    "SignatureVersion", "TracingConfig",
)  # fmt: skip
_FEEDBACK = re.compile(
    r"(HTTP|Firehose|Lambda|Application|SQS)(Success|Failure)Feedback(RoleArn|SampleRate)"
)
_DEFAULTS = {
    "FifoThroughputScope": "Topic", "SignatureVersion": "1", "TracingConfig": "PassThrough",
}  # fmt: skip
_DELIVERY = {
    "http": {
        "defaultHealthyRetryPolicy": {
            "minDelayTarget": 20,
            "maxDelayTarget": 20,
            "numRetries": 3,
            "numMaxDelayRetries": 0,
            "numNoDelayRetries": 0,
            "numMinDelayRetries": 0,
            "backoffFunction": "linear",
        },
        "disableSubscriptionOverrides": False,
        "defaultRequestPolicy": {"headerContentType": "text/plain; charset=UTF-8"},
    }
}


def now() -> float:
    """The platform's time in seconds."""
    from moto.core.utils import unix_time

    return float(unix_time())


def check_arn(arn: str, name: str) -> list[str]:
    """The parts of an ARN that a request gives as ``name``; raises where there are too few."""
    parts = arn.split(":")
    if len(parts) < _PARTS:
        raise refused("short-arn", name=name, count=len(parts))
    return parts


def topic_of(backend: Any, arn: str | None, name: str = "TopicArn") -> Any:
    """The topic of an ARN; raises where the ARN is none, or names no topic of the Region."""
    from moto.sns.exceptions import TopicNotFound
    from moto.sns.models import sns_backends

    parts = check_arn(arn or "", name)
    if name == "TargetArn" and parts[5].startswith("endpoint/"):
        raise refused("endpoint-missing")
    if parts[2] != "sns" or parts[3] != backend.region_name:
        raise refused("invalid", reason=name)
    if len(parts) > _PARTS or not (_NAME.fullmatch(parts[5]) or _FIFO_NAME.fullmatch(parts[5])):
        raise refused("topic-name")
    topic = sns_backends[parts[4]][parts[3]].topics.get(arn)
    if topic is None:
        raise TopicNotFound
    return topic


# ---- moto's models


def mend_models(models: ModuleType) -> None:
    """Check ARNs, names and attributes."""
    module: Any = models
    module.DEFAULT_EFFECTIVE_DELIVERY_POLICY = _DELIVERY
    backend = module.SNSBackend
    backend.get_topic = topic_of
    backend.create_topic = _checking_new(backend.create_topic)
    backend._get_values_nexttoken = _paging(backend._get_values_nexttoken)


def _checking_new(create: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(create)
    def checked(
        backend: Any,
        name: str,
        attributes: dict[str, Any] | None = None,
        tags: dict[str, str] | None = None,
    ) -> Any:
        given = dict(attributes or {})
        fifo = bool(given.get("FifoTopic"))
        if not (_FIFO_NAME if fifo else _NAME).fullmatch(name or ""):
            raise refused("topic-name")
        for attribute in given:
            if attribute != "FifoTopic" and not _has(attribute, fifo):
                raise refused("attribute-unknown", name=attribute)
        for attribute, value in given.items():
            _check_value(attribute, value)
        before = set(backend.topics)
        topic = create(backend, name, given, tags)
        if topic.arn in before:
            _check_same(topic, given, tags or {})
        return topic

    return checked


def _paging(page: Callable[..., Any]) -> Callable[..., Any]:
    """What lists give; their tokens are numbers, and another one is none of theirs."""

    @wraps(page)
    def paged(backend: Any, values: dict[str, Any], next_token: str | None = None) -> Any:
        if not re.fullmatch(r"\d{0,9}", next_token or "", re.ASCII):
            raise refused("invalid", reason="NextToken")
        return page(backend, values, next_token)

    return paged


def _has(attribute: str, fifo: bool) -> bool:
    known = attribute in (*_SHOWN, *_HIDDEN) or bool(_FEEDBACK.fullmatch(attribute))
    return known and (fifo or attribute not in _OF_FIFO)


def _check_same(topic: Any, attributes: dict[str, Any], tags: dict[str, str]) -> None:
    """A topic that is there already is what CreateTopic gives, unless it is another one."""
    for name, value in attributes.items():
        known = getattr(topic, _kept(name), "") or _DEFAULTS.get(name, "")
        if _plain(known) != _plain(value):
            raise refused("topic-other-attributes")
    if not tags.items() <= topic._tags.items():
        raise refused("topic-other-tags")


def _plain(value: Any) -> str:
    """A value as it compares: of JSON only what it says."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return text


def _check_value(attribute: str, value: Any) -> None:
    if attribute == "Policy" and not isinstance(_read(value), dict):
        raise refused("topic-policy")
    if attribute == "MaximumMessageSize":
        size = _read(value)
        if not isinstance(size, int) or not _SMALLEST <= size <= _LARGEST:
            raise refused("invalid", reason=attribute)


def _read(value: Any) -> Any:
    try:
        return json.loads(value)
    except (TypeError, ValueError, RecursionError):
        return None


# ---- moto's answers


def mend_responses(responses: ModuleType) -> None:
    """Show a topic's attributes as SNS does, and refuse tags of one key."""
    kind: Any = responses.SNSResponse
    kind.get_topic_attributes = _showing(kind.get_topic_attributes)
    kind.set_topic_attributes = _checking_attribute(kind.set_topic_attributes)
    kind._get_tags = _tags


def _showing(get: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @wraps(get)
    def shown(response: Any) -> Any:
        answer = get(response)
        topic = response.backend.get_topic(response._get_param("TopicArn"))
        attributes = answer.result["Attributes"]
        if not attributes["DeliveryPolicy"]:
            del attributes["DeliveryPolicy"]
        confirmed = len(response.backend._get_topic_subscriptions(topic))
        attributes["SubscriptionsConfirmed"] = str(confirmed)
        attributes.update(_set_ones(topic))
        return answer

    return shown


def _set_ones(topic: Any) -> dict[str, Any]:
    """What moto keeps of a topic and does not show."""
    found = {name: topic.__dict__.get(_kept(name)) for name in _HIDDEN}
    return {name: value for name, value in found.items() if value}


def _kept(attribute: str) -> str:
    """The name under which moto keeps an attribute."""
    from moto.core.utils import camelcase_to_underscores

    return str(camelcase_to_underscores(attribute))


def _checking_attribute(set_attribute: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @wraps(set_attribute)
    def checked(response: Any) -> Any:
        topic = response.backend.get_topic(response._get_param("TopicArn"))
        name = response._get_param("AttributeName") or ""
        if not _has(name, topic.fifo_topic):
            raise refused("invalid", reason="AttributeName")
        _check_value(name, response._get_param("AttributeValue"))
        return set_attribute(response)

    return checked


def _tags(response: Any) -> dict[str, str]:
    given = response._get_param("Tags", [])
    found = {one.get("Key", ""): one.get("Value", "") for one in given}
    if len(found) < len(given):
        raise refused("same-tags")
    return found
