"""Reserved concurrency: a function's own share of the account's, and its upper limit."""

from __future__ import annotations

from typing import Any

from lambdalab.errors import aws_error
from lambdalab.functions.arns import LATEST
from lambdalab.functions.capacity import no_room, provisioned, unclaimed
from lambdalab.functions.lookup import Caller, Directory
from lambdalab.functions.records import Function

__all__ = ["ConcurrencyService"]


class ConcurrencyService:
    """The operations on reserved concurrency; admission of invocations acts on it."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def put_function_concurrency(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """PutFunctionConcurrency: 0 stops the function."""
        function = self._function(caller, given)
        wanted = given["ReservedConcurrentExecutions"]
        self._check_room(function, wanted)
        self._directory.registry.reserve(function, wanted)
        return _shown(function)

    def get_function_concurrency(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """GetFunctionConcurrency: no member where none is reserved."""
        return _shown(self._function(caller, given))

    def delete_function_concurrency(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """DeleteFunctionConcurrency; where none is reserved that is no error."""
        self._directory.registry.reserve(self._function(caller, given), None)
        return {}

    def _function(self, caller: Caller, given: dict[str, Any]) -> Function:
        wanted = self._directory.identify(caller, given)
        if wanted.qualifier is not None:
            raise aws_error("concurrency.qualifier-refused")
        function = self._directory.registry.get(wanted)
        if function is None:
            raise aws_error("function.missing", arn=f"{wanted.arn}:{LATEST}")
        return function

    def _check_room(self, function: Function, wanted: int) -> None:
        """Refuse what breaks the floor, and less than is provisioned already."""
        registry = self._directory.registry
        floor = registry.limits.unreserved_floor
        if unclaimed(registry, function.id, but=function) - wanted < floor:
            raise no_room("reserve-breaks-floor", minimum=floor)
        total = provisioned(function)
        if wanted < total:
            raise aws_error(
                "concurrency.reserved-below-provisioned", reserved=wanted, provisioned=total
            )


def _shown(function: Function) -> dict[str, Any]:
    amount = function.reserved_concurrency
    return {} if amount is None else {"ReservedConcurrentExecutions": amount}
