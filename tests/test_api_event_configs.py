"""The configuration of asynchronous invocations: what is answered, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import SIGNED_FOR_LAMBDA, port_of, refusal, request
from tests.stage import Story, set_up

STORY = Story("event_configs")


@pytest.fixture
def stage(lab: Lab) -> dict[str, Any]:
    return set_up(lab)


@pytest.mark.parametrize("row", STORY.rows, ids=lambda row: row["name"])
def test_row(lab: Lab, stage: dict[str, Any], row: dict[str, Any]) -> None:
    STORY.play(lab, row, stage)


def test_the_time_of_the_last_change_is_a_number_on_the_labs_clock(
    lab: Lab, lam: Any, stage: dict[str, Any]
) -> None:
    lam.put_function_event_invoke_config(FunctionName="fn", MaximumRetryAttempts=1)
    path = "/2019-09-25/functions/fn/event-invoke-config"
    before = request(port_of(lab), "GET", path, Authorization=SIGNED_FOR_LAMBDA).json
    assert isinstance(before["LastModified"], float)
    lab.clock.advance(hours=1)
    lam.update_function_event_invoke_config(FunctionName="fn", MaximumRetryAttempts=0)
    after = request(port_of(lab), "GET", path, Authorization=SIGNED_FOR_LAMBDA).json
    assert 3600 <= after["LastModified"] - before["LastModified"] < 3660


def test_a_destination_may_name_a_version_that_exists(lam: Any, stage: dict[str, Any]) -> None:
    def put(arn: str) -> Any:
        return lam.put_function_event_invoke_config(
            FunctionName="other", DestinationConfig={"OnFailure": {"Destination": arn}}
        )

    for qualifier in ("1", "live", "$LATEST"):
        put(f"{stage['fn']}:{qualifier}")
    for arn in (f"{stage['fn']}:2", stage["fn"].replace("us-east-1", "us-west-2")):
        with pytest.raises(lam.exceptions.InvalidParameterValueException, match="is invalid"):
            put(arn)


def test_lists_of_configs_come_by_the_page(lam: Any, stage: dict[str, Any]) -> None:
    for qualifier in ("$LATEST", "1", "live"):
        lam.put_function_event_invoke_config(
            FunctionName="fn", Qualifier=qualifier, MaximumRetryAttempts=0
        )
    first = lam.list_function_event_invoke_configs(FunctionName="fn", MaxItems=1)
    lam.delete_function_event_invoke_config(FunctionName="fn", Qualifier="1")
    rest = lam.list_function_event_invoke_configs(FunctionName="fn", Marker=first["NextMarker"])
    shown = [
        config["FunctionArn"].rpartition(":")[2]
        for page in (first, rest)
        for config in page["FunctionEventInvokeConfigs"]
    ]
    assert shown == ["$LATEST", "live"]
    assert "NextMarker" not in rest
    assert (
        refusal(lam.list_function_event_invoke_configs, FunctionName="fn", Marker="nonsense").code
        == "InvalidParameterValueException"
    )


def test_a_config_goes_with_its_version_and_its_function(
    lab: Lab, lam: Any, stage: dict[str, Any]
) -> None:
    lam.delete_alias(FunctionName="fn", Name="live")
    for qualifier in ("$LATEST", "1"):
        lam.put_function_event_invoke_config(
            FunctionName="fn", Qualifier=qualifier, MaximumRetryAttempts=0
        )
    lam.delete_function(FunctionName="fn", Qualifier="1")
    listed = lam.list_function_event_invoke_configs(FunctionName="fn")
    assert [one["FunctionArn"] for one in listed["FunctionEventInvokeConfigs"]] == [
        f"{stage['fn']}:$LATEST"
    ]
    lam.delete_function(FunctionName="fn")
    assert refusal(lam.get_function_event_invoke_config, FunctionName="fn").status == 404
