"""The Lambda service over HTTP: route, parse, check, act, answer, all by the service model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from inspect import isawaitable
from typing import Any

from botocore import xform_name
from botocore.model import OperationModel

from lambdalab import facts
from lambdalab.draws import Draws, identifier
from lambdalab.errors import AwsError, aws_error, not_implemented
from lambdalab.functions import bodies, model, parse, serialize, validate
from lambdalab.functions.lookup import Caller
from lambdalab.functions.rates import RequestRates
from lambdalab.invocation.service import InvocationService
from lambdalab.wire import Request, Response

__all__ = ["LambdaOperations"]

LARGEST_REQUEST = facts.quota("package.request").bytes
Result = dict[str, Any]
Act = Callable[[Caller, dict[str, Any]], Result | Awaitable[Result]]


class LambdaOperations:
    """Answers requests signed for ``lambda``.

    An operation is a method of one of the services, named as botocore names it; one that takes long
    is a coroutine. One of the service model that none of them has answers with a
    NotImplementedException that names it. Without ``rates``, the API may be called as often as one
    likes.
    """

    def __init__(
        self,
        services: Iterable[object],
        invocations: InvocationService,
        draws: Draws,
        rates: RequestRates | None = None,
    ) -> None:
        # These are told the request's id and the caller's trace.
        self._invoking = {
            "Invoke": invocations.invoke,
            "InvokeWithResponseStream": invocations.invoke_with_response_stream,
        }
        self._rates = rates
        self._ids = draws.stream("requests")
        self._invocation_ids = draws.stream("invocations")
        self._acts = {name: act for one in services for name, act in _operations_of(one)}

    def handle(self, request: Request, caller: Caller) -> Response | Awaitable[Response]:
        """Answer one request of a caller."""
        route = model.match(request.method, request.path, request.query_string)
        invokes = route is not None and route[0] in self._invoking
        request_id = identifier(self._invocation_ids if invokes else self._ids)
        try:
            if route is None:
                raise AwsError("UnknownOperationException", "Unknown operation.", 404)
            if self._rates is not None:
                self._rates.spend(caller, route[0])
            return self._act(request, caller, *route, request_id)
        except AwsError as error:
            return serialize.refusal(error, request_id)

    def _act(
        self, request: Request, caller: Caller, name: str, labels: dict[str, str], request_id: str
    ) -> Response | Awaitable[Response]:
        operation = model.operation(name)
        invoke = self._invoking.get(name)
        if invoke is not None:
            given = _read(operation, labels, request)
            trace = request.headers.get("x-amzn-trace-id")
            return _later(operation, invoke(caller, given, request_id, trace), request_id)
        act = self._acts.get(name)
        if act is None:
            raise not_implemented(name)
        if len(request.body) > LARGEST_REQUEST:
            raise aws_error("package.request-too-large", operation=name)
        if len(request.body) >= bodies.LARGE:
            slow = _act_on_large(act, operation, caller, labels, request)
            return _later(operation, slow, request_id)
        done = act(caller, _read(operation, labels, request))
        if isawaitable(done):
            return _later(operation, done, request_id)
        return serialize.answer(operation, done, request_id)


def _read(operation: OperationModel, labels: dict[str, str], request: Request) -> dict[str, Any]:
    given = parse.parameters(operation, labels, request)
    validate.check(operation, given)
    return given


async def _act_on_large(
    act: Act, operation: OperationModel, caller: Caller, labels: dict[str, str], request: Request
) -> Result:
    """Act on a request that takes long to be read; others are answered meanwhile."""
    given = await asyncio.to_thread(_read, operation, labels, request)
    done = act(caller, given)
    return await done if isawaitable(done) else done


async def _later(operation: OperationModel, result: Awaitable[Result], request_id: str) -> Response:
    """The answer to an operation that takes its time."""
    try:
        return serialize.answer(operation, await result, request_id)
    except AwsError as error:
        return serialize.refusal(error, request_id)


def _operations_of(service: object) -> Iterator[tuple[str, Act]]:
    """The methods of a service that are named as operations of the API are."""
    known = {xform_name(name): name for name in model.operations()}
    for name in dir(service):
        if name in known:
            yield known[name], getattr(service, name)
