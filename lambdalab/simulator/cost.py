"""What AWS charges: requests, GB-seconds, provisioned concurrency.

Source: https://aws.amazon.com/lambda/pricing/
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lambdalab import facts
from lambdalab.simulator.checks import at_least, one_of
from lambdalab.simulator.function import ARCHITECTURES

if TYPE_CHECKING:
    from lambdalab.simulator.result import Result

__all__ = ["Cost", "cost_of", "price"]

MILLION = 1e6
MB_PER_GB = 1024.0
STEP = facts.price("duration.step").seconds
PROVISIONED_STEP = facts.price("provisioned.step").seconds
# Of a step: so much is a rounding error of the arithmetic, and is not charged.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Cost:
    """Dollars by what they are for, and what was counted for them."""

    requests: float
    duration: float
    provisioned: float
    invocations: int
    gb_seconds: float

    @property
    def total(self) -> float:
        """All of it, in US dollars."""
        return self.requests + self.duration + self.provisioned

    @property
    def per_million(self) -> float:
        """Dollars for a million invocations; 0 where there were none."""
        return self.total / self.invocations * MILLION if self.invocations else 0.0


def price(
    invocations: int,
    gb_seconds: float,
    *,
    architecture: str = "x86_64",
    on_provisioned: float = 0.0,
    kept_ready: float = 0.0,
    free_tier: bool = False,
) -> Cost:
    """What so many invocations and GB-seconds of a month cost.

    ``on_provisioned`` are GB-seconds of invocations in provisioned environments, ``kept_ready``
    GB-seconds for which such are kept; neither is ever free. ``free_tier`` takes off what is free
    each month. Raises ValueError for what cannot be.
    """
    at_least(
        0, invocations=invocations, gb_seconds=gb_seconds,
        on_provisioned=on_provisioned, kept_ready=kept_ready,
    )  # fmt: skip
    one_of(ARCHITECTURES, architecture=architecture)
    paid, charged = float(invocations), gb_seconds
    if free_tier:
        paid = max(0.0, paid - facts.price("free-tier.requests").value)
        charged = max(0.0, charged - facts.price("free-tier.duration").value)
    provisioned = (
        kept_ready * facts.price(f"provisioned.{architecture}").value
        + on_provisioned * facts.price(f"provisioned-duration.{architecture}").value
    )
    return Cost(
        requests=paid / MILLION * facts.price("requests.standard").value,
        duration=_tiered(charged, architecture),
        provisioned=provisioned,
        invocations=invocations,
        gb_seconds=gb_seconds + on_provisioned,
    )


def _tiered(gb_seconds: float, architecture: str) -> float:
    """Each tier of GB-seconds at its price."""
    ends = [facts.price(f"tier-{tier}-until.{architecture}").value for tier in (1, 2)]
    names = ("duration", "duration-tier-2", "duration-tier-3")
    prices = [facts.price(f"{name}.{architecture}").value for name in names]
    total, start = 0.0, 0.0
    for end, each in zip([*ends, math.inf], prices, strict=True):
        total += max(0.0, min(gb_seconds, end) - start) * each
        start = end
    return total


def cost_of(result: Result, *, free_tier: bool) -> Cost:
    """What a run costs; each invocation is rounded up, and INIT is charged too."""
    served, ready = ~result.throttled, result.provisioned
    steps = (result.end - result.start + result.init) / STEP
    seconds = np.ceil(steps - _ROUNDING) * STEP
    gigabytes = result.function.memory / MB_PER_GB
    kept = math.ceil(result.duration / PROVISIONED_STEP - _ROUNDING) * PROVISIONED_STEP
    return price(
        int(served.sum()),
        float(seconds[served & ~ready].sum()) * gigabytes,
        architecture=result.function.architecture,
        on_provisioned=float(seconds[ready].sum()) * gigabytes,
        kept_ready=kept * result.policy.provisioned * gigabytes,
        free_tier=free_tier,
    )
