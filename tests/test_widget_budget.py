"""The concurrency budget: what is claimed, what AWS refuses, on paper as in a lab."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdalab import Lab, facts
from lambdalab.widgets import Budget, Share, budget, concurrency_budget
from lambdalab.widgets.pool.budget_desk import Desk, Paper
from lambdalab.widgets.pool.budget_lab import LabAccount
from lambdalab.widgets.pool.budget_picture import Bar, bars
from tests.conftest import StartLab, wait_until_settled
from tests.engine import RUNTIME

NAMES = ("mail", "orders", "reports")
RESERVE_FLOOR = facts.message("concurrency.reserve-breaks-floor")
BELOW_PROVISIONED = facts.message("concurrency.reserved-below-provisioned")
ABOVE_RESERVED = facts.message("concurrency.provisioned-above-reserved")
ABOVE_UNRESERVED = facts.message("concurrency.provisioned-above-unreserved")
PROVISIONED_FLOOR = facts.message("concurrency.provisioned-breaks-floor")


def refused(text: str) -> Any:
    return pytest.raises(ValueError, match=f"^{re.escape(text)}$")


# ---- on paper


def test_what_is_claimed_and_what_is_left() -> None:
    chart = budget({"a": {"reserved": 400, "provisioned": 100}, "b": {"provisioned": 50}, "c": {}})
    assert (chart.account, chart.floor) == (1000, 100)
    assert (chart.claimed, chart.unclaimed, chart.claimable) == (450, 550, 450)
    assert [chart.most(name) for name in "abc"] == [400, 600, 550]
    assert [chart.largest(name) for name in "abc"] == [850, 500, 450]
    assert chart.functions["b"] == Share(None, 50)


def test_the_words_and_the_table_say_the_same() -> None:
    chart = budget({"a": Share(400, 100), "b": Share(None, 50), "c": Share(0)})
    assert chart.verdict == (
        "450 of the account's 1,000 concurrent executions are claimed: a reserves 400 (100 of that "
        "provisioned); b has 50 provisioned without a reserve; c reserves 0. 550 are left for all "
        "functions without a reserve to share; 100 of that must stay unclaimed, so 450 more can be "
        "claimed. c is stopped: each invocation is throttled."
    )
    assert chart.table() == {
        "Who": ["a", "b", "c", "all other functions", "cannot be claimed"],
        "Reserved": [400, "none", 0, "none", ""],
        "Provisioned": [100, 50, 0, 0, ""],
        "Claimed": [400, 50, 0, 0, 100],
        "Can run at once": [400, 600, 0, 550, ""],
    }
    assert chart.verdict in repr(chart)
    assert chart.verdict in chart.alt


def test_what_a_full_reserve_and_an_account_without_claims_mean() -> None:
    full = budget({"a": Share(7, 7)})
    assert full.verdict.endswith(
        "a has its whole reserve provisioned: $LATEST and other versions are throttled."
    )
    empty = budget({"a": {}})
    assert empty.verdict.startswith("Nobody claims any of the account's 1,000 concurrent exec")
    new = budget({}, account=10)
    assert (new.floor, new.claimable) == (10, 0)
    assert new.verdict.endswith("10 of that must stay unclaimed, so nothing more can be claimed.")


@pytest.mark.parametrize("account", [1, 2, 5, 10, 100, 101, 150, 1000, 5000])
def test_the_functions_that_are_made_up_fit_every_account(account: int) -> None:
    chart = budget(account=account)
    assert chart.unclaimed >= chart.floor == min(account, 100)
    assert all(share.reserved != 0 for share in chart.functions.values())


def test_what_aws_refuses_is_refused_in_its_words() -> None:
    chart = budget({"a": {}, "b": {"provisioned": 50}, "c": {"reserved": 20, "provisioned": 5}})
    with refused(RESERVE_FLOOR.format(minimum=100)):
        chart.reserve("a", 831)
    assert chart.reserve("a", 830).claimable == 0
    with refused(BELOW_PROVISIONED.format(reserved=4, provisioned=5)):
        chart.reserve("c", 4)
    with refused(BELOW_PROVISIONED.format(reserved=0, provisioned=50)):
        chart.reserve("b", 0)
    with refused(ABOVE_RESERVED.format()):
        chart.provision("c", 21)
    with refused(ABOVE_UNRESERVED.format(unreserved=930)):
        chart.provision("a", 931)
    with refused(PROVISIONED_FLOOR.format(minimum=100)):
        chart.provision("a", 831)
    with refused(RESERVE_FLOOR.format(minimum=10)):
        budget({"a": {"reserved": 1}}, account=10)
    # What is given back can be claimed again; 0 stops a function and claims nothing.
    assert chart.reserve("c", None).functions["c"] == Share(None, 5)
    assert chart.reserve("a", 0).claimed == chart.claimed
    assert chart.provision("b", 0).claimed == 20


def test_the_account_shrinks_no_further_than_its_claims() -> None:
    chart = budget({"a": {"reserved": 50}})
    assert chart.limited(150).claimable == 0
    with refused(
        "functions claim 50, and 100 must stay unclaimed: that does not fit into 149. "
        "Give up claims first."
    ):
        chart.limited(149)
    assert chart.reserve("a", None).limited(10).floor == 10
    assert chart.limited(60, floor=5).claimable == 5


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"account": 0}, "account is 0: it must be a whole number, 1 or more"),
        ({"account": 1.5}, "account is 1.5: it must be a whole number, 1 or more"),
        ({"account": "10"}, "account is '10': it must be a whole number, 1 or more"),
        ({"floor": -1}, "floor is -1: it must be a whole number, 0 or more"),
        (
            {"functions": {"a": {"reserved": -1}}},
            "reserved is -1: it must be a whole number, 0 or more",
        ),
        (
            {"functions": {"a": {"provisioned": True}}},
            "provisioned is True: it must be a whole number, 0 or more",
        ),
        ({"functions": {"a": {"b": 1}}}, "a share has reserved and provisioned, not {'b': 1}"),
        ({"functions": {"a": 7}}, "a share has reserved and provisioned, not 7"),
        ({"functions": ["a"]}, "functions maps names to shares, not ['a']"),
        ({"lab": 5}, "lab is a int: give what start() has returned"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be(given: dict[str, Any], text: str) -> None:
    with refused(text):
        budget(**given)


def test_a_function_that_there_is_not() -> None:
    with refused("there is no function 'x' in the budget, which has a, b"):
        budget({"a": {}, "b": {}}).reserve("x", 1)
    with refused("floor is 6: it is at most the account's 5"):
        Budget({}, 5, 6)


# ---- the picture


def test_each_claim_stands_under_its_part_of_the_account() -> None:
    found = bars(budget({"a": Share(400, 100), "b": Share(None, 50), "c": {}}))
    account = [bar for bar in found if bar.row == 0]
    assert account == [
        Bar(0, "provisioned", 0, 100),
        Bar(0, "reserved", 100, 300),
        Bar(0, "provisioned", 400, 50),
        Bar(0, "pool", 450, 550),
        Bar(0, "floor", 900, 100),
    ]
    shared = account[3:]
    rows = {row: [bar._replace(row=0) for bar in found if bar.row == row] for row in range(1, 5)}
    assert rows == {1: account[:2], 2: [account[2], *shared], 3: shared, 4: shared}


def test_of_many_functions_those_that_claim_are_shown() -> None:
    many: dict[str, Any] = {f"f{number}": {} for number in range(200)}
    chart = budget({**many, "f7": {"reserved": 5}})
    assert chart.table()["Who"] == ["f7", "all other functions", "cannot be claimed"]
    assert {bar.row for bar in bars(chart)} == {0, 1, 2}
    every = budget({f"f{number}": {"reserved": 1} for number in range(30)})
    assert "f7 reserves 1; and 22 more functions. 970 are left" in every.verdict


def test_the_picture_is_labelled_and_the_same_each_time() -> None:
    first, second = budget(), budget()
    assert first.svg == second.svg
    assert 'role="img"' in first.svg
    for text in ("the account: 1,000", "orders", "50 reserved", "all other functions", "400 more"):
        assert text in first.svg


# ---- the panel


def test_the_controls_move_the_account() -> None:
    panel = concurrency_budget({"a": {"reserved": 10}, "b": {}})
    assert panel.chart == budget({"a": {"reserved": 10}, "b": {}})
    panel.set(a_reserved=200, b_provisioned=30)
    assert panel.chart == budget({"a": {"reserved": 200}, "b": {"provisioned": 30}})
    panel.set(account="5000")
    assert (panel.chart.account, panel.chart.claimable) == (5000, 4670)
    panel.set(a_reserves=False)
    assert panel.chart.functions["a"] == Share()
    # Who switches on reserves what the slider says; who moves the slider switches on.
    panel.set(b_reserves=True)
    assert panel.chart.functions["b"] == Share(30, 30)
    panel.set(a_reserved=20)
    assert panel.values["a_reserves"] is True
    panel.set(a_reserved=0)
    assert panel.chart.functions["a"] == Share(0)
    assert panel.error == ""


def test_what_aws_refuses_moves_nothing_and_is_said() -> None:
    panel = concurrency_budget({"a": {"reserved": 10}, "b": {"provisioned": 5}})
    before, values = panel.chart, panel.values
    for move, text in [
        ({"a_reserved": 1000}, RESERVE_FLOOR.format(minimum=100)),
        ({"a_provisioned": 20}, ABOVE_RESERVED.format()),
        ({"b_provisioned": 1000}, ABOVE_UNRESERVED.format(unreserved=990)),
        ({"b_reserved": 0}, BELOW_PROVISIONED.format(reserved=0, provisioned=5)),
        ({"account": "10"}, "functions claim 15, and 10 must stay unclaimed: that does not fit "
         "into 10. Give up claims first."),
    ]:  # fmt: skip
        panel.set(**move)
        assert panel.error == text
        assert panel.values == values
        assert panel.chart == before
        assert text in repr(panel)
    panel.set(a_reserved=20)
    assert panel.error == ""
    assert panel.chart.functions["a"] == Share(20)


def test_the_page_is_told_where_the_controls_stand() -> None:
    panel = concurrency_budget({"a": {"reserved": 10}})
    number = panel.asked["number"]
    panel.set(a_reserved=1000)
    # The answer to what was asked, and no question of its own.
    assert panel.shown["number"] == panel.asked["number"] == number + 1
    assert panel.asked["values"]["a_reserved"] == 10


def test_what_the_page_has_not_heard_of_yet_is_not_meant() -> None:
    """A key held down: the page asks again before it is told what the last move changed."""
    panel = concurrency_budget({"a": {}})
    for number, amount in enumerate((10, 20), 1):
        old = {"account": "1000", "a_reserves": False, "a_reserved": amount, "a_provisioned": 0}
        panel.asked = {"number": number, "values": old, "moved": ["a_reserved"]}
        assert panel.chart.functions["a"] == Share(amount)
        assert panel.values == old | {"a_reserves": True}
        assert panel.shown["number"] == number
    panel.asked = {"number": 3, "values": old, "moved": ["a_reserves"]}
    assert panel.chart.functions["a"] == Share()


def test_of_several_moves_those_that_give_back_come_first() -> None:
    """Whatever moves at once: an account that can be is reached from any other."""
    amounts = [Share(), Share(0), Share(5), Share(5, 5), Share(8, 3), Share(None, 8), Share(10, 2)]
    accounts = []
    for first, second in itertools.product(amounts, repeat=2):
        try:
            accounts.append(budget({"a": first, "b": second}, account=12, floor=2))
        except ValueError:
            continue
    assert len(accounts) > 20
    for before, after in itertools.product(accounts, repeat=2):
        desk = Desk(Paper(before, 2), ["a", "b"])
        wanted = Desk(Paper(after), ["a", "b"]).values
        for name, share in after.functions.items():
            if share.reserved is None:  # where its slider stands means nothing
                del wanted[f"{name}_reserved"]
        desk.show(wanted)
        assert desk.chart == after


def test_a_guess_comes_before_the_picture() -> None:
    panel = concurrency_budget({"a": {"reserved": 100}}, predict="claimable")
    assert "400" not in repr(panel)
    panel.guess(800)
    assert panel.answer == "Right: you guessed 800, it is 800."
    assert "800 more can be claimed" in repr(panel)
    for name, truth in {"shared": 900, "largest": 900}.items():
        asked = concurrency_budget({"a": {"reserved": 100}}, predict=name).guess(0)
        assert asked.answer == f"Not quite: you guessed 0, it is {truth}."


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"predict": "cost"}, "no question 'cost': there are claimable, shared, largest"),
        ({"account": 10, "functions": {"a": {"reserved": 1}}}, RESERVE_FLOOR.format(minimum=10)),
    ],
)
def test_a_panel_that_cannot_be(given: dict[str, Any], text: str) -> None:
    with refused(text):
        concurrency_budget(**given)


@pytest.mark.parametrize("account", [1, 7, 99, 250, 1000, 100_000])
def test_the_sliders_reach_both_ends_in_some_hundred_steps(account: int) -> None:
    panel = concurrency_budget({"a": {}}, account=account, floor=0)
    panel.set(a_reserved=account)
    assert panel.chart.functions["a"] == Share(account)
    panel.set(a_reserved=0)
    assert panel.chart.functions["a"] == Share(0)
    (places,) = (each["places"] for each in panel.controls if each["name"] == "a_reserved")
    assert len(places) <= 210


# ---- in a lab

# The account's limit and floor, and amounts at which something changes.
SMALL = (20, 3)
LIMITS = {
    (1000, None): (0, 1, 99, 450, 451, 900, 901, 1000),
    (10, None): (0, 1, 5, 11),
    SMALL: (0, 1, 4, 8, 9, 13, 17, 18, 21),
}


def make(lab: Lab, *names: str, publish: bool = True) -> Any:
    lam = lab.client("lambda")
    for name in names:
        lam.create_function(
            FunctionName=name,
            Runtime=RUNTIME,
            Handler="a.b",
            Role=lab.role(),
            Code={"ZipFile": lab.zip({"a.py": "def b(event, context): pass\n"})},
            Publish=publish,
        )
    return lam


@pytest.fixture(scope="module")
def labs(start_lab: StartLab) -> Iterator[Callable[..., Lab]]:
    """Labs by their limits, each started when it is first needed, empty."""
    with ExitStack() as stack:

        @cache
        def started(account: int, floor: int | None) -> Lab:
            return stack.enter_context(start_lab(concurrency=account, unreserved_floor=floor))

        def empty(account: int, floor: int | None) -> Lab:
            lab = started(account, floor)
            lab.reset()
            return lab

        yield empty


@pytest.fixture
def lab(labs: Callable[..., Lab]) -> Lab:
    return labs(*SMALL)


def outcome(call: Any, *given: Any) -> str:
    """What came of a call: nothing, or AWS's words."""
    try:
        call(*given)
    except ClientError as refusal:
        return str(refusal.response["Error"]["Message"])
    except ValueError as refusal:
        return str(refusal)
    return ""


@pytest.fixture(params=LIMITS, ids=str)
def limited(labs: Callable[..., Lab], request: pytest.FixtureRequest) -> Any:
    account, floor = request.param
    lab = labs(account, floor)
    make(lab, *NAMES)
    return LabAccount(lab, floor), account, floor


# The functions are made once, and give up all that they claim before each example.
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_paper_and_lab_agree_on_every_call(limited: Any, data: st.DataObject) -> None:
    lab, account, floor = limited
    for name in NAMES:
        lab.provision(name, 0)
        lab.reserve(name, None)
    paper = Paper(budget(dict.fromkeys(NAMES, Share()), account=account, floor=floor), floor)
    moves = st.tuples(
        st.sampled_from(["reserve", "provision"]),
        st.sampled_from(NAMES),
        st.sampled_from(LIMITS[account, floor]) | st.integers(0, account + 2),
        st.integers(0, 4),
    )
    for what, name, amount, gives_up in data.draw(st.lists(moves, min_size=4, max_size=12)):
        if not gives_up:
            amount = None if what == "reserve" else 0
        told = outcome(getattr(lab, what), name, amount)
        assert told == outcome(getattr(paper, what), name, amount)
    assert lab.read() == paper.read()


def test_moves_are_calls_to_the_lab(lab: Lab) -> None:
    lam = make(lab, "orders", "mail")
    panel = concurrency_budget(["orders"], lab=lab, floor=3)
    assert panel.chart == budget({"mail": {}, "orders": {}}, account=20, floor=3)
    panel.set(orders_reserved=9, orders_provisioned=4)
    assert lam.get_function_concurrency(FunctionName="orders")["ReservedConcurrentExecutions"] == 9
    provisioned = lam.get_provisioned_concurrency_config(FunctionName="orders", Qualifier="1")
    assert provisioned["RequestedProvisionedConcurrentExecutions"] == 4
    panel.set(orders_reserved=3)
    assert panel.error == (
        "An error occurred (InvalidParameterValueException) when calling the "
        "PutFunctionConcurrency operation: "
        + BELOW_PROVISIONED.format(reserved=3, provisioned=4)
    )  # fmt: skip
    assert panel.values["orders_reserved"] == 9
    panel.set(orders_reserves=False, orders_provisioned=0)
    assert "ReservedConcurrentExecutions" not in lam.get_function_concurrency(FunctionName="orders")
    assert panel.chart == budget(lab=lab, floor=3)
    assert panel.chart.claimed == 0


def test_what_others_have_done_is_seen_at_the_next_move(lab: Lab) -> None:
    lam = make(lab, "orders", "mail")
    panel = concurrency_budget(lab=lab, floor=3)
    lam.put_function_concurrency(FunctionName="orders", ReservedConcurrentExecutions=12)
    panel.set(mail_reserved=6)
    assert panel.error.endswith(RESERVE_FLOOR.format(minimum=3))
    assert panel.values["orders_reserved"] == 12
    assert panel.chart.functions["orders"] == Share(12)
    lam.delete_function(FunctionName="orders")
    panel.set(mail_reserved=5)
    assert panel.chart == budget({"mail": {"reserved": 5}}, account=20, floor=3)


def test_the_version_or_alias_that_is_named_is_provisioned(lab: Lab) -> None:
    lam = make(lab, "f")
    lam.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    concurrency_budget(["f:live"], lab=lab, floor=3).set(f_provisioned=2)
    lam.get_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
    # The one that is provisioned already is the one that is moved.
    concurrency_budget(lab=lab, floor=3).set(f_provisioned=5)
    live = lam.get_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
    assert live["RequestedProvisionedConcurrentExecutions"] == 5


def test_a_function_without_versions_has_nothing_to_provision(lab: Lab) -> None:
    make(lab, "f", publish=False)
    panel = concurrency_budget(lab=lab, floor=3).set(f_provisioned=5)
    assert panel.error.endswith(facts.message("concurrency.provisioned-on-latest").text)
    assert panel.values["f_provisioned"] == 0


def test_all_versions_of_a_function_count(lab: Lab) -> None:
    lam = make(lab, "f")
    wait_until_settled(lam, "f")
    lam.update_function_configuration(FunctionName="f", Timeout=5)
    lab.clock.advance(seconds=1)
    assert lam.publish_version(FunctionName="f")["Version"] == "2"
    for version, amount in {"1": 3, "2": 4}.items():
        lam.put_provisioned_concurrency_config(
            FunctionName="f", Qualifier=version, ProvisionedConcurrentExecutions=amount
        )
    assert budget(lab=lab, floor=3).functions["f"] == Share(None, 7)


def test_an_account_of_a_lab_without_functions(lab: Lab) -> None:
    panel = concurrency_budget(lab=lab, floor=3)
    assert panel.chart == budget({}, account=20, floor=3)
    assert panel.values == {}
    assert panel.chart.unclaimed == (
        lab.client("lambda").get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    )  # fmt: skip


def test_settings_that_a_lab_has_itself(lab: Lab) -> None:
    with refused("with a lab, its own functions and its account's limit are shown"):
        budget({"a": {}}, lab=lab)
    for wrong in ({"account": 5}, {"functions": {"a": {}}}):
        with refused("with a lab, name its functions: what they claim is read there"):
            concurrency_budget(lab=lab, **wrong)
    make(lab, "f")
    with refused("the lab has no function g: it has f"):
        concurrency_budget(["f", "g:live"], lab=lab)


def test_a_lab_that_is_gone_leaves_the_last_picture(start_lab: StartLab) -> None:
    with start_lab() as lab:
        make(lab, "f")
        once = Config(retries={"total_max_attempts": 1})
        hasty: Any = SimpleNamespace(client=partial(lab.client, config=once), unreserved_floor=None)
        panel = concurrency_budget(lab=hasty)
        before = panel.chart
    panel.set(f_reserved=10)
    assert "Could not connect" in panel.error
    assert panel.chart is before
    assert panel.values["f_reserved"] == 0


# ---- loading

LOADED = """
import json, sys
from lambdalab.widgets import budget
budget().verdict
libraries = ("anywidget", "matplotlib", "numba", "numpy")
print(json.dumps([name for name in libraries if name in sys.modules]))
"""


def test_the_data_need_no_library_that_draws() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []
