"""Streams of tables in moto's DynamoDB."""

from __future__ import annotations

__all__ = ["stream_exists"]


def stream_exists(arn: str) -> bool:
    """Whether a table has a stream of that ARN: the latest one, the only one that moto keeps."""
    from moto.dynamodb.models import dynamodb_backends

    region, account = arn.split(":")[3:5]
    if region not in dynamodb_backends[account]:
        return False
    tables = list(dynamodb_backends[account][region].tables.values())
    return any(
        table.latest_stream_label and f"{table.table_arn}/stream/{table.latest_stream_label}" == arn
        for table in tables
    )
