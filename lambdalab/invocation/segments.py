"""What Lambda tells X-Ray of a run that is traced: a segment of the service, one of the function.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
"""

from __future__ import annotations

from random import Random
from typing import Any

from lambdalab.execution.spec import Invocation, Outcome
from lambdalab.functions.lookup import Located
from lambdalab.invocation.tracing import parts_of

__all__ = ["segments"]


def segments(
    target: Located,
    invocation: Invocation,
    outcome: Outcome,
    times: tuple[float, float],
    draw: Random,
) -> list[dict[str, Any]]:
    """The two documents; ``times`` are the request's arrival and its end, in seconds."""
    parts = parts_of(invocation.trace_id)
    trace, own, service = parts["Root"], parts["Parent"], f"{draw.getrandbits(64):016x}"
    identity = target.function.id
    shared: dict[str, Any] = {"name": identity.name, "trace_id": trace}
    if outcome.failed:
        shared["fault"] = True
    whole = {
        **shared,
        "id": service,
        "origin": "AWS::Lambda",
        "start_time": times[0],
        "end_time": times[1],
        "resource_arn": invocation.arn,
        "aws": {"request_id": invocation.request_id},
        "http": {"response": {"status": 200}},
    }
    if invocation.upstream:
        whole["parent_id"] = invocation.upstream
    init = outcome.init_duration or 0.0
    ended = outcome.began + outcome.duration
    inner = {
        **shared,
        "id": own,
        "parent_id": service,
        "origin": "AWS::Lambda::Function",
        "start_time": outcome.began - init,
        "end_time": ended,
        "aws": {"account_id": identity.account, "function_arn": invocation.arn},
        "subsegments": _phases(outcome, draw),
    }
    return [whole, inner]


def _phases(outcome: Outcome, draw: Random) -> list[dict[str, Any]]:
    began, ended = outcome.began, outcome.began + outcome.duration
    phases = [("Invocation", began, ended)]
    if outcome.init_duration is not None:
        phases.insert(0, ("Initialization", began - outcome.init_duration, began))
    return [
        {
            "id": f"{draw.getrandbits(64):016x}",
            "name": name,
            "start_time": start,
            "end_time": end,
            "aws": {},
        }
        for name, start, end in phases
    ]
