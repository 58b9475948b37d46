"""The Lambda service over HTTP: route, parse, check, act, answer, all by the service model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from botocore import xform_name

from lambdalab import facts
from lambdalab.draws import Draws, identifier
from lambdalab.errors import AwsError, not_implemented
from lambdalab.functions import model, parse, serialize, validate
from lambdalab.functions.lookup import Caller
from lambdalab.invocation.service import InvocationService
from lambdalab.wire import Request, Response

__all__ = ["LambdaOperations"]

LARGEST_REQUEST = facts.quota("package.request").bytes
Act = Callable[[Caller, dict[str, Any]], dict[str, Any]]


class LambdaOperations:
    """Answers requests signed for ``lambda``.

    An operation is a method of one of the services, named as botocore names it. One of the service
    model that none of them has answers with a NotImplementedException that names it.
    """

    def __init__(
        self, services: Iterable[object], invocations: InvocationService, draws: Draws
    ) -> None:
        self._invocations = invocations
        self._ids = draws.stream("requests")
        self._invocation_ids = draws.stream("invocations")
        self._acts = {name: act for one in services for name, act in _operations_of(one)}

    def handle(self, request: Request, caller: Caller) -> Response | Awaitable[Response]:
        """Answer one request of a caller."""
        route = model.match(request.method, request.path, request.query_string)
        invokes = route is not None and route[0] == "Invoke"
        request_id = identifier(self._invocation_ids if invokes else self._ids)
        try:
            if route is None:
                raise AwsError("UnknownOperationException", "Unknown operation.", 404)
            return self._act(request, caller, *route, request_id)
        except AwsError as error:
            return serialize.refusal(error, request_id)

    def _act(
        self, request: Request, caller: Caller, name: str, labels: dict[str, str], request_id: str
    ) -> Response | Awaitable[Response]:
        act = self._acts.get(name)
        if act is None and name != "Invoke":
            raise not_implemented(name)
        operation = model.operation(name)
        given = parse.parameters(operation, labels, request)
        validate.check(operation, given)
        if act is None:
            return self._invoke(request, caller, given, request_id)
        return serialize.answer(operation, act(caller, given), request_id)

    async def _invoke(
        self, request: Request, caller: Caller, given: dict[str, Any], request_id: str
    ) -> Response:
        trace = request.headers.get("x-amzn-trace-id")
        try:
            result = await self._invocations.invoke(caller, given, request_id, trace)
        except AwsError as error:
            return serialize.refusal(error, request_id)
        return serialize.answer(model.operation("Invoke"), result, request_id)


def _operations_of(service: object) -> Iterator[tuple[str, Act]]:
    """The methods of a service that are named as operations of the API are."""
    known = {xform_name(name): name for name in model.operations()}
    for name in dir(service):
        if name in known:
            yield known[name], getattr(service, name)
