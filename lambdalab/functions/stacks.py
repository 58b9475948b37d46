"""Functions that a CloudFormation stack makes: the same operations, each waited for.

moto builds a stack in a thread of its own; the Lambda service lives in the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from inspect import isawaitable
from typing import Any, TypeVar

from lambdalab.errors import AwsError
from lambdalab.functions.control import FunctionService
from lambdalab.functions.lookup import Caller, Directory

__all__ = ["StackFunctions"]

T = TypeVar("T")
Act = Callable[[Caller, dict[str, Any]], dict[str, Any] | Awaitable[dict[str, Any]]]


class StackFunctions:
    """Creates, updates and deletes functions for a stack, from another thread."""

    def __init__(
        self,
        directory: Directory,
        functions: FunctionService,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._directory = directory
        self._functions = functions
        self._loop = loop

    def create(self, account: str, region: str, given: dict[str, Any]) -> dict[str, Any]:
        """Create a function and wait until it is Active."""
        given = _checked("CreateFunction", given)
        return self._run(self._settled(self._functions.create_function, account, region, given))

    def update(
        self, account: str, region: str, given: dict[str, Any], code: dict[str, Any]
    ) -> dict[str, Any]:
        """Update settings, then code; each change is waited for."""
        given = _checked("UpdateFunctionConfiguration", given)
        settings = self._functions.update_function_configuration
        self._run(self._settled(settings, account, region, given))
        return self._run(self._settled(self._functions.update_function_code, account, region, code))

    def delete(self, account: str, region: str, name: str) -> None:
        """Delete a function; one that is gone already is no error."""
        self._run(self._delete(Caller(account, region), name))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _settled(
        self, act: Act, account: str, region: str, given: dict[str, Any]
    ) -> dict[str, Any]:
        caller = Caller(account, region)
        done = act(caller, given)
        result = await done if isawaitable(done) else done
        await self._directory.function(caller, given).settled()
        return result

    async def _delete(self, caller: Caller, name: str) -> None:
        try:
            self._functions.delete_function(caller, {"FunctionName": name})
        except AwsError as error:
            if error.code != "ResourceNotFoundException":
                raise


def _checked(operation: str, given: dict[str, Any]) -> dict[str, Any]:
    """The parameters as the API has them; raises its ValidationException."""
    wanted = model.operation(operation)
    typed: dict[str, Any] = _typed(wanted.input_shape, given)
    validate.check(wanted, typed)
    return typed


def _typed(shape: Any, value: Any) -> Any:
    """Templates may hold a number as text, and a number or a truth where a text is meant."""
    if isinstance(value, dict):
        members = getattr(shape, "members", None)
        if members is not None:
            return {name: _typed(members.get(name), item) for name, item in value.items()}
        return {key: _typed(getattr(shape, "value", None), item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(getattr(shape, "member", None), item) for item in value]
    kind = getattr(shape, "type_name", "")
    if kind == "integer" and isinstance(value, str) and value.isdecimal():
        return int(value)
    if kind == "string" and isinstance(value, bool | int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value
