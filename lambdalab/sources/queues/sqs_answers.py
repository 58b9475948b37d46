"""What a function says of a batch: which messages have failed (ReportBatchItemFailures).

Nothing named means that all is well; an answer that cannot be read, or names what was not in the
batch, means that all has failed.
Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

import json
from typing import Any

__all__ = ["failed_messages"]


def failed_messages(answer: bytes, batch: set[str]) -> set[str]:
    """The ids of the messages of the batch that have failed."""
    try:
        named = _named(json.loads(answer))
    except ValueError:
        return batch
    return named if named <= batch else batch


def _named(answer: Any) -> set[str]:
    """The ids that an answer names; ValueError where it is not one."""
    if answer is None:
        return set()
    if not isinstance(answer, dict):
        raise ValueError("an answer is an object")
    items = answer.get("batchItemFailures")
    if items is None:
        return set()
    if not isinstance(items, list):
        raise ValueError("failures are a list")
    return {_identifier(item) for item in items}


def _identifier(item: Any) -> str:
    found = item.get("itemIdentifier") if isinstance(item, dict) else None
    if not isinstance(found, str) or not found:
        raise ValueError("a failure names a message")
    return found
