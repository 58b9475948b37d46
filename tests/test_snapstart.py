"""SnapStart: snapshots of published versions, restores with the runtime's hooks, refusals."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from lambdalab import Lab
from tests.conftest import wait_until_settled
from tests.engine import ARRIVE, RUNTIME, Gate, invoke, refusal, wait_until

MakeFunction = Callable[..., str]
SNAPSHOTS = {"ApplyOn": "PublishedVersions"}

HOOKED = """
import os
from snapshot_restore_py import register_after_restore, register_before_snapshot
print("initialized")
seen = []
@register_before_snapshot
def first_registered():
    seen.append("before 1")
@register_before_snapshot
def before():
    print("hook before")
    seen.append("before 2")
@register_after_restore
def after():
    print("hook after")
    seen.append("after")
def handler(event, context):
    return [os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], seen]
"""

pytestmark = pytest.mark.skipif(
    RUNTIME < "python3.12" and shutil.which("python3.12") is None,
    reason="SnapStart needs Python 3.12 or later",
)


@pytest.fixture
def publish(lam: Any, make_function: MakeFunction) -> Callable[..., str]:
    """Make a function with SnapStart and publish it; gives the name and version once settled."""

    def publish(code: str, **settings: Any) -> str:
        runtime = RUNTIME if RUNTIME >= "python3.12" else "python3.12"
        name = make_function(code, Runtime=runtime, SnapStart=SNAPSHOTS, **settings)
        shown = lam.publish_version(FunctionName=name)
        assert (shown["State"], shown["SnapStart"]["OptimizationStatus"]) == ("Pending", "On")
        return f"{name}:{shown['Version']}"

    return publish


def settled(lam: Any, name: str) -> dict[str, Any]:
    def shown() -> Any:
        found = lam.get_function_configuration(FunctionName=name)
        return found if found["State"] != "Pending" else None

    found: dict[str, Any] = wait_until(shown)
    return found


def test_a_version_comes_back_from_its_snapshot(
    lab: Lab, lam: Any, publish: Callable[..., str]
) -> None:
    name = publish(HOOKED)
    assert settled(lam, name)["State"] == "Active"
    given = invoke(lam, name)
    # Hooks before the snapshot run in the reverse order of their registration.
    assert given.value == ["snap-start", ["before 2", "before 1", "after"]]
    lines = given.log.splitlines()
    assert lines[0].startswith("RESTORE_START Runtime Version: python:3.")
    assert lines[1] == "hook after"
    assert re.fullmatch(r"RESTORE_REPORT Restore Duration: \d+\.\d\d ms", lines[2])
    report = re.search(
        r"Restore Duration: (\d+\.\d\d) ms\tBilled Restore Duration: (\d+) ms\t$", lines[-1]
    )
    assert report is not None
    assert 0 <= int(report[2]) - float(report[1]) < 1
    assert "Init Duration" not in lines[-1]
    again = invoke(lam, name)
    assert again.value == given.value
    assert "RESTORE" not in again.log
    assert "Restore" not in again.log
    kinds = [record.kind for record in lab.timeline]
    assert kinds.count("init") == 1  # that of which the snapshot was taken
    assert kinds.count("restore") == 1


def test_publishing_runs_the_init_and_says_so(
    lab: Lab, lam: Any, publish: Callable[..., str]
) -> None:
    name = publish(HOOKED)
    settled(lam, name)
    log = lab.tail(name.partition(":")[0]).lines
    assert [line.partition(" ")[0] for line in log] == [
        "INIT_START",
        "initialized",
        "hook",
        "INIT_REPORT",
    ]
    assert log[2] == "hook before"
    assert log[3].endswith("\tPhase: init\tStatus: success")


def test_each_new_environment_is_restored_anew(
    lab: Lab, lam: Any, publish: Callable[..., str]
) -> None:
    name = publish(HOOKED)
    settled(lam, name)
    invoke(lam, name)
    lab.clock.advance(minutes=20)
    assert invoke(lam, name).value == ["snap-start", ["before 2", "before 1", "after"]]
    restores = [record for record in lab.timeline if record.kind == "restore"]
    assert len({record.environment for record in restores}) == 2
    # What is not as on AWS is said, once.
    assert ["note" in record.detail for record in restores] == [True, False]


def test_latest_has_no_snapshot(lam: Any, publish: Callable[..., str]) -> None:
    name = publish(HOOKED)
    settled(lam, name)
    given = invoke(lam, name.partition(":")[0])
    assert given.value == ["on-demand", []]
    assert "INIT_START" in given.log


def test_a_version_without_its_snapshot_does_not_run_yet(
    lam: Any, publish: Callable[..., str], gate: Gate
) -> None:
    name = publish(ARRIVE + f"arrive({gate.port})\n" + HOOKED)
    refused = refusal(lam.invoke, FunctionName=name)
    assert (refused.status, refused.code) == (409, "SnapStartNotReadyException")
    gate.wait_for(1)
    assert lam.get_function_configuration(FunctionName=name)["State"] == "Pending"
    gate.open()
    assert settled(lam, name)["State"] == "Active"
    assert invoke(lam, name).value[0] == "snap-start"


def test_an_init_that_fails_leaves_no_version_to_run(lam: Any, publish: Callable[..., str]) -> None:
    name = publish("1/0\n")
    shown = settled(lam, name)
    assert (shown["State"], shown["StateReasonCode"]) == (
        "Failed",
        "FunctionError.RuntimeInitError",
    )
    assert refusal(lam.invoke, FunctionName=name).status == 409


def test_a_hook_before_the_snapshot_that_fails_fails_it(
    lam: Any, publish: Callable[..., str]
) -> None:
    name = publish(
        "from snapshot_restore_py import register_before_snapshot\n"
        "@register_before_snapshot\n"
        "def before():\n    raise ValueError('no')\n"
        "def handler(event, context): pass\n"
    )
    shown = settled(lam, name)
    assert shown["State"] == "Failed"
    assert "Runtime.BeforeSnapshotError" in shown["StateReason"]


def test_a_hook_after_the_restore_that_fails_is_told_to_the_caller(
    lab: Lab, lam: Any, publish: Callable[..., str]
) -> None:
    name = publish(
        "from snapshot_restore_py import register_after_restore\n"
        "@register_after_restore\n"
        "def after():\n    raise ValueError('no')\n"
        "def handler(event, context): pass\n"
    )
    settled(lam, name)
    for _ in range(2):
        refused = refusal(lam.invoke, FunctionName=name)
        assert (refused.status, refused.code) == (400, "SnapStartException")
    log = lab.tail(name.partition(":")[0]).lines
    assert any(line.endswith("Error Type: Runtime.AfterRestoreError") for line in log)
    assert any("ValueError: no" in line for line in log)


def test_hooks_after_the_restore_have_ten_seconds(lam: Any, publish: Callable[..., str]) -> None:
    name = publish(
        "import time\n"
        "from snapshot_restore_py import register_after_restore\n"
        "@register_after_restore\n"
        "def after():\n    time.sleep(60)\n"
        "def handler(event, context): pass\n",
        Timeout=60,
    )
    settled(lam, name)
    refused = refusal(lam.invoke, FunctionName=name)
    assert (refused.status, refused.code) == (408, "SnapStartTimeoutException")


def test_what_has_a_snapshot_cannot_be_provisioned(lam: Any, publish: Callable[..., str]) -> None:
    name = publish(HOOKED)
    settled(lam, name)
    function, _, version = name.partition(":")
    refused = refusal(
        lam.put_provisioned_concurrency_config,
        FunctionName=function,
        Qualifier=version,
        ProvisionedConcurrentExecutions=1,
    )
    assert (refused.status, refused.code) == (400, "InvalidParameterValueException")


def test_the_log_stream_is_not_in_the_snapshot(lam: Any, publish: Callable[..., str]) -> None:
    name = publish(
        "import os\n"
        "def handler(event, context):\n"
        "    return [name for name in os.environ if name.startswith('AWS_LAMBDA_LOG')]\n"
    )
    settled(lam, name)
    assert invoke(lam, name).value == []


def test_a_version_that_is_deleted_while_its_snapshot_is_taken(
    lab: Lab, lam: Any, publish: Callable[..., str]
) -> None:
    name = publish("import time\ntime.sleep(0.5)\n" + HOOKED)
    lam.delete_function(FunctionName=name)
    lab.clock.advance(seconds=10)
    assert refusal(lam.invoke, FunctionName=name).status == 404
    function = name.partition(":")[0]
    wait_until_settled(lam, function)


def test_two_weeks_without_invocations_cost_the_snapshot(
    lab: Lab, lam: Any, publish: Callable[..., str]
) -> None:
    name = publish(HOOKED)
    settled(lam, name)
    lab.clock.advance(days=10)
    assert invoke(lam, name).value[0] == "snap-start"
    lab.clock.advance(days=13)
    assert lam.get_function_configuration(FunctionName=name)["State"] == "Active"
    lab.clock.advance(days=2)
    shown = lam.get_function_configuration(FunctionName=name)
    assert (shown["State"], shown["StateReasonCode"]) == ("Inactive", "Idle")
    refused = refusal(lam.invoke, FunctionName=name)
    assert (refused.status, refused.code) == (409, "SnapStartNotReadyException")
    assert settled(lam, name)["State"] == "Active"
    assert invoke(lam, name).value[0] == "snap-start"
