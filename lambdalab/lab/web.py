"""The lab's web addresses, for a notebook: a session that finds them, links that a browser opens.

Only names of AWS and of this machine are found, so nothing that is sent here leaves the machine.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from lambdalab.addresses import PREFIX, named
from lambdalab.lab.errors import ArgumentError, RequestRefusedError
from lambdalab.lab.guard import is_loopback

__all__ = ["BrowserUrl", "LabHttp", "browser_url"]

_AWS = re.compile(r"(?:[a-z0-9.-]+\.)?(?:amazonaws\.com|api\.aws|on\.aws)", re.IGNORECASE)
# By this header a load balancer in the lab learns it: the Host header must bring requests to it.
_ASKED_HOST = "X-Lambdalab-Host"
_ADVICE = "lab.http reaches names of AWS in the lab, and this machine; nothing else"


class LabHttp(requests.Session):
    """A session in which the names of AWS lead to the lab, over http and https alike.

    Proxies, certificates and .netrc of the environment stay out.
    """

    def __init__(self, port: int, check: Callable[[], None]) -> None:
        super().__init__()
        self.trust_env = False
        adapter = _ToLab(port, check)
        self.mount("https://", adapter)
        self.mount("http://", adapter)


class _ToLab(HTTPAdapter):
    """Sends what is meant for AWS to the lab, with AWS's name in the Host header."""

    def __init__(self, port: int, check: Callable[[], None]) -> None:
        super().__init__()
        self._port = port
        self._check = check

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> Any:
        """Send one request; RequestRefusedError for other names."""
        self._check()
        parts = urlsplit(str(request.url))
        host = parts.hostname or ""
        sent = request.copy()
        if _AWS.fullmatch(host):
            # On a copy: the next request of a redirection takes over the headers of this one.
            _address(sent.headers, _host_header(parts.scheme, parts.netloc))
        elif not is_loopback(host):
            raise RequestRefusedError(
                f"a request to {host or request.url!r} was refused: {_ADVICE}"
            )
        response = super().send(sent, *args, **options)
        response.request = request
        return response

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, *args: Any, **options: Any
    ) -> Any:
        """The connections that a request goes through."""
        if _AWS.fullmatch(urlsplit(str(request.url)).hostname or ""):
            return self.poolmanager.connection_from_host("127.0.0.1", self._port, "http")
        return super().get_connection_with_tls_context(request, *args, **options)


def _address(headers: MutableMapping[str, str | bytes], host: str) -> None:
    """Name who is meant; a Host of the client's own is for the rules of a load balancer."""
    own, address = headers.get("Host"), named(host)
    if address is not None and address.kind == "elb":
        headers["Host"] = host
        if own is not None:
            headers[_ASKED_HOST] = own
    else:
        headers.setdefault("Host", host)


class BrowserUrl(str):
    """An address on this machine; a notebook shows it as a link."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        text = html.escape(self)
        return f'<a href="{text}" target="_blank" rel="noopener">{text}</a>'


def browser_url(endpoint_url: str, aws_url: str) -> BrowserUrl:
    """The address in the lab for one at AWS; a bare host name is one of http."""
    parts = urlsplit(aws_url if "://" in aws_url else f"http://{aws_url}")
    address = named(parts.netloc)
    if address is None:
        raise ArgumentError(
            f"{aws_url!r} is not the address of a function URL, an API or a load balancer"
        )
    name = _host_header(parts.scheme, parts.netloc) if address.kind == "elb" else address.name
    place = parts._replace(scheme="", netloc="").geturl()
    slash = "" if place.startswith("/") else "/"
    return BrowserUrl(f"{endpoint_url}{PREFIX}{address.kind}/{name}{slash}{place}")


def _host_header(scheme: str, netloc: str) -> str:
    """The Host of a request; a load balancer must see by the port that a client came by https."""
    host = netloc.rpartition("@")[2]
    address = named(host)
    if scheme == "https" and address and address.kind == "elb" and address.port is None:
        return f"{host}:443"
    return host
