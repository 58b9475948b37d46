"""AWS's host names of what functions stand behind, and the paths that say the same here.

Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html and the guides of
Amazon API Gateway and Elastic Load Balancing
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["KINDS", "PREFIX", "Address", "named"]

# Below it, a path names a kind of address and then what the host name names at AWS.
PREFIX = "/_aws/"
# With ``.localhost`` behind it, a host name is one that browsers look for on this machine.
_END = r"\.?(?:\.localhost)?(?::(?P<port>\d+))?"
_HOSTS = {
    "execute-api": re.compile(
        rf"(?P<name>[a-z0-9-]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com{_END}"
    ),
    "lambda-url": re.compile(rf"(?P<name>[a-z0-9-]+)\.lambda-url\.[a-z0-9-]+\.on\.aws{_END}"),
    "elb": re.compile(rf"(?P<name>[a-z0-9.-]+\.elb\.amazonaws\.com){_END}"),
}
KINDS = tuple(_HOSTS)


class Address(NamedTuple):
    """What a host name means: an API, a function URL or a load balancer, and which one.

    ``name`` is the id of the API or the URL, or the load balancer's DNS name; ``port`` is None
    where none is given.
    """

    kind: str
    name: str
    port: int | None


@lru_cache(maxsize=256)
def named(host: str) -> Address | None:
    """What a host name means, which may have a port behind it; None where it is none of those."""
    for kind, pattern in _HOSTS.items():
        found = pattern.fullmatch(host.lower())
        if found:
            return Address(kind, found["name"], int(found["port"]) if found["port"] else None)
    return None
