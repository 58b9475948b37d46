"""How stacks call the services of their own cloud."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError
from botocore.session import Session

from lambdalab.clock import stopwatch
from lambdalab.errors import AwsError
from lambdalab.neighbours.identity import sts

__all__ = ["Calls", "input_shape"]

# Nothing of the machine's own configuration counts: no profile, no file, no variable.
_ALONE = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
_CONFIG = Config(
    retries={"max_attempts": 0}, s3={"addressing_style": "path"}, parameter_validation=True
)
# How long a client is kept, in seconds: its keys do not hold for ever.
_KEPT = 3600.0


class Calls:
    """Calls services at ``base_url``, for any account."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._clients: dict[tuple[str, str, str], tuple[str, float, Any]] = {}

    def act(
        self, account: str, region: str, service: str, operation: str, given: dict[str, Any]
    ) -> dict[str, Any]:
        """Call an operation, such as ``PutRule``; raises AwsError as the service refuses."""
        call = getattr(self._client(account, region, service), xform_name(operation))
        try:
            answer: dict[str, Any] = call(**given)
        except ClientError as error:
            told, status = error.response["Error"], error.response["ResponseMetadata"]
            code, text = told.get("Code", ""), told.get("Message", "")
            raise AwsError(code, text, status.get("HTTPStatusCode", 400)) from error
        except ParamValidationError as error:
            raise AwsError("ValidationException", str(error)) from error
        return answer

    def _client(self, account: str, region: str, service: str) -> Any:
        """A client; kept for as long as the cloud that gave its keys has not been emptied."""
        place = account, region, service
        known = self._clients.get(place)
        if known is None or not sts.secret_of(known[0]) or stopwatch() > known[1]:
            role = f"arn:aws:iam::{account}:role/aws-service-role/cloudformation"
            keys = sts.role_credentials(account, region, role, "AWSCloudFormation")
            client = _session().create_client(
                service,
                region_name=region,
                endpoint_url=self._base_url,
                aws_access_key_id=keys.access_key_id,
                aws_secret_access_key=keys.secret_access_key,
                aws_session_token=keys.session_token,
                config=_CONFIG,
            )
            known = keys.access_key_id, stopwatch() + _KEPT, client
            self._clients[place] = known
        return known[2]


@cache
def _session() -> Session:
    """One for all: it keeps the service models that were read."""
    return Session(session_vars=_ALONE)


def input_shape(service: str, operation: str) -> Any:
    """What an operation, such as ``PutRule``, takes by the service model."""
    return _session().get_service_model(service).operation_model(operation).input_shape
