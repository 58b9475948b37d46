"""Messages to topics in moto's SNS."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["policy_of", "publish"]


def publish(
    arn: str,
    message: str,
    attributes: dict[str, tuple[str, str]],
    *,
    subject: str | None = None,
) -> None:
    """Publish to a topic; ``attributes`` are (data type, value) by name. Raises moto's errors."""
    from moto.sns.models import sns_backends

    region, account = arn.split(":")[3:5]
    typed: dict[str, Any] = {
        name: {"Type": kind, "Value": value} for name, (kind, value) in attributes.items()
    }
    sns_backends[account][region].publish(
        message, arn=arn, subject=subject, message_attributes=typed
    )


def policy_of(arn: str) -> list[dict[str, Any]] | None:
    """The statements of a topic's policy; None where there is no such topic."""
    from moto.sns.models import sns_backends

    region, account = arn.split(":")[3:5]
    topic = sns_backends[account][region].topics.get(arn)
    if topic is None:
        return None
    found: list[dict[str, Any]] = json.loads(topic.policy).get("Statement", [])
    return found
