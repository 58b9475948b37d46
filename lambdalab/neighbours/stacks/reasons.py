"""Why a resource of a stack failed, as its event says it."""

from __future__ import annotations

from typing import Any

from moto.moto_api._internal import mock_random

from lambdalab import facts
from lambdalab.errors import AwsError

__all__ = ["reason_of"]

# How CloudFormation names the kinds of refusals of a service.
_HANDLER_CODES = {
    "AccessDeniedException": "AccessDenied",
    "CodeStorageExceededException": "ServiceLimitExceeded",
    "ResourceConflictException": "AlreadyExists",
    "ResourceNotFoundException": "NotFound",
    "TooManyRequestsException": "Throttling",
}


def reason_of(error: Any, kind: str) -> str:
    """Why a resource failed: CloudFormation's own words, or those of the service that refused."""
    text = getattr(error, "message", None)
    if not isinstance(text, str):
        detail = f"{type(error).__name__}: {error}"
        return facts.message("stack.internal").format(detail=detail)
    code = getattr(error, "error_type", getattr(error, "code", ""))
    status = getattr(error, "status", getattr(error, "code", 400))
    if isinstance(error, AwsError) and code in ("", "NotImplementedException"):
        return text
    return facts.message("stack.refused").format(
        text=text,
        service=kind.split("::")[1] if "::" in kind else "CloudFormation",
        status=status if isinstance(status, int) else 400,
        request_id=mock_random.uuid4(),
        token=mock_random.uuid4(),
        handler_code=_HANDLER_CODES.get(code, "InvalidRequest"),
    )
