"""What holds the project together: its requirements, its commands, its files."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests import house
from tests.house import ROOT

# Written in pieces, so that this file does not name what it forbids.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("anaconda", "org"),
        ("anaconda", "com"),
    )
)
MACHINE_PATH = re.compile(
    r"(?<![\w.~-])(?:/(?:home|Users|root|work|private/var)/[\w.]|[A-Z]:\\Users\\)"
)
NOT_TEXT = (".png",)


@cache
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def requirements(name: str) -> dict[str, Requirement]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    parsed = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {requirement.name: requirement for requirement in parsed}


@cache
def tracked() -> dict[str, str]:
    """Return the text of each file that is, or is about to be, under version control."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    names = [name for name in listed.stdout.splitlines() if not name.endswith(NOT_TEXT)]
    return {n: (ROOT / n).read_text(encoding="utf-8") for n in names if (ROOT / n).is_file()}


# ---- requirements


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_exact(name: str) -> None:
    loose = [
        str(r)
        for r in requirements(name).values()
        if not re.fullmatch("==[0-9.]+", str(r.specifier))
    ]
    assert loose == []


def test_what_the_package_needs_is_in_requirements_at_a_version_that_fits() -> None:
    pinned = requirements("requirements.txt")
    for line in project()["project"]["dependencies"]:
        needed = Requirement(line)
        version = str(pinned[needed.name].specifier).removeprefix("==")
        assert needed.specifier.contains(version), line
        assert needed.extras <= pinned[needed.name].extras, line


# Packages that the package imports and that another one, which it requires, is made of.
BROUGHT_BY = {
    "botocore": "boto3",
    "nbclient": "jupyterlab",
    "nbformat": "jupyterlab",
    "packaging": "jupyterlab",
    "urllib3": "boto3",
}


def test_what_the_package_imports_it_requires() -> None:
    required = {Requirement(line).name for line in project()["project"]["dependencies"]}
    own = {*sys.stdlib_module_names, "lambdalab"}
    imported = {
        top for path, tree in house.sources() for top in house.packages_of(path, tree)
    } - own
    assert {BROUGHT_BY.get(name, name) for name in imported} <= required


def test_nothing_is_required_twice() -> None:
    assert not set(requirements("requirements.txt")) & set(requirements("requirements-dev.txt"))


def test_the_conda_environment_is_python_node_and_the_requirements() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, pip = environment["dependencies"]
    assert pip == {"pip": ["-r requirements.txt", "-e ."]}
    assert [line.split("=")[0] for line in conda] == ["python", "nodejs", "pip"]
    wanted = SpecifierSet(project()["project"]["requires-python"])
    assert wanted.contains(conda[0].split("=")[1])


# ---- commands


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
def make_lab(tmp_path: Path) -> Iterator:
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
    options = project()["tool"]["pytest"]["ini_options"]
    assert options["testpaths"] == ["tests", "notebooks"]
    assert {"--nbval", "--nbval-current-env", "--dist=loadfile"} <= set(options["addopts"].split())


# ---- files


def test_the_changelog_tells_of_this_version() -> None:
    version = re.escape(project()["project"]["version"])
    assert re.search(rf"^## {version}\b", tracked()["CHANGELOG.md"], re.MULTILINE)


@pytest.mark.parametrize("name", sorted(path.name for path in ROOT.glob("*.md")))
def test_links_lead_somewhere(name: str) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", (ROOT / name).read_text(encoding="utf-8"))
    assert [t for t in targets if ":" not in t and not (ROOT / t).exists()] == []


def test_the_readme_leads_to_every_notebook_and_lab() -> None:
    readme = tracked()["README.md"]
    folders = ("notebooks", "labs", "solutions")
    paths = [f"{f}/{path.name}" for f in folders for path in (ROOT / f).glob("*.ipynb")]
    assert [path for path in paths if f"]({path})" not in readme] == []


def test_no_file_names_a_path_of_this_machine() -> None:
    here = re.compile(rf"(?<![\w.-]){re.escape(str(ROOT))}/")
    found = {
        n: m[0] for n, t in tracked().items() if (m := MACHINE_PATH.search(t) or here.search(t))
    }
    assert found == {}


@pytest.mark.parametrize("start", ["see /", "'/", "(/", "=/"])
@pytest.mark.parametrize("folder", ["home", "Users", "root"])
def test_a_path_of_a_machine_is_seen(start: str, folder: str) -> None:
    assert MACHINE_PATH.search(f"{start}{folder}/ann")


@pytest.mark.parametrize("text", ["/var/task", "~/.aws", "docs/home/page", "a/root/b"])
def test_a_path_of_lambda_or_of_the_project_is_free(text: str) -> None:
    assert not MACHINE_PATH.search(text)


def configured_hosts() -> set[str]:
    """Return the hosts from which pip on this machine fetches packages."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True).stdout
    urls = re.findall(r"https?://[^\s'\"]+", listed)
    return {urlsplit(url).hostname or "" for url in urls} - {"", "localhost", "127.0.0.1"}


def test_no_file_names_a_package_registry() -> None:
    hosts = {*REGISTRIES, *configured_hosts()}
    found = {name: host for name, text in tracked().items() for host in hosts if host in text}
    assert found == {}


def test_pre_commit_fetches_nothing() -> None:
    hooks = yaml.safe_load(tracked()[".pre-commit-config.yaml"])
    assert {repository["repo"] for repository in hooks["repos"]} == {"local"}
