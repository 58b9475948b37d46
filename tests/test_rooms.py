"""Rooms: what a function sees of the machine, and what it does not."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lambdalab import Lab, doctor, start
from lambdalab.execution import hardening
from lambdalab.execution.reclaim import AGE, IDLE
from tests.conftest import StartLab, wait_until_settled
from tests.engine import (
    ARRIVE,
    RUNTIME,
    Gate,
    everybody,
    invoke,
    most,
    scratch_of,
    state_of,
    supervisors_of,
    wait_until,
    zygote_of,
)

MakeFunction = Callable[..., str]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
rooms = pytest.mark.rooms

TRIES = """
import errno, os
def attempt(what):
    try:
        return what()
    except OSError as error:
        return errno.errorcode[error.errno]
"""


# ---- paths

PLACES = (
    TRIES
    + """
def handler(event, context):
    return {
        "root": os.environ["LAMBDA_TASK_ROOT"],
        "file": __file__,
        "directory": os.getcwd(),
        "writes": {place: attempt(lambda: open(place + "/new", "w").close()) for place in event},
    }
"""
)


@rooms
def test_the_code_is_where_aws_has_it_and_only_tmp_can_be_written(
    lam: Any, make_function: MakeFunction
) -> None:
    places = ["/var/task", "/var/runtime", "/opt", "/", "/usr", "/etc", "/dev", "/run", "/var"]
    found = invoke(lam, make_function(PLACES), [*places, "/tmp"]).value
    assert found["root"] == found["directory"] == "/var/task"
    assert found["file"] == "/var/task/lambda_function.py"
    assert found["writes"].pop("/tmp") is None
    # An ordinary user is refused before the mount is asked.
    assert set(found["writes"].values()) <= {"EROFS", "EACCES"}
    assert found["writes"]["/var/task"] == "EROFS"
    assert found["writes"]["/opt"] == "EROFS"


@rooms
def test_layers_lie_at_opt_the_later_one_over_the_earlier(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    contents = ({"a.txt": "one", "b.txt": "one"}, {"b.txt": "two", "bin/c.txt": "two"})
    layers = [
        lam.publish_layer_version(LayerName=f"l{n}", Content={"ZipFile": lab.zip(files)})
        for n, files in enumerate(contents)
    ]
    code = (
        "import os\ndef handler(event, context):\n"
        "    return {name: open('/opt/' + name).read() for name in event}\n"
    )
    arns = [layer["LayerVersionArn"] for layer in layers]
    names = ["a.txt", "b.txt", "bin/c.txt"]
    found = [invoke(lam, make_function(code, Layers=order), names).value for order in
             (arns, arns[::-1])]  # fmt: skip
    assert [list(one.values()) for one in found] == [["one", "two", "two"], ["one", "one", "two"]]


# ---- /tmp

FILLS = (
    TRIES
    + """
def fill(size):
    with open("/tmp/full", "wb", buffering=0) as file:
        for _ in range(size):
            if file.write(bytes(1 << 20)) < 1 << 20:
                return "short"
def handler(event, context):
    found = attempt(lambda: fill(event))
    os.unlink("/tmp/full")
    return found
"""
)


@rooms
@pytest.mark.parametrize("size", [512, 600])
def test_tmp_is_as_large_as_ephemeral_storage(
    size: int, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(
        FILLS, MemorySize=1769, Timeout=60, EphemeralStorage={"Size": size}
    )  # fmt: skip
    assert invoke(lam, name, size - 1).value is None
    assert invoke(lam, name, size + 1).value in ("ENOSPC", "short")


KEEPS = """
import os, time
ME = os.urandom(8).hex()
def handler(event, context):
    if event == "exit":
        os._exit(1)
    if event == "sleep":
        time.sleep(60)
    if event == "fill":
        hog = bytearray(400 << 20)
    seen = sorted(os.listdir("/tmp"))
    open(f"/tmp/{len(seen)}", "w").close()
    return [seen, ME, context.log_stream_name]
"""


@rooms
def test_tmp_is_kept_over_invocations_and_resets_and_goes_with_the_environment(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(KEEPS, Timeout=1)
    seen, known, stream = invoke(lam, name).value
    assert seen == []
    assert invoke(lam, name).value == [["0"], known, stream]
    for count, do in enumerate(("exit", "sleep", "fill"), start=2):
        assert invoke(lam, name, do).error == "Unhandled"
        seen, fresh, same = invoke(lam, name).value
        assert len(seen) == count
        assert (fresh != known, same) == (True, stream)
        known = fresh
    lam.update_function_configuration(FunctionName=name, Timeout=2)
    lab.clock.advance(seconds=1)
    seen, _, other = invoke(lam, name).value
    assert (seen, other != stream) == ([], True)


@rooms
def test_environments_share_no_tmp_with_each_other_or_the_machine(
    lam: Any, make_function: MakeFunction, gate: Gate
) -> None:
    code = ARRIVE + (
        "import os\ndef handler(event, context):\n"
        "    open('/tmp/' + event['name'], 'w').close()\n    arrive(event['gate'])\n"
        "    return os.listdir('/tmp')\n"
    )
    name = make_function(code, Timeout=30)
    names = [f"room-{os.getpid()}-{n}" for n in range(3)]
    with ThreadPoolExecutor() as pool:
        running = [
            pool.submit(invoke, lam, name, {"name": own, "gate": gate.port}) for own in names
        ]
        gate.wait_for(3)
        gate.open()
        assert [answer.result().value for answer in running] == [[own] for own in names]
    assert not any(Path("/tmp", own).exists() for own in names)


# ---- what is not there

LOOKS = (
    TRIES
    + """
def handler(event, context):
    lines = dict(line.split(":\\t", 1) for line in open("/proc/self/status"))
    return {
        "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
        "me": os.getpid(),
        "commands": [open(f"/proc/{n}/comm").read() for n in os.listdir("/proc") if n.isdigit()],
        "exists": {path: os.path.exists(path) for path in event["paths"]},
        "lists": {path: attempt(lambda: os.listdir(path)) for path in ("/", "/home", "/.host")},
        "kill": attempt(lambda: os.kill(event["cloud"], 0)),
        "status": {name: lines[name].strip() for name in
                   ("CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs")},
        "user": os.getuid(),
        "setuid": attempt(lambda: os.setuid(0)),
    }
"""
)


@rooms
def test_nothing_of_the_machine_or_of_other_environments_is_seen(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    invoke(lam, make_function())  # another environment is there already
    cloud = lab._process.pid
    paths = [str(Path.home()), str(scratch_of(zygote_of(cloud))), str(Path(__file__)), "/root"]
    found = invoke(lam, make_function(LOOKS), {"paths": paths, "cloud": cloud}).value
    assert found["processes"] == [1, found["me"]]
    visible = Path(sys.base_prefix)
    for path in paths:
        assert found["exists"][path] is visible.is_relative_to(path), path
    assert found["lists"]["/.host"] in ("EACCES", [])
    assert found["lists"]["/home"] in ("ENOENT", "EACCES", [])
    assert found["kill"] == "ESRCH"


@rooms
def test_a_function_has_no_rights_and_gets_none(lam: Any, make_function: MakeFunction) -> None:
    found = invoke(lam, make_function(LOOKS), {"paths": [], "cloud": 1 << 21}).value
    status = found["status"]
    assert status.pop("NoNewPrivs") == "1"
    assert set(status.values()) == {"0" * 16}
    assert found["user"] != 0
    assert found["setuid"] in ("EPERM", "EINVAL")


@rooms
def test_a_function_may_have_so_many_files_and_processes(
    lam: Any, make_function: MakeFunction
) -> None:
    code = """
import os, resource, signal
def handler(event, context):
    files = []
    try:
        while len(files) < 2000:
            files.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as error:
        reason = error.strerror
    count = max(files) + 1
    for file in files:
        os.close(file)
    return [count, reason, resource.getrlimit(resource.RLIMIT_NPROC)]
"""
    assert invoke(lam, make_function(code)).value == [
        1024, os.strerror(errno.EMFILE), [1024, 1024],
    ]  # fmt: skip


# ---- CPU and freezing

BURN = """
import os, subprocess, threading, time
BURN = "i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done"
def spin(seconds):
    begin = time.monotonic()
    while time.monotonic() < begin + seconds:
        pass
def used():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
def handler(event, context):
    before, begin = used(), time.monotonic()
    if event == "child":
        subprocess.run(["sh", "-c", BURN])
    else:
        pids = []
        for _ in range(event):
            if (pid := os.fork()) == 0:
                spin(0.6)
                os._exit(0)
            pids.append(pid)
        for pid in pids:
            os.waitpid(pid, 0)
    return (used() - before) / (time.monotonic() - begin)
"""


@pytest.mark.parametrize("work", ["child", 1, 2])
def test_child_processes_count_towards_the_share_of_cpu(
    work: Any, lam: Any, make_function: MakeFunction
) -> None:
    share = invoke(lam, make_function(BURN, MemorySize=442, Timeout=30), work).value
    # On a busy machine it may be less.
    assert share < 0.25 * 1.4


def test_above_one_vcpu_several_processes_run_at_once(
    lam: Any, make_function: MakeFunction
) -> None:
    half, whole = (make_function(BURN, MemorySize=mb, Timeout=30) for mb in (885, 3538))
    one = invoke(lam, half, 2).value
    assert one < 0.5 * 1.4
    assert most(lambda: invoke(lam, whole, 2).value, 1.5 * one) > 1.5 * one


def test_what_is_in_a_session_of_its_own_is_frozen_too(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(
        "import subprocess\ndef handler(event, context):\n"
        "    subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
        "    subprocess.run(['sh', '-c', 'setsid sleep 1000 &'])\n"
    )
    invoke(lam, name)
    wait_until(lambda: len(everybody(lab)) == 3)
    wait_until(lambda: [state_of(pid) for pid in everybody(lab)] == ["T"] * 3)


# ---- what the platform takes back


def reclaimed(start_lab: StartLab) -> list[tuple[str, str, float]]:
    """When idle environments are taken back, on the lab's clock; how the timeline tells it."""
    with start_lab(seed=11) as lab:
        lam = lab.client("lambda")
        code = {"ZipFile": lab.zip({"a.py": "def b(event, context):\n    return 1\n"})}
        for name in ("x", "y"):
            lam.create_function(
                FunctionName=name, Runtime=RUNTIME, Handler="a.b", Role=lab.role(), Code=code
            )
            wait_until_settled(lam, name)
            invoke(lam, name)
        begin = max(record.time for record in lab.timeline if record.kind == "invoke")
        lab.clock.advance(minutes=16)
        wait_until(lambda: sum(record.kind == "end" for record in lab.timeline) == 2)
        wait_until(lambda: supervisors_of(lab) == [])
        ends = [record for record in lab.timeline if record.kind == "end"]
        return sorted((one.function, one.detail["reason"], one.time - begin) for one in ends)


def test_idle_environments_are_taken_back_the_same_on_each_run(start_lab: StartLab) -> None:
    first, second = reclaimed(start_lab), reclaimed(start_lab)
    assert [(name, reason) for name, reason, _ in first] == [("x", "idle"), ("y", "idle")]
    for _, _, after in first:
        assert IDLE[0] - 5 < after < IDLE[1] + 5
    assert first[0][2] != pytest.approx(first[1][2], abs=5)
    assert [after for *_, after in second] == pytest.approx(
        [after for *_, after in first], abs=5
    )  # fmt: skip


def test_an_environment_that_is_used_all_the_time_has_an_age(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function("def handler(event, context):\n    return context.log_stream_name\n")
    stream, lived = invoke(lam, name).value, 0
    while invoke(lam, name).value == stream:
        lab.clock.advance(minutes=4)
        lived += 240
        assert lived <= AGE[1] + 240
    assert lived >= AGE[0] - 240
    ended = [record for record in lab.timeline if record.kind == "end"]
    assert [record.detail["reason"] for record in ended] == ["its age"]


# ---- a reset


@pytest.mark.parametrize("init", ["", "if os.path.exists('/tmp/1'):\n    os._exit(3)\n"])
def test_an_init_inside_an_invocation_is_not_told_unless_it_fails(
    init: str, lab: Lab, lam: Any, make_function: MakeFunction, request: pytest.FixtureRequest
) -> None:
    if init and not request.config.getoption("rooms"):
        pytest.skip("what INIT fails on lies in the environment's own /tmp")
    code = (
        f"import os\n{init}def handler(event, context):\n    if event == 'exit':\n"
        "        open('/tmp/1', 'w').close()\n        os._exit(1)\n    return 'fine'\n"
    )
    if not init:
        code = code.replace("        open('/tmp/1', 'w').close()\n", "")
    name = make_function(code)
    assert "Init Duration: " in invoke(lam, name, "exit").log
    assert [record.kind for record in lab.timeline][-1] == "reset"
    answer = invoke(lam, name, "again")
    report = answer.log.splitlines()[-1]
    assert report.startswith("REPORT ")
    assert "Init Duration" not in report
    phases = [record.detail["phase"] for record in lab.timeline if record.kind == "init"]
    assert phases == ["init", "invoke"]
    if init:
        assert answer.value["errorType"] == "Runtime.ExitError"
        assert "\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError" in answer.log
    else:
        assert answer.value == "fine"
        assert "INIT_REPORT" not in answer.log


# ---- harden

STEALS = TRIES + (
    "def handler(event, context):\n"
    "    return [attempt(lambda: open(path).close()) for path in event]\n"
)


@pytest.fixture(params=[pytest.param(True, marks=rooms), False])
def hard_lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    if not hardening.version():
        pytest.skip("this kernel has no Landlock")
    with start(export=False, rooms=request.param, harden=True) as lab:
        yield lab


def test_hardened_functions_reach_no_file_of_the_machine(hard_lab: Lab) -> None:
    lam = hard_lab.client("lambda")
    # Where /tmp is the machine's it stays within reach, so the secret lies elsewhere.
    secrets = ["/etc/hostname", str(Path.home() / ".profile"), "/proc/1/environ"]
    lam.create_function(
        FunctionName="f", Runtime=RUNTIME, Handler="a.handler", Role=hard_lab.role(),
        Code={"ZipFile": hard_lab.zip({"a.py": STEALS})},
    )  # fmt: skip
    wait_until_settled(lam, "f")
    found = invoke(lam, "f", secrets).value
    assert set(found) <= {"EACCES", "ENOENT"}, dict(zip(secrets, found, strict=True))
    assert invoke(lam, "f", ["/etc/ssl/openssl.cnf"]).value[0] in (None, "ENOENT")


# ---- what the doctor says


@rooms
def test_the_doctor_finds_rooms_and_says_what_does_not_hold_without() -> None:
    (row,) = (row for row in doctor.examine() if row.name == "namespaces")
    assert row.state == doctor.OK
    assert "/tmp" in row.means
    assert "no limit" in row.how


def test_where_no_room_can_be_made_the_doctor_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "why_there_are_none", lambda: "No space left on device")
    assert doctor._namespaces() == (doctor.LIMITED, "No space left on device")
