"""Answers the requests for function URLs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from random import Random
from typing import Any, NamedTuple

from lambdalab.clock import LabClock, stopwatch
from lambdalab.draws import identifier
from lambdalab.errors import AwsError, aws_error
from lambdalab.execution.spec import Outcome
from lambdalab.execution.streaming import ResponseSink
from lambdalab.functions import serialize
from lambdalab.functions.lookup import Located
from lambdalab.functions.urls import FunctionUrl, UrlService
from lambdalab.invocation.metrics import Metrics
from lambdalab.invocation.recursion import followed
from lambdalab.invocation.service import InvocationService
from lambdalab.invocation.tracing import trace_header
from lambdalab.sources.function_urls import cors
from lambdalab.sources.function_urls.answers import Answer, buffered
from lambdalab.sources.function_urls.events import event
from lambdalab.sources.function_urls.gate import Gate
from lambdalab.sources.function_urls.streams import Streams
from lambdalab.timeline import Record, Timeline
from lambdalab.wire import Prompt, Request, Response, StreamedResponse

__all__ = ["FunctionUrls"]

_SERVICE = "function URL"
_WITHOUT_BODY = (204, 304)
_FIRST_CLIENT_ERROR, _FIRST_SERVER_ERROR = 400, 500

Parts = AsyncIterator[bytes] | None


class _Trace(NamedTuple):
    """The trace of a call: as the event tells it, as the function gets it, as the client does."""

    told: str
    passed: str
    shown: str


class _Visit(NamedTuple):
    """A request for a URL; ``began`` is when it came."""

    request: Request
    path: str
    url: FunctionUrl
    request_id: str
    began: float
    trace: _Trace


class FunctionUrls:
    """The data plane of function URLs."""

    def __init__(
        self,
        urls: UrlService,
        functions: InvocationService,
        gate: Gate,
        *,
        clock: LabClock,
        timeline: Timeline,
        metrics: Metrics,
        random: Random,
    ) -> None:
        self._urls = urls
        self._functions = functions
        self._gate = gate
        self._clock = clock
        self._timeline = timeline
        self._metrics = metrics
        self._random = random
        self._streams = Streams()
        # The loop itself would forget a run whose client has its answer.
        self._running: set[asyncio.Task[Outcome]] = set()

    def answer(self, request: Request, name: str, path: str) -> Response | Awaitable[Response]:
        """Answer one request."""
        url = self._urls.find(name.partition(":")[0])
        request_id = identifier(self._random)
        if url is None:
            return _sent(_missing(), request, request_id)
        settings = url.settings.get("Cors")
        if settings and cors.is_preflight(request):
            return _sent(cors.preflight(settings, request), request, request_id)
        visit = _Visit(request, path, url, request_id, stopwatch(), self._trace(request, url))
        try:
            target, payload = self._admitted(visit)
        except AwsError as refusal:
            return self._refused(visit, refusal)
        if url.settings.get("InvokeMode") == "RESPONSE_STREAM":
            return self._streamed(visit, target, payload)
        return self._buffered(visit, target, payload)

    def _admitted(self, visit: _Visit) -> tuple[Located, bytes]:
        """What to call with which event; raises AwsError for who may not call."""
        url, request_id = visit.url, visit.request_id
        caller = self._gate.admit(url, visit.request)
        target = _target(url)
        self._tell("push", url, request_id, how="synchronous")
        payload = event(
            visit.request, visit.path, domain=_domain(url), caller=caller, request_id=request_id,
            trace=visit.trace.told, now=self._clock.now(),
        )  # fmt: skip
        return target, payload

    def _call(
        self, visit: _Visit, target: Located, payload: bytes, sink: ResponseSink, **more: Any
    ) -> Coroutine[Any, Any, Outcome]:
        return self._functions.call(
            target, payload, request_id=visit.request_id, trace=visit.trace.passed, sink=sink,
            is_json=True, **more,
        )  # fmt: skip

    async def _streamed(self, visit: _Visit, target: Located, payload: bytes) -> Response:
        sink = ResponseSink()
        try:
            call = self._call(visit, target, payload, sink)
            answer, parts = await self._streams.begun(call, sink)
        except AwsError as refusal:
            return self._refused(visit, refusal)
        return self._finished(visit, answer, parts)

    def _buffered(self, visit: _Visit, target: Located, payload: bytes) -> asyncio.Future[Response]:
        """The answer is there when the function has answered; what is told of its run comes later.

        That is on the way of every call: waiting for the rest, a call would take a tenth longer.
        """
        response = Prompt(loop=asyncio.get_running_loop())
        sink = ResponseSink()

        def answered(outcome: Outcome) -> None:
            _settle(response, lambda: self._finished(visit, buffered(outcome, sink)))

        def ended(run: asyncio.Task[Outcome]) -> None:
            self._running.discard(run)
            refusal = None if run.cancelled() else run.exception()
            if run.cancelled():
                response.cancel()
            elif isinstance(refusal, AwsError):
                _settle(response, lambda: self._refused(visit, refusal))
            else:
                _settle(response, lambda: self._finished(visit, buffered(run.result(), sink)))

        run = asyncio.ensure_future(self._call(visit, target, payload, sink, answered=answered))
        self._running.add(run)
        run.add_done_callback(ended)
        return response

    def _refused(self, visit: _Visit, refusal: AwsError) -> Response:
        self._tell("refused", visit.url, visit.request_id, reason=refusal.message)
        return self._finished(visit, _refusal(refusal))

    def _finished(self, visit: _Visit, answer: Answer, parts: Parts = None) -> Response:
        settings = visit.url.settings.get("Cors")
        if settings:
            cors.add(settings, visit.request, answer)
        self._count(visit.url, answer.status, stopwatch() - visit.began)
        return _sent(answer, visit.request, visit.request_id, visit.trace, parts)

    def _trace(self, request: Request, url: FunctionUrl) -> _Trace:
        given = request.headers.get("x-amzn-trace-id", "")
        now, draw = self._clock.now(), self._random.getrandbits
        own = f"Self=1-{int(now):08x}-{draw(96):024x}"
        header = trace_header(given, now, self._random)
        root = header.partition(";")[0]
        told = given if root in given else root
        fresh = "Lineage=" not in given
        shown = followed(header, url.function, fresh=fresh)[0]
        passed = header.partition(";Lineage=")[0] if fresh else header
        return _Trace(f"{own};{told}", passed, shown)

    def _tell(self, kind: str, url: FunctionUrl, request_id: str, **detail: str) -> None:
        told = {"service": _SERVICE, "source": url.settings["FunctionUrl"], **detail}
        name = url.function.id.name
        self._timeline.add(Record(self._clock.now(), kind, name, None, request_id, None, told))

    def _count(self, url: FunctionUrl, status: int, seconds: float) -> None:
        counts = {"UrlRequestCount": 1.0, "UrlRequestLatency": seconds * 1000}
        if _FIRST_CLIENT_ERROR <= status < _FIRST_SERVER_ERROR:
            counts["Url4xxCount"] = 1
        elif status >= _FIRST_SERVER_ERROR:
            counts["Url5xxCount"] = 1
        function = url.function.id
        if url.qualifier is not None:
            function = function._replace(qualifier=url.qualifier)
        self._metrics.add(function, self._clock.now(), None, **counts)


def _settle(response: asyncio.Future[Response], make: Callable[[], Response]) -> None:
    """Answer once. What breaks here must not break the environment that tells its answer."""
    if response.done():
        return
    try:
        response.set_result(make())
    except Exception as error:
        response.set_exception(error)


def _domain(url: FunctionUrl) -> str:
    address: str = url.settings["FunctionUrl"]
    return address.removeprefix("https://").rstrip("/")


def _target(url: FunctionUrl) -> Located:
    version = url.function.version(url.qualifier)
    if version is None:
        raise aws_error("function.missing", arn=url.arn)
    return Located(url.function, version, url.qualifier)


def _refusal(error: AwsError) -> Answer:
    refused = serialize.refusal(error, "")
    headers = [(name.lower(), value) for name, value in refused.headers]
    kept = [one for one in headers if one[0] != "x-amzn-requestid"]
    return Answer(refused.status, kept, refused.body)


def _missing() -> Answer:
    """What AWS says where there is no such URL: a refusal that gives no reason."""
    error = aws_error("url.forbidden")
    error.members = {"Message": None}
    return _refusal(error)


def _sent(
    answer: Answer,
    request: Request,
    request_id: str,
    trace: _Trace | None = None,
    parts: Parts = None,
) -> Response:
    own: list[tuple[str, Any]] = [("x-amzn-RequestId", request_id)]
    if trace is not None:
        own.append(("X-Amzn-Trace-Id", trace.shown))
    headers = (*answer.headers, *own)
    if parts is None or request.method == "HEAD" or answer.status in _WITHOUT_BODY:
        return Response(answer.status, answer.body, headers)
    return StreamedResponse(answer.status, parts, headers)
