"""What moto's resources leave out when a stack makes them, though their services have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ec2.models import ec2_backends
from moto.kinesis.models import kinesis_backends

__all__ = ["complete", "completed"]

Json = dict[str, Any]
Place = tuple[str, str]


def complete(kind: str, made: Any, properties: Json, place: Place) -> None:
    """Give a resource, new or changed, what moto has left out of it."""
    for name, give in _COMPLETIONS.get(kind, {}).items():
        if name in properties:
            give(made, properties[name], place)


def completed(kind: str) -> frozenset[str]:
    """The properties of a type that are looked after here."""
    return frozenset(_COMPLETIONS.get(kind, {}))


def _true(value: Any) -> bool:
    return str(value).lower() == "true"


def _of_vpc(attribute: str) -> Callable[[Any, Any, Place], None]:
    def give(made: Any, value: Any, place: Place) -> None:
        backend = ec2_backends[place[0]][place[1]]
        backend.modify_vpc_attribute(made.id, attribute, str(_true(value)).lower())

    return give


def _of_subnet(attribute: str) -> Callable[[Any, Any, Place], None]:
    def give(made: Any, value: Any, place: Place) -> None:
        backend = ec2_backends[place[0]][place[1]]
        backend.modify_subnet_attribute(made.id, attribute, str(_true(value)).lower())

    return give


def _encryption(made: Any, value: Json, place: Place) -> None:
    kind, key = value["EncryptionType"], value["KeyId"]
    kinesis_backends[place[0]][place[1]].start_stream_encryption(made.arn, "", kind, key)


_COMPLETIONS: dict[str, dict[str, Callable[[Any, Any, Place], None]]] = {
    "AWS::EC2::Subnet": {"MapPublicIpOnLaunch": _of_subnet("map_public_ip_on_launch")},
    "AWS::Kinesis::Stream": {"StreamEncryption": _encryption},
    "AWS::EC2::VPC": {
        "EnableDnsHostnames": _of_vpc("enable_dns_hostnames"),
        "EnableDnsSupport": _of_vpc("enable_dns_support"),
    },
}
