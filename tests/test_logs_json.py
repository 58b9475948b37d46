"""Logs as JSON: what the platform and the function write, from which level on, and where."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from lambdalab import Lab
from lambdalab.execution import events, log_levels
from lambdalab.execution.application_log import level_of
from lambdalab.execution.spec import Outcome
from tests.engine import RUNTIME, invoke

MakeFunction = Callable[..., str]

SAYS = """
import logging, os
log = logging.getLogger()
talkative = logging.getLogger("talkative")
talkative.setLevel("DEBUG")
def handler(event, context):
    print("printed")
    log.debug("a detail")
    talkative.debug("a detail of its own")
    log.info("news %s", 1, extra={"order": 7})
    log.warning({"code": 3})
    if event == "raise":
        raise ValueError("no")
    if event == "exit":
        os._exit(1)
"""
ALL = "platform.initStart platform.initRuntimeDone platform.initReport platform.start"
ALL += " platform.runtimeDone platform.report"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def messages(lab: Lab, name: str, group: str | None = None) -> list[str]:
    found = lab.client("logs").filter_log_events(logGroupName=group or f"/aws/lambda/{name}")
    return [event["message"] for event in found["events"]]


def records(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines if line.startswith("{")]


def system(lab: Lab, name: str) -> dict[str, dict[str, Any]]:
    """The platform's logs of one invocation by type, in order."""
    return {one["type"]: one["record"] for one in records(messages(lab, name)) if "record" in one}


def as_json(**levels: str) -> dict[str, str]:
    return {"LogFormat": "JSON", **levels}


# ---- what the platform writes

SYSTEM = {
    ("DEBUG", "fine"): ALL,
    ("INFO", "fine"): "platform.initStart platform.start platform.report",
    ("WARN", "fine"): "",
    ("WARN", "raise"): "platform.runtimeDone platform.report",
    ("WARN", "exit"): "platform.runtimeDone platform.report",
}


@pytest.mark.parametrize(("level", "event"), SYSTEM)
def test_system_logs_have_levels(
    lab: Lab, lam: Any, make_function: MakeFunction, level: str, event: str
) -> None:
    name = make_function(SAYS, LoggingConfig=as_json(SystemLogLevel=level))
    invoke(lam, name, event)
    assert list(system(lab, name)) == SYSTEM[level, event].split()


def test_system_logs_tell_what_an_invocation_took(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(SAYS, MemorySize=256, LoggingConfig=as_json(SystemLogLevel="DEBUG"))
    answer = invoke(lam, name, "fine")
    told = system(lab, name)
    assert told["platform.initStart"] | {"runtimeVersionArn": "", "instanceId": ""} == {
        "initializationType": "on-demand",
        "phase": "init",
        "runtimeVersion": events.runtime_version(RUNTIME),
        "runtimeVersionArn": "",
        "functionName": name,
        "functionVersion": "$LATEST",
        "instanceId": "",
        "instanceMaxMemory": 256,
    }
    assert told["platform.start"] == {"requestId": answer.request_id, "version": "$LATEST"}
    report = told["platform.report"]
    assert list(report) == ["requestId", "status", "metrics"]
    assert (report["requestId"], report["status"]) == (answer.request_id, "success")
    metrics = report["metrics"]
    took = metrics["durationMs"] + metrics["initDurationMs"]
    assert metrics["billedDurationMs"] == -int(-took // 1)
    assert metrics["memorySizeMB"] == 256
    assert 0 < metrics["maxMemoryUsedMB"] <= 256
    assert {type(value) for value in metrics.values()} == {float, int}
    assert all(round(value, 3) == value for value in metrics.values())
    done = told["platform.runtimeDone"]["metrics"]
    assert done["producedBytes"] == len(b"null")
    # The runtime is done before the invocation is over.
    assert 0 < done["durationMs"] <= metrics["durationMs"]


def test_a_failure_is_named(lab: Lab, lam: Any, make_function: MakeFunction) -> None:
    name = make_function(SAYS, LoggingConfig=as_json())
    invoke(lam, name, "exit")
    report = system(lab, name)["platform.report"]
    assert (report["status"], report["errorType"]) == ("error", "Runtime.ExitError")


def test_a_timeout_is_a_status_of_its_own(lab: Lab, lam: Any, make_function: MakeFunction) -> None:
    code = "import time\ndef handler(event, context):\n    time.sleep(30)\n"
    name = make_function(code, Timeout=1, LoggingConfig=as_json())
    invoke(lam, name)
    report = system(lab, name)["platform.report"]
    assert report["status"] == "timeout"
    assert "errorType" not in report


def test_every_line_of_the_platform_is_json_with_a_time(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(LoggingConfig=as_json(SystemLogLevel="DEBUG"))
    tail = invoke(lam, name, 1).log.splitlines()
    assert [json.loads(line)["type"] for line in tail] == ALL.split()
    assert all(TIME.fullmatch(json.loads(line)["time"]) for line in tail)
    assert [line.rstrip("\n") for line in messages(lab, name)] == tail


LEVELS = {
    "a start": (events.start(0, "r", "1"), "INFO"),
    "a success": (events.runtime_done(0, "r", Outcome(b"")), "DEBUG"),
    "an error": (events.runtime_done(0, "r", Outcome(b"", "error", "Function.X")), "WARN"),
    "a report": (events.report(0, "r", Outcome(b""), 128), "INFO"),
    "a report of a timeout": (events.report(0, "r", Outcome(b"", "timeout"), 128), "WARN"),
    "INIT done": (events.init_runtime_done(0, None), "DEBUG"),
    "INIT failed": (events.init_runtime_done(0, Outcome(b"", "crash", "R")), "WARN"),
    "INIT on demand": (events.init_report(0, 1, None), "DEBUG"),
    "INIT ahead": (events.init_report(0, 1, None, "init", "provisioned-concurrency"), "INFO"),
    "INIT timed out": (events.init_report(0, 1, Outcome(b"", "timeout")), "WARN"),
    "a restore": (events.restore_report(0, 1, None), "INFO"),
    "hooks": (events.restore_runtime_done(0, None), "DEBUG"),
    "an extension": (events.extension(0, "e", "Ready", ["INVOKE"]), "INFO"),
    "a broken extension": (events.extension(0, "e", "X", [], "Extension.Crash"), "WARN"),
    "a subscription": (events.telemetry_subscription(0, "e", "Subscribed", []), "INFO"),
    "losses": (events.logs_dropped(0, 1, 1, ""), "WARN"),
}


@pytest.mark.parametrize("case", LEVELS)
def test_each_event_has_the_level_of_the_guide(case: str) -> None:
    event, level = LEVELS[case]
    assert log_levels.level(event) == level


# ---- what the function writes


def test_the_runtime_writes_its_records_as_json_and_print_stays_text(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(SAYS, LoggingConfig=as_json())
    request_id = invoke(lam, name, "raise").request_id
    lines = messages(lab, name)
    assert "printed\n" in lines
    news, warning, error = [one for one in records(lines) if "level" in one]
    assert news | {"timestamp": ""} == {
        "timestamp": "",
        "level": "INFO",
        "message": "news 1",
        "logger": "root",
        "requestId": request_id,
        "order": 7,
    }
    assert (warning["level"], warning["message"]) == ("WARNING", {"code": 3})
    assert (error["level"], error["errorType"]) == ("ERROR", "ValueError")
    assert error["stackTrace"][0].startswith('  File "/var/task/lambda_function.py"')


APPLICATION = {
    "TRACE": {"printed", "a detail", "a detail of its own", "news 1", "{'code': 3}"},
    "DEBUG": {"printed", "a detail", "a detail of its own", "news 1", "{'code': 3}"},
    "INFO": {"printed", "news 1", "{'code': 3}"},
    "WARN": {"{'code': 3}"},
    "ERROR": set(),
}


@pytest.mark.parametrize("level", APPLICATION)
def test_application_logs_have_levels(
    lab: Lab, lam: Any, make_function: MakeFunction, level: str
) -> None:
    logging = as_json(ApplicationLogLevel=level, SystemLogLevel="WARN")
    name = make_function(SAYS, LoggingConfig=logging)
    tail = invoke(lam, name, "fine").log.splitlines()
    told = {str(json.loads(line)["message"]) if line.startswith("{") else line for line in tail}
    assert told == APPLICATION[level]


NOW = '{"level":LEVEL,"timestamp":"2024-11-02T16:51:31.587199Z"}'
WRITTEN = {
    "text": ("hello", "INFO"),
    "a level and a time": (NOW.replace("LEVEL", '"debug"'), "DEBUG"),
    "the name Node.js has": (NOW.replace("LEVEL", '"WARN"'), "WARN"),
    "the name Python has": (NOW.replace("LEVEL", '"CRITICAL"'), "FATAL"),
    "another name of the time": ('{"level":"error","time":"2024-11-02T16:51:31+01:00"}', "ERROR"),
    "no time": ('{"level":"debug"}', "INFO"),
    "a time of no known form": ('{"level":"debug","timestamp":"2024-11-02 16:51:31"}', "INFO"),
    "no such level": (NOW.replace("LEVEL", '"LOUD"'), "INFO"),
    "a level that is no text": (NOW.replace("LEVEL", "30"), "INFO"),
    "a list": ('["level"]', "INFO"),
    "half an object": ('{"level":"debug"', "INFO"),
    "too deep": ('{"level":' + "[" * 100_000, "INFO"),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_a_line_has_the_level_that_it_tells(case: str) -> None:
    line, level = WRITTEN[case]
    assert level_of(line + "\n") == level


def test_text_logs_have_no_levels(lab: Lab, lam: Any, make_function: MakeFunction) -> None:
    name = make_function("def handler(event, context):\n    print(event)\n")
    invoke(lam, name, NOW.replace("LEVEL", '"TRACE"'))
    assert any("TRACE" in line for line in messages(lab, name))


# ---- where it is written


def test_functions_share_a_log_group_and_keep_streams_of_their_own(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    shared = "/shop/orders"
    one, two = (
        make_function(
            "def handler(event, context):\n    print(event, context.log_group_name)\n",
            LoggingConfig={"LogGroup": shared},
        )
        for _ in range(2)
    )
    invoke(lam, one, "first")
    invoke(lam, two, "second")
    logs = lab.client("logs")
    assert [g["logGroupName"] for g in logs.describe_log_groups()["logGroups"]] == [shared]
    streams = logs.describe_log_streams(logGroupName=shared)["logStreams"]
    day = lab.clock.now().strftime("%Y/%m/%d")
    kinds = {re.sub(r"[0-9a-f]{32}$", "*", stream["logStreamName"]) for stream in streams}
    assert kinds == {f"{day}/{one}[$LATEST]*", f"{day}/{two}[$LATEST]*"}
    for name, word in ((one, "first"), (two, "second")):
        said = [line for line in lab.tail(name).lines if shared in line]
        assert said == [f"{word} {shared}"]
        assert lab.tail(name).group == shared


def test_a_changed_log_group_is_followed(lab: Lab, lam: Any, make_function: MakeFunction) -> None:
    name = make_function("def handler(event, context):\n    print(event)\n")
    invoke(lam, name, "before")
    lam.update_function_configuration(FunctionName=name, LoggingConfig={"LogGroup": "elsewhere"})
    lab.clock.advance(seconds=1)
    invoke(lam, name, "after")
    assert "after" in lab.tail(name).lines
    assert "before" not in lab.tail(name).lines
    assert "before\n" in messages(lab, name)
