"""The concurrency of an account as a budget: who claims what of it, and what AWS refuses.

Reserving claims a part of the account's concurrency for one function; provisioning without a
reserve does so too. A part of the account's concurrency nobody can claim.
Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lambdalab import facts
from lambdalab.simulator import Policy
from lambdalab.simulator.checks import counted, whole
from lambdalab.widgets.chart import Chart

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lambdalab import Lab

__all__ = ["Budget", "Share", "budget", "usual_floor"]

ACCOUNT: int = facts.quota("concurrency.account").value
FLOOR: int = facts.quota("concurrency.unreserved-minimum").value
OTHERS = "all other functions"
# So many functions are shown even if they claim nothing, and so many are told of in a sentence.
SHOWN = TOLD = 8


@dataclass(frozen=True)
class Share:
    """What one function has: ``reserved`` (None: nothing; 0 stops it), and ``provisioned``."""

    reserved: int | None = None
    provisioned: int = 0

    def __post_init__(self) -> None:
        counted(self, 0, "reserved", "provisioned")

    @property
    def claim(self) -> int:
        """What it takes of the account's concurrency."""
        return self.provisioned if self.reserved is None else self.reserved

    @property
    def told(self) -> str:
        """What the function does, as a sentence goes on after its name."""
        if self.reserved is None:
            return f"has {self.provisioned:,} provisioned without a reserve"
        part = f" ({self.provisioned:,} of that provisioned)" if self.provisioned else ""
        return f"reserves {self.reserved:,}{part}"

    @property
    def brief(self) -> str:
        """The same in a few words."""
        if self.reserved == 0:
            return "0 reserved, which stops it"
        parts = [f"{self.reserved:,} reserved"] if self.reserved is not None else []
        parts += [f"{self.provisioned:,} provisioned"] if self.provisioned else []
        return ", ".join(parts) or "no claim"


@dataclass(frozen=True, repr=False)
class Budget(Chart):
    """Who claims what of an account's concurrency in a Region.

    ``functions``: each function's share, by name. ``account``: the limit of concurrent executions.
    ``floor``: what of that nobody can claim. All are concurrent executions.
    """

    functions: Mapping[str, Share] = field(default_factory=dict)
    account: int = ACCOUNT
    floor: int = FLOOR
    caption = "What is claimed of the account's concurrency"

    def __post_init__(self) -> None:
        whole(1, account=self.account)
        whole(0, floor=self.floor)
        if self.floor > self.account:
            raise ValueError(f"floor is {self.floor}: it is at most the account's {self.account}")

    # ---- what is there

    @property
    def claimed(self) -> int:
        """What functions reserve, or have provisioned without a reserve."""
        return sum(share.claim for share in self.functions.values())

    @property
    def unclaimed(self) -> int:
        """What is left for all functions without a reserve.

        GetAccountSettings calls it UnreservedConcurrentExecutions.
        """
        return self.account - self.claimed

    @property
    def claimable(self) -> int:
        """How much more can be reserved or provisioned."""
        return max(0, self.unclaimed - self.floor)

    @property
    def shown(self) -> dict[str, Share]:
        """The functions that table and picture show: of many, those that claim something."""
        few = len(self.functions) <= SHOWN
        return {name: one for name, one in self.functions.items() if few or one != Share()}

    def most(self, name: str) -> int:
        """How many invocations of a function can run at once; of others' it depends on them."""
        share = self._share(name)
        return share.claim + (self.unclaimed if share.reserved is None else 0)

    # ---- what can be done

    def reserve(self, name: str, amount: int | None) -> Budget:
        """The budget after PutFunctionConcurrency; None gives the reserve up.

        ValueError in AWS's words where AWS refuses it.
        """
        share = self._share(name)
        if amount is not None:
            whole(0, reserved=amount)
            self._ask(name, amount, 0)
            if amount < share.provisioned:
                refusal = facts.message("concurrency.reserved-below-provisioned")
                told = refusal.format(reserved=amount, provisioned=share.provisioned)
                raise ValueError(told)
        return self._with(name, replace(share, reserved=amount))

    def provision(self, name: str, amount: int) -> Budget:
        """The budget after PutProvisionedConcurrencyConfig; 0 deletes it.

        ValueError in AWS's words where AWS refuses it.
        """
        share = self._share(name)
        whole(0, provisioned=amount)
        if amount:
            self._ask(name, share.reserved, amount)
        return self._with(name, replace(share, provisioned=amount))

    def limited(self, account: int, floor: int | None = None) -> Budget:
        """The budget under another limit of the account; ValueError where claims do not fit."""
        other = replace(self, account=account, floor=usual_floor(account, floor))
        if other.unclaimed < other.floor:
            raise ValueError(
                f"functions claim {self.claimed:,}, and {other.floor:,} must stay unclaimed: "
                f"that does not fit into {account:,}. Give up claims first."
            )
        return other

    def _ask(self, name: str, reserved: int | None, provisioned: int) -> None:
        """Refuse a claim that AWS refuses, by the rules that the simulator has."""
        others = self.claimed - self.functions[name].claim
        Policy(self.account, self.floor, reserved, provisioned, others)

    def largest(self, name: str) -> int:
        """The largest reserve that the function can have while the others keep their claims."""
        return self._share(name).claim + self.claimable

    def _share(self, name: str) -> Share:
        if name not in self.functions:
            names = ", ".join(self.functions) or "no function"
            raise ValueError(f"there is no function {name!r} in the budget, which has {names}")
        return self.functions[name]

    def _with(self, name: str, share: Share) -> Budget:
        return replace(self, functions={**self.functions, name: share})

    # ---- what it tells

    @property
    def verdict(self) -> str:
        """Who claims what, what is left, and what follows."""
        return " ".join([self._claims, self._left, *self._warnings])

    @property
    def _claims(self) -> str:
        claims = [f"{name} {one.told}" for name, one in self.functions.items() if one != Share()]
        claims[TOLD:] = [f"and {len(claims) - TOLD} more functions"] if len(claims) > TOLD else []
        if not claims:
            return f"Nobody claims any of the account's {self.account:,} concurrent executions."
        are = "is" if self.claimed == 1 else "are"
        return (
            f"{self.claimed:,} of the account's {self.account:,} concurrent executions {are} "
            f"claimed: {'; '.join(claims)}."
        )

    @property
    def _left(self) -> str:
        are = "is" if self.unclaimed == 1 else "are"
        more = f"{self.claimable:,}" if self.claimable else "nothing"
        return (
            f"{self.unclaimed:,} {are} left for all functions without a reserve to share; "
            f"{self.floor:,} of that must stay unclaimed, so {more} more can be claimed."
        )

    @property
    def _warnings(self) -> list[str]:
        stopped = [name for name, share in self.functions.items() if share.reserved == 0]
        full = [
            name
            for name, share in self.functions.items()
            if share.reserved and share.reserved == share.provisioned
        ]
        warnings = [f"{name} is stopped: each invocation is throttled." for name in stopped]
        return warnings + [
            f"{name} has its whole reserve provisioned: $LATEST and other versions are throttled."
            for name in full
        ]

    def table(self) -> dict[str, list[Any]]:
        """A row for each function, one for all others, one for the floor."""
        shares = self.shown.values()
        reserved = ["none" if one.reserved is None else one.reserved for one in shares]
        return {
            "Who": [*self.shown, OTHERS, "cannot be claimed"],
            "Reserved": [*reserved, "none", ""],
            "Provisioned": [*(one.provisioned for one in shares), 0, ""],
            "Claimed": [*(one.claim for one in shares), 0, self.floor],
            "Can run at once": [*map(self.most, self.shown), self.unclaimed, ""],
        }

    def figure(self) -> Figure:
        """A bar of the account, and below each part of it a bar of who claims that."""
        from lambdalab.widgets.pool.budget_picture import drawn

        return drawn(self)


def usual_floor(account: int, floor: int | None = None) -> int:
    """What of an account nobody can claim: as given, or AWS's 100, but never more than all."""
    return min(FLOOR if floor is None else floor, account)


def budget(
    functions: Mapping[str, Share | Mapping[str, Any]] | None = None,
    *,
    account: int | None = None,
    floor: int | None = None,
    lab: Lab | None = None,
) -> Budget:
    """What of an account's concurrency its functions claim.

    ``functions`` maps names to shares, ``{"orders": {"reserved": 400, "provisioned": 100}}``: one
    after the other they reserve, then provision. None makes up three. ``account`` is the limit of
    concurrent executions, by default AWS's 1,000; ``floor`` is what of that nobody can claim, by
    default AWS's 100, or all where there is less. With a ``lab`` all but the floor is read there.

    Raises ValueError in AWS's words where AWS refuses a share.
    """
    if lab is None:
        return _played(functions, ACCOUNT if account is None else account, floor)
    if functions is not None or account is not None:
        raise ValueError("with a lab, its own functions and its account's limit are shown")
    from lambdalab.widgets.pool.budget_lab import LabAccount

    return LabAccount(lab, floor).read()


def _played(
    functions: Mapping[str, Share | Mapping[str, Any]] | None, account: int, floor: int | None
) -> Budget:
    """The budget after the calls that lead to these shares, in an account without any."""
    whole(1, account=account)
    least = usual_floor(account, floor)
    given = _example(account - least) if functions is None else functions
    if not isinstance(given, Mapping):
        raise ValueError(f"functions maps names to shares, not {given!r}")
    shares = {name: _share(share) for name, share in given.items()}
    now = Budget(dict.fromkeys(shares, Share()), account, least)
    for name, share in shares.items():
        now = now.reserve(name, share.reserved).provision(name, share.provisioned)
    return now


def _share(given: Any) -> Share:
    """A share as one may write it."""
    if isinstance(given, Share):
        return given
    if not isinstance(given, Mapping) or not given.keys() <= {"reserved", "provisioned"}:
        raise ValueError(f"a share has reserved and provisioned, not {given!r}")
    return Share(**given)


def _example(claimable: int) -> dict[str, Share]:
    """Three functions as they might be: one that reserves and provisions, one of each alone."""
    part = claimable // 9
    return {
        "orders": Share(4 * part or None, part),
        "reports": Share(part // 2 or None),
        "mail": Share(None, part // 2),
    }
