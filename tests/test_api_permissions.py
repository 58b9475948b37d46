"""Permissions: rows of recorded answers, and what belongs to more than one call."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lambdalab import Lab
from tests.api_rows import Rows, filled, same, send
from tests.engine import refusal
from tests.governance import ARN, check_row, seen, world

MakeFunction = Callable[..., str]

ROWS = Rows("permissions")
DOCUMENT = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "put",
                "Effect": "Deny",
                "Principal": {"AWS": ["arn:aws:iam::111111111111:root"]},
                "Action": ["lambda:InvokeFunction", "lambda:GetFunction"],
                "Resource": ARN,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    },
    separators=(",", ":"),
)


def statement(**members: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunction", "Resource": ARN,
    } | members  # fmt: skip


def add(lam: Any, sid: str, **members: Any) -> Any:
    given = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    return lam.add_permission(FunctionName="fn", StatementId=sid, **(given | members))


@pytest.mark.parametrize("row", ROWS.rows, ids=lambda row: row["name"])
def test_a_row(lab: Lab, lam: Any, make_function: MakeFunction, row: dict[str, Any]) -> None:
    known = world(lam, make_function)
    known["user"] = lab.client("iam").create_user(UserName="someone")["User"]["Arn"]
    known |= {"document": DOCUMENT, "long": "b" * 8000}
    check_row(lam, ROWS, row, known)


def test_a_policy_that_changes_is_a_new_revision_of_what_it_is_attached_to_and_of_nothing_else(
    lam: Any, make_function: MakeFunction
) -> None:
    world(lam, make_function)

    def revisions() -> tuple[str, ...]:
        return (
            lam.get_function_configuration(FunctionName="fn")["RevisionId"],
            lam.get_function_configuration(FunctionName="fn", Qualifier="1")["RevisionId"],
            lam.get_alias(FunctionName="fn", Name="live")["RevisionId"],
        )

    places: tuple[dict[str, str], ...] = ({}, {"Qualifier": "1"}, {"Qualifier": "live"})
    for place, where in enumerate(places):
        before = revisions()
        add(lam, "s3", **where)
        after = revisions()
        assert [old != new for old, new in zip(before, after, strict=True)] == [
            number == place for number in range(3)
        ]
        assert lam.get_policy(FunctionName="fn", **where)["RevisionId"] == after[place]
        lam.remove_permission(FunctionName="fn", StatementId="s3", **where)
        assert revisions()[place] != after[place]


def test_the_policy_of_the_function_has_its_newest_revision_whatever_changed_it(
    lam: Any, make_function: MakeFunction
) -> None:
    make_function(FunctionName="fn")
    add(lam, "s3")
    first = lam.get_policy(FunctionName="fn")["RevisionId"]
    lam.publish_version(FunctionName="fn")
    now = lam.get_function_configuration(FunctionName="fn")["RevisionId"]
    assert lam.get_policy(FunctionName="fn")["RevisionId"] == now != first


def test_an_alias_made_again_does_not_have_the_policy_of_the_old_one(
    lam: Any, make_function: MakeFunction
) -> None:
    world(lam, make_function)
    add(lam, "s3", Qualifier="live")
    lam.delete_alias(FunctionName="fn", Name="live")
    lam.create_alias(FunctionName="fn", Name="live", FunctionVersion="1")
    assert refusal(lam.get_policy, FunctionName="fn", Qualifier="live").status == 404


def test_a_function_made_again_has_no_policy(lam: Any, make_function: MakeFunction) -> None:
    make_function(FunctionName="fn")
    add(lam, "s3")
    lam.delete_function(FunctionName="fn")
    make_function(FunctionName="fn")
    assert refusal(lam.get_policy, FunctionName="fn").status == 404


def test_statements_are_added_to_and_removed_from_a_document_that_was_put(
    lam: Any, make_function: MakeFunction
) -> None:
    make_function(FunctionName="fn")
    lam.put_resource_policy(ResourceArn=ARN, Policy=DOCUMENT)
    add(lam, "s3")
    assert refusal(add, lam=lam, sid="put").status == 409
    lam.remove_permission(FunctionName="fn", StatementId="put")
    policy = json.loads(lam.get_resource_policy(ResourceArn=ARN)["Policy"])
    assert [one["Sid"] for one in policy["Statement"]] == ["s3"]


@pytest.mark.parametrize(
    "document",
    [
        [], "text", {}, {"Statement": []}, {"Statement": ["x"]}, {"Version": "2020-01-01"},
        {"Statement": [statement()], "Extra": 1}, {"Statement": [statement(Effect="Maybe")]},
        {"Statement": [statement(Extra=1)]}, {"Statement": [statement(Action=[])]},
        {"Statement": [statement(Action=7)]}, {"Statement": [statement(Principal={})]},
        {"Statement": [statement(NotAction="lambda:*")]}, {"Statement": [statement(Sid=7)]},
        {"Statement": [statement(Resource="*")]}, {"Statement": [statement(Condition=[])]},
        {"Statement": [statement(Condition={"Bool": {"a": {"b": 1}}})]},
        {"Statement": [statement(Sid="a"), statement(Sid="a")]}, {"Id": 7},
        {"Statement": [statement(Sid="\ud800")]},
    ],
    ids=lambda document: json.dumps(document)[:60],
)  # fmt: skip
def test_a_document_that_nobody_could_evaluate_is_refused_and_changes_nothing(
    lam: Any, make_function: MakeFunction, document: Any
) -> None:
    make_function(FunctionName="fn")
    add(lam, "s3")
    before = seen(lam)
    found = refusal(lam.put_resource_policy, ResourceArn=ARN, Policy=json.dumps(document))
    assert found[:2] == (400, "InvalidParameterValueException")
    assert found.message.startswith("The provided policy document is invalid: ")
    assert seen(lam) == before


@pytest.mark.parametrize("text", ["[" * 20_000, "{" * 9_000, '{"a":' * 4_000])
def test_a_document_of_endless_depth_is_refused(
    lam: Any, make_function: MakeFunction, text: str
) -> None:
    make_function(FunctionName="fn")
    assert refusal(lam.put_resource_policy, ResourceArn=ARN, Policy=text).status == 400


def test_a_document_that_grows_by_what_is_added_is_held_to_the_limit(
    lam: Any, make_function: MakeFunction
) -> None:
    make_function(FunctionName="fn")
    text = json.dumps({"Statement": statement(Sid="long", Condition={"X": {"k": "b" * 20_000}})})
    lam.put_resource_policy(ResourceArn=ARN, Policy=text)
    before = seen(lam)
    found = refusal(add, lam=lam, sid="s3", SourceArn="arn:aws:s3:::" + "b" * 300)
    assert found.code == "PolicyLengthExceededException"
    assert seen(lam) == before


def test_policies_of_runtimes_are_refused_by_name(lam: Any) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:runtime/mine"
    found = refusal(lam.get_resource_policy, ResourceArn=arn)
    assert found.code == "NotImplementedException"
    assert "customer-managed runtimes" in found.message


def test_a_role_of_the_account_must_exist_and_one_of_another_account_need_not(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    make_function(FunctionName="fn")
    own = "arn:aws:iam::123456789012:role/nobody"
    assert refusal(add, lam=lam, sid="own", Principal=own).status == 400
    for number, principal in enumerate((
        lab.role("somebody"),
        "arn:aws:iam::111111111111:role/nobody",
        "arn:aws:sts::123456789012:assumed-role/nobody/session",
        "alexa-appkit.amazon.com",
        "logs.us-east-1.amazonaws.com",
    )):  # fmt: skip
        add(lam, f"s{number}", Principal=principal)
    shown = json.loads(lam.get_policy(FunctionName="fn")["Policy"])["Statement"]
    assert [next(iter(one["Principal"])) for one in shown] == ["AWS"] * 3 + ["Service"] * 2


def test_the_comparison_of_the_rows_sees_what_is_missing_and_what_is_too_much() -> None:
    assert same({"a": "*", "b": "@null"}, {"a": 1, "b": None})
    assert not same({"a": "*"}, {"a": 1, "b": 2})
    assert not same({"a": "*", "b": "*"}, {"a": 1})
    assert not same({"a": 1}, {"a": True})
    assert filled("@a*3", {}) == "aaa"
    assert send  # what the rows are sent with
