"""What an extension asks for when it subscribes to telemetry, checked.

Source: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from lambdalab import facts

__all__ = ["Destination", "RefusedError", "Subscription", "read"]

TYPES = ("platform", "function", "extension")
VERSIONS = ("2022-07-01", "2022-12-13", "2025-01-29")
PROTOCOLS = ("HTTP", "TCP")
# On AWS the sandbox is the only host; on this machine it is loopback, by whatever name.
HOSTS = ("sandbox.localdomain", "sandbox", "127.0.0.1", "localhost")
_LARGEST_PORT = 65535


# What is wrong: the name of the message that says so, and what fills its gaps.
Fault = tuple[str, dict[str, object]]
_INVALID = (400, "ValidationError")
_DENIED = (403, "Telemetry.AccessDenied")


class RefusedError(Exception):
    """A request that is refused, with AWS's status, error type and words."""

    def __init__(self, *faults: Fault, kind: tuple[int, str] = _INVALID) -> None:
        self.status, self.error_type = kind
        texts = [facts.message(f"telemetry.{name}").format(**gaps) for name, gaps in faults]
        super().__init__("; ".join(texts))


@dataclass(frozen=True)
class Destination:
    """Where telemetry goes: to a path of an HTTP listener, or a TCP port, of this machine."""

    protocol: str
    port: int
    path: str = "/"


@dataclass(frozen=True)
class Subscription:
    """A checked request. A batch goes out when it is full (items, bytes) or old (seconds)."""

    version: str
    types: tuple[str, ...]
    destination: Destination
    items: int
    bytes: int
    timeout: float

    @property
    def parses_lines(self) -> bool:
        """Whether lines in JSON come as objects: not by the first version of the schema."""
        return self.version != VERSIONS[0]


def read(body: bytes) -> Subscription:
    """The subscription that a request's body asks for; RefusedError says all that is wrong."""
    given = _object(body)
    faults: list[Fault] = []
    version = _choice(given, "schemaVersion", VERSIONS, faults)
    destination = _destination(given.get("destination"), faults)
    types = _types(given, faults)
    sizes = _buffering(given.get("buffering"), faults)
    if faults or destination is None:
        raise RefusedError(*faults)
    return Subscription(version, types, destination, *sizes)


def _object(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(("not-json", {"reason": error})) from error
    if not isinstance(given, dict):
        raise RefusedError(("not-an-object", {}))
    return given


def _choice(
    given: dict[str, Any], field: str, choices: tuple[str, ...], faults: list[Fault]
) -> str:
    value = given.get(field)
    if value is None:
        faults.append(("missing", {"field": field}))
    elif value not in choices:
        faults.append(_one_of(value, choices))
    return str(value)


def _one_of(value: object, choices: tuple[str, ...]) -> Fault:
    quoted = [f"`{choice}`" for choice in choices]
    listed = " or ".join(quoted) if len(quoted) == 2 else f"one of {', '.join(quoted)}"
    return ("one-of", {"value": value, "choices": listed})


def _types(given: dict[str, Any], faults: list[Fault]) -> tuple[str, ...]:
    types = given.get("types")
    if types is None:
        faults.append(("missing", {"field": "types"}))
    elif not isinstance(types, list) or not types:
        faults.append(("types-empty", {}))
    else:
        unknown = [kind for kind in types if kind not in TYPES]
        faults += [_one_of(kind, TYPES) for kind in unknown]
        if not unknown and len(set(types)) < len(types):
            faults.append(("types-unique", {}))
        return tuple(str(kind) for kind in types)
    return ()


def _buffering(given: object, faults: list[Fault]) -> tuple[int, int, float]:
    buffering = given if isinstance(given, dict) else {}
    if given is not None and not isinstance(given, dict):
        faults.append(("not-an-object", {}))
    items = _bounded(buffering, "maxItems", "items", faults)
    size = _bounded(buffering, "maxBytes", "bytes", faults)
    return items, size, _bounded(buffering, "timeoutMs", "timeout", faults) / 1000


def _bounded(buffering: dict[str, Any], field: str, quota: str, faults: list[Fault]) -> int:
    default, least, most = (
        int(facts.quota(f"telemetry.{quota}-{bound}").value)
        for bound in ("default", "minimum", "maximum")
    )
    value = buffering.get(field)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        faults.append(("not-an-integer", {"field": field}))
    elif not least <= value <= most:
        faults.append(("out-of-bounds", {"field": field, "least": least, "most": most}))
    else:
        return value
    return default


def _destination(given: object, faults: list[Fault]) -> Destination | None:
    if not isinstance(given, dict):
        faults.append(("missing", {"field": "destination"}))
        return None
    protocol = _choice(given, "protocol", PROTOCOLS, faults)
    if protocol == "TCP" and given.get("URI") is None:
        return _tcp(given.get("port"), faults)
    uri = given.get("URI")
    if not isinstance(uri, str):
        faults.append(("missing", {"field": "URI"}))
        return None
    return _at(protocol, uri, faults)


def _tcp(port: object, faults: list[Fault]) -> Destination | None:
    """A TCP destination may name its port without an address."""
    if port is None:
        faults.append(("missing", {"field": "port"}))
    elif not isinstance(port, int) or isinstance(port, bool) or not 0 < port <= _LARGEST_PORT:
        faults.append(("bad-port", {}))
    else:
        return Destination("TCP", port)
    return None


def _at(protocol: str, uri: str, faults: list[Fault]) -> Destination | None:
    try:
        address = urlsplit(uri)
        port = address.port
    except ValueError:
        faults.append(("bad-port", {}))
        return None
    if protocol == "HTTP" and address.scheme != "http":
        raise RefusedError(("scheme", {}), kind=_DENIED)
    if address.hostname not in HOSTS:
        raise RefusedError(("host", {}), kind=_DENIED)
    if port is None:
        faults.append(("no-port", {}))
        return None
    query = f"?{address.query}" if address.query else ""
    path = (address.path or "/") + query
    if port == 0 or not path.isascii() or any(sign.isspace() for sign in path):
        faults.append(("bad-port", {}))
        return None
    return Destination(protocol, port, path)
