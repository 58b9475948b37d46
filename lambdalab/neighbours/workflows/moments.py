"""The platform's time, as executions and their tasks tell it."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["now"]


def now() -> datetime:
    """The platform's time."""
    # Not above: whoever loads this module begins the cloud, and has not loaded moto yet.
    from moto.core import utils

    moment: datetime = utils.utcnow()
    return moment.replace(tzinfo=UTC)
