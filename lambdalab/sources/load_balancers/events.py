"""The event that a load balancer makes of a request.

Source:
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html#receive-event-from-load-balancer
"""

from __future__ import annotations

import json
from typing import Any

from lambdalab.neighbours.load_balancers.elbv2 import TargetGroup
from lambdalab.sources.http_messages import HOP, SOURCE_IP, body_of
from lambdalab.sources.load_balancers.arriving import Arrival

__all__ = ["checking", "event"]

_XFF = "routing.http.xff_header_processing.mode"
_FORWARDED = "x-forwarded-for"
_CHECKER = "ELB-HealthChecker/2.0"

Pairs = list[tuple[str, str]]


def event(arrival: Arrival, group: TargetGroup, trace: str) -> bytes:
    """The event of a request; ``trace`` is the X-Amzn-Trace-Id that goes with it."""
    request = arrival.request
    text, encoded = body_of(request, suffixes=False) if request.body else ("", False)
    made = {
        **_head(group, request.method, arrival.path),
        **_many("queryStringParameters", arrival.parameters, group),
        **_many("headers", _fields(arrival, trace), group),
        "body": text,
        "isBase64Encoded": encoded,
    }
    return _bytes(made)


def checking(group: TargetGroup) -> bytes:
    """The event of a health check."""
    made = {
        **_head(group, "GET", group.check.path),
        **_many("queryStringParameters", [], group),
        **_many("headers", [("user-agent", _CHECKER)], group),
        "body": "",
        "isBase64Encoded": False,
    }
    return _bytes(made)


def _head(group: TargetGroup, method: str, path: str) -> dict[str, Any]:
    context = {"elb": {"targetGroupArn": group.arn}}
    return {"requestContext": context, "httpMethod": method, "path": path}


def _many(member: str, pairs: Pairs, group: TargetGroup) -> dict[str, Any]:
    """Names with values: all of them where the target group wants that, else the last of each."""
    if not group.multi_value:
        return {member: dict(pairs)}
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {f"multiValue{member[0].upper()}{member[1:]}": found}


def _fields(arrival: Arrival, trace: str) -> Pairs:
    own = {"host", "x-amzn-trace-id", "x-forwarded-port", "x-forwarded-proto"}
    fields = [one for one in arrival.fields if one[0] not in HOP | own]
    port, protocol = str(arrival.listener.port), arrival.listener.protocol.lower()
    fields = _forwarded(fields, arrival.balancer.attributes.get(_XFF, "append"))
    made = [
        ("host", arrival.host),
        *fields,
        ("x-forwarded-port", port),
        ("x-forwarded-proto", protocol),
        ("x-amzn-trace-id", trace),
    ]
    return sorted(made, key=lambda field: field[0])


def _forwarded(fields: Pairs, mode: str) -> Pairs:
    """The fields with the client's address where the balancer's setting wants it."""
    if mode == "preserve":
        return fields
    given = [value for name, value in fields if name == _FORWARDED]
    rest = [one for one in fields if one[0] != _FORWARDED]
    if mode == "remove":
        return rest
    return [*rest, (_FORWARDED, ", ".join([*given, SOURCE_IP]))]


def _bytes(made: dict[str, Any]) -> bytes:
    text = json.dumps(made, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")
