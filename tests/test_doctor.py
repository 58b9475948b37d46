"""``lambdalab doctor``: what it looks at, what it says, what a program reads of it."""

from __future__ import annotations

import json
import os
from importlib import metadata
from pathlib import Path

import pytest

from lambdalab import doctor
from lambdalab.doctor import LIMITED, MISSING, OK, Finding

GOOD = Finding("a", OK, "1.0", "does things", "install it", needed=True)
GONE = Finding("b", MISSING, "not installed", "does more", "run: pip install b", needed=True)
EXTRA = Finding("c", MISSING, "not on PATH", "does extras", "install c", needed=False)
WEAK = Finding("d", LIMITED, "not allowed", "does little", "allow it", needed=True)


@pytest.fixture(scope="module")
def findings() -> dict[str, Finding]:
    return {finding.name: finding for finding in doctor.examine()}


def test_a_machine_that_runs_these_tests_has_what_the_default_needs(
    findings: dict[str, Finding],
) -> None:
    assert doctor.exit_status(findings.values()) == 0
    needed = {name for name, finding in findings.items() if finding.needed}
    assert {
        "Python",
        "awslambdaric",
        "httptools",
        "moto",
        "loopback port",
        "scratch space",
    } <= needed


def test_it_looks_at_all_that_may_be_missing(findings: dict[str, Finding]) -> None:
    assert {
        "/proc, memory",
        "/proc, CPU time",
        "freezing",
        "namespaces",
        "jupyterlab",
        "Node.js",
        "other Pythons",
        "aws command",
        "Chromium",
    } <= set(findings)
    for finding in findings.values():
        assert finding.state in {OK, LIMITED, MISSING}
        assert finding.found
        assert finding.means
        assert finding.how


def test_every_requirement_of_the_package_has_a_row(findings: dict[str, Finding]) -> None:
    assert findings["moto"].found == metadata.version("moto")
    wanted = [line for line in metadata.requires("lambdalab") or [] if "extra ==" not in line]
    assert len(wanted) >= 7
    assert {doctor._project(line) for line in wanted} <= set(findings)


@pytest.mark.parametrize(
    ("findings_given", "status"),
    [([GOOD], 0), ([GOOD, EXTRA, WEAK], 0), ([GOOD, GONE], 1), ([], 0)],
)
def test_only_what_the_default_needs_fails(findings_given: list[Finding], status: int) -> None:
    assert doctor.exit_status(findings_given) == status


def test_the_table_names_what_is_missing_and_how_to_get_it() -> None:
    text = doctor.as_text([GOOD, GONE, EXTRA])
    assert "b: run: pip install b" in text
    assert "c: install c" in text
    assert "install it" not in text, "what is there need not be got"
    assert text.splitlines()[-1] == "The lab cannot run here yet: b."
    assert doctor.as_text([GOOD, EXTRA]).splitlines()[-1] == "The lab runs here."


def test_programs_read_the_same() -> None:
    assert json.loads(doctor.as_json([GONE])) == [
        {
            "name": "b",
            "state": "missing",
            "found": "not installed",
            "means": "does more",
            "how": "run: pip install b",
            "needed": True,
        }
    ]


# ---- single looks, on machines that lack something


def test_an_old_python_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.sys, "version_info", (3, 10, 1))
    assert doctor._python().state == MISSING
    monkeypatch.setattr(doctor.sys, "version_info", (3, 14, 0))
    assert doctor._python().state == MISSING


def test_a_command_that_is_not_there_or_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor._command("node") == (MISSING, "not on PATH")
    (tmp_path / "node").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "node").chmod(0o755)
    assert doctor._command("nodejs", "node") == (MISSING, "does not run (status 127)")
    (tmp_path / "node").write_text("no program")
    assert doctor._command("node").found.startswith("does not run: ")


def test_a_command_tells_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "aws").write_text("#!/bin/sh\necho aws-cli/2.30 Python/3.13 Linux\n")
    (tmp_path / "aws").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert doctor._command("aws") == (OK, "aws-cli/2.30 Python/3.13")


def test_a_missing_file_of_proc_limits() -> None:
    assert doctor._readable("/no/such/file").state == LIMITED


def test_a_full_or_unwritable_scratch_space(monkeypatch: pytest.MonkeyPatch) -> None:
    for free, state in ((2**40, OK), (2**29, LIMITED), (2**20, MISSING)):
        usage = type("Usage", (), {"free": free})
        monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _, usage=usage: usage)
        assert doctor._scratch().state == state
    monkeypatch.setattr(doctor.tempfile, "tempdir", "/no/such/folder")
    assert doctor._scratch().state == MISSING


def test_no_loopback_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.socket, "create_server", refuse)
    assert doctor._loopback() == (MISSING, "[Errno 13] Permission denied")


def test_a_process_that_cannot_be_stopped_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    # Signal 0 stops nothing: as on a machine that does not know SIGSTOP.
    monkeypatch.setattr(doctor, "SIGNAL_SECONDS", 0.2)
    monkeypatch.setattr(doctor.signal, "SIGSTOP", 0)
    assert doctor._freezing() == (LIMITED, "a process runs on")


@pytest.mark.parametrize(
    ("requirement", "state"),
    [
        ("moto[all,server]<5.3,>=5.2", OK),
        ("moto>=99", MISSING),
        ("no-such-project-anywhere", MISSING),
        ("boto3", OK),
    ],
)
def test_a_requirement_is_held_to_its_version(requirement: str, state: str) -> None:
    assert doctor._package_check(requirement)().state == state


def test_a_package_that_was_never_installed_is_looked_at_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(_: str) -> None:
        raise metadata.PackageNotFoundError("lambdalab")

    monkeypatch.setattr(doctor.metadata, "requires", unknown)
    assert {"moto", "awslambdaric"} <= {look.name for look in doctor._package_looks()}
