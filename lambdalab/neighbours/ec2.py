"""Subnets and security groups in moto's EC2."""

from __future__ import annotations

from lambdalab.errors import aws_error

__all__ = ["vpc_of"]


def vpc_of(account: str, region: str, subnets: list[str], groups: list[str]) -> str:
    """The VPC that subnets and security groups are in; raises Lambda's errors about them."""
    from moto.ec2.exceptions import InvalidSubnetIdError
    from moto.ec2.models import ec2_backends

    backend = ec2_backends[account][region]
    found: set[str] = set()
    for subnet in subnets:
        try:
            found.add(backend.get_subnet(subnet).vpc_id)
        except InvalidSubnetIdError:
            raise aws_error("vpc.subnet-missing", subnet=subnet) from None
    if len(found) > 1:
        raise aws_error("vpc.subnets-apart")
    for group in groups:
        known = backend.get_security_group_from_id(group)
        if known is None:
            raise aws_error("vpc.security-group-missing", group=group)
        if known.vpc_id not in found:
            raise aws_error("vpc.security-groups-apart")
    return found.pop()
