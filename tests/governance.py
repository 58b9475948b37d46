"""The world that rows about what surrounds functions live in, and how one is checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.api_rows import Answer, Rows, filled, same, send

ARN = "arn:aws:lambda:us-east-1:123456789012:function:fn"
# What the member with the text is called, as recorded for each code; all have "Type": "User".
TEXT_MEMBERS = {
    "InvalidParameterValueException": "message",
    "ResourceConflictException": "message",
    "PreconditionFailedException": "message",
    "PolicyLengthExceededException": "message",
    "ResourceNotFoundException": "Message",
    "CodeSigningConfigNotFoundException": "Message",
    "CodeVerificationFailedException": "Message",
    "NotImplementedException": "Message",
}
SHOWN = (
    ("get_function", {"FunctionName": "fn"}),
    ("get_policy", {"FunctionName": "fn"}),
    ("get_policy", {"FunctionName": "fn", "Qualifier": "1"}),
    ("get_policy", {"FunctionName": "fn", "Qualifier": "live"}),
    ("get_resource_policy", {"ResourceArn": ARN}),
    ("get_runtime_management_config", {"FunctionName": "fn"}),
    ("get_function_recursion_config", {"FunctionName": "fn"}),
    ("get_function_code_signing_config", {"FunctionName": "fn"}),
    ("list_functions", {}),
    ("list_versions_by_function", {"FunctionName": "fn"}),
    ("list_aliases", {"FunctionName": "fn"}),
    ("list_tags", {"Resource": ARN}),
    ("list_code_signing_configs", {}),
    ("get_account_settings", {}),
)


def world(lam: Any, make_function: Callable[..., str]) -> dict[str, Any]:
    """The function ``fn`` with version 1 and the alias ``live``; gives its ARN as a kept value."""
    make_function(FunctionName="fn", Runtime="python3.13")
    lam.publish_version(FunctionName="fn")
    lam.create_alias(FunctionName="fn", Name="live", FunctionVersion="1")
    return {"fn": ARN}


def seen(lam: Any) -> list[Answer]:
    """All that can be seen of the world."""
    return [send(lam, operation, given) for operation, given in SHOWN]


def check_row(lam: Any, rows: Rows, row: dict[str, Any], known: dict[str, Any]) -> None:
    """Send a row's call and compare; a refused one must leave the world as it was."""
    assert "source" in row or rows.source
    kept = rows.prepare(lam, row, known)
    before = seen(lam) if "code" in row else []
    answer = send(lam, row["operation"], filled(row.get("given", {}), kept))
    assert (answer.status, answer.code) == (row["status"], row.get("code", "")), answer
    wanted = filled(row.get("body"), kept)
    if "text" in row:
        text = filled(row["text"], kept)
        assert answer.text == text
        if wanted is None and answer.code == "ValidationException":
            wanted = {"message": text}
        elif wanted is None:
            wanted = {"Type": "User", TEXT_MEMBERS[answer.code]: text}
    assert same(wanted, answer.body), answer.body
    if "code" in row:
        assert seen(lam) == before
