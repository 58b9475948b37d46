"""What a learner waits for before the first result, each time in a fresh interpreter."""

import json
import os
import subprocess
import sys
from statistics import median

from benchmarks.report import Ratio, Result, Table, UnmeasuredError, milliseconds
from benchmarks.sides import ROOT

RUNS = 7
# What is timed in one piece, and of which steps of the probe it consists.
SPANS = {
    "import_lambdalab": ("import",),
    "start": ("start",),
    "first_invoke": ("client", "role", "create", "invoke"),
}
BOUNDS = {"import_lambdalab": 0.15, "start": 1.0, "first_invoke": 0.5}
HOW = (
    f"{RUNS} fresh interpreters after one that fills the disk cache; milliseconds. "
    "`import_lambdalab` is `from lambdalab import start`; `first_invoke` is everything from the "
    "return of `start()` to the first result: its four steps are the boto3 client, the role, "
    "the function until it is active, and the invoke. Ratios: the median, in seconds."
)
Steps = dict[str, float]


def run() -> Result:
    """Measure once for the disk cache, then again and again."""
    probe()
    return result([probe() for _ in range(RUNS)])


def probe() -> Steps:
    """Time one fresh interpreter, which may keep compiled modules on disk as a learner's does."""
    command = [sys.executable, "-c", "from benchmarks.probe import main; main()"]
    settings = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise UnmeasuredError((done.stderr.strip().splitlines() or ["the probe failed"])[-1])
    steps: Steps = json.loads(done.stdout.splitlines()[-1])
    return steps


def result(runs: list[Steps]) -> Result:
    """Set out spans and steps, and the spans' bounds."""
    spans = {name: [sum(run[s] for s in steps) for run in runs] for name, steps in SPANS.items()}
    parts = {f"... {name}": [run[name] for run in runs] for name in SPANS["first_invoke"]}
    rows = tuple(
        (name, *map(milliseconds, (median(each), max(each), min(each))))
        for name, each in (spans | parts).items()
    )
    ratios = tuple(
        Ratio(f"{name}_seconds", median(spans[name]), bound) for name, bound in BOUNDS.items()
    )
    return Result("startup", HOW, Table(("what", "p50 ms", "most ms", "least ms"), rows), ratios)
