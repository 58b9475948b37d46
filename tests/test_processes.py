"""Whatever ends, and however: no process and no file of a lab stays behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lambdalab import Lab
from tests.conftest import StartLab
from tests.engine import (
    ARRIVE,
    RUNTIME,
    Gate,
    children_of,
    everybody,
    gone,
    invoke,
    outside,
    running,
    scratch_of,
    state_of,
    supervisors_of,
    wait_until,
    zygote_of,
)

MakeFunction = Callable[..., str]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")

# A function that starts two processes, one of them in a session of its own and an orphan.
FAMILY = (
    ARRIVE
    + """
import os, subprocess
def handler(event, context):
    mark = event["mark"]
    child = subprocess.Popen(["sleep", mark])
    subprocess.run(["sh", "-c", f"setsid sleep {mark}1 &"])
    if "gate" in event:
        arrive(event["gate"])
    return os.getpid()
"""
)


class Running(NamedTuple):
    """A lab with a function that has run, and all that belongs to it.

    ``environment`` is the process in which the function ran, its number as this machine has it.
    """

    lab: Lab
    cloud: int
    zygote: int
    environment: int
    mark: str
    scratch: Path

    def nothing_left(self) -> bool:
        return (
            all(gone(pid) for pid in (self.cloud, self.zygote, self.environment))
            and running(self.mark) == []
            and running(str(self.scratch)) == []
            and not self.scratch.exists()
        )


_marks = iter(range(70_000 + os.getpid() % 1000 * 10, 10**6))


def set_up(lab: Lab) -> Running:
    lam = lab.client("lambda")
    lam.create_function(
        FunctionName="family", Runtime=RUNTIME, Role=lab.role(), Handler="app.handler",
        Code={"ZipFile": lab.zip({"app.py": FAMILY})}, Timeout=900, MemorySize=512,
    )  # fmt: skip
    lab.clock.advance(seconds=1)
    mark = f"{next(_marks)}"
    environment = outside(lab, invoke(lam, "family", {"mark": mark}).value)
    wait_until(lambda: len(running(mark)) == 2)
    cloud = lab._process.pid
    zygote = zygote_of(cloud)
    return Running(lab, cloud, zygote, environment, mark, scratch_of(zygote))


@pytest.fixture
def labs(start_lab: StartLab) -> Iterator[Callable[[], Running]]:
    """Start labs that the test may destroy."""
    with contextlib.ExitStack() as stack:
        yield lambda: set_up(stack.enter_context(start_lab()))


@pytest.fixture
def family(lab: Lab) -> Running:
    """The shared lab with a function that has run."""
    return set_up(lab)


# ---- how a lab ends


def test_a_lab_that_is_stopped_leaves_nothing(labs: Callable[[], Running]) -> None:
    found = labs()
    assert found.zygote in children_of(found.cloud)
    assert found.scratch.is_dir()
    found.lab.stop()
    assert found.nothing_left()  # at once: stop() waits for it


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
def test_a_cloud_that_is_killed_leaves_nothing(number: int, labs: Callable[[], Running]) -> None:
    found = labs()
    os.kill(found.cloud, number)
    wait_until(found.nothing_left)


OWNER = """
import sys
from tests.test_processes import set_up
from lambdalab import start
found = set_up(start(export=False, rooms=sys.argv[1] == "True"))
print(found.cloud, found.zygote, found.environment, found.mark, found.scratch, flush=True)
sys.stdin.read()
"""


def test_a_lab_whose_owner_is_killed_leaves_nothing(pytestconfig: pytest.Config) -> None:
    root = Path(__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(pytestconfig.getoption("rooms"))], cwd=root, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as owner:  # fmt: skip
        assert owner.stdout is not None
        *pids, mark, scratch = owner.stdout.readline().split()
        found = Running(None, *map(int, pids), mark, Path(scratch))  # type: ignore[arg-type]
        assert not found.nothing_left()
        owner.kill()
    wait_until(found.nothing_left)


def test_an_end_during_an_invocation_leaves_nothing(
    labs: Callable[[], Running], gate: Gate
) -> None:
    found = labs()
    lam = found.lab.client("lambda")
    with ThreadPoolExecutor() as pool:
        event = {"mark": found.mark, "gate": gate.port}
        answer = pool.submit(invoke, lam, "family", event)
        gate.wait_for(1)
        os.kill(found.cloud, signal.SIGKILL)
        wait_until(found.nothing_left)
        assert answer.exception(timeout=20) is not None


# ---- when a part of it dies


def test_when_the_zygote_dies_environments_live_on_and_new_ones_come_from_another(
    labs: Callable[[], Running],
) -> None:
    found = labs()
    os.kill(found.zygote, signal.SIGKILL)
    wait_until(lambda: gone(found.zygote))
    lam = found.lab.client("lambda")
    inside = invoke(lam, "family", {"mark": found.mark}).value
    assert outside(found.lab, inside) == found.environment
    lam.update_function_configuration(FunctionName="family", MemorySize=256)
    found.lab.clock.advance(seconds=1)
    wait_until(lambda: gone(found.environment) and running(found.mark) == [])
    inside = invoke(lam, "family", {"mark": found.mark}).value
    again, zygote = outside(found.lab, inside), zygote_of(found.cloud)
    assert again != found.environment
    assert zygote != found.zygote
    assert scratch_of(zygote) == found.scratch
    assert invoke(lam, "family", {"mark": found.mark}).value == inside
    assert len(supervisors_of(found.lab)) == 1
    found.lab.stop()
    wait_until(found.nothing_left)
    assert gone(again)
    assert gone(zygote)


@pytest.mark.parametrize("ended_by", ["stop", "kill"])
def test_a_lab_that_has_lost_its_zygote_leaves_nothing(
    ended_by: str, labs: Callable[[], Running]
) -> None:
    found = labs()
    os.kill(found.zygote, signal.SIGKILL)
    wait_until(lambda: gone(found.zygote))
    if ended_by == "stop":
        found.lab.stop()
    else:
        os.kill(found.cloud, signal.SIGKILL)
    # Whoever sweeps the directory of a cloud that was killed is tested below.
    wait_until(lambda: gone(found.environment) and running(found.mark) == [])


def test_an_invocation_that_loses_its_zygote_ends_as_if_nothing_was(
    labs: Callable[[], Running], gate: Gate
) -> None:
    found = labs()
    lam = found.lab.client("lambda")
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(invoke, lam, "family", {"mark": found.mark, "gate": gate.port})
        gate.wait_for(1)
        os.kill(found.zygote, signal.SIGKILL)
        wait_until(lambda: gone(found.zygote))
        gate.open()
        told = answer.result(timeout=20)
    assert told.error is None
    assert outside(found.lab, told.value) == found.environment


def test_when_a_supervisor_dies_all_of_its_environment_ends(family: Running, gate: Gate) -> None:
    lam = family.lab.client("lambda")
    (supervisor,) = supervisors_of(family.lab)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(invoke, lam, "family", {"mark": family.mark, "gate": gate.port})
        gate.wait_for(1)
        os.kill(supervisor, signal.SIGKILL)
        told = answer.result(timeout=20)
    assert told.value["errorType"] == "Runtime.ExitError"
    assert told.value["errorMessage"].endswith("Runtime exited with error: signal: killed")
    wait_until(lambda: gone(family.environment) and running(family.mark) == [])
    inside = invoke(lam, "family", {"mark": family.mark}).value
    assert outside(family.lab, inside) != family.environment


def test_when_an_idle_environment_dies_the_next_invocation_has_a_new_one(family: Running) -> None:
    lam = family.lab.client("lambda")
    wait_until(lambda: state_of(family.environment) == "T")
    os.kill(family.environment, signal.SIGKILL)
    wait_until(lambda: gone(family.environment))
    # What it left behind goes with it, the orphan in a session of its own included.
    wait_until(lambda: running(family.mark) == [])
    wait_until(lambda: any(record.kind == "reset" for record in family.lab.timeline))
    answer = invoke(lam, "family", {"mark": f"{next(_marks)}"})
    assert answer.error is None
    assert outside(family.lab, answer.value) != family.environment


def test_when_a_busy_environment_dies_its_caller_is_told(family: Running, gate: Gate) -> None:
    lam = family.lab.client("lambda")
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(invoke, lam, "family", {"mark": family.mark, "gate": gate.port})
        gate.wait_for(1)
        os.kill(family.environment, signal.SIGKILL)
        told = answer.result(timeout=20)
    assert told.value["errorType"] == "Runtime.ExitError"
    assert told.value["errorMessage"].endswith("Runtime exited with error: signal: killed")
    wait_until(lambda: running(family.mark) == [])


# ---- what an environment started ends with it


def test_what_a_function_started_ends_when_it_is_deleted(family: Running) -> None:
    family.lab.client("lambda").delete_function(FunctionName="family")
    wait_until(lambda: gone(family.environment) and running(family.mark) == [])


def test_what_a_function_started_ends_when_the_lab_is_emptied(family: Running) -> None:
    family.lab.reset()
    wait_until(lambda: gone(family.environment) and running(family.mark) == [])
    assert not gone(family.zygote)
    assert not gone(family.cloud)
    wait_until(lambda: not list((family.scratch / "code").glob("*")))


def test_what_a_function_started_ends_when_it_is_out_of_time(family: Running, gate: Gate) -> None:
    lam = family.lab.client("lambda")
    lam.update_function_configuration(FunctionName="family", Timeout=1)
    family.lab.clock.advance(seconds=1)
    wait_until(lambda: gone(family.environment))
    mark = f"{next(_marks)}"
    answer = invoke(lam, "family", {"mark": mark, "gate": gate.port})
    assert answer.value["errorType"] == "Sandbox.Timedout"
    wait_until(lambda: running(mark) == [])


# ---- emptied while things begin


def test_a_lab_can_be_emptied_at_any_moment_and_goes_on(lab: Lab) -> None:
    lam = lab.client("lambda")
    code = (
        "import os\n"
        "def handler(event, context):\n    return [context.log_stream_name, os.getpid()]\n"
    )

    def create() -> None:
        lam.create_function(
            FunctionName="f", Runtime=RUNTIME, Role=lab.role(), Handler="app.handler",
            Code={"ZipFile": lab.zip({"app.py": code})},
        )  # fmt: skip
        lab.clock.advance(seconds=1)

    for _ in range(6):
        create()
        for _ in range(3):  # their environments are being made when the lab is emptied
            lam.invoke(FunctionName="f", InvocationType="Event")
        lab.reset()
    create()
    ran = [invoke(lam, "f").value for _ in range(3)]
    assert len({stream for stream, _ in ran}) == 1
    wait_until(lambda: len(supervisors_of(lab)) == 1)
    pid = outside(lab, ran[0][1])
    assert everybody(lab) == [pid]
    wait_until(lambda: state_of(pid) == "T")  # it is this process that the lab freezes


def test_a_lab_that_is_emptied_does_not_wait_for_an_init(lab: Lab, gate: Gate) -> None:
    lam, code = lab.client("lambda"), f"{ARRIVE}arrive({gate.port})\n"
    lam.create_function(
        FunctionName="f", Runtime=RUNTIME, Role=lab.role(), Handler="app.handler",
        Code={"ZipFile": lab.zip({"app.py": code})}, Timeout=20,
    )  # fmt: skip
    lab.clock.advance(seconds=1)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(invoke, lam, "f")
        gate.wait_for(1)
        emptied = pool.submit(lab.reset)
        emptied.result(timeout=60)
        assert answer.result(timeout=60).value["errorType"] == "Runtime.ExitError"


# ---- scratch directories


def test_the_directories_of_clouds_that_were_killed_are_swept_and_no_others(
    start_lab: StartLab,
) -> None:
    folder = Path(tempfile.gettempdir())
    stale, alive, foreign = (Path(tempfile.mkdtemp(prefix="lambdalab-", dir=folder)) for _ in "123")
    for left in (stale, alive):
        (left / "lock").touch()
        (left / "code").mkdir()
    try:
        with (alive / "lock").open("r+") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            with start_lab():
                assert not stale.exists()
                assert (alive / "code").exists()
                assert foreign.exists()
    finally:
        for left in (alive / "code", alive, foreign):
            with contextlib.suppress(OSError):
                (left / "lock").unlink(missing_ok=True)
                left.rmdir()


def test_the_scratch_directory_is_its_owners_alone(family: Running) -> None:
    assert family.scratch.stat().st_mode & 0o077 == 0


def test_code_that_nobody_runs_any_more_is_deleted(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function()
    invoke(lam, name)
    scratch = scratch_of(zygote_of(lab._process.pid))
    (package,) = (scratch / "code").iterdir()
    lam.delete_function(FunctionName=name)
    wait_until(lambda: not package.exists())
