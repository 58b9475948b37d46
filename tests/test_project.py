"""What holds the project together: its floors, its requirements, its files."""

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests import house
from tests.house import ROOT

# Modules that may ask the machine for the time, each with its reason.
MAY_ASK_THE_TIME = {
    "clock.py": "the platform's clock starts from the machine's",
    "learning/probe.py": "a check waits in real time for extensions that say goodbye",
    "learning/progress.py": "a learner's record is dated by the learner's day, not the lab's",
}

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


# ---- floors

SOURCES = list(house.sources())


def test_every_room_has_a_floor() -> None:
    assert {house.room_of(path) for path, _ in SOURCES} <= set(house.FLOOR_OF)


def test_no_room_imports_from_a_floor_above_its_own() -> None:
    assert [line for path, tree in SOURCES for line in house.wrong_imports(path, tree)] == []


def test_only_the_clock_asks_the_machine_for_the_time() -> None:
    bound = [(path, tree) for path, tree in SOURCES if path.as_posix() not in MAY_ASK_THE_TIME]
    assert [line for path, tree in bound for line in house.wall_clock_uses(path, tree)] == []


def test_only_neighbours_know_moto() -> None:
    bound = [(path, tree) for path, tree in SOURCES if house.room_of(path) != "neighbours"]
    assert [line for path, tree in bound for line in house.imports_of(path, tree, "moto")] == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("clock.py", "from lambdalab.endpoint import server"),
        ("clock.py", "from lambdalab import start"),
        ("clock.py", "from . import lab"),
        ("execution/pool.py", "from ..functions import records"),
        ("functions/store.py", "import lambdalab.invocation"),
        ("timeline.py", "from lambdalab import wire"),
        ("cli.py", "def f():\n    from lambdalab.execution.pool import Pool"),
        ("learning/checks.py", "from lambdalab.neighbours import iam\nimport lambdalab.invocation"),
    ],
)
def test_an_import_that_leads_up_is_seen(path: str, source: str) -> None:
    assert len(house.wrong_imports(Path(path), ast.parse(source))) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("endpoint/server.py", "from . import routes\nfrom ..clock import LabClock"),
        ("invocation/queue.py", "from lambdalab.functions.records import Function"),
        (
            "widgets/scaling.py",
            "from lambdalab.simulator import rules\nfrom lambdalab import start",
        ),
        ("cli.py", "from lambdalab.lab import start\nimport lambdalab.facts"),
    ],
)
def test_an_import_that_leads_down_is_free(path: str, source: str) -> None:
    assert house.wrong_imports(Path(path), ast.parse(source)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.sleep(1)",
        "import time as t\nnow = t.time",
        "from time import time_ns\ntime_ns()",
        "from datetime import UTC, datetime\ndatetime.now(UTC)",
        "import datetime\ndatetime.datetime.utcnow()",
        "from datetime import date as day\nday.today()",
    ],
)
def test_asking_the_machine_for_the_time_is_seen(source: str) -> None:
    assert len(house.wall_clock_uses(Path("x.py"), ast.parse(source))) == 1


@pytest.mark.parametrize("source", ["import moto.server", "from moto.core import x", "import moto"])
def test_an_import_of_moto_is_seen(source: str) -> None:
    assert len(house.imports_of(Path("x.py"), ast.parse(source), "moto")) == 1


def test_measuring_time_is_free() -> None:
    tree = ast.parse("import time\ntime.monotonic()\nclock.time()\nclock.sleep(1)")
    assert house.wall_clock_uses(Path("x.py"), tree) == []


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
    "PIL": "pillow",
    "botocore": "boto3",
    "joserfc": "moto",
    "jsonschema": "moto",
    "referencing": "moto",
    "llvmlite": "numba",
    "nbclient": "jupyterlab",
    "nbformat": "jupyterlab",
    "packaging": "jupyterlab",
    "samtranslator": "aws-sam-translator",
    "traitlets": "ipywidgets",
    "urllib3": "boto3",
    "yaml": "moto",
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


@pytest.mark.parametrize("text", ["/var/task", "~/.aws", "docs/home/page", "a/Users/b"])
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
