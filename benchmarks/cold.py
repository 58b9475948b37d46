"""A cold invoke: from the call to the first result of an environment that did not exist before.

The lab and MiniStack get a changed configuration before each call, as AWS needs it for a new
environment; the floor spawns `awslambdaric` afresh for each.
"""

from contextlib import ExitStack
from functools import partial
from itertools import count
from statistics import median

from benchmarks.harness import interleave, median_ratio, percentile, seconds
from benchmarks.report import Ratio, Result, Table, UnmeasuredError, milliseconds
from benchmarks.sides import FLOOR, LAB, Side, floor_side, lab_side, peers

ROUNDS, WARM_UP = 21, 2
HOW = (
    "A new environment for each call, from the call to its first result through boto3; "
    f"{ROUNDS} rounds of one call in turn. The floor spawns `python -m awslambdaric` afresh; the "
    "lab and MiniStack get a changed configuration first. Ratio: the median over the rounds."
)
MARKS = count()


def run() -> Result:
    """Measure everyone in the same run."""
    with ExitStack() as stack:
        floor = stack.enter_context(floor_side(environments=0, fresh=True))
        changed = [stack.enter_context(lab_side()), *peers(stack)]
        measures = {floor.name: partial(first_result, floor)}
        measures |= {side.name: partial(first_result_of_change, side) for side in changed}
        interleave(measures, WARM_UP)
        return result(interleave(measures, ROUNDS))


def first_result(side: Side) -> float:
    """Time one call, and see that a new environment answered it."""
    before = len(side.environments)
    taken = seconds(side.invoke)
    if len(side.environments) == before:
        raise UnmeasuredError(f"{side.name} answered from an environment that had run before")
    return taken


def first_result_of_change(side: Side) -> float:
    """Change the function, which is not timed, and time the next call."""
    side.renew(str(next(MARKS)))
    return first_result(side)


def result(taken: dict[str, list[float]]) -> Result:
    """Set out the rounds and their ratio."""
    rows = tuple(
        (name, *map(milliseconds, (median(each), percentile(each, 99), min(each))), str(len(each)))
        for name, each in taken.items()
    )
    table = Table(("who", "p50 ms", "p99 ms", "least ms", "environments"), rows)
    ratio = Ratio("cold_to_spawn", median_ratio(taken[LAB], taken[FLOOR]), 0.5)
    return Result("cold", HOW, table, (ratio,))
