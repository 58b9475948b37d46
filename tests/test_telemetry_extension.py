"""Telemetry in a real environment: an extension in a layer listens to what happens beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import invoke

MakeFunction = Callable[..., str]
WATCHER = Path(__file__).parent / "extensions" / "telemetry.py"
SAYS = """
import logging
own = logging.getLogger("own")
own.setLevel("WARNING")
def handler(event, context):
    print("says", event)
    own.warning("warns")
    return event
"""


@pytest.fixture
def watched(lab: Lab, lam: Any, make_function: MakeFunction) -> Callable[..., str]:
    def make(**settings: Any) -> str:
        packed = lab.zip({"extensions/watcher": WATCHER.read_bytes()})
        layer = lam.publish_layer_version(LayerName="watch", Content={"ZipFile": packed})
        return make_function(SAYS, Layers=[layer["LayerVersionArn"]], Timeout=10, **settings)

    return make


def heard(log: str) -> list[dict[str, Any]]:
    """What the extension heard, as it wrote into the log of the same invocation."""
    (line,) = [line for line in log.splitlines() if line.startswith("watcher heard ")]
    events: list[dict[str, Any]] = json.loads(line.removeprefix("watcher heard "))
    return events


def test_an_extension_hears_of_init_and_of_each_invocation(
    lam: Any, watched: Callable[..., str]
) -> None:
    name = watched()
    first = invoke(lam, name, 1)
    lines = first.log.splitlines()
    assert "watcher OK" in lines
    assert "TELEMETRY\tName: watcher\tState: Subscribed\tTypes: [Platform, Function]" in lines
    events = heard(first.log)
    assert [event["type"] for event in events] == [
        "platform.initStart",
        "platform.telemetrySubscription",
        "platform.initRuntimeDone",
        "platform.extension",
        "platform.initReport",
        "platform.start",
        "function",
        "function",
        "platform.runtimeDone",
    ]
    *_, said, _, done = events
    assert said["record"] == "says 1\n"
    assert done["record"]["requestId"] == first.request_id
    assert done["record"]["metrics"]["producedBytes"] == 1
    # The report comes when the invocation is over: an extension hears of it in the next one.
    second = heard(invoke(lam, name, 2).log)
    assert [event["type"] for event in second] == [
        "platform.report",
        "platform.start",
        "function",
        "function",
        "platform.runtimeDone",
    ]
    assert second[0]["record"]["requestId"] == first.request_id


def test_lines_in_json_come_as_objects_whatever_the_levels_of_the_log(
    lam: Any, watched: Callable[..., str]
) -> None:
    levels = {"ApplicationLogLevel": "FATAL", "SystemLogLevel": "WARN"}
    log = invoke(lam, watched(LoggingConfig={"LogFormat": "JSON", **levels}), 1).log
    assert "platform.start" not in [line for line in log.splitlines() if line.startswith("{")]
    said, warned = [one["record"] for one in heard(log) if one["type"] == "function"]
    assert said == "says 1\n"
    assert (warned["level"], warned["message"]) == ("WARNING", "warns")
