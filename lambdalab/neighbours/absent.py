"""Operations that moto does not have, and settings that it ignores, refused by their names.

moto fails at them: with a page of HTML for a path that it does not know, and with a traceback for
an operation that it does not know, which clients take for a fault of the moment and try again.
"""

from __future__ import annotations

import json
import re
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from lambdalab.errors import AwsError, not_implemented
from lambdalab.imports import after_load
from lambdalab.neighbours import ignored
from lambdalab.neighbours.asking import asked
from lambdalab.wire import Request, Response

__all__ = ["install", "named", "refused"]

_SERVICE = re.compile(r"Credential=[^/]+/[^/]+/[^/]+/([^/]+)/aws4_request")
_PAGE = b"<!doctype html>"
# Those that answer in XML without being asked in forms.
_XML = ("cloudfront", "route53", "s3")
_NOT_FOUND = 404


def install() -> None:
    """Let moto name what it does not have."""
    after_load("moto.core.responses", _mend)


def _mend(module: ModuleType) -> None:
    kind = module.BaseResponse
    call = kind.call_action

    def call_action(self: Any) -> Any:
        try:
            return call(self)
        except NotImplementedError:
            request = asked()
            if request is None:
                raise
            given = _answer(request)
            return given.status, dict(given.headers), given.body.decode()

    kind.call_action = call_action


def named(request: Request, response: Response) -> Response:
    """The answer to a request, unless moto knows no such path: then a refusal that names it."""
    unknown = response.status == _NOT_FOUND and response.body[:15].lower() == _PAGE
    return _answer(request) if unknown and _service(request) else response


def refused(request: Request) -> Response | None:
    """The answer to a request with a setting that nothing acts on; None for every other one."""
    service = _service(request)
    refusal = ignored.refusal(request, service) if service else None
    return None if refusal is None else _told(request, service, refusal)


def _service(request: Request) -> str:
    found = _SERVICE.search(request.headers.get("authorization", ""))
    return found[1] if found else ""


def _answer(request: Request) -> Response:
    service = _service(request)
    refusal = not_implemented(f"{_operation(request)} of {service or 'a service'}")
    return _told(request, service, refusal)


def _told(request: Request, service: str, refusal: AwsError) -> Response:
    """A refusal in the protocol of a service."""
    form = "x-www-form-urlencoded" in request.headers.get("content-type", "")
    if form or service in _XML:
        told = f"<Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message>"
        body = f"<Error>{told}</Error>"
        if service == "ec2":
            body = f"<Response><Errors>{body}</Errors></Response>"
        elif form:
            body = f"<ErrorResponse>{body}</ErrorResponse>"
        return Response(refusal.status, body.encode(), (("Content-Type", "text/xml"),))
    told = json.dumps({"__type": refusal.code, "message": refusal.message})
    kind = request.headers.get("content-type", "")
    kind = kind if kind.startswith("application/x-amz-json") else "application/json"
    headers = (("Content-Type", kind), ("x-amzn-ErrorType", refusal.code))
    return Response(refusal.status, told.encode(), headers)


def _operation(request: Request) -> str:
    """What was asked for: an operation by its name, or a method and a path."""
    target = request.headers.get("x-amz-target", "")
    if target:
        return target.rpartition(".")[2][:100]
    form = request.body.decode("utf-8", "replace") if len(request.body) < 100_000 else ""
    for text in (form, request.query_string):
        action = parse_qs(text).get("Action") if "Action=" in text else None
        if action:
            return action[0][:100]
    return f"{request.method} {request.path[:200]}"
