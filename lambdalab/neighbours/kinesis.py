"""Data streams and their consumers in moto's Kinesis."""

from __future__ import annotations

__all__ = ["exists"]


def exists(arn: str) -> bool:
    """Whether there is a stream, or a consumer of a stream, of that ARN."""
    from moto.kinesis.models import kinesis_backends

    region, account = arn.split(":")[3:5]
    if region not in kinesis_backends[account]:
        return False
    streams = list(kinesis_backends[account][region].streams.values())
    return any(stream.arn == arn or stream.get_consumer_by_arn(arn) for stream in streams)
