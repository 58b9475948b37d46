"""What SNS says against a request, as moto raises it."""

from __future__ import annotations

from lambdalab import facts

__all__ = ["refused"]


def refused(name: str, /, **fields: object) -> Exception:
    """A refusal in SNS's words, by their name below ``sns`` in ``facts``."""
    from moto.sns.exceptions import SNSException

    message = facts.message(f"sns.{name}")
    error: Exception = SNSException(message.code or "", message.format(**fields))
    return error
