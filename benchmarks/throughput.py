"""Requests a second through one boto3 client, from 1 thread and from 8.

The threads share this process, as a notebook's would, and so its interpreter lock: boto3 itself
can send little more than `boto3 alone` shows, and the column beside the rate says how
near to that each one comes.
"""

from contextlib import ExitStack
from functools import partial
from statistics import median
from typing import Any

from benchmarks.harness import Round, interleave, median_ratio, percentile, side_by_side
from benchmarks.report import Ratio, Result, Table, UnmeasuredError, milliseconds
from benchmarks.sides import CLIENT, FLOOR, LAB, Side, floor_side, lab_side, peers

ROUNDS, DURATION, WARM_UP = 11, 0.4, 0.6
THREADS = (1, 8)
HOW = (
    f"One boto3 client in one process, 1 thread and {THREADS[-1]}, {ROUNDS} rounds of {DURATION} s "
    "in turn; the lab with logs, metrics and timeline on; the floor has as many environments "
    "as there are threads, which is as many as the lab makes. Rate: the median over the rounds. "
    "`of boto3 alone`: the rate against that of a server that answers at once and runs no "
    "code, which no server can pass. Ratios: the median over the rounds of one round's rate "
    "against the other's."
)
COLUMNS = ("threads", "who", "requests/s", "of boto3 alone", "p50 ms", "p99 ms", "environments")
Taken = dict[str, list[Round]]


def run() -> Result:
    """Measure everyone in the same run."""
    rows: list[tuple[str, ...]] = []
    ratios: list[Ratio] = []
    for threads in THREADS:
        with ExitStack() as stack:
            ours = [floor_side(environments=0), floor_side(threads), lab_side()]
            sides = [stack.enter_context(side) for side in ours] + peers(stack)
            taken = measured(sides, threads)
            require_records(next(side.lab for side in sides if side.lab))
            rows += [row(threads, side, taken) for side in sides]
            ratios.append(ratio(threads, taken))
    return Result("throughput", HOW, Table(COLUMNS, tuple(rows)), tuple(ratios))


def measured(sides: list[Side], threads: int) -> Taken:
    """Warm up everyone, which makes their environments; then measure in turn."""
    for side in sides:
        side_by_side(side.invoke, threads, WARM_UP)
    return interleave(
        {side.name: partial(side_by_side, side.invoke, threads, DURATION) for side in sides},
        ROUNDS,
    )


def require_records(lab: Any) -> None:
    """See that the lab kept logs, metrics and timeline: without them its rate says nothing."""
    kept = {
        "logs": lab.client("logs").filter_log_events(logGroupName="/aws/lambda/benchmark")[
            "events"
        ],
        "metrics": lab.client("cloudwatch").list_metrics(Namespace="AWS/Lambda")["Metrics"],
        "timeline": [record for record in lab.timeline if record.kind == "invoke"],
    }
    missing = [name for name, records in kept.items() if not records]
    if missing:
        raise UnmeasuredError(f"{LAB} ran without {', '.join(missing)}")


def ratio(threads: int, taken: Taken) -> Ratio:
    """Compare the lab's rate with the floor's."""
    ours, floor = ([each.rate for each in taken[name]] for name in (LAB, FLOOR))
    return Ratio(f"throughput_{threads}_to_floor", median_ratio(ours, floor), 0.65, at_most=False)


def row(threads: int, side: Side, taken: Taken) -> tuple[str, ...]:
    """Set out one contender."""
    rates, alone = ([each.rate for each in taken[name]] for name in (side.name, CLIENT))
    calls = [call for each in taken[side.name] for call in each.calls]
    times = (milliseconds(percentile(calls, percent)) for percent in (50, 99))
    share = f"{median_ratio(rates, alone):.2f}"
    used = str(len(side.environments - {None}))
    return (str(threads), side.name, f"{median(rates):.0f}", share, *times, used)
