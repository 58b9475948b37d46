"""Resource policies: documents of statements that say who may do what with a resource.

Functions, their versions and aliases have them, and layer versions. What a statement is made of
differs between the two; how it is kept, found, limited and shown does not.
Source: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

from lambdalab import facts
from lambdalab.draws import identifier
from lambdalab.errors import aws_error

__all__ = ["Policy", "check_revision", "statement", "written_principal"]

_ACCOUNT = re.compile(r"\d{12}")
_IAM = re.compile(
    r"arn:aws[a-zA-Z-]*:(?:iam::\d{12}:(?:root|(?:user|role|federated-user)/[\w+=,.@/-]+)"
    r"|sts::\d{12}:(?:assumed-role|federated-user)/[\w+=,.@/-]+)",
    re.ASCII,
)
_SERVICE = re.compile(
    r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:amazonaws\.com(?:\.cn)?|amazon\.com|aws\.internal)"
)


class Policy:
    """The resource policy of one resource.

    Every change that succeeds draws a new ``revision_id``; one that is refused changes nothing.
    A policy without statements is no policy: ``bool`` is False then.
    """

    def __init__(self, draw: Random) -> None:
        self._random = draw
        self._head: dict[str, Any] = {"Version": "2012-10-17", "Id": "default"}
        self.statements: list[dict[str, Any]] = []
        self.revision_id = ""

    def __bool__(self) -> bool:
        return bool(self.statements)

    def add(self, new: dict[str, Any]) -> None:
        """Add a statement; refused when its Sid is there, or when the policy gets too long."""
        if any(one.get("Sid") == new["Sid"] for one in self.statements):
            raise aws_error("policy.statement-exists", statement=new["Sid"])
        self._become(self._head, [*self.statements, new])

    def remove(self, sid: str) -> None:
        """Remove the statement of that Sid; refused when there is none."""
        if not self:
            raise aws_error("policy.none-to-remove")
        left = [one for one in self.statements if one.get("Sid") != sid]
        if len(left) == len(self.statements):
            raise aws_error("policy.statement-missing", statement=sid)
        self._become(self._head, left)

    def replace(self, document: dict[str, Any]) -> None:
        """Put a whole document in the place of the policy; refused when it is too long."""
        statements = document["Statement"]
        head = {name: value for name, value in document.items() if name != "Statement"}
        self._become(head, statements if isinstance(statements, list) else [statements])

    def clear(self) -> None:
        """Remove all statements."""
        self._become(self._head, [])

    def text(self) -> str:
        """The document as the API gives it."""
        return _text({**self._head, "Statement": self.statements})

    @staticmethod
    def text_of(one: dict[str, Any]) -> str:
        """A statement as the API gives it."""
        return _text(one)

    def _become(self, head: dict[str, Any], statements: list[dict[str, Any]]) -> None:
        size = len(_text({**head, "Statement": statements}).encode())
        if size > facts.quota("function.policy").bytes:
            raise aws_error("policy.too-long", size=size)
        self._head, self.statements = head, statements
        self.revision_id = identifier(self._random)


def statement(
    sid: str, action: str, principal: Any, resource: str, condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A statement with its members in the order of AWS; without a condition it has no such."""
    members = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": action,
        "Resource": resource,
    }
    return members | ({"Condition": condition} if condition else {})


def written_principal(given: str) -> str | dict[str, str]:
    """The Principal of a statement for one that a request names.

    That is ``*``, an account, a user or role of IAM, or a service; anything else is refused.
    """
    if given == "*":
        return given
    if _ACCOUNT.fullmatch(given):
        return {"AWS": f"arn:aws:iam::{given}:root"}
    if _IAM.fullmatch(given):
        return {"AWS": given}
    if _SERVICE.fullmatch(given):
        return {"Service": given}
    raise aws_error("policy.bad-principal")


def check_revision(wanted: str | None, current: str, refusal: str = "revision.mismatch") -> None:
    """Refuse a change that a request makes to another revision than the one there is.

    ``refusal`` is the name in ``facts`` of AWS's words, which differ by operation.
    """
    if wanted and wanted != current:
        raise aws_error(refusal)


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)
