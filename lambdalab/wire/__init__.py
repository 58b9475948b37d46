"""HTTP/1.1 on loopback: requests in, responses out.

The endpoint that AWS clients talk to and the Runtime API of every execution environment stand on
this one server. Parsing is httptools'; a handler answers at once with a ``Response`` or later with
an awaitable of one, so the short way through costs no task.
"""

from __future__ import annotations

from lambdalab.wire.dates import DateLine
from lambdalab.wire.listener import LOOPBACK, Listener, listen
from lambdalab.wire.messages import (
    Admit,
    BodyReader,
    Handler,
    Request,
    Response,
    StreamedResponse,
    Streams,
)
from lambdalab.wire.prompt import Prompt

__all__ = [
    "LOOPBACK",
    "Admit",
    "BodyReader",
    "DateLine",
    "Handler",
    "Listener",
    "Prompt",
    "Request",
    "Response",
    "StreamedResponse",
    "Streams",
    "listen",
]
