"""The Lambda service over HTTP: route, parse, check, act, answer, all by the service model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from lambdalab import facts
from lambdalab.draws import Draws, identifier
from lambdalab.errors import AwsError, aws_error, not_implemented
from lambdalab.functions import model, parse, serialize, validate
from lambdalab.functions.control import Caller, FunctionService
from lambdalab.functions.packages import Package
from lambdalab.invocation.service import InvocationService
from lambdalab.wire import Request, Response

__all__ = ["LambdaOperations"]

LARGEST_REQUEST = facts.quota("package.request").bytes
Act = Callable[[Caller, dict[str, Any]], dict[str, Any]]


class LambdaOperations:
    """Answers requests signed for ``lambda``.

    An operation of the service model that is in none of the tables answers with a
    NotImplementedException that names it.
    """

    def __init__(
        self,
        functions: FunctionService,
        invocations: InvocationService,
        draws: Draws,
        download: Callable[[Package], str],
    ) -> None:
        self._invocations = invocations
        self._ids = draws.stream("requests")
        self._invocation_ids = draws.stream("invocations")
        self._acts: dict[str, Act] = {
            "CreateFunction": functions.create_function,
            "DeleteFunction": functions.delete_function,
            "GetFunction": lambda caller, given: functions.get_function(caller, given, download),
            "GetFunctionConfiguration": functions.get_function_configuration,
            "ListFunctions": functions.list_functions,
            "UpdateFunctionCode": functions.update_function_code,
            "UpdateFunctionConfiguration": functions.update_function_configuration,
        }

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
        if name == "CreateFunction" and len(request.body) > LARGEST_REQUEST:
            raise aws_error("package.request-too-large")
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
