"""What works on this machine, what is missing, what it means and how to get it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from lambdalab.lab.rooms import why_there_are_none
from lambdalab.lab.runtimes import absent_pythons, node_version
from lambdalab.lab.tables import text_table

__all__ = ["Finding", "as_json", "as_text", "examine", "exit_status"]

OK, LIMITED, MISSING = "ok", "limited", "missing"
PYTHONS = ((3, 11), (3, 14))
GIBIBYTE = 1024**3
ROOMY, TIGHT = 1 * GIBIBYTE, GIBIBYTE // 8
COMMAND_SECONDS = 20.0
SIGNAL_SECONDS = 2.0


@dataclass(frozen=True)
class Finding:
    """One row: ``state`` is "ok", "limited" or "missing"; ``needed`` if the default needs it."""

    name: str
    state: str
    found: str
    means: str
    how: str
    needed: bool


class Answer(NamedTuple):
    """What one look at the machine gave."""

    state: str
    found: str


class Look(NamedTuple):
    """What is looked at, why it matters and how to get it."""

    name: str
    needed: bool
    at: Callable[[], Answer]
    means: str
    how: str


def examine() -> list[Finding]:
    """Look at everything; nothing is changed or installed."""
    return [_finding(look) for look in (*_LOOKS, *_package_looks())]


def exit_status(findings: Iterable[Finding]) -> int:
    """0, or 1 if something is missing that the default needs."""
    return int(any(finding.needed and finding.state == MISSING for finding in findings))


def as_json(findings: Iterable[Finding]) -> str:
    """The findings for programs: a list of objects."""
    return json.dumps([asdict(finding) for finding in findings], indent=2)


def as_text(findings: Iterable[Finding]) -> str:
    """The findings as a table, and below it what can be done."""
    rows = list(findings)
    table = text_table(
        {
            "State": [row.state for row in rows],
            "What": [row.name for row in rows],
            "Found": [row.found for row in rows],
            "It means": [row.means for row in rows],
        }
    )
    advice = [f"{row.name}: {row.how}" for row in rows if row.state != OK]
    lines = [table, "", "How to get the rest:", *advice] if advice else [table]
    return "\n".join([*lines, "", _verdict(rows)])


def _verdict(rows: list[Finding]) -> str:
    lacking = [row.name for row in rows if row.needed and row.state == MISSING]
    if lacking:
        return f"The lab cannot run here yet: {', '.join(lacking)}."
    return "The lab runs here."


def _finding(look: Look) -> Finding:
    answer = look.at()
    return Finding(look.name, answer.state, answer.found, look.means, look.how, look.needed)


# Looks at the machine.


def _python() -> Answer:
    version = sys.version.split()[0]
    return Answer(OK if PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1] else MISSING, version)


def _system() -> Answer:
    return Answer(OK if sys.platform == "linux" else LIMITED, sys.platform)


def _loopback() -> Answer:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=SIGNAL_SECONDS).close()
    except OSError as error:
        return Answer(MISSING, str(error))
    return Answer(OK, "127.0.0.1")


def _scratch() -> Answer:
    try:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "probe").write_bytes(b"x")
            free = shutil.disk_usage(folder).free
    except OSError as error:
        return Answer(MISSING, str(error))
    state = OK if free >= ROOMY else LIMITED if free >= TIGHT else MISSING
    return Answer(state, f"{free / GIBIBYTE:.1f} GiB free in {tempfile.gettempdir()}")


def _readable(*files: str) -> Answer:
    try:
        for file in files:
            Path(file).read_bytes()
    except OSError as error:
        return Answer(LIMITED, error.strerror or "not readable")
    return Answer(OK, "readable")


def _freezing() -> Answer:
    """Stop a process of ours with SIGSTOP, as the lab freezes environments between invokes."""
    if os.name != "posix":
        return Answer(LIMITED, "no such signals")
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE)
    deadline = threading.Timer(SIGNAL_SECONDS, child.kill)
    with child:
        deadline.start()
        child.send_signal(signal.SIGSTOP)
        _, status = os.waitpid(child.pid, os.WUNTRACED)
        deadline.cancel()
        child.kill()
    stopped = os.WIFSTOPPED(status)
    return Answer(OK, "a process stops") if stopped else Answer(LIMITED, "a process runs on")


def _namespaces() -> Answer:
    """Make a room for an environment, as the lab does."""
    why = why_there_are_none()
    return Answer(LIMITED, why) if why else Answer(OK, "a room can be made")


def _command(*names: str) -> Answer:
    """The version that the first of the commands on PATH tells."""
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        return Answer(MISSING, "not on PATH")
    try:
        answer = subprocess.run(
            [path, "--version"], check=False, capture_output=True, text=True,
            timeout=COMMAND_SECONDS, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return Answer(MISSING, f"does not run: {error}")
    if answer.returncode:
        return Answer(MISSING, f"does not run (status {answer.returncode})")
    return Answer(OK, " ".join(answer.stdout.split()[:2]) or "runs")


def _node() -> Answer:
    version = node_version()
    return Answer(OK, version) if version else Answer(LIMITED, "not on PATH")


def _pythons() -> Answer:
    absent = absent_pythons()
    return Answer(LIMITED, f"without {', '.join(absent)}") if absent else Answer(OK, "all versions")


_LOOKS = (
    Look("Python", True, _python, "runs the lab", "install Python 3.11, 3.12 or 3.13"),
    Look(
        "system", True, _system, "Linux is tested; elsewhere the lab is not",
        "use Linux, also as a virtual machine or WSL 2",
    ),
    Look(
        "loopback port", True, _loopback, "the cloud listens on 127.0.0.1 only",
        "bring up the loopback interface, and let this user listen on it",
    ),
    Look(
        "scratch space", True, _scratch, "code and /tmp of functions lie there",
        "free a gigabyte, or set TMPDIR to a folder that has it",
    ),
    Look(
        "/proc, memory", False, lambda: _readable("/proc/self/statm", "/proc/self/status"),
        "functions are held to their memory size, and logs tell what they used",
        "mount /proc; systems without it do not hold functions to their memory",
    ),
    Look(
        "/proc, CPU time", False, lambda: _readable("/proc/self/schedstat"),
        "functions get the share of a CPU that their memory earns",
        "mount /proc; without it use start(cpu=False)",
    ),
    Look(
        "freezing", False, _freezing, "environments stand still between invocations",
        "allow SIGSTOP; without it background threads of functions run on",
    ),
    Look(
        "namespaces", False, _namespaces,
        "functions see /var/task, /opt, a /tmp of their own with its limit, only their processes",
        "use Linux as root, or allow unprivileged user namespaces in the system's settings; without"
        " them the real directories stand in, /tmp is the machine's, and its size has no limit",
    ),
    Look(
        "Node.js", False, _node, "runs functions of nodejs runtimes, whatever its own version",
        "install Node.js, or run: pip install 'lambdalab[node]'; Python does without",
    ),
    Look(
        "other Pythons", False, _pythons,
        "each runs the functions of its version; others run on the lab's own Python",
        "install them with pyenv or uv; the timeline notes what ran on another version",
    ),
    Look(
        "aws command", False, lambda: _command("aws"), "talks to `lambdalab serve` in a terminal",
        "install the AWS CLI; boto3 does without",
    ),
    Look(
        "Chromium", False, lambda: _command("chromium", "chromium-browser", "google-chrome"),
        "runs the project's own browser tests", "install Chromium; learning does without",
    ),
)  # fmt: skip


# Looks at the Python packages that the lab asks for.

_PURPOSES = {
    "awslambdaric": "AWS's runtime client, which runs the functions",
    "boto3": "the AWS SDK for Python",
    "httptools": "reads the requests that reach the cloud",
    "ipywidgets": "sliders and buttons in notebooks",
    "jupyterlab": "opens the notebooks",
    "matplotlib": "draws pictures",
    "moto": "plays the other AWS services",
}


def _package_looks() -> Iterator[Look]:
    try:
        wanted = metadata.requires("lambdalab") or []
    except metadata.PackageNotFoundError:
        wanted = list(_PURPOSES)
    for line in wanted:
        if "extra ==" in line:
            continue
        name = _project(line)
        means = _PURPOSES.get(name, "the lab imports it")
        yield Look(name, True, _package_check(line), means, f'run: pip install "{line}"')


def _project(requirement: str) -> str:
    end = next((i for i, c in enumerate(requirement) if not (c.isalnum() or c in "-_.")), None)
    return requirement[:end]


def _package_check(requirement: str) -> Callable[[], Answer]:
    def look() -> Answer:
        try:
            version = metadata.version(_project(requirement))
        except metadata.PackageNotFoundError:
            return Answer(MISSING, "not installed")
        return Answer(OK if _suits(requirement, version) else MISSING, version)

    return look


def _suits(requirement: str, version: str) -> bool:
    try:
        from packaging.requirements import Requirement
    except ImportError:  # it comes with JupyterLab, whose own row says that it is missing
        return True
    return Requirement(requirement).specifier.contains(version, prereleases=True)
