"""Deliveries that are refused for a while: how often and how long they are tried again."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from lambdalab.clock import LabClock
from lambdalab.errors import AwsError
from lambdalab.sources.events import event_deliveries
from lambdalab.sources.events.event_deliveries import Deliveries, Delivery, RetryPolicy
from lambdalab.timeline import Timeline

DAY = 24 * 3600.0
TARGET = "arn:aws:lambda:us-east-1:123456789012:function:fn"


def deliver(
    monkeypatch: pytest.MonkeyPatch,
    policy: RetryPolicy,
    outcomes: Any,
    seconds: float = 3 * DAY,
) -> tuple[list[float], list[dict[str, str]], list[str]]:
    """When it was tried, in seconds from the first time; dead letters; kinds of records."""
    letters: list[dict[str, str]] = []
    tried: list[float] = []
    timeline = Timeline()

    def bury(_arn: str, _body: str, attributes: dict[str, tuple[str, str]], _trace: None) -> None:
        letters.append({name: value for name, (_, value) in attributes.items()})

    monkeypatch.setattr(event_deliveries.sqs, "send", bury)

    async def play() -> None:
        clock = LabClock()
        deliveries = Deliveries(clock, timeline, Random(1), asyncio.get_running_loop())

        def act() -> None:
            tried.append(clock.now())
            outcome = outcomes(len(tried))
            if outcome is not None:
                raise outcome

        delivery = Delivery(TARGET, act, policy, "arn:of:queue", "letter", {"RULE_ARN": "rule"})
        await asyncio.to_thread(deliveries.start, delivery)
        await asyncio.sleep(0)  # what the thread has asked for
        await clock.advance(seconds)
        await deliveries.drained()

    asyncio.run(play())
    kinds = [record.kind for record in timeline.since(0)[0]]
    return [time - tried[0] for time in tried], letters, kinds


def throttled(_: int) -> AwsError:
    return AwsError("TooManyRequestsException", "Rate Exceeded.", 429)


def test_a_day_of_tries_each_later_than_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    tried, letters, _ = deliver(monkeypatch, RetryPolicy(), throttled)
    assert len(tried) <= 186
    assert tried[-1] <= DAY + 60
    assert len(tried) > 100
    waits = [later - earlier for earlier, later in pairwise(tried)]
    assert all(longer > shorter for shorter, longer in zip(waits[:7:2], waits[2:9:2], strict=True))
    assert max(waits) <= 601
    (letter,) = letters
    assert letter["ERROR_CODE"] == "THROTTLING"
    assert letter["EXHAUSTED_RETRY_CONDITION"].startswith("Maximum")


@pytest.mark.parametrize(
    ("policy", "exhausted"),
    [
        (RetryPolicy(attempts=3), "MaximumRetryAttempts"),
        (RetryPolicy(age=60.0), "MaximumEventAgeInSeconds"),
    ],
)
def test_the_bounds_of_a_policy(
    monkeypatch: pytest.MonkeyPatch, policy: RetryPolicy, exhausted: str
) -> None:
    tried, (letter,), kinds = deliver(monkeypatch, policy, throttled)
    assert letter["EXHAUSTED_RETRY_CONDITION"] == exhausted
    assert letter["RETRY_ATTEMPTS"] == str(len(tried) - 1)
    assert (letter["RULE_ARN"], letter["TARGET_ARN"]) == ("rule", TARGET)
    if exhausted == "MaximumRetryAttempts":
        assert len(tried) == 4
    else:
        assert 59 <= tried[-1] <= 75
    assert kinds == ["retry"] * (len(tried) - 1) + ["dropped", "delivered"]


def test_what_works_in_the_end_makes_no_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    tried, letters, kinds = deliver(
        monkeypatch, RetryPolicy(), lambda count: throttled(count) if count < 3 else None
    )
    assert (len(tried), letters, kinds) == (3, [], ["retry", "retry"])


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("ResourceNotFoundException", "NO_RESOURCE"),
        ("AccessDeniedException", "NO_PERMISSIONS"),
        ("InvalidRequestContentException", "INVALID_JSON"),
    ],
)
def test_what_cannot_work_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, code: str, shown: str
) -> None:
    tried, (letter,), _ = deliver(monkeypatch, RetryPolicy(), lambda _: AwsError(code, "why", 400))
    assert (len(tried), letter["ERROR_CODE"], letter["ERROR_MESSAGE"]) == (1, shown, "why")
    assert "EXHAUSTED_RETRY_CONDITION" not in letter


def test_an_error_of_the_lab_loses_no_event(monkeypatch: pytest.MonkeyPatch) -> None:
    tried, letters, kinds = deliver(
        monkeypatch, RetryPolicy(), lambda count: KeyError("oops") if count == 1 else None
    )
    assert (len(tried), letters, kinds) == (2, [], ["retry"])
