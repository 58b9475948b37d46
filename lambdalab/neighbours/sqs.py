"""Queues in moto's SQS."""

from __future__ import annotations

__all__ = ["visibility_timeout"]


def visibility_timeout(arn: str) -> int | None:
    """The visibility timeout of a queue in seconds, or None where there is no such queue."""
    from moto.sqs.models import sqs_backends

    region, account, name = arn.split(":")[3:6]
    if region not in sqs_backends[account]:
        return None
    queue = sqs_backends[account][region].queues.get(name)
    return None if queue is None else int(queue.visibility_timeout)
