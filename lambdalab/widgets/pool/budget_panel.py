"""The concurrency budget: claim concurrency for functions until AWS refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lambdalab import facts
from lambdalab.widgets.controls import Choice, Control, Slider, Switch
from lambdalab.widgets.panel import Panel, Values
from lambdalab.widgets.pool.budget_desk import Desk, Paper
from lambdalab.widgets.pool.budget_lab import LabAccount
from lambdalab.widgets.pool.budgets import ACCOUNT, Budget, Share, budget
from lambdalab.widgets.question import Question

if TYPE_CHECKING:
    from lambdalab import Lab

__all__ = ["concurrency_budget"]

NEW_ACCOUNT: int = facts.quota("concurrency.new-account").value
LIMITS = {
    NEW_ACCOUNT: f"{NEW_ACCOUNT:,} (a new account)",
    ACCOUNT: f"{ACCOUNT:,} (the default)",
    5 * ACCOUNT: f"{5 * ACCOUNT:,} (raised)",
}
# A slider has at most some hundred places.
PLACES = 100
SHOWN_FUNCTIONS = 3


class BudgetPanel(Panel):
    """A panel whose controls stand where the account stands: what AWS refuses moves nothing."""

    def __init__(self, desk: Desk, controls: Sequence[Control], question: Question | None) -> None:
        self._desk, self._agreeing = desk, False
        super().__init__("Concurrency budget", controls, self._claim, question)

    def refresh(self) -> None:
        """Claim what the controls ask for, and put them where that led to."""
        super().refresh()
        if self.chart is not self._desk.chart:  # refused: but something else may have been done
            self.chart = self._desk.chart
            self._tell()
        self._agree()

    def _claim(self, values: Values) -> Budget:
        # What was put where it stands by an earlier answer may not have come to the page yet: of
        # what the page asks, only what was moved there is meant.
        moved = self.asked.get("moved", values)
        return self._desk.show({name: values[name] for name in moved})

    def _agree(self) -> None:
        self._agreeing = True
        self.asked = {"number": self.asked["number"], "values": self._desk.values}
        self._agreeing = False

    def _asked(self, change: Any) -> None:
        if not self._agreeing:
            super()._asked(change)


def concurrency_budget(
    functions: Mapping[str, Share | Mapping[str, Any]] | Sequence[str] | None = None,
    *,
    account: int | None = None,
    floor: int | None = None,
    lab: Lab | None = None,
    predict: str | None = None,
) -> Panel:
    """Make a panel in which functions claim concurrency, until AWS refuses in its own words.

    Without a ``lab`` it is an account on paper; ``functions``, ``account`` and ``floor`` are those
    of ``budget``. With one, each move calls PutFunctionConcurrency, PutProvisionedConcurrencyConfig
    or their opposites there, and ``functions`` names those that get controls, such as "orders" or
    "orders:live", by default the first three: all of them are shown. ``floor`` is the
    lab's own.

    ``predict`` asks for a guess first: "claimable", "shared" or "largest".
    """
    if lab is None:
        desk = _on_paper(functions, account, floor)
    elif account is not None or isinstance(functions, Mapping):
        raise ValueError("with a lab, name its functions: what they claim is read there")
    else:
        desk = _in(lab, functions, floor)
    questions = _questions(desk)
    if predict is not None and predict not in questions:
        raise ValueError(f"no question {predict!r}: there are {', '.join(questions)}")
    return BudgetPanel(desk, _controls(desk), questions[predict] if predict else None)


def _on_paper(functions: Any, account: int | None, floor: int | None) -> Desk:
    chart = budget(functions, account=account, floor=floor)
    return Desk(Paper(chart, floor), list(chart.functions))


def _in(lab: Lab, functions: Sequence[str] | None, floor: int | None) -> Desk:
    account = LabAccount(lab, floor, functions or ())
    there = list(account.read().functions)
    names = [name.partition(":")[0] for name in functions or there[:SHOWN_FUNCTIONS]]
    if missing := ", ".join(name for name in names if name not in there):
        raise ValueError(f"the lab has no function {missing}: it has {', '.join(there) or 'none'}")
    return Desk(account, names)


def _controls(desk: Desk) -> list[Control]:
    limit, values = desk.chart.account, desk.values
    controls: list[Control] = []
    for name in desk.names:
        switch = f"{name}_reserves"
        controls.append(Switch(switch, f"{name}: reserve", values[switch]))
        for kind in ("reserved", "provisioned"):
            value = values[f"{name}_{kind}"]
            stops = _places(limit, value)
            controls.append(Slider(f"{name}_{kind}", f"{name}: {kind}", value, stops=stops))
    if "account" in values:
        options = LIMITS | ({} if limit in LIMITS else {limit: f"{limit:,}"})
        texts = {str(amount): text for amount, text in sorted(options.items())}
        controls.append(Choice("account", "Account limit", values["account"], texts))
    return controls


def _places(limit: int, value: int) -> list[int]:
    """Where a slider can stand: all numbers, or round ones, up to the account's limit."""
    step = max(1, limit // PLACES)
    return sorted({*range(0, limit + 1, step), limit, value})


def _questions(desk: Desk) -> dict[str, Question]:
    limit = desk.chart.account
    first = next(iter(desk.names), "")
    asked = {
        "claimable": (
            "How much more can functions reserve or provision?",
            lambda chart: chart.claimable,
        ),
        "shared": (
            "How many invocations of functions without a reserve can run at once?",
            lambda chart: chart.unclaimed,
        ),
        "largest": (
            f"What is the largest reserve that AWS lets {first} have?",
            lambda chart: chart.largest(first),
        ),
    }
    return {
        name: Question(text, truth, high=limit, step=max(1, limit // PLACES))
        for name, (text, truth) in asked.items()
        if desk.names
    }
