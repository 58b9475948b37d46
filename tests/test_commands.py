"""The commands that the README names exist, and say in one line what they lack."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.house import ROOT


def makefile_targets() -> set[str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z]+):", text, re.MULTILINE))


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", ".ci/run"])
def test_the_commands_that_are_named_exist(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE))
    assert named
    assert named <= makefile_targets()


@pytest.mark.parametrize("name", ["README.md", "Makefile"])
def test_the_notebook_that_is_opened_first_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    opened = set(re.findall(r"default_url=/lab/tree/(\S+)", text))
    assert len(opened) == 1
    assert (ROOT / opened.pop()).is_file()


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def make_lab(tmp_path: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Run `make lab` in an empty folder, with `script` as the only Python it can find."""

    def run(script: str) -> subprocess.CompletedProcess[str]:
        shutil.copy(ROOT / "Makefile", tmp_path)
        for name in ("requirements.txt", "pyproject.toml"):
            (tmp_path / name).touch()
        python = tmp_path / "python"
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
        command = ["make", "lab", f"PYTHON={python}"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    return run


@needs_make
def test_make_lab_says_in_one_line_that_no_python_fits(make_lab) -> None:
    done = make_lab("exit 1")
    said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert done.returncode != 0
    assert len(said) == 1
    assert said[0].startswith("Lambda Lab: needs Python 3.11, 3.12 or 3.13")


@needs_make
def test_make_lab_says_in_one_line_that_venv_is_missing(make_lab) -> None:
    done = make_lab('case "$2" in *ensurepip*) exit 1;; esac; exit 0')
    said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert done.returncode != 0
    assert len(said) == 1
    assert "lacks venv or ensurepip (Debian, Ubuntu: apt-get install python3-venv)" in said[0]


def test_a_plain_pytest_runs_the_notebooks_too() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    options = settings["tool"]["pytest"]["ini_options"]
    assert options["testpaths"] == ["tests", "notebooks"]
    assert {"--nbval", "--nbval-current-env", "--dist=loadfile"} <= set(options["addopts"].split())
