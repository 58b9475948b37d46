"""The engine's tests once more: as an ordinary user, and where there are no namespaces."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
NOBODY = 65534
# A user namespace in which no other can be made, entered without any right.
WITHOUT = (
    "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set -all"
    ' --inh-caps -all --ambient-caps -all -- "$@"'
)


def run(command: list[str], home: Path, **settings: int) -> str:
    """Run a command with a home of its own; what it wrote last, when it went well."""
    environment = os.environ | {"HOME": str(home), "TMPDIR": str(home)}
    environment.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, **settings
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    tmp_path.chmod(0o777)
    return tmp_path


def is_readable_for(**user: int) -> bool:
    look = "import boto3, lambdalab, pytest; open('tests/engine.py')"
    try:
        done = subprocess.run(
            [sys.executable, "-c", look], cwd=ROOT, check=False, capture_output=True, **user
        )
    except PermissionError:
        return False
    return done.returncode == 0


def test_the_engine_works_for_an_ordinary_user(home: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("this is an ordinary user")
    user = {"user": NOBODY, "group": NOBODY}
    if not is_readable_for(**user):
        pytest.skip("an ordinary user cannot read this Python or this checkout")
    files = ["tests/test_rooms.py", "tests/test_hostile.py"]
    assert " passed" in run([*PYTEST, *files], home, **user)


def test_the_engine_works_without_namespaces(home: Path) -> None:
    files = ["tests/test_environments.py", "tests/test_hostile.py"]
    wrapper = ["unshare", "-Ur", "sh", "-c", WITHOUT, "sh"]
    possible = (
        all(map(shutil.which, ("unshare", "setpriv")))
        and not subprocess.run([*wrapper, "true"], check=False, capture_output=True).returncode
    )
    # Where that cannot be had, the lab is told to do without.
    command = [*wrapper, *PYTEST] if possible else [*PYTEST, "--no-rooms"]
    assert " passed" in run([*command, *files], home)
