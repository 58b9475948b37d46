"""Function URLs: what is answered, and what comes of it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lambdalab import Lab, start
from tests.stage import Story, set_up

STORY = Story("urls")
URL = re.compile(r"https://[a-z0-9]{32}\.lambda-url\.us-east-1\.on\.aws/")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.fixture
def stage(lab: Lab) -> dict[str, Any]:
    return set_up(lab)


@pytest.mark.parametrize("row", STORY.rows, ids=lambda row: row["name"])
def test_row(lab: Lab, stage: dict[str, Any], row: dict[str, Any]) -> None:
    STORY.play(lab, row, stage)


def test_an_address_never_changes_while_it_lasts(lab: Lab, lam: Any, stage: dict[str, Any]) -> None:
    created = lam.create_function_url_config(FunctionName="fn", AuthType="NONE")
    assert URL.fullmatch(created["FunctionUrl"])
    assert TIME.fullmatch(created["CreationTime"])
    lab.clock.advance(minutes=1)
    updated = lam.update_function_url_config(FunctionName="fn", AuthType="AWS_IAM")
    assert updated["FunctionUrl"] == created["FunctionUrl"]
    assert updated["CreationTime"] == created["CreationTime"] < updated["LastModifiedTime"]
    lam.delete_function_url_config(FunctionName="fn")
    again = lam.create_function_url_config(FunctionName="fn", AuthType="NONE")
    assert again["FunctionUrl"] != created["FunctionUrl"]


def test_an_address_comes_from_the_seed(lab: Lab, lam: Any, stage: dict[str, Any]) -> None:
    here = lam.create_function_url_config(FunctionName="fn", AuthType="NONE")["FunctionUrl"]
    lab.reset()
    set_up(lab)
    assert (
        lam.create_function_url_config(FunctionName="other", AuthType="NONE")["FunctionUrl"] == here
    )
    with start(export=False, seed=7) as elsewhere:
        set_up(elsewhere)
        there = elsewhere.client("lambda").create_function_url_config(
            FunctionName="fn", AuthType="NONE"
        )
    assert there["FunctionUrl"] != here


def test_lists_of_addresses_come_by_the_page(lam: Any, stage: dict[str, Any]) -> None:
    lam.create_alias(FunctionName="fn", Name="blue", FunctionVersion="1")
    lam.create_function_url_config(FunctionName="fn", AuthType="NONE")
    for alias in ("blue", "live"):
        lam.create_function_url_config(FunctionName="fn", Qualifier=alias, AuthType="NONE")
    pages = lam.get_paginator("list_function_url_configs").paginate(
        FunctionName="fn", PaginationConfig={"PageSize": 2}
    )
    listed = [[one["FunctionArn"] for one in page["FunctionUrlConfigs"]] for page in pages]
    assert listed == [[stage["fn"], f"{stage['fn']}:blue"], [f"{stage['fn']}:live"]]


def test_a_url_goes_with_its_function(lam: Any, stage: dict[str, Any], lab: Lab) -> None:
    lam.create_function_url_config(FunctionName="fn", AuthType="NONE")
    lam.delete_function(FunctionName="fn")
    set_up_again = {
        "FunctionName": "fn",
        "Runtime": "python3.13",
        "Handler": "a.b",
        "Role": lab.role(),
        "Code": {"ZipFile": lab.zip({"a.py": "b = 1"})},
    }
    lam.create_function(**set_up_again)
    assert lam.list_function_url_configs(FunctionName="fn")["FunctionUrlConfigs"] == []
