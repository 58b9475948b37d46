"""Which version an alias sends an invocation to.

The choice is random for each invocation, so with few of them the shares deviate.
Source: https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
"""

from __future__ import annotations

from random import Random

from lambdalab.functions.lookup import Located

__all__ = ["route", "shared"]


def route(target: Located, random: Random) -> Located:
    """The target with the version that this invocation runs."""
    alias = target.function.aliases.get(target.qualifier or "")
    if alias is None:
        return target
    for number, weight in alias.weights.items():
        if random.random() < weight:
            return target._replace(version=target.function.versions[number])
    return target


def shared(target: Located) -> str | None:
    """The version that runs, where the target is an alias that has two; else None."""
    alias = target.function.aliases.get(target.qualifier or "")
    return target.version.deployed.version if alias is not None and alias.weights else None
