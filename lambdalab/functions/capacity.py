"""What functions claim of the concurrency of their account, and what is left of it.

A function that reserves concurrency claims that; another one claims what is provisioned for its
versions and aliases. AWS keeps a part of the account's concurrency that nobody can claim.
Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

from __future__ import annotations

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error
from lambdalab.functions.arns import FunctionId
from lambdalab.functions.records import Function, Registry

__all__ = ["FLOOR", "PROVISIONED", "no_room", "provisioned", "unclaimed"]

ACCOUNT_LIMIT = facts.quota("concurrency.account").value
# What must stay unclaimed.
FLOOR = facts.quota("concurrency.unreserved-minimum").value
# The kind under which provisioned concurrency is attached.
PROVISIONED = "provisioned concurrency"


def provisioned(function: Function) -> int:
    """What is provisioned for all versions and aliases of a function together."""
    return sum(one.requested for one in function.attachments(PROVISIONED).values())


def unclaimed(registry: Registry, place: FunctionId, but: Function | None = None) -> int:
    """The concurrency of an account in a Region that no function claims; ``but`` does not count."""
    functions = registry.of(place.account, place.region)
    claimed = sum(_claim(one) for one in functions if one is not but)
    return int(ACCOUNT_LIMIT) - claimed


def no_room(name: str, **fields: int) -> AwsError:
    """The refusal of a claim on the account's concurrency: AWS sends it without a Type."""
    refusal = aws_error(f"concurrency.{name}", **fields)
    refusal.members = {"message": refusal.message}
    return refusal


def _claim(function: Function) -> int:
    if function.reserved_concurrency is not None:
        return function.reserved_concurrency
    return provisioned(function)
