"""What the statements of a policy say to one request.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lambdalab.access.conditions import holds, like, listed

__all__ = ["Asking", "judge"]


@dataclass(frozen=True)
class Asking:
    """A request as a policy sees it.

    ``principals`` are the names by which a statement can mean whoever asks: pairs of kind
    (``Service``, ``AWS``) and name. ``context`` has the condition keys and their values.
    """

    principals: frozenset[tuple[str, str]]
    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def judge(statements: Iterable[Mapping[str, Any]], asking: Asking) -> str | None:
    """``Deny`` where a statement denies, else ``Allow`` where one allows, else None."""
    context = {key.lower(): value for key, value in asking.context.items()}
    effects = {
        statement.get("Effect")
        for statement in statements
        if _speaks_of(statement, asking) and holds(statement.get("Condition") or {}, context)
    }
    return "Deny" if "Deny" in effects else "Allow" if "Allow" in effects else None


def _speaks_of(statement: Mapping[str, Any], asking: Asking) -> bool:
    action = asking.action.lower()
    return (
        _fits(statement, "Action", lambda one: like(one.lower(), action))
        and _fits(statement, "Resource", lambda one: like(one, asking.resource))
        and _names(statement, asking.principals)
    )


def _fits(statement: Mapping[str, Any], member: str, fits: Any) -> bool:
    """Whether a member of a statement, or its opposite with Not, covers the request."""
    if f"Not{member}" in statement:
        return not any(fits(one) for one in listed(statement[f"Not{member}"]))
    return any(fits(one) for one in listed(statement.get(member)))


def _names(statement: Mapping[str, Any], principals: frozenset[tuple[str, str]]) -> bool:
    """Whether the Principal means one of those; policies of identities name none."""
    if "NotPrincipal" in statement:
        return not _meant(statement["NotPrincipal"], principals)
    return "Principal" not in statement or _meant(statement["Principal"], principals)


def _meant(principal: Any, principals: frozenset[tuple[str, str]]) -> bool:
    if not isinstance(principal, dict):
        return bool(principal == "*")
    named = {(kind, name) for kind, names in principal.items() for name in listed(names)}
    return ("AWS", "*") in named or bool(named & principals)
