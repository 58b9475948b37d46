"""Errors in AWS's own form: a code, a text, an HTTP status.

Every refusal that a client sees is an ``AwsError``; the endpoint turns it into the REST-JSON answer
that the AWS SDKs read (header ``x-amzn-ErrorType`` and a body with ``Type`` and ``Message``).
"""

from __future__ import annotations

from typing import Any

from lambdalab import facts

__all__ = ["AwsError", "aws_error", "not_implemented", "validation_error"]


class AwsError(Exception):
    """A refusal as AWS words it.

    ``code`` is the name SDKs match on, ``status`` the HTTP status. ``members`` replaces the usual
    body members (``Type`` and the text) where an operation answers with others.
    """

    def __init__(
        self, code: str, message: str, status: int = 400, members: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members

    def body(self, text_member: str = "Message") -> dict[str, Any]:
        """The members of the JSON body; what the member with the text is called differs by code."""
        if self.members is not None:
            return self.members
        return {"Type": "Service" if self.status >= 500 else "User", text_member: self.message}


def aws_error(name: str, /, **fields: object) -> AwsError:
    """The refusal whose wording, code and status stand in ``facts`` under that name."""
    message = facts.message(name)
    return AwsError(message.code or "", message.format(**fields), message.status or 400)


def validation_error(violations: list[str]) -> AwsError:
    """All violated constraints of a request in one error, as the front layer of AWS joins them."""
    joined = "; ".join(violations)
    if len(violations) == 1:
        error = aws_error("validation.one", failure=joined)
    else:
        error = aws_error("validation.several", count=len(violations), failures=joined)
    error.members = {"message": error.message}
    return error


def not_implemented(operation: str, reason: str = "") -> AwsError:
    """The honest answer to an operation or an option that the lab does not act on."""
    message = f"Lambda Lab does not act on {operation} yet." + (f" {reason}" if reason else "")
    return AwsError("NotImplementedException", message, status=501)
