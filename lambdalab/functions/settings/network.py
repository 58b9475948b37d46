"""What a function reaches: its VPC, and where events go that it could not handle."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from lambdalab.errors import AwsError, aws_error
from lambdalab.functions.arns import FunctionId
from lambdalab.functions.lookup import Caller
from lambdalab.neighbours import ec2

__all__ = ["dead_letters", "looked_up", "vpc"]

_DEAD_LETTER_SERVICES = ("sqs", "sns")
_SERVICE = 2


async def looked_up(caller: Caller, given: dict[str, Any]) -> None:
    """Look for the VPC once in a thread: at first moto loads for seconds, and others are served."""
    value = given.get("VpcConfig") or {}
    if value.get("SubnetIds"):
        places = value["SubnetIds"], value.get("SecurityGroupIds") or []
        with contextlib.suppress(AwsError):
            await asyncio.to_thread(ec2.vpc_of, caller.account, caller.region, *places)


def vpc(caller: Caller, function: FunctionId, before: Any, value: Any) -> Any:  # noqa: ARG001
    """Subnets and security groups that are there, with the VPC that they are in.

    Both lists empty, or no list at all, detach the function from its VPC.
    """
    subnets, groups = value.get("SubnetIds") or [], value.get("SecurityGroupIds") or []
    if bool(subnets) != bool(groups):
        raise aws_error("vpc.halves")
    return {
        "SubnetIds": subnets,
        "SecurityGroupIds": groups,
        "VpcId": ec2.vpc_of(caller.account, caller.region, subnets, groups) if subnets else "",
        "Ipv6AllowedForDualStack": value.get("Ipv6AllowedForDualStack", False),
    }


def dead_letters(caller: Caller, function: FunctionId, before: Any, value: Any) -> Any:  # noqa: ARG001
    """The queue or topic for events that failed; without an ARN there is none any more."""
    arn = value.get("TargetArn")
    if not arn:
        return None
    if arn.split(":")[_SERVICE] not in _DEAD_LETTER_SERVICES:
        raise aws_error("configuration.dead-letter-service")
    return {"TargetArn": arn}
