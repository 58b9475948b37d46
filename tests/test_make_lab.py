"""``make lab``: the simulator is compiled ahead, once, and whatever becomes of it the lab opens."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lambdalab.simulator import __main__ as ahead
from tests.house import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")

SIMULATOR = "-m lambdalab.simulator"
# Writes down how it was called; the simulator cannot be compiled where a file says so.
PYTHON = """#!/bin/sh
echo "$*" >> calls
case "$*" in "-m lambdalab.simulator") test ! -e broken;; esac
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what make looks at, with an environment that is there already."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("simulator/rules.py", "facts/quotas.toml"):
        copy = tmp_path / "lambdalab" / name
        copy.parent.mkdir(parents=True)
        shutil.copy(ROOT / "lambdalab" / name, copy)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON, encoding="utf-8")
    python.chmod(0o755)
    (tmp_path / ".venv" / ".lab").touch()
    return tmp_path


def make_lab(project: Path) -> tuple[list[str], str]:
    """How Python was called by ``make lab``, which must succeed, and what was said."""
    calls = project / "calls"
    calls.unlink(missing_ok=True)
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", "lab"], cwd=project, env=plain, capture_output=True, text=True, check=True
    )
    return calls.read_text(encoding="utf-8").splitlines(), done.stdout + done.stderr


def test_the_simulator_is_compiled_once_before_the_lab_opens(project: Path) -> None:
    (simulator, jupyter), said = make_lab(project)
    assert simulator == SIMULATOR
    assert jupyter.startswith("-m jupyterlab ")
    assert "Compiling the simulator" in said
    again, said = make_lab(project)
    assert again == [jupyter]
    assert "simulator" not in said


@pytest.mark.parametrize("changed", ["lambdalab/simulator/rules.py", "lambdalab/facts/quotas.toml"])
def test_other_rules_or_figures_are_compiled_again(project: Path, changed: str) -> None:
    make_lab(project)
    later = (project / ".venv" / ".simulator").stat().st_mtime + 5
    os.utime(project / changed, (later, later))
    assert SIMULATOR in make_lab(project)[0]


def test_where_it_cannot_be_compiled_the_lab_opens_and_the_next_time_tries_again(
    project: Path,
) -> None:
    (project / "broken").touch()
    (simulator, jupyter), said = make_lab(project)
    assert (simulator, jupyter[:13]) == (SIMULATOR, "-m jupyterlab")
    assert "Lambda Lab: opens without it" in said
    (project / "broken").unlink()
    assert make_lab(project)[0] == [SIMULATOR, jupyter]
    assert make_lab(project)[0] == [jupyter]


def test_the_module_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    assert ahead.main() == 0
    assert capsys.readouterr().out.startswith("The simulator is compiled (")


def test_the_module_says_in_a_line_what_went_wrong(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> None:
        raise RuntimeError("no such processor")

    monkeypatch.setattr(ahead, "simulate", fails)
    assert ahead.main() == 1
    assert capsys.readouterr().err == "The simulator cannot be compiled here: no such processor\n"
