"""Subscriptions of moto's SNS: whom a topic takes, and with which attributes.

moto makes the subscription before it looks at the attributes, forgets those of a second Subscribe,
and knows a part of the filter policies.
Source: https://docs.aws.amazon.com/sns/latest/api/API_SetSubscriptionAttributes.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

from lambdalab import facts
from lambdalab.neighbours.asking import access_key, asked
from lambdalab.neighbours.callers import signer_of
from lambdalab.neighbours.messages.sns_errors import refused
from lambdalab.neighbours.messages.sns_topics import check_arn

__all__ = ["dead_letters_of", "mend_models", "mend_responses"]

Objection = Callable[[str, str], str | None]
_FUNCTION = re.compile(r"arn:aws[\w-]*:lambda:[\w-]+:\d{12}:function:[\w-]+(?::[\w$-]+)?")
_QUEUE = re.compile(r"arn:aws[\w-]*:sqs:[\w-]+:\d{12}:[\w.-]+")
_ID = re.compile(r"[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}")
_SCOPES = ("MessageAttributes", "MessageBody")
_DEFAULTS: dict[str, Any] = {"RawMessageDelivery": False, "FilterPolicyScope": _SCOPES[0]}
_RAW = ("sqs", "http", "https", "firehose")
_PROTOCOLS = (*_RAW, "application", "email", "email-json", "lambda", "sms")


class _WrongError(Exception):
    """An attribute is not taken; the text says why, after ``Invalid parameter: ``."""


def dead_letters_of(subscription: Any) -> str | None:
    """The ARN of a subscription's dead-letter queue."""
    policy = subscription.attributes.get("RedrivePolicy")
    return str(json.loads(policy)["deadLetterTargetArn"]) if policy else None


# ---- moto's models


def mend_models(models: ModuleType, objection: Objection) -> None:
    """Check what subscribes, and its attributes; ``objection`` judges filter policies."""
    backend: Any = models.SNSBackend
    backend.subscribe = _checking_endpoint(backend.subscribe)
    backend.set_subscription_attributes = _setting(objection)


def _checking_endpoint(subscribe: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(subscribe)
    def checked(backend: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
        topic = backend.get_topic(topic_arn)
        if protocol not in _PROTOCOLS:
            raise refused("protocol", protocol=protocol)
        if topic.fifo_topic and protocol != "sqs":
            raise refused("protocol-of-fifo", protocol=protocol)
        if protocol == "lambda" and not _FUNCTION.fullmatch(endpoint or ""):
            raise refused("function-arn")
        if protocol == "sqs" and not _QUEUE.fullmatch(endpoint or ""):
            raise refused("queue-arn")
        if protocol == "sqs" and endpoint.endswith(".fifo") and not topic.fifo_topic:
            raise refused("queue-of-standard")
        made = subscribe(backend, topic_arn, endpoint, protocol)
        made.attributes.setdefault("SubscriptionPrincipal", _principal(backend.account_id))
        return made

    return checked


def _principal(account: str) -> str:
    """The ARN of whoever subscribes."""
    request = asked()
    key = access_key(request) if request else None
    return signer_of(key or "", account).arn


def _setting(objection: Objection) -> Callable[[Any, str, str, Any], None]:
    """SNSBackend.set_subscription_attributes."""

    def set_attribute(backend: Any, arn: str, name: str, value: Any) -> None:
        if arn not in backend.subscriptions:
            raise refused("subscription-missing")
        if name not in _NAMES:
            raise refused("invalid", reason="AttributeName")
        try:
            _set(backend.subscriptions[arn], name, value, objection)
        except _WrongError as wrong:
            raise refused("invalid", reason=wrong) from None

    return set_attribute


def _set(subscription: Any, name: str, value: Any, objection: Objection) -> None:
    if name in _CHECKS:
        _CHECKS[name](subscription, value or "", objection)
    if name in ("FilterPolicy", "RedrivePolicy") and (value or "").strip() in ("", "{}"):
        subscription.attributes.pop(name, None)
    else:
        subscription.attributes[name] = _read(value) if name == "RawMessageDelivery" else value


# ---- moto's answers


def mend_responses(responses: ModuleType, objection: Objection) -> None:
    """Let Subscribe be all or nothing, and look at ARNs and values before moto reads them."""
    kind: Any = responses.SNSResponse
    kind.subscribe = lambda response: _subscribe(response, objection)
    kind.set_subscription_attributes = _set_attributes
    kind.get_subscription_attributes = _of_arn(kind.get_subscription_attributes)
    kind.unsubscribe = _of_arn(kind.unsubscribe, whole=True)


def _of_arn(act: Callable[[Any], Any], *, whole: bool = False) -> Callable[[Any], Any]:
    @wraps(act)
    def checked(response: Any) -> Any:
        parts = check_arn(response._get_param("SubscriptionArn") or "", "SubscriptionArn")
        if whole and not _ID.fullmatch(parts[-1]):
            raise refused("invalid", reason="SubscriptionId")
        return act(response)

    return checked


def _set_attributes(response: Any) -> Any:
    from moto.core.responses import EmptyResult

    arn = response._get_param("SubscriptionArn") or ""
    check_arn(arn, "SubscriptionArn")
    name, value = response._get_param("AttributeName"), response._get_param("AttributeValue")
    response.backend.set_subscription_attributes(arn, name, value)
    return EmptyResult()


def _subscribe(response: Any, objection: Objection) -> Any:
    """Subscribe: attributes that are not taken make no subscription, and do not change one."""
    from moto.core.responses import ActionResult

    backend, given = response.backend, dict(response._get_param("Attributes") or {})
    names = [response._get_param(name) for name in ("TopicArn", "Endpoint", "Protocol")]
    before = set(backend.subscriptions)
    made = backend.subscribe(*names)
    if made.arn in before:
        _check_same(made, given)
        return ActionResult({"SubscriptionArn": made.arn})
    try:
        # A policy is judged by its scope.
        for name in sorted(given, key="FilterPolicyScope".__ne__):
            _take(made, name, given[name], objection)
    except Exception:
        del backend.subscriptions[made.arn]
        raise
    return ActionResult({"SubscriptionArn": made.arn})


def _check_same(made: Any, given: dict[str, Any]) -> None:
    known = _DEFAULTS | made.attributes
    if any(_read(value) != _read(known.get(name)) for name, value in given.items()):
        raise refused("other-attributes")


def _take(subscription: Any, name: str, value: Any, objection: Objection) -> None:
    """Set an attribute of a new subscription; refusals say that it stands among them."""
    if name not in _NAMES:
        raise refused("attribute-unknown", name=name)
    try:
        _set(subscription, name, value, objection)
    except _WrongError as wrong:
        nested = str(wrong) == facts.message("sns.filter-nested").text
        raise refused("invalid" if nested else "attributes", reason=wrong) from None


# ---- what an attribute may be


def _of_policy(subscription: Any, value: str, objection: Objection) -> None:
    scope = subscription.attributes.get("FilterPolicyScope", _SCOPES[0])
    reason = objection(value, scope) if value.strip() else None
    if reason:
        raise _WrongError(reason)


def _of_scope(_: Any, value: str, *__: Any) -> None:
    if value not in _SCOPES:
        raise _wrong("filter-scope", scope=value)


def _of_raw(subscription: Any, value: Any, *_: Any) -> None:
    if str(value).lower() not in ("true", "false"):
        raise _wrong("raw-value", value=value)
    if subscription.protocol not in _RAW:
        raise _wrong("raw-protocol", protocol=subscription.protocol)


def _of_redrive(subscription: Any, value: str, *_: Any) -> None:
    if not value.strip():
        return
    policy = _read(value)
    if not isinstance(policy, dict):
        raise _wrong("redrive-unparsed")
    if unknown := [name for name in policy if name != "deadLetterTargetArn"]:
        raise _wrong("redrive-unknown", name=unknown[0])
    arn = str(policy.get("deadLetterTargetArn"))
    if policy and not _QUEUE.fullmatch(arn):
        raise _wrong("redrive-arn")
    if policy and subscription.endpoint.endswith(".fifo") and not arn.endswith(".fifo"):
        raise _wrong("redrive-fifo")


def _wrong(name: str, /, **fields: object) -> _WrongError:
    return _WrongError(facts.message(f"sns.{name}").format(**fields))


def _read(value: Any) -> Any:
    try:
        return json.loads(value.lower() if value.lower() in ("true", "false") else value)
    except (AttributeError, ValueError, RecursionError):
        return value


_CHECKS: dict[str, Callable[[Any, Any, Objection], None]] = {
    "FilterPolicy": _of_policy,
    "FilterPolicyScope": _of_scope,
    "RawMessageDelivery": _of_raw,
    "RedrivePolicy": _of_redrive,
}
_NAMES = (*_CHECKS, "DeliveryPolicy", "SubscriptionRoleArn")
