"""The trace header: the caller's goes on to the function, and what it lacks is added."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
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


# ---- functions that are traced


def traced(lab: Lab, lam: Any, make_function: MakeFunction) -> str:
    """A function that Lambda traces, which has not run yet in this second of the lab's clock."""
    name = make_function(CODE, TracingConfig={"Mode": "Active"})
    lab.clock.advance(seconds=2)
    return name


def documents(lab: Lab, header: str) -> list[dict[str, Any]]:
    """The segments of the trace that a header names."""
    trace = header.split(";")[0].removeprefix("Root=")
    found = lab.client("xray").batch_get_traces(TraceIds=[trace])["Traces"]
    return [json.loads(one["Document"]) for each in found for one in each["Segments"]]


def test_a_traced_function_has_a_segment_of_the_service_and_one_of_its_own(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = traced(lab, lam, make_function)
    header = invoke(lam, name).value
    assert "Sampled=1" in header
    service, function = documents(lab, header)
    assert [service["origin"], function["origin"]] == ["AWS::Lambda", "AWS::Lambda::Function"]
    assert function["parent_id"] == service["id"]
    assert f"Parent={function['id']}" in header
    phases = [phase["name"] for phase in function["subsegments"]]
    assert phases == ["Initialization", "Invocation"]
    assert service["start_time"] <= function["start_time"] <= function["end_time"]
    xray = lab.client("xray")
    (trace,) = xray.batch_get_traces(TraceIds=[service["trace_id"]])["Traces"]
    now = lab.clock.now()
    listed = xray.get_trace_summaries(
        StartTime=now - timedelta(minutes=1), EndTime=now + timedelta(minutes=1)
    )["TraceSummaries"]
    (summary,) = [one for one in listed if one["Id"] == service["trace_id"]]
    lasted = round(service["end_time"] - service["start_time"], 3)
    assert summary["Duration"] == summary["ResponseTime"] == trace["Duration"] == lasted
    assert summary["Http"] == {"HttpStatus": 200}
    assert [one["Type"] for one in summary["ServiceIds"]] == [
        "AWS::Lambda", "AWS::Lambda::Function",
    ]  # fmt: skip
    (line,) = [line for line in lab.tail(name).lines if line.startswith("XRAY")]
    assert f"SegmentId: {function['id']}\tSampled: true" in line


def test_one_request_of_a_second_is_sampled_and_few_of_the_others(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = traced(lab, lam, make_function)
    sampled = ["Sampled=1" in invoke(lam, name).value for _ in range(40)]
    assert sampled[0]
    assert sum(sampled) < 20
    lab.clock.advance(seconds=2)
    assert "Sampled=1" in invoke(lam, name).value


def test_the_callers_decision_counts(lab: Lab, lam: Any, make_function: MakeFunction) -> None:
    name = traced(lab, lam, make_function)
    path = f"/2015-03-31/functions/{name}/invocations"
    for mark in ("0", "1", "1"):
        given = f"{ROOT};{PARENT};Sampled={mark}"
        headers = {"Authorization": SIGNED_FOR_LAMBDA, "X_Amzn_Trace_Id": given}
        header = request(port_of(lab), "POST", path, b"{}", **headers).json
        assert f"Sampled={mark}" in header
    found = documents(lab, header)
    assert [one.get("parent_id") for one in found].count(PARENT.removeprefix("Parent=")) == 2
    assert len(found) == 4


def test_a_failure_is_a_fault_of_its_segments(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    code = f"{CODE.rstrip()[:-1]}] and event['no']\n"
    name = make_function(code, TracingConfig={"Mode": "Active"})
    invoke(lam, name)
    (line,) = [line for line in lab.tail(name).lines if line.startswith("XRAY")]
    found = documents(lab, f"Root={line.split()[2]}")
    assert [one.get("fault") for one in found] == [True, True]


def test_a_function_that_is_not_traced_tells_xray_nothing(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    header = invoke(lam, make_function(CODE)).value
    assert documents(lab, header) == []
