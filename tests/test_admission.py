"""The rules of admission, by the numbers that AWS publishes; time is what the tests say it is."""

from __future__ import annotations

import json
import random
from collections import Counter

from botocore.parsers import RestJSONParser
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.functions import model, serialize
from lambdalab.simulator import rules
from tests.admissions import Account, provision, target

ADMITTED = (rules.PROVISIONED, rules.WARM, rules.COLD)
FULL = "ConcurrentInvocationLimitExceeded"
RESERVED_FULL = "ReservedFunctionConcurrentInvocationLimitExceeded"
TOO_FAST = "FunctionInvocationRateLimitExceeded"
RESERVED_TOO_FAST = "ReservedFunctionInvocationRateLimitExceeded"


# ---- concurrency


def test_the_account_has_room_for_a_thousand_invocations_a_region() -> None:
    account = Account()
    functions = [target("f0"), target("f1")]
    tickets = [account.enter(functions[number % 2]) for number in range(1000)]
    assert account.room.running(functions[0].function) == 500
    account.enter(target("f0", region="eu-west-1"))
    account.enter(target("g", account="2"))
    refused = account.refused(functions[0])
    assert (refused.code, refused.status, refused.message) == (
        "TooManyRequestsException",
        429,
        "Rate Exceeded.",
    )
    account.leave(tickets[1])
    account.enter(functions[0])


def test_a_throttled_caller_reads_why() -> None:
    response = serialize.refusal(Account(concurrency=0).refused(target()), "id")
    headers = {name.lower(): value for name, value in response.headers}
    shape = model.operation("Invoke").output_shape
    parsed = RestJSONParser().parse(
        {"body": response.body, "headers": headers, "status_code": 429}, shape
    )
    assert parsed["Error"]["Code"] == "TooManyRequestsException"
    assert parsed["Error"]["Message"] == "Rate Exceeded."
    assert json.loads(response.body) == {
        "Reason": FULL,
        "Type": "User",
        "message": "Rate Exceeded.",
    }


def test_what_a_function_reserves_is_its_own_and_its_limit() -> None:
    account, mine, other = Account(10), target("mine"), target("other")
    account.registry.reserve(mine.function, 4)
    assert len(account.burst(other, 10)) == 6
    assert account.reason(other) == FULL
    assert len(account.burst(mine, 10)) == 4
    assert account.reason(mine) == RESERVED_FULL


def test_reserved_concurrency_of_zero_stops_a_function() -> None:
    account, wanted = Account(), target()
    account.registry.reserve(wanted.function, 0)
    assert account.reason(wanted) == RESERVED_FULL


def test_a_warm_environment_is_taken_before_a_new_one() -> None:
    account, wanted = Account(), target()
    first = account.enter(wanted)
    assert first.decision == rules.COLD
    assert account.enter(wanted).decision == rules.COLD
    account.leave(first)
    assert account.enter(wanted).decision == rules.WARM


def test_versions_have_environments_of_their_own_and_one_limit() -> None:
    account, latest = Account(), target()
    first = target(version="1", function=latest.function)
    account.registry.reserve(latest.function, 2)
    account.leave(account.enter(latest))
    assert account.enter(first).decision == rules.COLD
    assert account.enter(latest).decision == rules.WARM
    assert account.reason(first) == RESERVED_FULL


# ---- provisioned concurrency


def test_what_provisioned_environments_cannot_take_spills_over() -> None:
    account, wanted = Account(), target(version="1")
    provision(account, wanted, 2)
    tickets = account.burst(wanted, 3)
    assert [ticket.decision for ticket in tickets] == [
        rules.PROVISIONED,
        rules.PROVISIONED,
        rules.COLD,
    ]
    assert [ticket.spilled for ticket in tickets] == [False, False, True]
    account.leave(tickets[0])
    assert account.enter(wanted).decision == rules.PROVISIONED


def test_another_version_has_nothing_of_it() -> None:
    account, wanted = Account(), target(version="1")
    provision(account, wanted, 2)
    latest = target(function=wanted.function)
    ticket = account.enter(latest)
    assert (ticket.decision, ticket.spilled) == (rules.COLD, False)


def test_all_that_is_reserved_being_provisioned_leaves_nothing_for_latest() -> None:
    account, wanted = Account(), target(version="1")
    account.registry.reserve(wanted.function, 3)
    provision(account, wanted, 3)
    assert account.reason(target(function=wanted.function)) == RESERVED_FULL
    assert {one.decision for one in account.burst(wanted, 5)} == {rules.PROVISIONED}
    assert account.reason(wanted) == RESERVED_FULL


def test_what_is_provisioned_is_taken_from_the_account_whether_it_is_used_or_not() -> None:
    account, wanted, other = Account(10), target(version="1"), target("other")
    provision(account, wanted, 4)
    assert len(account.burst(other, 20)) == 6
    assert account.reason(other) == FULL
    # The function itself has its four, and no more than them: the rest is in use.
    assert len(account.burst(wanted, 20)) == 4


# ---- rates


def test_new_environments_come_a_thousand_in_ten_seconds_and_are_not_accrued() -> None:
    account, wanted = Account(10_000), target()
    assert len(account.burst(wanted, 3000, now=100.0)) == 1000
    assert account.reason(wanted, now=100.0) == TOO_FAST
    assert len(account.burst(wanted, 3000, now=105.0)) == 500
    assert len(account.burst(wanted, 3000, now=1000.0)) == 1000


def test_each_function_scales_by_itself() -> None:
    account = Account(10_000)
    assert len(account.burst(target("f"), 1500)) == 1000
    assert len(account.burst(target("g"), 1500)) == 1000


def test_requests_come_ten_times_as_often_as_the_concurrency() -> None:
    account, wanted = Account(5), target()
    taken = 0
    for number in range(400):
        now = number / 400
        tickets = account.burst(wanted, 1, now)
        taken += len(tickets)
        for ticket in tickets:
            account.leave(ticket, now)
    # A bucket of fifty, full at first, into which fifty flow in a second.
    assert 98 <= taken <= 100
    assert account.reason(wanted, 399 / 400) == TOO_FAST


def test_reserved_concurrency_bounds_the_requests_too() -> None:
    account, wanted = Account(), target()
    account.registry.reserve(wanted.function, 2)
    for _ in range(20):
        account.leave(account.enter(wanted, 7.0), 7.0)
    assert account.reason(wanted, 7.0) == RESERVED_TOO_FAST
    assert account.enter(wanted, 7.1)


def test_asynchronous_invocations_are_not_counted_against_the_rate() -> None:
    account, wanted = Account(), target()
    account.registry.reserve(wanted.function, 1)
    for _ in range(100):
        account.leave(account.enter(wanted, 7.0, paced=False), 7.0)


def test_a_provisioned_version_has_a_rate_of_its_own_beyond_which_it_spills_over() -> None:
    account, wanted = Account(), target(version="1")
    provision(account, wanted, 1)
    decisions = []
    for _ in range(12):
        ticket = account.enter(wanted, 3.0)
        decisions.append(ticket.decision)
        account.leave(ticket, 3.0)
    assert decisions == [rules.PROVISIONED] * 10 + [rules.COLD, rules.WARM]


# ---- what must always hold


@given(st.integers(1, 8), st.none() | st.integers(0, 8), st.integers(0, 4), st.integers(0, 1 << 30))
def test_no_more_run_than_may(
    concurrency: int, reserved: int | None, provisioned: int, seed: int
) -> None:
    account, wanted = Account(concurrency), target(version="1")
    provisioned = min(provisioned, concurrency if reserved is None else reserved)
    if reserved is not None:
        account.registry.reserve(wanted.function, min(reserved, concurrency))
        provisioned = min(provisioned, concurrency)
    provision(account, wanted, provisioned)
    draw, inside = random.Random(seed), []
    most = concurrency if reserved is None else min(reserved, concurrency)
    for step in range(60):
        if inside and draw.random() < 0.4:
            account.leave(inside.pop(draw.randrange(len(inside))), float(step))
        else:
            inside += account.burst(wanted, 1, float(step))
        counted = Counter(ticket.decision for ticket in inside)
        assert len(inside) == account.room.running(wanted.function) <= most
        assert counted[rules.PROVISIONED] <= provisioned
        assert account.room.running_in(("1", "us-east-1")) == len(inside)
    for ticket in inside:
        account.leave(ticket, 60.0)
    assert account.room.running(wanted.function) == 0
    assert account.room.unreserved_in(("1", "us-east-1")) == 0


def test_refusals_change_nothing() -> None:
    state = rules.fresh()
    rules.limit(state, 1.0, 0.0, -1.0, 0.0, 0.0)
    assert rules.decide(state, 0.0) == rules.COLD
    for _ in range(5):
        assert rules.decide(state, 0.0) == rules.ACCOUNT_FULL
    rules.leave(state, rules.COLD, 0.0)
    assert (state[rules.RUNNING], state[rules.IDLE]) == (0.0, 1.0)
    rules.reclaimed(state, provisioned=False)
    assert rules.decide(state, 0.0) in ADMITTED
