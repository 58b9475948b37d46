"""The concurrency of a lab's account, read and changed through the Lambda API alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lambdalab.widgets.pool.budgets import Budget, Share, usual_floor

if TYPE_CHECKING:
    from lambdalab import Lab

__all__ = ["LabAccount"]

LATEST = "$LATEST"


class LabAccount:
    """The account of a lab.

    ``floor`` is what nobody can claim, None for the lab's own.
    ``functions`` may name the version or alias that is to be provisioned: ``"orders:live"``.
    For others it is the one that is provisioned already, or else the newest version.
    """

    def __init__(self, lab: Lab, floor: int | None = None, functions: Iterable[str] = ()) -> None:
        if not hasattr(lab, "client"):
            raise ValueError(f"lab is a {type(lab).__name__}: give what start() has returned")
        self._lambda = lab.client("lambda")
        self._floor = lab.unreserved_floor if floor is None else floor
        parts = (name.partition(":") for name in functions)
        self._qualifiers = {name: qualifier for name, _, qualifier in parts if qualifier}

    def read(self) -> Budget:
        """What its functions claim now."""
        account = self._lambda.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
        pages = self._lambda.get_paginator("list_functions").paginate()
        names = [each["FunctionName"] for page in pages for each in page["Functions"]]
        shares = {name: self._share(name) for name in names}
        return Budget(shares, account, usual_floor(account, self._floor))

    def reserve(self, name: str, amount: int | None) -> None:
        """PutFunctionConcurrency; DeleteFunctionConcurrency for None. ClientError if refused."""
        if amount is None:
            self._lambda.delete_function_concurrency(FunctionName=name)
        else:
            self._lambda.put_function_concurrency(
                FunctionName=name, ReservedConcurrentExecutions=amount
            )

    def provision(self, name: str, amount: int) -> None:
        """PutProvisionedConcurrencyConfig; Delete… for 0. ClientError if refused."""
        where = {"FunctionName": name, "Qualifier": self._qualifier(name)}
        if amount:
            self._lambda.put_provisioned_concurrency_config(
                **where, ProvisionedConcurrentExecutions=amount
            )
        else:
            self._lambda.delete_provisioned_concurrency_config(**where)

    def _share(self, name: str) -> Share:
        reserved = self._lambda.get_function_concurrency(FunctionName=name)
        amounts = self._provisioned(name).values()
        return Share(reserved.get("ReservedConcurrentExecutions"), sum(amounts))

    def _provisioned(self, name: str) -> dict[str, int]:
        """What is requested for each version or alias of a function."""
        lists = self._lambda.get_paginator("list_provisioned_concurrency_configs")
        return {
            config["FunctionArn"].rpartition(":")[2]: config[
                "RequestedProvisionedConcurrentExecutions"
            ]
            for page in lists.paginate(FunctionName=name)
            for config in page["ProvisionedConcurrencyConfigs"]
        }

    def _qualifier(self, name: str) -> str:
        """Which version or alias is meant; $LATEST, which AWS refuses, where there is none."""
        if name in self._qualifiers:
            return self._qualifiers[name]
        if provisioned := self._provisioned(name):
            return next(iter(provisioned))
        pages = self._lambda.get_paginator("list_versions_by_function").paginate(FunctionName=name)
        return next(
            reversed([each["Version"] for page in pages for each in page["Versions"]]), LATEST
        )
