"""What an idle environment holds in memory that it shares with no other process."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.report import Ratio, Result, Table, UnmeasuredError
from benchmarks.sides import LAB, Side, floor_side, lab_side, peers

ENVIRONMENTS, SETTLE_SECONDS = 4, 0.5
MB = 1_000_000
HOW = (
    f"{ENVIRONMENTS} environments of as many functions, each invoked once and left alone for "
    f"{SETTLE_SECONDS:g} s; the unique set size (private pages, clean and dirty, of "
    "`/proc/PID/smaps_rollup`) of the process that ran the handler and of those it started; "
    "1 MB is 1,000,000 bytes. The floor's is `python -m awslambdaric` spawned afresh. "
    "Ratio: the largest, in MB."
)


def run() -> Result:
    """Measure one after another: memory does not depend on what else the machine does."""
    with ExitStack() as stack:
        floor = stack.enter_context(floor_side())
        rows = {floor.name: settled(floor, ["benchmark"])}
        for side in [stack.enter_context(lab_side()), *peers(stack)]:
            functions = [f"idle-{number}" for number in range(ENVIRONMENTS)]
            for function in functions:
                side.create(function)
            rows[side.name] = settled(side, functions)
        return result(rows)


def settled(side: Side, functions: list[str]) -> list[int]:
    """Invoke each function once, leave them alone, and read what each environment holds."""
    processes = [[*invoked(side, function)] for function in functions]
    time.sleep(SETTLE_SECONDS)
    return [sum(map(own_memory, each)) for each in processes]


def invoked(side: Side, function: str) -> Iterator[int]:
    """Invoke a function that has no environment yet; give the processes of its environment.

    In the lab these are all that the cloud has gained, what looks after them included.
    """
    before = set(family(side.lab._process.pid)) if side.lab else set()
    process = side.invoke(function)
    if side.lab:
        yield from set(family(side.lab._process.pid)) - before
    elif process:
        yield from family(process)


def family(process: int) -> Iterator[int]:
    """Give a process and all that descend from it."""
    yield process
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        for child in task.read_text(encoding="ascii").split():
            yield from family(int(child))


def own_memory(process: int) -> int:
    """Give the bytes that only this process has in memory (its unique set size)."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise UnmeasuredError(f"unique set size needs Linux's smaps_rollup: {error}") from error
    private = (line.split() for line in lines if line.startswith("Private_"))
    return sum(int(words[1]) for words in private) * 1024


def result(held: dict[str, list[int]]) -> Result:
    """Set out what the environments hold, and the lab's bound."""
    rows = tuple(
        (name, *(f"{figure / MB:.2f}" for figure in (median(each), max(each))), str(len(each)))
        for name, each in held.items()
    )
    table = Table(("who", "median MB", "most MB", "environments"), rows)
    ratio = Ratio("environment_uss_mb", max(held[LAB]) / MB, 8.0)
    return Result("memory", HOW, table, (ratio,))
