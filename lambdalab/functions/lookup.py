"""From a request to what it names: function, version, alias; or AWS's words for what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from lambdalab.errors import aws_error
from lambdalab.functions.arns import LATEST, FunctionId, resolve
from lambdalab.functions.records import Function, Registry, Version

__all__ = ["Caller", "Directory", "Located"]


@dataclass(frozen=True)
class Caller:
    """Who calls, and where: the account and Region that a request was signed for."""

    account: str
    region: str


class Located(NamedTuple):
    """A function, the version that a request means, and the qualifier that it gave."""

    function: Function
    version: Version
    qualifier: str | None

    @property
    def key(self) -> str:
        """The qualifier under which things are attached."""
        return self.qualifier or LATEST

    @property
    def arn(self) -> str:
        """The ARN as the request named it."""
        return self.function.qualified_arn(self.qualifier)


class Directory:
    """Finds what requests name.

    ``missing`` is the name in ``facts`` of the refusal for a function that does not exist: AWS
    words it differently from operation to operation.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    def identify(self, caller: Caller, given: dict[str, Any]) -> FunctionId:
        """Account, Region, name and qualifier that a request gives."""
        qualifier = given.get("Qualifier")
        return resolve(given["FunctionName"], caller.account, caller.region, qualifier)

    def function(
        self, caller: Caller, given: dict[str, Any], missing: str = "function.missing"
    ) -> Function:
        """The function that a request names, whatever the qualifier."""
        return self._function(self.identify(caller, given), missing)

    def locate(
        self, caller: Caller, given: dict[str, Any], missing: str = "function.missing"
    ) -> Located:
        """The function and the version that a request names."""
        wanted = self.identify(caller, given)
        function = self._function(wanted, missing)
        version = function.version(wanted.qualifier)
        if version is None:
            raise self._refusal(wanted, missing)
        return Located(function, version, wanted.qualifier)

    def _function(self, wanted: FunctionId, missing: str) -> Function:
        function = self.registry.get(wanted)
        if function is None:
            raise self._refusal(wanted, missing)
        return function

    def _refusal(self, wanted: FunctionId, missing: str) -> Exception:
        suffix = f":{wanted.qualifier}" if wanted.qualifier else ""
        fields = {"arn": f"{wanted.arn}{suffix}"} if missing == "function.missing" else {}
        return aws_error(missing, **fields)
