"""Resource policies as whole documents: what PutResourcePolicy and its companions keep.

The policies are those of ``permissions``: a document that is put replaces the statements that
AddPermission made, and GetPolicy shows it. Which documents AWS refuses is not published beyond
their size: refused here is what could not be evaluated.
Source: https://docs.aws.amazon.com/lambda/latest/api/API_PutResourcePolicy.html
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

from lambdalab.errors import AwsError, aws_error, not_implemented
from lambdalab.functions.arns import LATEST
from lambdalab.functions.lookup import Caller, Directory
from lambdalab.functions.permissions import PolicyPlace, place_of
from lambdalab.functions.policies import Policy, check_revision

__all__ = ["ResourcePolicyService"]

_VERSIONS = ("2012-10-17", "2008-10-17")
_STATEMENT = {
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource",
    "Condition",
}  # fmt: skip


class ResourcePolicyService:
    """The operations on whole policies."""

    def __init__(self, directory: Directory, draw: Random) -> None:
        self._directory = directory
        self._random = draw

    def get_resource_policy(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """GetResourcePolicy."""
        _, policy = self._find(caller, given)
        return _shown(policy)

    def put_resource_policy(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """PutResourcePolicy: the document takes the place of the policy."""
        place = self._place(caller, given)
        document = _document(given["Policy"], place.arn)
        before = place.policy
        if given.get("RevisionId"):
            current = before.revision_id if before else ""
            check_revision(given["RevisionId"], current, "revision.policy-mismatch")
        policy = before or Policy(self._random)
        policy.replace(document)
        place.keep(policy)
        return _shown(policy)

    def delete_resource_policy(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """DeleteResourcePolicy: no statement stays."""
        place, policy = self._find(caller, given)
        check_revision(given.get("RevisionId"), policy.revision_id, "revision.policy-mismatch")
        policy.clear()
        place.keep(policy)
        return {}

    def _find(self, caller: Caller, given: dict[str, Any]) -> tuple[PolicyPlace, Policy]:
        place = self._place(caller, given)
        if place.policy is None:
            raise aws_error("resource.missing")
        return place, place.policy

    def _place(self, caller: Caller, given: dict[str, Any]) -> PolicyPlace:
        arn = given["ResourceArn"]
        if ":runtime/" in arn:
            raise not_implemented("policies of customer-managed runtimes")
        named = {"FunctionName": arn}
        wanted = self._directory.identify(caller, named)
        if wanted.qualifier == LATEST:
            raise aws_error("policy.latest-refused")
        place = place_of(self._directory.function(caller, named), wanted)
        if place.holder is None:
            raise aws_error("function.missing", arn=place.arn)
        return place


def _shown(policy: Policy) -> dict[str, Any]:
    return {"Policy": policy.text(), "RevisionId": policy.revision_id}


def _document(text: str, resource: str) -> dict[str, Any]:
    """Read and check a policy document that is to be attached to a resource."""
    document = _read(text)
    if not isinstance(document, dict) or not document.keys() <= {"Version", "Id", "Statement"}:
        raise _bad("it must be an object with the members Version, Id and Statement")
    if document.get("Version", _VERSIONS[-1]) not in _VERSIONS:
        raise _bad(f"Version must be one of {', '.join(_VERSIONS)}")
    if not isinstance(document.get("Id", ""), str):
        raise _bad("Id must be a string")
    statements = _listed(document.get("Statement"))
    if not statements:
        raise _bad("it has no statements")
    for one in statements:
        _check_statement(one, resource)
    sids = [one["Sid"] for one in statements if "Sid" in one]
    if len(set(sids)) < len(sids):
        raise _bad("two statements have the same Sid")
    return document


def _read(text: str) -> Any:
    try:
        document = json.loads(text)
        json.dumps(document, ensure_ascii=False).encode()  # an escape such as \ud800 is no text
    except (ValueError, RecursionError):
        raise _bad("it is not JSON") from None
    return document


def _check_statement(one: Any, resource: str) -> None:
    if not isinstance(one, dict) or not one.keys() <= _STATEMENT:
        raise _bad(f"a statement has the members {', '.join(sorted(_STATEMENT))}")
    if one.get("Effect") not in ("Allow", "Deny"):
        raise _bad("the Effect of a statement is Allow or Deny")
    for name, fits in _FORMS.items():
        given = [one[member] for member in (name, f"Not{name}") if member in one]
        if len(given) != 1 or not fits(given[0]):
            raise _bad(f"a statement has either {name} or Not{name}, in IAM's form")
    if not isinstance(one.get("Sid", ""), str) or not _is_condition(one.get("Condition", {})):
        raise _bad("Sid is a string, and Condition an object of operators, keys and values")
    if "Resource" in one and _listed(one["Resource"]) != [resource]:
        raise _bad(f"the Resource of a statement is {resource}")


def _is_texts(value: Any) -> bool:
    return bool(_listed(value)) and all(isinstance(item, str) for item in _listed(value))


def _is_principal(value: Any) -> bool:
    return value == "*" or (
        isinstance(value, dict) and bool(value) and all(map(_is_texts, value.values()))
    )


def _is_condition(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(keys, dict) and all(map(_are_values, keys.values())) for keys in value.values()
    )


def _are_values(value: Any) -> bool:
    return bool(_listed(value)) and all(
        isinstance(item, str | bool | int | float) for item in _listed(value)
    )


_FORMS = {"Principal": _is_principal, "Action": _is_texts, "Resource": _is_texts}


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _bad(reason: str) -> AwsError:
    return aws_error("policy.bad-document", reason=reason)
