"""Fn::Cidr: parts of a block of addresses."""

from __future__ import annotations

import ipaddress
import itertools
from typing import Any

from lambdalab import facts
from lambdalab.errors import aws_error

__all__ = ["blocks"]

_BITS = 8


def blocks(block: Any, count: Any, bits: Any = _BITS) -> list[str]:
    """The first blocks of a block, each with so many bits for its hosts; raises AwsError."""
    most = int(facts.quota("stack.cidr-blocks").value)
    try:
        wanted, found = int(count), _parts(str(block), int(bits))
    except (ValueError, TypeError):
        wanted, found = 0, iter(())
    made = [str(one) for one in itertools.islice(found, min(max(wanted, 0), most + 1))]
    if not 0 < wanted <= most or len(made) < wanted:
        raise aws_error("template.cidr", most=most)
    return made


def _parts(block: str, bits: int) -> Any:
    whole = ipaddress.ip_network(block, strict=False)
    return whole.subnets(new_prefix=whole.max_prefixlen - bits)
