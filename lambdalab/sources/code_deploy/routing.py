"""How fast a deployment moves the traffic of an alias: a share first, or in equal steps.

Source: https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from lambdalab.errors import aws_error

__all__ = ["DEFAULT", "PREDEFINED", "Routing", "routing"]

_PREFIX = "CodeDeployDefault.Lambda"
DEFAULT = f"{_PREFIX}AllAtOnce"
_NAMES = (
    "AllAtOnce",
    *(f"Canary10Percent{minutes}Minutes" for minutes in (5, 10, 15, 30)),
    "Linear10PercentEvery1Minute",
    *(f"Linear10PercentEvery{minutes}Minutes" for minutes in (2, 3, 10)),
)
_PARTS = re.compile(
    r"(?P<kind>Canary|Linear)(?P<percent>\d+)Percent(?:Every)?(?P<minutes>\d+)Minutes?"
)
_MINUTE = 60.0


class Routing(NamedTuple):
    """``percent`` of the traffic moves every ``minutes``; of a ``canary``, then all the rest."""

    percent: int
    minutes: int
    canary: bool

    def steps(self) -> list[tuple[float, float]]:
        """The share of the new version, and how many seconds it stays, until all is moved."""
        shares = [self.percent] if self.canary else range(self.percent, 100, self.percent)
        return [(share / 100, self.minutes * _MINUTE) for share in shares if share < 100]


def routing(config: dict[str, Any] | None) -> Routing:
    """What the ``trafficRoutingConfig`` of a deployment configuration says; raises AwsError."""
    config = config or {"type": "AllAtOnce"}
    kind = config.get("type", "AllAtOnce")
    if kind == "AllAtOnce":
        return Routing(100, 0, canary=True)
    canary = kind == "TimeBasedCanary"
    name, what = ("timeBasedCanary", "canary") if canary else ("timeBasedLinear", "linear")
    given = config.get(name) or {}
    percent, minutes = given.get(f"{what}Percentage", 0), given.get(f"{what}Interval", 0)
    if kind not in ("TimeBasedCanary", "TimeBasedLinear") or not 0 < percent < 100 or minutes < 1:
        raise aws_error("deployment.bad-routing")
    return Routing(int(percent), int(minutes), canary)


def _predefined(name: str) -> dict[str, Any]:
    parts = _PARTS.fullmatch(name)
    if parts is None:
        return {"type": "AllAtOnce"}
    kind = parts["kind"]
    what = kind.lower()
    figures = {f"{what}Percentage": int(parts["percent"]), f"{what}Interval": int(parts["minutes"])}
    return {"type": f"TimeBased{kind}", f"timeBased{kind}": figures}


# The ``trafficRoutingConfig`` of each configuration that comes with CodeDeploy.
PREDEFINED = {f"{_PREFIX}{name}": _predefined(name) for name in _NAMES}
