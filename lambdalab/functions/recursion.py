"""Recursive loop detection: what Lambda is to do with a function that invokes itself in a circle.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from __future__ import annotations

from typing import Any

from lambdalab.functions.lookup import Caller, Directory

__all__ = ["RecursionService"]


class RecursionService:
    """The operations on ``RecursiveLoop``, which is ``Terminate`` until it is set to ``Allow``."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def put_function_recursion_config(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """PutFunctionRecursionConfig."""
        function = self._directory.function(caller, given)
        function.recursive_loop = given["RecursiveLoop"]
        return {"RecursiveLoop": function.recursive_loop}

    def get_function_recursion_config(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """GetFunctionRecursionConfig."""
        return {"RecursiveLoop": self._directory.function(caller, given).recursive_loop}
