"""Extensions in layers: INIT, INVOKE and SHUTDOWN as functions, callers and logs see them."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import invoke, running, state_of, wait_until

MakeFunction = Callable[..., str]
Watched = Callable[..., str]

LIBRARY = Path(__file__).parent / "extensions"
ROWS = tomllib.loads((Path(__file__).parent / "rows" / "extensions.toml").read_text("utf-8"))["row"]
READY = "State: Ready\tEvents: [INVOKE, SHUTDOWN]\n"
BUSY = "import time\ndef handler(event, context):\n    time.sleep(30)\n"
GOODBYE = """
import os, pathlib, time
def handler(event, context):
    if event == "time out":
        time.sleep(30)
    if event == "crash":
        os._exit(1)
    path = pathlib.Path("/tmp/goodbye")
    if path.exists():
        text = path.read_text()
        path.unlink()  # where there are no rooms, /tmp is not the environment's own
        return text
"""
TERMINATED = """
import os, signal
def end(*_):
    print("runtime: terminated", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, end)
def handler(event, context):
    return event
"""
# Milliseconds that the extension `slow` works after each invocation.
WORK = 400


@pytest.fixture
def watched(lab: Lab, lam: Any, make_function: MakeFunction) -> Watched:
    """Make a function with extensions of the library, by the names of their behaviours."""

    def make(
        *names: str, code: str | None = None, files: dict[str, str] | None = None, **settings: Any
    ) -> str:
        source = {"shell": LIBRARY / "shell.sh"}
        found = {name: source.get(name, LIBRARY / "behave.py").read_text("utf-8") for name in names}
        packed = {f"extensions/{name}": text for name, text in (found | (files or {})).items()}
        layer = lam.publish_layer_version(LayerName="watch", Content={"ZipFile": lab.zip(packed)})
        settings["Layers"] = [layer["LayerVersionArn"], *settings.get("Layers", [])]
        return make_function(code, **settings) if code else make_function(**settings)

    return make


def events_of(lab: Lab, name: str) -> list[str]:
    """All log events of a function, in order."""
    logs = lab.client("logs")
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
    return [event["message"] for page in pages for event in page["events"]]


def told(events: list[str], name: str) -> list[Any]:
    """What an extension has written as JSON."""
    mark = f"{name}: {{"
    return [json.loads(event.partition(" ")[2]) for event in events if event.startswith(mark)]


def durations(events: list[str]) -> list[float]:
    found = [re.search(r"\tDuration: ([\d.]+) ms", event) for event in events]
    return [float(match[1]) for match in found if match]


def in_order(events: list[str], patterns: list[str]) -> None:
    """Each pattern matches an event after the one before."""
    rest = iter(events)
    for pattern in patterns:
        assert any(re.match(pattern, event) for event in rest), (pattern, events)


# ---- INIT and INVOKE


def test_extensions_see_every_phase(lab: Lab, lam: Any, watched: Watched) -> None:
    name = watched("logging", "shell", Timeout=5)
    ids = [invoke(lam, name, number).request_id for number in range(2)]
    events = events_of(lab, name)
    registered, *invokes = told(events, "logging")
    assert registered == {
        "functionName": name,
        "functionVersion": "$LATEST",
        "handler": "lambda_function.handler",
        "accountId": "123456789012",
    }
    assert [event["requestId"] for event in invokes] == ids
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    for event in invokes:
        assert (event["eventType"], event["invokedFunctionArn"]) == ("INVOKE", arn)
        assert event["tracing"]["type"] == "X-Amzn-Trace-Id"
        assert event["tracing"]["value"].startswith("Root=1-")
    in_order(
        events,
        [
            "INIT_START ",
            "logging: {",
            f"EXTENSION\tName: logging\t{re.escape(READY)}",
            f"EXTENSION\tName: shell\t{re.escape(READY)}",
            f"START RequestId: {ids[0]}",
            f"END RequestId: {ids[0]}",
            f"REPORT RequestId: {ids[0]}",
            f"START RequestId: {ids[1]}",
            f"REPORT RequestId: {ids[1]}",
        ],
    )
    assert sum(event.startswith("EXTENSION") for event in events) == 2
    assert events.count("shell: INVOKE\n") == 2


def test_extensions_of_several_layers_run_and_of_one_name_the_last(
    lab: Lab, lam: Any, watched: Watched
) -> None:
    first = {"extensions/first": (LIBRARY / "shell.sh").read_text(), "extensions/logging": "text"}
    layer = lam.publish_layer_version(LayerName="first", Content={"ZipFile": lab.zip(first)})
    name = watched("logging")
    second = lam.get_function_configuration(FunctionName=name)["Layers"][0]["Arn"]
    lam.update_function_configuration(FunctionName=name, Layers=[layer["LayerVersionArn"], second])
    lam.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert invoke(lam, name, 1).error is None
    lines = [event for event in events_of(lab, name) if event.startswith("EXTENSION")]
    assert lines == [f"EXTENSION\tName: {one}\t{READY}" for one in ("first", "logging")]


def test_a_slow_extension_lengthens_the_invocation_and_is_billed(
    lab: Lab, lam: Any, watched: Watched
) -> None:
    name = watched("slow")
    for number in range(2):
        answer = lam.invoke(FunctionName=name, Payload=json.dumps(number))
        assert json.loads(answer["Payload"].read()) == number
        # The answer does not wait for the extension; who asks at once gets another environment.
        wait_until(lambda done=number + 1: len(durations(events_of(lab, name))) == done)
    events = events_of(lab, name)
    assert all(duration >= WORK for duration in durations(events))
    in_order(events, ["START ", "slow: worked", "END ", "REPORT "] * 2)


def test_the_caller_has_its_answer_though_an_extension_never_ends(
    lab: Lab, lam: Any, watched: Watched
) -> None:
    name = watched("very-slow", Timeout=1)
    answer = lam.invoke(FunctionName=name, Payload=b'"kept"')
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read()) == "kept"
    events = wait_until(lambda: found if durations(found := events_of(lab, name)) else 0)
    assert "\tStatus: timeout" in events[-1]
    assert durations(events)[0] >= 1000


def test_extensions_share_the_functions_variables_but_the_runtimes_own(
    lab: Lab, lam: Any, watched: Watched
) -> None:
    name = watched("variables", Environment={"Variables": {"TABLE": "orders"}})
    invoke(lam, name, 1)
    (seen,) = told(events_of(lab, name), "variables")
    assert seen["cwd"] == "/"
    assert (seen["TABLE"], seen["AWS_LAMBDA_FUNCTION_NAME"]) == ("orders", name)
    assert {"AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API"} <= seen.keys()
    hidden = {"_HANDLER", "LAMBDA_TASK_ROOT", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_EXECUTION_ENV"}
    assert not hidden & seen.keys()


def test_extensions_are_frozen_with_their_environment(lam: Any, watched: Watched) -> None:
    name = watched("logging")
    invoke(lam, name, 1)
    (pid,) = running("extensions/logging")
    wait_until(lambda: state_of(pid) == "T")
    invoke(lam, name, 2)
    assert running("extensions/logging") == [pid]


def test_an_internal_extension_takes_part_in_invocations(
    lab: Lab, lam: Any, watched: Watched
) -> None:
    source = (LIBRARY / "internal.py").read_text("utf-8")
    name = watched("deaf", code=source, Environment={"Variables": {"WORK": str(WORK / 1000)}})
    answer = invoke(lam, name, 1)
    text = "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension"
    refused = {"errorMessage": text, "errorType": "Extension.InvalidEventType"}
    assert answer.value == {"refused": refused, "late": "Extension.RegistrationClosed"}
    events = events_of(lab, name)
    lines = [event for event in events if event.startswith("EXTENSION")]
    assert lines == [
        "EXTENSION\tName: deaf\tState: Ready\tEvents: []\n",
        "EXTENSION\tName: inside\tState: Ready\tEvents: [INVOKE]\n",
    ]
    assert durations(events)[0] >= WORK


# ---- failures


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_a_failure_of_an_extension_ends_the_phase(
    row: dict[str, Any], lab: Lab, lam: Any, watched: Watched
) -> None:
    extension = row["extension"]
    own = {extension: row["content"]} if "content" in row else {}
    name = watched(*([] if own else [extension]), files=own, code=BUSY, Timeout=20)
    answer = invoke(lam, name, 1)
    assert answer.error == "Unhandled"
    assert answer.value == {
        "errorType": row["type"],
        "errorMessage": f"RequestId: {answer.request_id} Error: {row['reason']}",
    }
    output = [re.escape(row["output"])] if "output" in row else []
    line = rf"EXTENSION\tName: {extension}\t{row['line']}\n"
    end = rf"Status: error\tError Type: {row['type']}"
    frame = ["START ", "END ", rf"REPORT .*{end}"]
    if row["at"] == "init":
        failed = [
            [*output, line, rf"INIT_REPORT Init Duration: [\d.]+ ms\tPhase: {phase}\t{end}"]
            for phase in ("init", "invoke")
        ]
        patterns = ["INIT_START ", *failed[0], *failed[1], *frame]
    else:
        patterns = ["INIT_START ", line, frame[0], *output, *frame[1:]]
    events = events_of(lab, name)
    in_order(events, patterns)
    told_of = sum(event.startswith("EXTENSION") for event in events)
    assert told_of == (2 if row["at"] == "init" else 1)  # once for each INIT
    assert running(f"extensions/{extension}") == []


def test_an_init_that_the_function_fails_tells_of_its_extensions_too(
    lab: Lab, lam: Any, watched: Watched
) -> None:
    name = watched("deaf", code="raise ValueError('no')")
    assert invoke(lam, name, 1).value["errorType"] == "ValueError"
    init = [r"EXTENSION\tName: deaf\t", "INIT_REPORT "]
    in_order(events_of(lab, name), ["INIT_START ", *init, *init, "START "])


def test_an_eleventh_extension_is_not_launched(lab: Lab, lam: Any, watched: Watched) -> None:
    shell = (LIBRARY / "shell.sh").read_text("utf-8")
    name = watched(files={f"n{number:02}": shell for number in range(11)})
    answer = invoke(lam, name, 1)
    assert answer.value["errorType"] == "Extension.LaunchError"
    in_order(events_of(lab, name), [r"EXTENSION\tName: n10\t.*Error Type: TooManyExtensions"])


def test_an_extension_that_is_never_ready_uses_up_the_time_of_init(
    lab: Lab, lam: Any, watched: Watched
) -> None:
    name = watched("never-ready", Timeout=1)
    answer = invoke(lam, name, 1)
    assert answer.value["errorType"] == "Sandbox.Timedout"
    phases = [rf"INIT_REPORT .*Phase: {phase}\tStatus: timeout" for phase in ("init", "invoke")]
    in_order(events_of(lab, name), phases)


# ---- SHUTDOWN


@pytest.mark.parametrize(("event", "reason"), [("time out", "timeout"), ("crash", "failure")])
def test_a_reset_is_told_as_a_shutdown_and_what_is_written_then_is_kept(
    event: str, reason: str, lam: Any, watched: Watched
) -> None:
    name = watched("writing", code=GOODBYE, Timeout=1)
    assert invoke(lam, name, 1).value is None
    assert invoke(lam, name, event).error == "Unhandled"
    goodbye = json.loads(invoke(lam, name, 2).value)
    assert (goodbye["eventType"], goodbye["shutdownReason"]) == ("SHUTDOWN", reason)


def test_an_idle_environment_says_goodbye_to_its_extensions(
    lab: Lab, lam: Any, watched: Watched
) -> None:
    name = watched("goodbye-only", "hanging", "logging")
    invoke(lam, name, 1)
    lab.clock.advance(hours=3)
    wait_until(lambda: "goodbye-only: spindown\n" in events_of(lab, name))
    for extension in ("goodbye-only", "hanging", "logging"):
        wait_until(lambda mark=f"extensions/{extension}": running(mark) == [])
    shutdown = told(events_of(lab, name), "logging")[-1]
    assert (shutdown["eventType"], shutdown["shutdownReason"]) == ("SHUTDOWN", "spindown")


def test_a_runtime_with_extensions_is_asked_to_end_before_they_are(
    lab: Lab, lam: Any, watched: Watched
) -> None:
    name = watched("logging", code=TERMINATED)
    invoke(lam, name, 1)
    lab.clock.advance(hours=3)
    events = wait_until(lambda: found if told(found := events_of(lab, name), "logging")[2:] else 0)
    in_order(events, ["runtime: terminated", r'logging: {"eventType": "SHUTDOWN"'])


def test_the_end_of_the_lab_leaves_no_extension_behind(
    lab: Lab, lam: Any, watched: Watched
) -> None:
    name = watched("hanging", "logging")
    invoke(lam, name, 1)
    assert len(running("extensions/hanging")) == 1
    lab.reset()
    wait_until(lambda: running("extensions/hanging") + running("extensions/logging") == [])
