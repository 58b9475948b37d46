"""Log events into moto's CloudWatch Logs."""

from __future__ import annotations

__all__ = ["put_events"]


def put_events(
    account: str, region: str, group: str, stream: str, events: list[tuple[int, str]]
) -> None:
    """Append (time in ms, message) events, oldest first; makes group and stream where missing."""
    from moto.logs.models import logs_backends

    backend = logs_backends[account][region]
    backend.ensure_log_group(group)
    backend.ensure_log_stream(group, stream)
    backend.groups[group].put_log_events(
        stream, [{"timestamp": time, "message": message} for time, message in events]
    )
