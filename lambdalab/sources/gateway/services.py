"""How APIs call the services beside Lambda: with a role, at the lab's own address.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-integration-types.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from lambdalab.neighbours.identity import sts
from lambdalab.sources.gateway.call import Call
from lambdalab.sources.gateway.functions import PRINCIPAL, TooSlowError
from lambdalab.sources.pushed import Pushes

__all__ = ["Answer", "Order", "Services"]

# The session's name in the ARN of whoever calls with the role.
_SESSION = "BackplaneAssumeRoleSession"


@dataclass(frozen=True)
class Order:
    """A request for a service, by the name that its requests are signed for."""

    service: str
    region: str
    method: str = "POST"
    path: str = "/"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Answer(NamedTuple):
    """What a service answers."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of a header; names have no case."""
        found = [value for one, value in self.headers if one.lower() == name.lower()]
        return found[-1] if found else None


class Services:
    """The services of one cloud, which is reached at ``base_url``."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    async def ask(self, order: Order, role: str, call: Call, seconds: float) -> Answer:
        """Call a service with a role, for a request, and wait so many real seconds.

        Raises TooSlowError after them, AwsError where API Gateway may not take the role.
        """
        Pushes.check_role(role, PRINCIPAL)
        headers = {"X-Amzn-Trace-Id": call.trace, **order.headers}
        work = asyncio.to_thread(self._send, order, headers, role, seconds)
        try:
            return await asyncio.wait_for(work, seconds)
        except (TimeoutError, OSError, HTTPException):
            raise TooSlowError from None

    def _send(self, order: Order, headers: dict[str, str], role: str, seconds: float) -> Answer:
        query = f"?{urlencode(order.query)}" if order.query else ""
        signed = self._signed(order, f"{order.path}{query}", headers, role)
        connection = HTTPConnection(urlsplit(self._base_url).netloc, timeout=seconds)
        try:
            connection.request(order.method, f"{order.path}{query}", order.body, signed)
            given = connection.getresponse()
            return Answer(given.status, tuple(given.getheaders()), given.read())
        finally:
            connection.close()

    def _signed(
        self, order: Order, target: str, headers: dict[str, str], role: str
    ) -> dict[str, Any]:
        """The headers with the signature of the role's credentials."""
        from botocore.auth import S3SigV4Auth, SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        keys = sts.role_credentials(role.split(":")[4], order.region, role, _SESSION)
        request = AWSRequest(order.method, f"{self._base_url}{target}", headers, order.body)
        sign = S3SigV4Auth if order.service == "s3" else SigV4Auth
        sign(Credentials(*keys), order.service, order.region).add_auth(request)
        return dict(request.headers)
