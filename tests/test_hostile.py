"""Hostile functions: what a caller sees, what the log says, what the next invocation finds.

The rows are in rows/hostile.toml. Whatever a function does, the cloud answers afterwards, and
nothing of the function is left: no process, and where /tmp is its own, no file.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lambdalab import Lab, doctor
from tests.engine import Answer, gone, invoke, parent_of, running, wait_until

MakeFunction = Callable[..., str]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")

ROWS = tomllib.loads((Path(__file__).parent / "rows" / "hostile.toml").read_text("utf-8"))["row"]
GAPS = {
    "<id>": "{id}",
    "<uuid>": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "<n>": r"\d+",
    "<ms>": r"\d+\.\d\d",
    "<any>": r"(?s:.*)",
}
REPORT = re.compile(
    r"REPORT RequestId: [0-9a-f-]{36}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\t"
    r"Memory Size: \d+ MB\tMax Memory Used: \d+ MB\t(Init Duration: \d+\.\d\d ms\t)?(.*)\n"
)

# The handler of every row. A calm invocation tells which INIT it comes from, whether the file that
# an earlier one left in /tmp is there, and what the row's own ``look`` finds.
HANDLER = """
import os

BORN = os.urandom(4).hex()

def handler(event, context):
    if "calm" not in event:
        return row.attack(event)
    kept = os.path.exists(event["at"] + ".kept")
    with open(event["at"] + ".kept", "w"):
        pass
    look = getattr(row, "look", None) if event["calm"] == "after" else None
    return {"born": BORN, "kept": kept, "seen": look and look(event)}

import row
"""

# What a row may look for: a neighbour with a secret in its variables, its memory and its /tmp.
VICTIM = """
import os, subprocess

def handler(event, context):
    with open(event["at"] + ".secret", "w") as file:
        file.write(event["secret"])
    child = subprocess.Popen(["sleep", event["sleep"]])
    return {"api": os.environ["AWS_LAMBDA_RUNTIME_API"], "secret": event["secret"]}
"""

PROBE = """
import os

def handler(event, context):
    return {name: os.readlink(f"/proc/self/ns/{name}") for name in ("pid", "mnt")}
"""


class Ground(NamedTuple):
    """Where a row plays: what it is told, and what must be as it was when it is over."""

    lab: Lab
    lam: Any
    make: MakeFunction
    event: dict[str, Any]
    rooms: bool
    canary: Path


_marks = iter(range(50_000 + os.getpid() % 1000 * 10, 10**6))


@pytest.fixture(scope="module")
def rooms(shared_lab: Lab) -> bool:
    """Whether environments have processes and files of their own."""
    lam = shared_lab.client("lambda")
    lam.create_function(
        FunctionName="probe", Runtime="python3.13", Role=shared_lab.role(), Handler="app.handler",
        Code={"ZipFile": shared_lab.zip({"app.py": PROBE})},
    )  # fmt: skip
    shared_lab.clock.advance(seconds=1)
    found = invoke(lam, "probe").value
    lam.delete_function(FunctionName="probe")
    return all(found.get(name) != namespace(name) for name in ("pid", "mnt"))


def namespace(name: str) -> str:
    return str(Path(f"/proc/self/ns/{name}").readlink())


@pytest.fixture
def ground(
    lab: Lab, lam: Any, make_function: MakeFunction, rooms: bool, tmp_path: Path
) -> Iterator[Ground]:
    canary = tmp_path / "canary"
    canary.mkdir()
    (canary / "sings").touch()
    mark = f"hostile-{next(_marks)}"
    cloud = lab._process.pid
    zygote = children_of(cloud)[0]  # there is one for each version of Python
    event = {
        "at": f"/tmp/{mark}",
        "mark": mark,
        "cloud": cloud,
        "pids": namespace("pid"),
        "home": str(Path.home()),
        "scratch": scratch_of(zygote),
        "canary": str(canary),
        "token": lab._control._token,
    }
    yield Ground(lab, lam, make_function, event, rooms, canary)
    lab.reset()  # a row that failed may have left something running
    for left in Path("/tmp").glob(f"{mark}*"):  # where /tmp is the machine's
        shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()


def scratch_of(zygote: int) -> str:
    """The cloud's directory: what the zygote is told in its last argument."""
    last = Path(f"/proc/{zygote}/cmdline").read_text().rstrip("\0").split("\0")[-1]
    return str(json.loads(last)["scratch"]) if last.startswith("{") else last


def children_of(pid: int) -> list[int]:
    found: list[int] = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in listing.read_text().split()]
    return found


def descendants(pid: int) -> set[int]:
    """All that run; one that is dead and not yet reaped does not."""
    try:
        children = children_of(pid)
    except OSError:
        return set()
    return {child for child in children if not gone(child)}.union(*map(descendants, children))


# ---- patterns


def fits(pattern: str, text: str, request_id: str = "") -> bool:
    """Whether a text is as a row says; what is in angle brackets stands for what varies."""
    parts = re.split(r"(<[a-z]+>)", pattern)
    made = "".join(GAPS.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(made.replace("{id}", request_id), text) is not None


def check(row: dict[str, Any], answer: Answer, payload: str) -> None:
    assert fits(row["payload"], payload, answer.request_id), payload
    assert answer.error == row.get("error")
    lines = answer.log.replace("\u00a0", " ").splitlines()
    assert fits("END RequestId: <id>", lines[-2], answer.request_id), answer.log
    rest = iter(lines)
    for wanted in row.get("log", ()):
        assert any(fits(wanted, line, answer.request_id) for line in rest), (wanted, lines)
    assert not any(fits(not_so, line) for not_so in row.get("never", ()) for line in lines), lines
    report = REPORT.search(answer.log)
    assert report, answer.log
    assert fits(row.get("report", ""), report[2]), report[2]


# ---- the rows


def test_every_row_says_where_it_comes_from() -> None:
    assert len({row["name"] for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row["source"], row["name"]
        assert row.get("verified", False) is False, row["name"]
        assert row.get("needs", "rooms") == "rooms", row["name"]
        assert "needs" in row or "reckless" not in row, row["name"]


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_whatever_a_function_does_is_told_and_is_over(row: dict[str, Any], ground: Ground) -> None:
    skip_or_fail_without_rooms(row, ground)
    before = descendants(ground.event["cloud"])
    name = ground.make(
        {"lambda_function.py": HANDLER, "row.py": row["code"]},
        **{"MemorySize": 1769, "Timeout": 10} | row.get("settings", {}),
    )
    event = ground.event | ({"victim": victim(ground)} if row.get("victim") else {})
    first = invoke(ground.lam, name, event | {"calm": "before"}) if not row.get("init") else None
    assert first is None or not first.value["kept"]
    check(row, *attacked(ground, name, event))
    time.sleep(row.get("pause", 0))  # how long it stands still is what the row then reads
    if "next" in row:
        check_next(row["next"], invoke(ground.lam, name, event | {"calm": "after"}), first)
    check_nothing_left(ground, name, before)


def skip_or_fail_without_rooms(row: dict[str, Any], ground: Ground) -> None:
    if "needs" not in row or ground.rooms:
        return
    assert row["needs"] == "rooms"
    look = next(found for found in doctor.examine() if "namespaces" in found.name)
    if look.state != doctor.OK:
        pytest.skip(f"{look.name}: {look.found}; {look.means}")
    if row.get("reckless"):
        pytest.fail("not run: without processes of its own it would harm this machine")


def attacked(ground: Ground, name: str, event: dict[str, Any]) -> tuple[Answer, str]:
    """The invocation; its payload need not be JSON."""
    given = ground.lam.invoke(FunctionName=name, LogType="Tail", Payload=json.dumps(event).encode())
    payload = given["Payload"].read()
    log = base64.b64decode(given["LogResult"]).decode()
    told = given["ResponseMetadata"]
    assert told["HTTPStatusCode"] == 200
    answer = Answer(None, given.get("FunctionError"), log, payload, told["RequestId"])
    return answer, payload.decode()


def check_next(wanted: dict[str, Any], answer: Answer, first: Answer | None) -> None:
    """The next invocation: warm, with an INIT of its own that nobody reports, or failing too."""
    if "payload" in wanted:
        assert fits(wanted["payload"], answer.payload.decode(), answer.request_id), answer
        return
    assert first is not None
    assert answer.error is None, answer
    report = REPORT.search(answer.log)
    assert report, answer.log
    same = answer.value["born"] == first.value["born"]
    how = "warm" if same else "cold" if report[1] else "suppressed"
    assert how == wanted["start"], answer.log
    assert answer.value["kept"] == (how != "cold")  # a reset keeps /tmp, only an end empties it
    assert answer.value["seen"] == wanted.get("seen")


def check_nothing_left(ground: Ground, name: str, before: set[int]) -> None:
    ground.lam.delete_function(FunctionName=name)
    for other in ground.lam.list_functions()["Functions"]:
        ground.lam.delete_function(FunctionName=other["FunctionName"])
    wait_until(lambda: len(descendants(ground.event["cloud"])) <= len(before))
    assert running(ground.event["mark"]) == []
    assert (ground.canary / "sings").exists()
    if ground.rooms:
        assert list(Path("/tmp").glob(f"{ground.event['mark']}*")) == []


def victim(ground: Ground) -> dict[str, Any]:
    """Another function of the same cloud, warm, with things of its own."""
    sleep = f"{next(_marks)}"
    told = {"at": ground.event["at"], "secret": f"secret-{sleep}", "sleep": sleep}
    name = ground.make(
        VICTIM, FunctionName="victim", Environment={"Variables": {"SECRET": told["secret"]}}
    )
    found: dict[str, Any] = invoke(ground.lam, name, told).value
    (child,) = wait_until(lambda: running(sleep))
    return found | {"pid": parent_of(child), "child": child}
