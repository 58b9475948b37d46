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

__all__ = ["dead_letters_of", "mend_models", "mend_responses", "refused"]

Objection = Callable[[str, str], str | None]
_FUNCTION = re.compile(r"arn:aws[\w-]*:lambda:[\w-]+:\d{12}:function:[\w-]+(?::[\w$-]+)?")
_QUEUE = re.compile(r"arn:aws[\w-]*:sqs:[\w-]+:\d{12}:[\w.-]+")
_SCOPES = ("MessageAttributes", "MessageBody")
_DEFAULTS: dict[str, Any] = {"RawMessageDelivery": False, "FilterPolicyScope": _SCOPES[0]}


def refused(name: str, /, **fields: str) -> Exception:
    """A refusal in SNS's words, as moto raises it."""
    from moto.sns.exceptions import SNSInvalidParameter

    error: Exception = SNSInvalidParameter(facts.message(f"sns.{name}").format(**fields))
    return error


def dead_letters_of(subscription: Any) -> str | None:
    """The ARN of a subscription's dead-letter queue."""
    policy = subscription.attributes.get("RedrivePolicy")
    return str(json.loads(policy)["deadLetterTargetArn"]) if policy else None


def mend_models(models: ModuleType, objection: Objection) -> None:
    """Check what subscribes, and its attributes; ``objection`` judges filter policies."""
    backend: Any = models.SNSBackend
    backend.subscribe = _checking_endpoint(backend.subscribe)
    backend.set_subscription_attributes = _checking_attribute(
        backend.set_subscription_attributes, objection
    )


def mend_responses(responses: ModuleType) -> None:
    """Let Subscribe be all or nothing."""
    responses.SNSResponse.subscribe = _whole(responses.SNSResponse.subscribe)


def _checking_endpoint(subscribe: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(subscribe)
    def checked(backend: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
        topic = backend.get_topic(topic_arn)
        if protocol == "lambda":
            if not _FUNCTION.fullmatch(endpoint or ""):
                raise refused("function-arn")
            if topic.fifo_topic:
                raise refused("function-of-fifo")
        return subscribe(backend, topic_arn, endpoint, protocol)

    return checked


def _checking_attribute(set_attribute: Callable[..., None], objection: Objection) -> Any:
    @wraps(set_attribute)
    def checked(backend: Any, arn: str, name: str, value: Any) -> None:
        subscription = backend.subscriptions.get(arn)
        if subscription is None or name not in _CHECKS:
            set_attribute(backend, arn, name, value)
            return
        scope = subscription.attributes.get("FilterPolicyScope", _SCOPES[0])
        reason = _reason(name, value, scope, objection)
        if reason is not None:
            raise refused("invalid", reason=reason)
        if name != "FilterPolicyScope" and (value or "").strip() in ("", "{}"):
            subscription.attributes.pop(name, None)
        else:
            subscription.attributes[name] = value

    return checked


def _whole(subscribe: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Attributes that are not taken make no subscription, and do not change one."""

    @wraps(subscribe)
    def checked(response: Any) -> Any:
        given = dict(response._get_attributes())
        backend, topic = response.backend, response._get_param("TopicArn")
        found = backend._find_subscription(
            topic, response._get_param("Endpoint"), response._get_param("Protocol")
        )
        if found is not None and any(
            _read(value) != _read(found.attributes.get(name, _DEFAULTS.get(name)))
            for name, value in given.items()
        ):
            raise refused("other-attributes")
        before = set(backend.subscriptions)
        try:
            return subscribe(response)
        except Exception as error:
            for arn in set(backend.subscriptions) - before:
                del backend.subscriptions[arn]
            raise _of_attributes(error) from error

    return checked


def _of_attributes(error: Exception) -> Exception:
    """Subscribe says of a policy that it stands among the attributes."""
    text = str(getattr(error, "message", ""))
    start = "Invalid parameter: FilterPolicy: "
    if not text.startswith(start):
        return error
    return refused("attributes", reason=text.removeprefix("Invalid parameter: "))


def _reason(name: str, value: Any, scope: str, objection: Objection) -> str | None:
    """Why an attribute is not taken, after ``Invalid parameter: ``."""
    return _CHECKS[name](value or "", scope, objection)


def _of_policy(value: str, scope: str, objection: Objection) -> str | None:
    return objection(value, scope) if value.strip() else None


def _of_scope(value: str, *_: Any) -> str | None:
    text = facts.message("sns.filter-scope").format(scope=value)
    return None if value in _SCOPES else text.removeprefix("Invalid parameter: ")


def _of_redrive(value: str, *_: Any) -> str | None:
    if not value.strip():
        return None
    policy = _read(value)
    name = "arn"
    if not isinstance(policy, dict):
        name = "unparsed"
    elif not policy or _QUEUE.fullmatch(str(policy.get("deadLetterTargetArn"))):
        return None
    return facts.message(f"sns.redrive-{name}").text.removeprefix("Invalid parameter: ")


def _read(value: Any) -> Any:
    try:
        return json.loads(value.lower() if value in ("True", "False") else value)
    except (TypeError, ValueError, RecursionError):
        return value


_CHECKS: dict[str, Callable[[str, str, Objection], str | None]] = {
    "FilterPolicy": _of_policy,
    "FilterPolicyScope": _of_scope,
    "RedrivePolicy": _of_redrive,
}
