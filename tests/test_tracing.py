"""The trace header: the caller's goes on to the function, and what it lacks is added."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import SIGNED_FOR_LAMBDA, invoke, port_of, request

MakeFunction = Callable[..., str]

CODE = """
import os
def handler(event, context):
    return os.environ["_X_AMZN_TRACE_ID"]
"""
ROOT = "Root=1-5759e988-bd862e3fe1be46a994272793"
PARENT = "Parent=53995c3f42cd8ad8"
NEW_ROOT, NEW_PARENT = r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", r"Parent=[0-9a-f]{16}"
LINEAGE = r"Lineage=1:[0-9a-f]{8}:0"


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("", f"{NEW_ROOT};{NEW_PARENT};Sampled=0;{LINEAGE}"),
        (f"{ROOT};{PARENT};Sampled=1", f"{ROOT};{PARENT};Sampled=1;{LINEAGE}"),
        (f"{ROOT};{PARENT};Sampled=0", f"{ROOT};{PARENT};Sampled=0;{LINEAGE}"),
        (f"Sampled=1; {PARENT}; {ROOT}", f"{ROOT};{PARENT};Sampled=1;{LINEAGE}"),
        (f"{ROOT};{PARENT}", f"{ROOT};{PARENT};Sampled=0;{LINEAGE}"),
        (f"{ROOT};Sampled=1", f"{ROOT};{NEW_PARENT};Sampled=1;{LINEAGE}"),
        (f"Self=1-1-1;{ROOT};{PARENT}", f"{ROOT};{PARENT};Sampled=0;{LINEAGE}"),
        (
            f"{ROOT};{PARENT};Sampled=1;Lineage=1:01234567:3",
            rf"{ROOT};{PARENT};Sampled=1;Lineage=1:01234567:3\|1:[0-9a-f]{{8}}:0",
        ),
        ("Root=other;Parent=other", f"{NEW_ROOT};{NEW_PARENT};Sampled=0;{LINEAGE}"),
        ("no header; at = all", f"{NEW_ROOT};{NEW_PARENT};Sampled=0;{LINEAGE}"),
    ],
)
def test_a_function_sees_the_trace_of_its_caller(
    given: str, seen: str, lab: Lab, make_function: MakeFunction
) -> None:
    path = f"/2015-03-31/functions/{make_function(CODE)}/invocations"
    reply = request(
        port_of(lab), "POST", path, b"{}", Authorization=SIGNED_FOR_LAMBDA, X_Amzn_Trace_Id=given
    )
    assert re.fullmatch(seen, reply.json), reply.json


def test_each_invocation_has_a_trace_of_its_own(lam: Any, make_function: MakeFunction) -> None:
    name = make_function(CODE)
    assert len({invoke(lam, name).value for _ in range(3)}) == 3
