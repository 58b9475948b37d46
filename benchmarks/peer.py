"""Peers from the package index, each in an environment of its own."""

import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.report import UnmeasuredError

FOLDER = Path(__file__).parents[1] / ".bench"


def installed(name: str, version: str) -> Path:
    """Give the interpreter that has a package, after installing it if this is the first time."""
    folder = FOLDER / name
    python = folder / "bin" / "python"
    if not list(folder.glob(f"lib/*/site-packages/{name}-{version}.dist-info")):
        print(f"installing {name} {version} into {folder.name} ...", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", f"{name}=={version}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
            raise UnmeasuredError(f"{name} {version} could not be installed: {reason}")
    return python
