"""CloudWatch Logs Insights: its query language, read and run over log events.

A query is a chain of commands with ``|`` between them: ``fields``, ``display``, ``filter``,
``parse``, ``stats``, ``sort``, ``limit`` and ``dedup``. What AWS has besides (``pattern``,
``diff``, ``unmask``, ``anomaly``, ``lookup`` and SQL or PPL as languages) is refused by name.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

from __future__ import annotations

from lambdalab.insights.query import Query, read
from lambdalab.insights.records import Event
from lambdalab.insights.tokens import QueryError

__all__ = ["Event", "Query", "QueryError", "read"]
