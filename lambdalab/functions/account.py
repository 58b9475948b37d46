"""What the account may have of Lambda in a Region, and what it has.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lambdalab import facts
from lambdalab.functions.arns import FunctionId
from lambdalab.functions.capacity import unclaimed
from lambdalab.functions.lookup import Caller, Directory

__all__ = ["AccountService"]


class AccountService:
    """The operation GetAccountSettings.

    ``stored`` has more of what counts as stored code: each gives the bytes that an account has in a
    Region, beside those of its functions.
    """

    def __init__(self, directory: Directory) -> None:
        self._registry = directory.registry
        self.stored: list[Callable[[Caller], int]] = []

    def get_account_settings(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """GetAccountSettings."""
        functions = self._registry.of(caller.account, caller.region)
        # As recorded, each version counts with the size of its archive, that of $LATEST too. The
        # quota is since 2026 on what is unpacked: what is shown here is not what it counts.
        code = sum(
            version.configuration.package.size
            for function in functions
            for version in function.every_version()
        )
        code += sum(count(caller) for count in self.stored)
        place = FunctionId(caller.account, caller.region, "", None)
        limit = {
            "TotalCodeSize": facts.quota("package.code-storage").bytes,
            "CodeSizeUnzipped": facts.quota("package.unzipped").bytes,
            "CodeSizeZipped": facts.quota("package.zip-upload").bytes,
            "ConcurrentExecutions": self._registry.limits.concurrency,
            "UnreservedConcurrentExecutions": unclaimed(self._registry, place),
        }
        usage = {"TotalCodeSize": code, "FunctionCount": len(functions)}
        return {"AccountLimit": limit, "AccountUsage": usage}
