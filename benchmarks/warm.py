"""A warm invoke through boto3: how long the lab takes, against the floor and against MiniStack."""

from contextlib import ExitStack
from functools import partial

from benchmarks.harness import Round, interleave, median_ratio, one_after_another, percentile
from benchmarks.report import Ratio, Result, Table, milliseconds
from benchmarks.sides import (
    FLOOR,
    HARDENED,
    LAB,
    PEER,
    ROOMLESS,
    Side,
    floor_side,
    lab_side,
    peers,
)

ROUNDS, CALLS, WARM_UP = 15, 60, 50
HOW = (
    "One boto3 client and one environment each, one call after another, "
    f"{ROUNDS} rounds of {CALLS} calls in turn; milliseconds over all rounds. Ratios: the median "
    "over the rounds of one round's p50 against the other's. `boto3 alone`: a server that "
    "answers at once and runs no code."
)


def run() -> Result:
    """Measure everyone in the same run."""
    with ExitStack() as stack:
        ours = [
            floor_side(environments=0),
            floor_side(),
            lab_side(),
            lab_side(HARDENED, harden=True),
            lab_side(ROOMLESS, rooms=False),
        ]
        sides = [stack.enter_context(side) for side in ours] + peers(stack)
        for side in sides:
            one_after_another(side.invoke, WARM_UP)
        measures = {side.name: partial(one_after_another, side.invoke, CALLS) for side in sides}
        return result(sides, interleave(measures, ROUNDS))


def result(sides: list[Side], rounds: dict[str, list[Round]]) -> Result:
    """Set out the rounds and their ratios."""
    rows = tuple(row(side, rounds[side.name]) for side in sides)
    p50 = {name: [taken.p50 for taken in each] for name, each in rounds.items()}
    ratios = (
        Ratio("warm_p50_to_floor", median_ratio(p50[LAB], p50[FLOOR]), 1.5),
        Ratio("warm_p50_hardened_to_floor", median_ratio(p50[HARDENED], p50[FLOOR]), 1.5),
        Ratio("warm_p50_to_ministack", median_ratio(p50[LAB], p50.get(PEER, [])), 0.2),
    )
    columns = ("who", "p50 ms", "p99 ms", "least ms", "calls", "environments")
    return Result("warm", HOW, Table(columns, rows), ratios)


def row(side: Side, rounds: list[Round]) -> tuple[str, ...]:
    """Set out one contender."""
    calls = [call for taken in rounds for call in taken.calls]
    figures = (percentile(calls, 50), percentile(calls, 99), min(calls))
    used = str(len(side.environments - {None}))
    return (side.name, *map(milliseconds, figures), str(len(calls)), used)
