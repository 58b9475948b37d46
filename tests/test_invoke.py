"""Invocations: their types, what goes in and comes out, what is refused."""

from __future__ import annotations

import base64
import contextlib
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdalab import Lab
from tests.engine import (
    ARRIVE,
    RUNTIME,
    SIGNED_FOR_LAMBDA,
    Gate,
    Reply,
    invoke,
    port_of,
    refusal,
    request,
    wait_until,
)

MakeFunction = Callable[..., str]

SIX_MB = 6_291_456
ONE_MB = 1_048_576
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def raw(lab: Lab, name: str, body: bytes = b"", **headers: str) -> Reply:
    """Invoke over the wire."""
    path = f"/2015-03-31/functions/{name}/invocations"
    return request(port_of(lab), "POST", path, body, Authorization=SIGNED_FOR_LAMBDA, **headers)


def kinds(lab: Lab) -> list[str]:
    return [record.kind for record in lab.timeline]


# ---- what goes in and comes out

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)  # fmt: skip


@pytest.fixture
def echo(shared_lab: Lab) -> tuple[Any, str]:
    """A client and a function that returns its event; it stays from test to test."""
    lam = shared_lab.client("lambda")
    code = "def handler(event, context):\n    return event\n"
    with contextlib.suppress(lam.exceptions.ResourceConflictException):
        lam.create_function(
            FunctionName="echo", Runtime=RUNTIME, Role=shared_lab.role(),
            Handler="app.handler", Code={"ZipFile": shared_lab.zip({"app.py": code})},
            MemorySize=1024, Timeout=30,
        )  # fmt: skip
        shared_lab.clock.advance(seconds=1)
    return lam, "echo"


@given(event=json_values)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_every_json_value_goes_through_unchanged(event: Any, echo: tuple[Any, str]) -> None:
    assert invoke(*echo, json.dumps(event).encode()).value == event


@pytest.mark.parametrize("payload", [b"", b"  \n"])
def test_no_event_is_an_empty_object(payload: bytes, echo: tuple[Any, str]) -> None:
    assert invoke(*echo, payload).payload == b"{}"


def test_six_megabytes_go_in_and_a_byte_more_does_not(echo: tuple[Any, str]) -> None:
    lam, name = echo
    largest = b'"' + b"x" * (SIX_MB - 2) + b'"'
    assert invoke(lam, name, largest).payload == largest
    assert refusal(lam.invoke, FunctionName=name, Payload=largest + b" ") == (
        413,
        "RequestEntityTooLargeException",
        f"{SIX_MB + 1} byte payload is too large for the RequestResponse invocation type "
        "(limit 6291456 bytes)",
    )


def test_an_event_left_behind_has_one_megabyte(echo: tuple[Any, str]) -> None:
    lam, name = echo
    largest = b'"' + b"x" * (ONE_MB - 2) + b'"'
    asked = {"FunctionName": name, "InvocationType": "Event"}
    assert lam.invoke(**asked, Payload=largest)["StatusCode"] == 202
    assert refusal(lam.invoke, **asked, Payload=largest + b" ") == (
        413,
        "RequestEntityTooLargeException",
        f"{ONE_MB + 1} byte payload is too large for the Event invocation type "
        "(limit 1048576 bytes)",
    )


def not_json(reason: str, line: int, column: int) -> str:
    source = "`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled"
    return (
        f"Could not parse request body into json: Could not parse payload into json: {reason}\n"
        f" at [Source: REDACTED ({source}); line: {line}, column: {column}]"
    )


def unexpected(character: str) -> str:
    values = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
    return f"Unexpected character ({character}): expected a valid value {values}"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"\x99", not_json(unexpected("(CTRL-CHAR, code 153)"), 1, 1)),  # recorded
        (b'{"a": @}', not_json(unexpected("'@' (code 64)"), 1, 7)),
        (b'{"a":\n\n  @}', not_json(unexpected("'@' (code 64)"), 3, 3)),
        ('{"é漢": @}'.encode(), not_json(unexpected("'@' (code 64)"), 1, 11)),  # columns are bytes
    ],
)
def test_an_event_that_is_not_json_is_refused_in_the_parsers_words(
    body: bytes, text: str, echo: tuple[Any, str]
) -> None:
    lam, name = echo
    found = refusal(lam.invoke, FunctionName=name, Payload=body)
    assert found == (400, "InvalidRequestContentException", text)


@pytest.mark.parametrize("body", [b"hello", b"[" * 100_000, b"NaN", b"[1,]", b"{'a': 1}"])
def test_whatever_is_not_json_has_an_error_with_a_name(body: bytes, echo: tuple[Any, str]) -> None:
    lam, name = echo
    found = refusal(lam.invoke, FunctionName=name, Payload=body)
    assert found[:2] == (400, "InvalidRequestContentException")
    assert found.message.startswith("Could not parse request body into json: ")


# ---- the three types


def test_an_answer_carries_version_request_id_and_nothing_of_an_error(
    lab: Lab, make_function: MakeFunction
) -> None:
    name = make_function("def handler(event, context):\n    return context.aws_request_id\n")
    reply = raw(lab, name, b"{}")
    assert reply.status == 200
    assert reply.headers["x-amz-executed-version"] == "$LATEST"
    assert re.fullmatch(UUID, reply.json)
    assert reply.headers["x-amzn-requestid"] == reply.json
    assert not {"x-amz-function-error", "x-amz-log-result"} & set(reply.headers)


def test_a_function_error_is_an_answer_of_status_200(lab: Lab, make_function: MakeFunction) -> None:
    reply = raw(lab, make_function("def handler(event, context):\n    raise ValueError('no')\n"))
    assert reply.status == 200
    assert reply.headers["x-amz-function-error"] == "Unhandled"
    assert reply.headers["x-amz-executed-version"] == "$LATEST"
    assert (reply.json["errorType"], reply.json["errorMessage"]) == ("ValueError", "no")


def test_the_log_is_sent_on_request_and_only_its_last_four_kilobytes(
    lab: Lab, make_function: MakeFunction
) -> None:
    name = make_function(
        "def handler(event, context):\n"
        "    for number in range(event['lines']):\n        print('é' * 8, number)\n"
    )
    reply = raw(lab, name, b'{"lines": 3}', X_Amz_Log_Type="Tail")
    lines = base64.b64decode(reply.headers["x-amz-log-result"]).decode().splitlines()
    assert lines[2:5] == [f"{'é' * 8} {number}" for number in range(3)]
    reply = raw(lab, name, b'{"lines": 500}', X_Amz_Log_Type="Tail")
    tail = base64.b64decode(reply.headers["x-amz-log-result"])
    assert len(tail) == 4096
    last = tail.decode(errors="replace").splitlines()
    assert last[-3].endswith(" 499")
    assert last[-1].startswith("REPORT RequestId: ")


LEAVES_A_TRACE = (
    ARRIVE
    + """
import time
def handler(event, context):
    arrive(event["gate"], context.aws_request_id)
    time.sleep(event.get("pause", 0))
"""
)


def test_an_event_is_left_behind_and_handled_once(
    lab: Lab, lam: Any, make_function: MakeFunction, gate: Gate
) -> None:
    name, event = make_function(LEAVES_A_TRACE), {"gate": gate.port}
    gate.open()
    reply = raw(lab, name, json.dumps(event).encode(), X_Amz_Invocation_Type="Event")
    assert (reply.status, reply.body) == (202, b"")
    assert "x-amz-executed-version" not in reply.headers
    wait_until(lambda: "invoke" in kinds(lab))
    # A second delivery would come while this one takes its time.
    last = invoke(lam, name, event | {"pause": 0.3})
    assert gate.arrived == [reply.headers["x-amzn-requestid"], last.request_id]
    accepted = next(record for record in lab.timeline if record.kind == "accepted")
    assert accepted.request_id == reply.headers["x-amzn-requestid"]
    assert kinds(lab).count("invoke") == 2


def test_a_dry_run_runs_nothing_and_judges_as_a_true_one(
    lab: Lab, lam: Any, make_function: MakeFunction, gate: Gate
) -> None:
    name, event = make_function(LEAVES_A_TRACE), json.dumps({"gate": gate.port}).encode()
    reply = raw(lab, name, event, X_Amz_Invocation_Type="DryRun")
    assert (reply.status, reply.body) == (204, b"")
    assert "x-amz-executed-version" not in reply.headers
    for body in (b"{", b"\x99"):
        asked = {"FunctionName": name, "InvocationType": "DryRun", "Payload": body}
        assert refusal(lam.invoke, **asked).code == "InvalidRequestContentException"
    assert {"init", "invoke", "accepted"} & set(kinds(lab)) == set()
    assert gate.arrived == []


# ---- what the handler is told

CONTEXT = """
import os
def handler(event, context):
    client, identity = context.client_context, context.identity
    names = ["aws_request_id", "log_group_name", "log_stream_name", "function_name",
             "memory_limit_in_mb", "function_version", "invoked_function_arn"]
    return {name: getattr(context, name) for name in names} | {
        "trace": os.environ["_X_AMZN_TRACE_ID"],
        "remaining": context.get_remaining_time_in_millis(),
        "client": client and [client.custom, client.env, client.client.app_title],
        "identity": [identity.cognito_identity_id, identity.cognito_identity_pool_id],
    }
"""


def test_the_context_tells_who_where_and_how_long(lam: Any, make_function: MakeFunction) -> None:
    name = make_function(CONTEXT, MemorySize=256, Timeout=7)
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    answer = invoke(lam, name)
    found = answer.value
    assert found["aws_request_id"] == answer.request_id
    assert found["log_group_name"] == f"/aws/lambda/{name}"
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", found["log_stream_name"])
    assert (found["function_name"], found["function_version"]) == (name, "$LATEST")
    assert found["memory_limit_in_mb"] == "256"
    assert found["invoked_function_arn"] == arn
    assert 4000 < found["remaining"] <= 7000
    assert (found["client"], found["identity"]) == (None, [None, None])
    assert invoke(lam, name, Qualifier="$LATEST").value["invoked_function_arn"] == f"{arn}:$LATEST"


def test_each_invocation_has_its_own_trace_and_a_callers_trace_is_kept(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(CONTEXT)
    form = r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01](;Lineage=.*)?"
    traces = [invoke(lam, name).value["trace"] for _ in range(2)]
    assert all(re.fullmatch(form, trace) for trace in traces)
    assert traces[0] != traces[1]
    given = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    assert raw(lab, name, X_Amzn_Trace_Id=given).json["trace"].startswith(f"{given};Lineage=1:")


@pytest.mark.parametrize(
    "document",
    [
        '{"custom": {"a": "b"}, "env": {"x": "é漢"}, "client": {"app_title": "app"}}',
        '{\n  "custom": {"a": "b"},\r\n  "env": {"x": "é漢"}, "client": {"app_title": "app"}\n}',
    ],
)
def test_a_client_context_arrives_however_it_is_written(
    document: str, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(CONTEXT)
    context = base64.b64encode(document.encode()).decode()
    found = invoke(lam, name, ClientContext=context).value
    assert found["client"] == [{"a": "b"}, {"x": "é漢"}, "app"]


@pytest.mark.parametrize("context", ["***", base64.b64encode(b"hello").decode(), "/w=="])
def test_a_client_context_that_is_no_json_in_base64_is_refused(
    context: str, echo: tuple[Any, str]
) -> None:
    lam, name = echo
    assert refusal(lam.invoke, FunctionName=name, ClientContext=context) == (
        400,
        "InvalidRequestContentException",
        "Client context must be a valid Base64-encoded JSON.",
    )


def test_a_tenant_is_refused_where_a_function_has_none(echo: tuple[Any, str]) -> None:
    lam, name = echo
    found = refusal(lam.invoke, FunctionName=name, TenantId="blue")
    assert found[:2] == (400, "InvalidParameterValueException")


# ---- several at once


def test_invocations_at_once_take_an_environment_each_and_get_their_own_answers(
    lam: Any, make_function: MakeFunction, lab: Lab, gate: Gate
) -> None:
    name = make_function(
        ARRIVE + "def handler(event, context):\n    arrive(event['gate'])\n"
        "    return [event['number'], context.log_stream_name]\n",
        Timeout=30,
    )
    events = [{"number": n, "gate": gate.port} for n in range(5)]
    with ThreadPoolExecutor(5) as pool:
        running = [pool.submit(invoke, lam, name, event) for event in events]
        gate.wait_for(5)
        gate.open()
        found = [answer.result().value for answer in running]
    assert [number for number, _ in found] == [0, 1, 2, 3, 4]
    streams = {stream for _, stream in found}
    assert len(streams) == 5
    assert invoke(lam, name, events[0]).value[1] in streams
    assert len({record.environment for record in lab.timeline if record.kind == "init"}) == 5


def test_nobody_is_left_waiting_when_the_lab_is_emptied(
    lab: Lab, lam: Any, make_function: MakeFunction, gate: Gate
) -> None:
    name = make_function(ARRIVE + "def handler(gate, context):\n    arrive(gate)\n", Timeout=100)
    with ThreadPoolExecutor() as pool:
        running = pool.submit(invoke, lam, name, gate.port)
        gate.wait_for(1)
        lab.reset()
        answer = running.result(timeout=15)
    assert answer.error == "Unhandled"
    assert answer.value["errorType"] == "Runtime.ExitError"
    assert answer.value["errorMessage"].endswith(" Runtime exited with error: signal: killed")
    assert len(lab.timeline) == 0
