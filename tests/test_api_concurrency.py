"""Reserved and provisioned concurrency: what is answered, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import invoke, refusal
from tests.stage import Story, set_up

STORY = Story("concurrency")


@pytest.fixture
def stage(lab: Lab) -> dict[str, Any]:
    return set_up(lab)


@pytest.mark.parametrize("row", STORY.rows, ids=lambda row: row["name"])
def test_row(lab: Lab, stage: dict[str, Any], row: dict[str, Any]) -> None:
    STORY.play(lab, row, stage)


def test_reserved_concurrency_of_nothing_throttles_until_it_is_given_up(
    lam: Any, stage: dict[str, Any]
) -> None:
    lam.put_function_concurrency(FunctionName="fn", ReservedConcurrentExecutions=0)
    refused = refusal(lam.invoke, FunctionName="fn")
    assert refused == (429, "TooManyRequestsException", "Rate Exceeded.")
    with pytest.raises(lam.exceptions.TooManyRequestsException) as caught:
        lam.invoke(FunctionName="fn")
    assert caught.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert invoke(lam, "other", {"a": 1}).value == {"a": 1}
    lam.delete_function_concurrency(FunctionName="fn")
    assert invoke(lam, "fn", {"a": 1}).value == {"a": 1}


def test_what_a_deleted_function_reserved_is_free_again(lam: Any, stage: dict[str, Any]) -> None:
    lam.put_function_concurrency(FunctionName="other", ReservedConcurrentExecutions=900)
    assert refusal(
        lam.put_function_concurrency, FunctionName="fn", ReservedConcurrentExecutions=1
    ).message.endswith("[100].")
    lam.delete_function(FunctionName="other")
    lam.put_function_concurrency(FunctionName="fn", ReservedConcurrentExecutions=900)


def test_what_is_provisioned_cannot_be_reserved_by_another_function(
    lam: Any, stage: dict[str, Any]
) -> None:
    put = lam.put_provisioned_concurrency_config
    put(FunctionName="fn", Qualifier="1", ProvisionedConcurrentExecutions=500)
    assert refusal(
        lam.put_function_concurrency, FunctionName="other", ReservedConcurrentExecutions=401
    ).message.endswith("[100].")
    lam.put_function_concurrency(FunctionName="other", ReservedConcurrentExecutions=400)
    # Once a function reserves, what it provisions is part of that: it claims nothing more.
    lam.put_function_concurrency(FunctionName="fn", ReservedConcurrentExecutions=500)
    put(FunctionName="fn", Qualifier="1", ProvisionedConcurrentExecutions=499)


def test_versions_and_aliases_share_what_the_function_reserves(
    lab: Lab, lam: Any, stage: dict[str, Any]
) -> None:
    lam.update_function_configuration(FunctionName="fn", Timeout=5)
    lab.clock.advance(seconds=1)
    lam.publish_version(FunctionName="fn")
    lam.put_function_concurrency(FunctionName="fn", ReservedConcurrentExecutions=5)
    put = lam.put_provisioned_concurrency_config
    put(FunctionName="fn", Qualifier="live", ProvisionedConcurrentExecutions=3)
    refused = refusal(put, FunctionName="fn", Qualifier="2", ProvisionedConcurrentExecutions=3)
    assert refused.message.startswith("Requested Provisioned Concurrency should not be greater")
    put(FunctionName="fn", Qualifier="2", ProvisionedConcurrentExecutions=2)


def test_allocation_takes_its_time_and_keeps_what_it_has(
    lab: Lab, lam: Any, stage: dict[str, Any]
) -> None:
    where = {"FunctionName": "fn", "Qualifier": "1"}

    def state() -> tuple[str, int]:
        shown = lam.get_provisioned_concurrency_config(**where)
        return shown["Status"], shown["AvailableProvisionedConcurrentExecutions"]

    lam.put_provisioned_concurrency_config(**where, ProvisionedConcurrentExecutions=600)
    lab.clock.advance(seconds=60)
    assert state() == ("IN_PROGRESS", 0)
    # At most 2 minutes to the first environment, then 6,000 a minute.
    lab.clock.advance(seconds=67)
    assert state() == ("READY", 600)
    lam.put_provisioned_concurrency_config(**where, ProvisionedConcurrentExecutions=700)
    assert state() == ("IN_PROGRESS", 600)
    lab.clock.advance(seconds=130)
    assert state() == ("READY", 700)


def test_what_is_provisioned_goes_with_its_version(
    lab: Lab, lam: Any, stage: dict[str, Any]
) -> None:
    lam.delete_alias(FunctionName="fn", Name="live")
    lam.put_provisioned_concurrency_config(
        FunctionName="fn", Qualifier="1", ProvisionedConcurrentExecutions=900
    )
    lam.delete_function(FunctionName="fn", Qualifier="1")
    listed = lam.list_provisioned_concurrency_configs(FunctionName="fn")
    assert listed["ProvisionedConcurrencyConfigs"] == []
    lam.put_function_concurrency(FunctionName="other", ReservedConcurrentExecutions=900)


def test_lists_of_what_is_provisioned_come_by_the_page(
    lab: Lab, lam: Any, stage: dict[str, Any]
) -> None:
    for number in ("1", "2", "3"):
        lam.update_function_configuration(FunctionName="fn", Timeout=10 + int(number))
        lab.clock.advance(seconds=1)
        lam.put_provisioned_concurrency_config(
            FunctionName="fn", Qualifier=number, ProvisionedConcurrentExecutions=1
        )
        lam.publish_version(FunctionName="fn")
    pages = lam.get_paginator("list_provisioned_concurrency_configs").paginate(
        FunctionName="fn", PaginationConfig={"PageSize": 2}
    )
    listed = [
        [one["FunctionArn"] for one in page["ProvisionedConcurrencyConfigs"]] for page in pages
    ]
    assert listed == [[f"{stage['fn']}:1", f"{stage['fn']}:2"], [f"{stage['fn']}:3"]]
