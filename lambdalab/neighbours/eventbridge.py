"""Events to buses in moto's EventBridge."""

from __future__ import annotations

__all__ = ["put_event"]


def put_event(
    bus_arn: str, source: str, detail_type: str, resources: list[str], detail: str
) -> None:
    """Put one event on a bus; ``detail`` is JSON text. Raises LookupError where it is refused."""
    from moto.events.models import events_backends

    region, account = bus_arn.split(":")[3:5]
    (entry,) = events_backends[account][region].put_events(
        [
            {
                "Source": source,
                "DetailType": detail_type,
                "Resources": resources,
                "Detail": detail,
                "EventBusName": bus_arn,
            }
        ]
    )
    if "ErrorCode" in entry:
        raise LookupError(entry["ErrorMessage"])
