"""What limits a function: the account's concurrency, and what of it is reserved and provisioned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lambdalab import facts
from lambdalab.simulator import rules
from lambdalab.simulator.checks import at_least, counted

__all__ = ["Policy"]

ACCOUNT = facts.quota("concurrency.account").value
FLOOR = facts.quota("concurrency.unreserved-minimum").value
Span = float | tuple[float, float]
_COUNTS = ("account", "floor", "provisioned", "claimed", "others", "reserved")
IDLE: Span = (
    facts.quota("reclaim.idle-shortest").seconds,
    facts.quota("reclaim.idle-longest").seconds,
)
AGE: Span = (facts.quota("reclaim.age-least").seconds, facts.quota("reclaim.age-most").seconds)


@dataclass(frozen=True)
class Policy:
    """Limits and settings; times in seconds. What AWS refuses is refused in its words (ValueError).

    ``account`` is the account's concurrency in the Region, of which nobody can claim ``floor``.
    ``reserved`` is what the function reserves (None: nothing; 0 stops it), ``provisioned`` how many
    of its environments are ready from the start. ``claimed`` is what other functions reserve or
    have provisioned, ``others`` how many invocations of theirs run outside of that.
    ``idle`` is how long an environment waits for work before it is taken back, and ``age`` how long
    it lives, also where it is provisioned (then another takes its place): one figure for all, or
    two between which it is drawn for each. AWS publishes neither;
    the defaults are the lab's own. ``paced`` says whether requests per second are limited to ten
    times the concurrency, as those of synchronous callers are.
    """

    account: int = ACCOUNT
    floor: int = FLOOR
    reserved: int | None = None
    provisioned: int = 0
    claimed: int = 0
    others: int = 0
    idle: Span = IDLE
    age: Span = AGE
    paced: bool = True

    def __post_init__(self) -> None:
        counted(self, 0, *_COUNTS)
        for name in ("idle", "age"):
            low, high = _two(name, getattr(self, name))
            at_least(0, **{f"the shortest {name}": low})
            at_least(low, **{f"the longest {name}": high})
        self._check_claims()

    def _check_claims(self) -> None:
        """Refuse what the account, or the function's own reserve, has no room for."""
        left = self.account - self.claimed
        if left < 0:
            raise ValueError(f"claimed is {self.claimed}: the account has {self.account} in all")
        if self.reserved is not None:
            if left - self.reserved < self.floor and self.reserved:
                raise _refusal("reserve-breaks-floor", minimum=self.floor)
            if self.provisioned > self.reserved:
                raise _refusal("provisioned-above-reserved")
        elif self.provisioned > left:
            raise _refusal("provisioned-above-unreserved", unreserved=left)
        elif self.provisioned and left - self.provisioned < self.floor:
            raise _refusal("provisioned-breaks-floor", minimum=self.floor)

    def state(self, now: float = 0.0) -> list[float]:
        """A state of the scaling rules under this policy, before the first request."""
        state = rules.fresh(now)
        reserved = -1.0 if self.reserved is None else float(self.reserved)
        provisioned = float(self.provisioned)
        rules.limit(
            state, float(self.account), float(self.claimed), reserved, provisioned, provisioned
        )
        state[rules.PROVISIONED_IDLE] = provisioned
        state[rules.OTHERS] = 0.0 if self.reserved is not None else float(self.others)
        state[rules.PACED] = float(self.paced)
        return state


def span(value: Any) -> tuple[float, float]:
    """Two bounds; one figure is both."""
    if isinstance(value, tuple | list):
        low, high = value
        return low, high
    return value, value


def _two(name: str, value: Any) -> tuple[float, float]:
    if isinstance(value, tuple | list) and len(value) != 2:
        raise ValueError(
            f"{name} is {value!r}: give one number of seconds, or shortest and longest"
        )
    return span(value)


def _refusal(name: str, **fields: int) -> ValueError:
    return ValueError(facts.message(f"concurrency.{name}").format(**fields))
