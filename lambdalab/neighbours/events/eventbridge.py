"""Events to buses in moto's EventBridge."""

from __future__ import annotations

__all__ = ["put_event"]


def put_event(
    bus_arn: str, source: str, detail_type: str, resources: list[str], detail: str
) -> None:
    """Put one event on a bus; ``detail`` is JSON text. Raises LookupError where it is refused."""
    from moto.events.models import events_backends

    region, account = bus_arn.split(":")[3:5]
    backend = events_backends[account][region]
    if bus_arn.rpartition("event-bus/")[2] not in backend.event_buses:
        # PutEvents itself would take the event, and drop it.
        raise LookupError(f"Event bus {bus_arn} does not exist.")
    (entry,) = backend.put_events(
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
