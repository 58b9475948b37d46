"""What we think the API does with functions: a small model that foretells success or the refusal.

Its words are those of AWS's recorded answers, written down here once more and on their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["Refused", "Twin"]

ARN = "arn:aws:lambda:us-east-1:123456789012:function:"
# The account's concurrency, and what of it nobody can reserve.
ACCOUNT, FLOOR = 1000, 100
LATEST = "$LATEST"
_NOT_NOW = "The operation cannot be performed at this time. "


class Refused(NamedTuple):
    """How a call is refused."""

    status: int
    code: str
    text: str


class RefusedError(Exception):
    """Carries a refusal out of the steps that lead to it."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.refused = Refused(status, f"{code}Exception", text)


def bad(text: str) -> RefusedError:
    return RefusedError(400, "InvalidParameterValue", text)


def missing(text: str) -> RefusedError:
    return RefusedError(404, "ResourceNotFound", text)


def conflict(text: str) -> RefusedError:
    return RefusedError(409, "ResourceConflict", text)


@dataclass
class Function:
    """One function; ``settings`` is its code and its description."""

    arn: str
    settings: tuple[str, str]
    state: str = "Pending"
    updating: bool = False
    versions: dict[str, tuple[str, str]] = field(default_factory=dict)
    published: int = 0
    published_from: tuple[str, str] | None = None
    aliases: dict[str, tuple[str, dict[str, float]]] = field(default_factory=dict)
    statements: dict[str, list[str]] = field(default_factory=dict)
    reserved: int | None = None

    def publish(self, description: str | None) -> None:
        """A new version, unless nothing has changed since the last one."""
        if str(self.published) in self.versions and self.published_from == self.settings:
            return
        self.published += 1
        code, own = self.settings
        self.versions[str(self.published)] = (code, own if description is None else description)
        self.published_from = self.settings

    def shown(self) -> dict[str, Any]:
        """What the API is to show of it."""
        return {
            "state": (self.state, self.updating),
            "versions": {LATEST: self.settings, **self.versions},
            "aliases": self.aliases,
            "statements": {key: sids for key, sids in self.statements.items() if sids},
            "reserved": self.reserved,
        }


class Twin:
    """The functions of a cloud.

    A call is given as to the API, but for packages and roles, which stand under names of their own,
    and a ``RevisionId``, which is ``current`` or ``stale``.
    """

    def __init__(self) -> None:
        self.functions: dict[str, Function] = {}

    def call(self, operation: str, given: dict[str, Any]) -> Refused | None:
        """Act on a request, or say how it is refused."""
        try:
            getattr(self, operation)(given)
        except RefusedError as error:
            return error.refused
        return None

    def settle(self) -> None:
        """Whatever is on its way comes through."""
        for function in self.functions.values():
            function.state, function.updating = "Active", False

    # Functions.

    def create_function(self, given: dict[str, Any]) -> None:
        name = given["FunctionName"]
        if given["Role"] == "stranger":
            raise bad("The role defined for the function cannot be assumed by Lambda.")
        if name in self.functions:
            raise conflict(f"Function already exist: {name}")
        _check_code(given["Code"])
        self.functions[name] = Function(ARN + name, (given["Code"], given["Description"]))
        if given["Publish"]:
            self.functions[name].publish(None)

    def update_function_configuration(self, given: dict[str, Any]) -> None:
        function = self._changeable(given)
        function.settings = (function.settings[0], given["Description"])
        function.updating = True

    def update_function_code(self, given: dict[str, Any]) -> None:
        function = self._changeable(given)
        _check_code(given["Code"])
        if given["DryRun"]:
            return
        function.settings = (given["Code"], function.settings[1])
        function.updating = True
        if given["Publish"]:
            function.publish(None)

    def publish_version(self, given: dict[str, Any]) -> None:
        function = self._changeable(given)
        if given.get("CodeSha256", function.settings[0]) != function.settings[0]:
            raise bad("CodeSHA256 (@given) is different from current CodeSHA256 in $LATEST "
                      "(@current). Please try again with the CodeSHA256 in $LATEST.")  # fmt: skip
        function.publish(given.get("Description"))

    def delete_function(self, given: dict[str, Any]) -> None:
        qualifier = given.get("Qualifier")
        if qualifier == LATEST:
            raise bad("$LATEST version cannot be deleted without deleting the function.")
        if qualifier and not qualifier.isdecimal():
            raise bad("Deletion of aliases is not currently supported.")
        function = self._function(given)
        if qualifier is None:
            del self.functions[given["FunctionName"]]
            return
        users = [
            name
            for name, (version, weights) in sorted(function.aliases.items())
            if qualifier in (version, *weights)
        ]
        if users:
            raise conflict(
                "Unable to delete version because the following aliases reference it: "
                f"[{', '.join(users)}]"
            )
        function.versions.pop(qualifier, None)
        function.statements.pop(qualifier, None)

    # Aliases.

    def create_alias(self, given: dict[str, Any]) -> None:
        name, version = given["Name"], given["FunctionVersion"]
        if given["FunctionName"] not in self.functions:
            raise missing(f"Function not found: {ARN}{given['FunctionName']}:{version}")
        function = self._function(given)
        _check_routing(function, version, given["Weights"])
        if name in function.aliases:
            raise conflict(f"Alias already exists: {function.arn}:{name}")
        function.aliases[name] = (version, given["Weights"])

    def update_alias(self, given: dict[str, Any]) -> None:
        function, name = self._function(given), given["Name"]
        if name not in function.aliases:
            raise missing(f"Alias not found: {function.arn}:{name}")
        _check_revision(given)
        version, weights = function.aliases[name]
        wanted = (given.get("FunctionVersion", version), given.get("Weights", weights))
        _check_routing(function, *wanted)
        function.aliases[name] = wanted

    def delete_alias(self, given: dict[str, Any]) -> None:
        function = self._function(given)
        function.aliases.pop(given["Name"], None)
        function.statements.pop(given["Name"], None)

    def get_alias(self, given: dict[str, Any]) -> None:
        function, name = self._function(given), given["Name"]
        if name not in function.aliases:
            raise missing(f"Cannot find alias arn: {function.arn}:{name}")

    # Permissions.

    def add_permission(self, given: dict[str, Any]) -> None:
        qualifier, sid = given.get("Qualifier", LATEST), given["StatementId"]
        if given.get("Qualifier") == LATEST:
            raise bad("We currently do not support adding policies for $LATEST.")
        function = self._function(given)
        _check_place(function, qualifier)
        if qualifier.isdecimal() and qualifier not in function.versions:
            raise missing(f"Function not found: {function.arn}:{qualifier}")
        _check_revision(given)
        sids = function.statements.get(qualifier, [])
        if sid in sids:
            raise conflict(
                f"The statement id ({sid}) provided already exists. Please provide a new "
                "statement id, or remove the existing statement."
            )
        function.statements[qualifier] = [*sids, sid]

    def remove_permission(self, given: dict[str, Any]) -> None:
        qualifier, sid = given.get("Qualifier", LATEST), given["StatementId"]
        if given["FunctionName"] not in self.functions:
            raise missing(f"No policy found for: {ARN}{given['FunctionName']}")
        function = self._function(given)
        _check_place(function, qualifier)
        sids = function.statements.get(qualifier, [])
        if not sids:
            raise missing("No policy is associated with the given resource.")
        _check_revision(given)
        if sid not in sids:
            raise missing(f"Statement {sid} is not found in resource policy.")
        function.statements[qualifier] = [one for one in sids if one != sid]

    # Concurrency.

    def put_function_concurrency(self, given: dict[str, Any]) -> None:
        function, wanted = self._for_concurrency(given), given["ReservedConcurrentExecutions"]
        others = sum(one.reserved or 0 for one in self.functions.values() if one is not function)
        if ACCOUNT - others - wanted < FLOOR:
            raise bad(
                "Specified ReservedConcurrentExecutions for function decreases account's "
                f"UnreservedConcurrentExecution below its minimum value of [{FLOOR}]."
            )
        function.reserved = wanted

    def delete_function_concurrency(self, given: dict[str, Any]) -> None:
        self._for_concurrency(given).reserved = None

    # The steps.

    def _function(self, given: dict[str, Any], suffix: str = "") -> Function:
        name = given["FunctionName"]
        if name not in self.functions:
            raise missing(f"Function not found: {ARN}{name}{suffix}")
        return self.functions[name]

    def _for_concurrency(self, given: dict[str, Any]) -> Function:
        return self._function(given, f":{LATEST}")

    def _changeable(self, given: dict[str, Any]) -> Function:
        function = self._function(given)
        if function.state == "Pending":
            raise conflict(f"{_NOT_NOW}The function is currently in the following state: Pending")
        if function.updating:
            raise conflict(f"{_NOT_NOW}An update is in progress for resource: {function.arn}")
        _check_revision(given)
        return function


def _check_revision(given: dict[str, Any]) -> None:
    if given.get("RevisionId") == "stale":
        raise RefusedError(
            412,
            "PreconditionFailed",
            "The Revision Id provided does not match the latest Revision Id. Call the "
            "GetFunction/GetAlias API to retrieve the latest Revision Id",
        )


def _check_code(code: str) -> None:
    if code == "broken":
        raise bad(
            "Could not unzip uploaded file. Please check your file, then try to upload again."
        )


def _check_place(function: Function, qualifier: str) -> None:
    """A policy stands at an alias that there is; of a version it is not asked whether there is."""
    if not qualifier.isdecimal() and qualifier != LATEST and qualifier not in function.aliases:
        raise missing(f"Cannot find alias arn: {function.arn}:{qualifier}")


def _check_routing(function: Function, version: str, weights: dict[str, float]) -> None:
    if len(weights) > 1:
        raise bad("Number of items in AdditionalVersionWeights cannot be greater than 1")
    if version in weights:
        raise bad(
            f"Invalid function version {version}. Function version {version} is already included "
            "in routing configuration."
        )
    if weights and version == LATEST:
        raise bad("$LATEST is not supported for an alias pointing to more than 1 version")
    for number in (version, *weights):
        if number != LATEST and number not in function.versions:
            raise missing(f"Function not found: {function.arn}:{number}")
