"""What an authorizer's policy, or an API's own, says to a request.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-using-iam-policies-to-invoke-api.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambdalab.access.conditions import listed
from lambdalab.access.statements import Asking, judge

__all__ = ["INVOKE", "BadPolicyError", "judged"]

INVOKE = "execute-api:Invoke"


class BadPolicyError(Exception):
    """A document that is no policy."""


def judged(
    document: Any,
    resource: str,
    context: Mapping[str, str],
    principals: frozenset[tuple[str, str]] = frozenset(),
) -> str | None:
    """``Allow``, ``Deny``, or None where no statement speaks of a request to a method."""
    if not isinstance(document, dict):
        raise BadPolicyError
    statements = listed(document.get("Statement"))
    if not statements or not all(isinstance(one, dict) for one in statements):
        raise BadPolicyError
    return judge(statements, Asking(principals, INVOKE, resource, context))
