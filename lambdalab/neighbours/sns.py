"""Messages to topics in moto's SNS."""

from __future__ import annotations

from typing import Any

__all__ = ["publish"]


def publish(arn: str, message: str, attributes: dict[str, tuple[str, str]]) -> None:
    """Publish to a topic; ``attributes`` are (data type, value) by name. Raises moto's errors."""
    from moto.sns.models import sns_backends

    region, account = arn.split(":")[3:5]
    typed: dict[str, Any] = {
        name: {"Type": kind, "Value": value} for name, (kind, value) in attributes.items()
    }
    sns_backends[account][region].publish(message, arn=arn, message_attributes=typed)
