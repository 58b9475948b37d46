"""Permissions: who may do what with a function, one of its versions, or one of its aliases.

Each of the three has a policy of its own. Its revision is that of the version or alias: every
change of the policy is a change of what it is attached to. Statements are made one by one here;
``resource_policies`` puts whole documents in the same place.
Source: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

from lambdalab.errors import aws_error
from lambdalab.functions.arns import LATEST, FunctionId
from lambdalab.functions.lookup import Caller, Directory
from lambdalab.functions.policies import Policy, check_revision, statement, written_principal
from lambdalab.functions.records import Alias, Function, Version
from lambdalab.neighbours.identity import iam

__all__ = ["PermissionService", "PolicyPlace", "place_of"]

KIND = "policy"
URL_ACTION = "lambda:InvokeFunctionUrl"

# What a request may narrow a grant by: member, operator and key of the condition, in the order in
# which AWS writes them.
_CONDITIONS = (
    ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
    ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
    ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
    ("SourceAccount", "StringEquals", "AWS:SourceAccount"),
    ("SourceArn", "ArnLike", "AWS:SourceArn"),
    ("InvokedViaFunctionUrl", "Bool", "lambda:InvokedViaFunctionUrl"),
)


class PolicyPlace(NamedTuple):
    """What a policy is attached to: the function itself, a version, or an alias.

    ``holder`` is None where the version that the qualifier names is not there.
    """

    function: Function
    qualifier: str
    holder: Version | Alias | None

    @property
    def arn(self) -> str:
        """The Resource of its statements."""
        return self.function.qualified_arn(None if self.qualifier == LATEST else self.qualifier)

    @property
    def policy(self) -> Policy | None:
        """Its policy, None where it has no statements."""
        return self.function.attachments(KIND).get(self.qualifier) or None

    def keep(self, policy: Policy) -> None:
        """A changed policy: what it is attached to has a new revision with it."""
        self.function.attachments(KIND)[self.qualifier] = policy
        if self.holder is not None:
            self.holder.revision_id = policy.revision_id


def place_of(function: Function, wanted: FunctionId) -> PolicyPlace:
    """Where the policy of what a request names is; refused when there is no such alias."""
    qualifier = wanted.qualifier or LATEST
    if qualifier == LATEST:
        return PolicyPlace(function, LATEST, function.latest)
    if qualifier.isdecimal() or "$" in qualifier:
        return PolicyPlace(function, qualifier, function.versions.get(qualifier))
    alias = function.aliases.get(qualifier)
    if alias is None:
        raise aws_error("alias.missing", arn=function.qualified_arn(qualifier))
    return PolicyPlace(function, qualifier, alias)


class PermissionService:
    """The operations that make policies statement by statement."""

    def __init__(self, directory: Directory, draw: Random) -> None:
        self._directory = directory
        self._random = draw

    def add_permission(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """AddPermission."""
        wanted = self._directory.identify(caller, given)
        if wanted.qualifier == LATEST:
            raise aws_error("policy.latest-refused")
        function = self._directory.function(caller, {"FunctionName": wanted.arn})
        place = place_of(function, wanted)
        if place.holder is None:
            raise aws_error("function.missing", arn=place.arn)
        new = _statement(caller, given, place.arn)
        check_revision(given.get("RevisionId"), place.holder.revision_id)
        policy = place.policy or Policy(self._random)
        policy.add(new)
        place.keep(policy)
        return {"Statement": policy.text_of(new)}

    def remove_permission(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """RemovePermission."""
        wanted = self._directory.identify(caller, given)
        function = self._directory.registry.get(wanted)
        if function is None:
            raise aws_error("policy.function-missing", arn=wanted.arn)
        place = place_of(function, wanted)
        policy = place.policy
        if policy is None or place.holder is None:
            raise aws_error("policy.none-to-remove")
        check_revision(given.get("RevisionId"), place.holder.revision_id)
        policy.remove(given["StatementId"])
        place.keep(policy)
        return {}

    def get_policy(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """GetPolicy."""
        wanted = self._directory.identify(caller, given)
        function = self._directory.function(caller, {"FunctionName": wanted.arn})
        place = place_of(function, wanted)
        if place.policy is None or place.holder is None:
            raise aws_error("resource.missing")
        return {"Policy": place.policy.text(), "RevisionId": place.holder.revision_id}


def _statement(caller: Caller, given: dict[str, Any], resource: str) -> dict[str, Any]:
    principal = written_principal(given["Principal"])
    if isinstance(principal, dict) and not iam.may_exist(caller.account, principal.get("AWS")):
        raise aws_error("policy.bad-principal")
    if given.get("FunctionUrlAuthType") and given["Action"] != URL_ACTION:
        raise aws_error("policy.auth-type-refused")
    condition: dict[str, dict[str, str]] = {}
    for member, operator, key in _CONDITIONS:
        if given.get(member) is not None:
            condition.setdefault(operator, {})[key] = _text(given[member])
    return statement(given["StatementId"], given["Action"], principal, resource, condition)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
