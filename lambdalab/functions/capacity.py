"""What functions claim of the concurrency of their account, and what is left of it.

A function that reserves concurrency claims that; another one claims what is provisioned for its
versions and aliases. AWS keeps a part of the account's concurrency that nobody can claim.
Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

from __future__ import annotations

from lambdalab.errors import AwsError, aws_error
from lambdalab.functions.arns import FunctionId
from lambdalab.functions.records import Function, Registry

__all__ = [
    "PROVISIONED",
    "allocated",
    "claim",
    "claimed_by_others",
    "no_room",
    "provisioned",
    "unclaimed",
]

# The kind under which provisioned concurrency is attached.
PROVISIONED = "provisioned concurrency"


def provisioned(function: Function) -> int:
    """What is provisioned for all versions and aliases of a function together."""
    return sum(one.requested for one in function.attachments(PROVISIONED).values())


def allocated(function: Function, version: str) -> tuple[int, int]:
    """What is ready of provisioned concurrency: for a version, and for all of the function."""
    configs = function.attachments(PROVISIONED)
    if not configs:
        return 0, 0
    ready = [
        (function.aliases[name].version if name in function.aliases else name, config.allocated)
        for name, config in configs.items()
    ]
    of_version = sum(amount for number, amount in ready if number == version)
    return of_version, sum(amount for _, amount in ready)


def claimed_by_others(registry: Registry, function: Function) -> int:
    """What other functions of the account have reserved and ready of its concurrency."""
    place = function.id[:2]
    claimed = registry.reserved(function.id) - (function.reserved_concurrency or 0)
    for other in registry.provisioning:
        if other is not function and other.id[:2] == place and other.reserved_concurrency is None:
            claimed += allocated(other, "")[1]
    return claimed


def unclaimed(registry: Registry, place: FunctionId, but: Function | None = None) -> int:
    """The concurrency of an account in a Region that no function claims; ``but`` does not count."""
    functions = registry.of(place.account, place.region)
    claimed = sum(claim(one) for one in functions if one is not but)
    return registry.limits.concurrency - claimed


def no_room(name: str, **fields: int) -> AwsError:
    """The refusal of a claim on the account's concurrency: AWS sends it without a Type."""
    refusal = aws_error(f"concurrency.{name}", **fields)
    refusal.members = {"message": refusal.message}
    return refusal


def claim(function: Function) -> int:
    """What a function claims of its account's concurrency."""
    if function.reserved_concurrency is not None:
        return function.reserved_concurrency
    return provisioned(function)
