"""How much concurrency an account has in each Region, and how much of it nobody can claim."""

from __future__ import annotations

from typing import NamedTuple

from lambdalab import facts

__all__ = ["Limits"]

ACCOUNT: int = facts.quota("concurrency.account").value
FLOOR: int = facts.quota("concurrency.unreserved-minimum").value


class Limits(NamedTuple):
    """What the accounts of one cloud have.

    ``concurrency``: concurrent executions of an account in a Region (default 1,000). ``floor``:
    what stays unreserved and cannot be provisioned; None for AWS's 100, or all of it where the
    account has less, as on new accounts.
    Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
    """

    concurrency: int = ACCOUNT
    floor: int | None = None

    @property
    def unreserved_floor(self) -> int:
        """What stays unreserved."""
        return min(FLOOR, self.concurrency) if self.floor is None else self.floor
