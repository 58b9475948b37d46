"""moto's API Gateway: an integration that is called with the caller's own credentials.

``arn:aws:iam::*:user/*`` stands for whoever asks. moto takes it for another account's role; SAM
writes it into each method with AWS_IAM authorization.
Source: https://docs.aws.amazon.com/apigateway/latest/api/API_PutIntegration.html
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

from lambdalab.imports import after_load

__all__ = ["install"]

_CALLER = re.compile(r"arn:[\w-]+:iam::\*:user/\*")


def install() -> None:
    """Complete moto's module as soon as it is loaded."""
    after_load("moto.apigateway.models", _mend)


def _mend(models: ModuleType) -> None:
    backend: Any = models.APIGatewayBackend
    put = backend.put_integration

    def put_integration(self: Any, *given: Any, credentials: Any = None, **options: Any) -> Any:
        is_caller = bool(credentials and _CALLER.fullmatch(credentials))
        made = put(self, *given, credentials=None if is_caller else credentials, **options)
        if is_caller:
            made.credentials = credentials
        return made

    backend.put_integration = put_integration
