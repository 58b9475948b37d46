"""SendMessage without the long way through moto's HTTP application.

That way takes longer than the whole way of a message to its handler. Here the plain case is
answered from moto's own backend: a message in the JSON protocol without attributes of its own.
Whatever is special about a request, or wrong with it, goes to moto, whose words AWS's clients know.
"""

from __future__ import annotations

import json
from typing import Any

from lambdalab.neighbours.asking import asking
from lambdalab.wire import Request, Response

__all__ = ["answer"]

_TARGET = "AmazonSQS.SendMessage"
_JSON = "application/x-amz-json-1.0"
# The members of a plain message, by the names of the backend's parameters.
_MEMBERS = {
    "QueueUrl": ("queue_name", str),
    "MessageBody": ("message_body", str),
    "DelaySeconds": ("delay_seconds", int),
    "MessageGroupId": ("group_id", str),
    "MessageDeduplicationId": ("deduplication_id", str),
}


def answer(request: Request, account: str, region: str) -> Response | None:
    """The answer to a plain SendMessage; None for whatever else moto shall answer."""
    headers = request.headers
    if headers.get("x-amz-target") != _TARGET or headers.get("content-type") != _JSON:
        return None
    given = _plain(request.body)
    if given is None:
        return None
    with asking(request):
        return _send(given, account, region)


def _plain(body: bytes) -> dict[str, Any] | None:
    """The parameters of a plain message, by the backend's names; None where it is not one."""
    try:
        members = json.loads(body)
    except ValueError:
        return None
    if not isinstance(members, dict) or not {"QueueUrl", "MessageBody"} <= members.keys():
        return None
    given: dict[str, Any] = {}
    for name, value in members.items():
        parameter, kind = _MEMBERS.get(name, ("", object))
        if not parameter or type(value) is not kind:
            return None
        given[parameter] = value
    given["queue_name"] = given["queue_name"].rpartition("/")[2]
    return given


def _send(given: dict[str, Any], account: str, region: str) -> Response | None:
    from moto.moto_api._internal import mock_random
    from moto.sqs.exceptions import SQSException
    from moto.sqs.models import sqs_backends

    try:
        message = sqs_backends[account][region].send_message(**given)
    except (SQSException, KeyError):
        # Nothing has been sent; moto finds the same, and says it.
        return None
    told = {"MD5OfMessageBody": message.body_md5, "MessageId": message.id}
    if message.sequence_number:
        told["SequenceNumber"] = message.sequence_number
    headers = (("Content-Type", _JSON), ("x-amzn-requestid", str(mock_random.uuid4())))
    return Response(200, json.dumps(told).encode(), headers)
