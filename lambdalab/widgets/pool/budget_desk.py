"""Where concurrency is claimed: what controls ask for becomes calls, one for each that moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from functools import partial
from typing import Protocol

from botocore.exceptions import ClientError

from lambdalab.widgets.panel import Values
from lambdalab.widgets.pool.budgets import Budget, Share

__all__ = ["Account", "Desk", "Paper"]


class Account(Protocol):
    """Something in which functions claim concurrency: on paper, or in a lab."""

    def read(self) -> Budget:
        """What is claimed now."""
        ...

    def reserve(self, name: str, amount: int | None) -> None:
        """Reserve for a function; None gives it up."""
        ...

    def provision(self, name: str, amount: int) -> None:
        """Provision for a function; 0 gives it up."""
        ...


class Paper:
    """An account on paper, whose limit can be changed too."""

    def __init__(self, chart: Budget, floor: int | None = None) -> None:
        self._chart, self._floor = chart, floor

    def read(self) -> Budget:
        """What is claimed now."""
        return self._chart

    def reserve(self, name: str, amount: int | None) -> None:
        """Reserve for a function; None gives it up."""
        self._chart = self._chart.reserve(name, amount)

    def provision(self, name: str, amount: int) -> None:
        """Provision for a function; 0 gives it up."""
        self._chart = self._chart.provision(name, amount)

    def limit(self, account: int) -> None:
        """Give the account another limit."""
        self._chart = self._chart.limited(account, self._floor)


class _Turn(IntEnum):
    """In which order calls are made: what gives back comes before what takes."""

    LIMIT_UP = 0
    PROVISION_LESS = 1
    RESERVE_LESS = 2
    RESERVE_MORE = 3
    PROVISION_MORE = 4
    LIMIT_DOWN = 5


Call = tuple[_Turn, Callable[[], None]]


class Desk:
    """Controls for some functions of an account: ``account`` or the names of functions.

    Their values are ``account`` (the limit, as text; on paper only) and for each function
    ``NAME_reserves`` (whether it has a reserve), ``NAME_reserved`` and ``NAME_provisioned``.
    """

    def __init__(self, account: Account, names: Sequence[str]) -> None:
        self.account, self.names = account, names
        self.chart = account.read()

    @property
    def values(self) -> Values:
        """Where the controls stand for what is claimed now.

        Without a reserve its slider stands at the least that could be reserved.
        """
        paper = isinstance(self.account, Paper)
        values: Values = {"account": str(self.chart.account)} if paper else {}
        for name in self.names:
            share = self.chart.functions.get(name, Share())
            values[f"{name}_reserves"] = share.reserved is not None
            values[f"{name}_reserved"] = share.claim
            values[f"{name}_provisioned"] = share.provisioned
        return values

    def show(self, values: Values) -> Budget:
        """Claim what is wanted; what is refused raises, after all that was called before it."""
        now = self.values
        moved = {name: value for name, value in values.items() if value != now[name]}
        try:
            for _, call in sorted(self._calls(moved), key=lambda each: each[0]):
                call()
        except (ValueError, ClientError):
            self.chart = self.account.read()
            raise
        self.chart = self.account.read()
        return self.chart

    def _calls(self, moved: Values) -> Iterator[Call]:
        if "account" in moved and isinstance(self.account, Paper):
            limit = int(moved["account"])
            turn = _Turn.LIMIT_UP if limit > self.chart.account else _Turn.LIMIT_DOWN
            yield turn, partial(self.account.limit, limit)
        for name in self.names:
            share = self.chart.functions.get(name, Share())
            if f"{name}_reserves" in moved or f"{name}_reserved" in moved:
                yield self._reserving(name, share, moved)
            if f"{name}_provisioned" in moved:
                wanted = int(moved[f"{name}_provisioned"])
                more = wanted > share.provisioned
                turn = _Turn.PROVISION_MORE if more else _Turn.PROVISION_LESS
                yield turn, partial(self.account.provision, name, wanted)

    def _reserving(self, name: str, share: Share, moved: Values) -> Call:
        """Who moves the slider reserves, wherever the switch stands; the switch gives up."""
        if moved.get(f"{name}_reserves") is False:
            return _Turn.RESERVE_LESS, partial(self.account.reserve, name, None)
        amount = int(moved.get(f"{name}_reserved", share.claim))
        turn = _Turn.RESERVE_MORE if amount > share.claim else _Turn.RESERVE_LESS
        return turn, partial(self.account.reserve, name, amount)
