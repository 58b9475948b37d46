"""moto's own HTTP application, called without a server of its own.

moto answers every AWS service but Lambda. Its threaded server would add 2 ms to each call, so the
lab's endpoint calls the WSGI application directly, in a thread, for moto blocks.
"""

from __future__ import annotations

import io
import os
import sys
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from lambdalab.neighbours import absent, request_ids, state
from lambdalab.neighbours.api_gateway import (
    api_imports,
    http_api_changes,
    rest_api_answers,
    rest_api_changes,
    rest_api_checks,
    rest_api_credentials,
    rest_api_trials,
)
from lambdalab.neighbours.asking import asking
from lambdalab.neighbours.buckets import s3_notifications
from lambdalab.neighbours.identity import iam, iam_documents
from lambdalab.neighbours.messages import sns_publishing, sqs
from lambdalab.neighbours.monitoring import (
    cloudwatch,
    embedded_metrics,
    logs_events,
    logs_queries,
    metric_filters,
    traces,
)
from lambdalab.neighbours.streams import dynamodb_changes, kinesis_changes
from lambdalab.wire import Request, Response

__all__ = ["call", "preload"]

_HOP = {"connection", "transfer-encoding"}
# A call as IAM's clients make it: answering it loads what the first lesson needs.
_REHEARSAL = Request(
    "POST",
    b"/",
    [
        (b"Host", b"127.0.0.1"),
        (b"Content-Type", b"application/x-www-form-urlencoded"),
        (
            b"Authorization",
            b"AWS4-HMAC-SHA256 Credential=rehearsal/20260101/us-east-1/iam/aws4_request, "
            b"SignedHeaders=host, Signature=0",
        ),
    ],
    b"Action=ListRoles&Version=2010-05-08",
)


@cache
def _application() -> Any:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    return DomainDispatcherApplication(create_backend_app)


def preload(seed: int, account: str) -> None:
    """Load moto and rehearse one call, so that the first real one does not wait for it.

    ``account`` is whose a caller's dummy keys are.
    """
    # jsonschema would load it to check addresses that are not in ASCII, for 0.8 seconds or more, as
    # soon as moto's API Gateway or CloudFormation is used; it does without where there is none.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    # With this variable, moto takes every key for that account's, those of a role elsewhere too.
    os.environ.pop("MOTO_ACCOUNT_ID", None)
    state.install()
    absent.install()
    request_ids.install()
    iam.install(account)
    iam_documents.install()
    rest_api_credentials.install()
    cloudwatch.install()
    embedded_metrics.install()
    logs_events.install()
    logs_queries.install()
    metric_filters.install()
    traces.install()
    sqs.install()
    _list_modules_once()
    kinesis_changes.install()
    dynamodb_changes.install()
    http_api_changes.install()
    rest_api_changes.install()
    rest_api_trials.install()
    rest_api_answers.install()
    rest_api_checks.install()
    api_imports.install(call)
    s3_notifications.install()
    sns_publishing.install()
    from moto.logs import models as _logs  # noqa: F401
    from moto.moto_api._internal import mock_random

    mock_random.seed(seed)
    call(_REHEARSAL, "http://127.0.0.1")


def _list_modules_once() -> None:
    """Let moto look into its folder once, not for a third of a millisecond in each call."""
    from moto import backends

    modules = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules


def call(request: Request, base_url: str) -> Response:
    """Let moto answer a request; blocks, and may be called from several threads."""
    refused = absent.refused(request)
    if refused is not None:
        return refused
    started: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        started.update(status=int(status.split(" ", 1)[0]), headers=headers)

    with asking(request):
        chunks = _application()(_environ(request, base_url), start_response)
    try:
        body = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    status, headers = started.get("status", HTTPStatus.OK), _told(request, started["headers"])
    return absent.named(request, Response(status, body, headers))


def _told(request: Request, headers: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The headers that go to the client.

    S3 has ids of its own in place of the others'. Where moto does not say what it answers, it is
    called HTML, which no API answers with: it is JSON then, of the kind that was sent.
    """
    is_s3 = any(name.lower() == "x-amz-request-id" for name, _ in headers)
    dropped = _HOP | ({request_ids.NAME} if is_s3 else set())
    kept = tuple((name, value) for name, value in headers if name.lower() not in dropped)
    if is_s3 or "authorization" not in request.headers:
        return kept
    kind = request.headers.get("content-type", "")
    own = kind if kind.startswith("application/x-amz-json") else "application/json"
    return tuple((name, own if _is_unnamed(name, value) else value) for name, value in kept)


def _is_unnamed(name: str, value: str) -> bool:
    return name.lower() == "content-type" and value.startswith("text/html")


def _environ(request: Request, base_url: str) -> dict[str, Any]:
    host, _, port = base_url.removeprefix("http://").partition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        # WSGI wants the decoded bytes of the path as latin-1 text.
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "RAW_URI": _target(request),
        "REQUEST_URI": _target(request),
        "QUERY_STRING": request.query_string,
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "werkzeug.socket": None,
    }
    environ |= _headers(request)
    return environ


def _target(request: Request) -> str:
    return f"{request.path}?{request.query_string}" if request.query_string else request.path


def _headers(request: Request) -> dict[str, Any]:
    """The headers as WSGI names them; names with underscores are kept apart, as moto wants them.

    WSGI cannot tell ``X_Foo`` from ``X-Foo``, and the metadata keys of S3 may hold underscores.
    """
    from moto.core.request import (
        PRESERVED_HEADER_NAMES_ENVIRON_KEY,
        environ_key_for_header,
        should_preserve_original_header_name,
    )

    found: dict[str, Any] = {}
    preserved: dict[str, str] = {}
    for raw_name, raw_value in request.raw_headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        key = environ_key_for_header(name)
        if should_preserve_original_header_name(name):
            preserved.setdefault(key, name)
        if key in ("HTTP_CONTENT_TYPE", "CONTENT_TYPE"):
            key = "CONTENT_TYPE"
        elif key in ("HTTP_CONTENT_LENGTH", "CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"):
            continue  # the body is here as a whole, and its length is known
        found[key] = f"{found[key]},{value}" if key in found else value
    found[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = preserved
    return found
