"""Events accepted a second: Invoke with the invocation type Event, through one boto3 client.

Once for a function that may not run (its reserved concurrency is 0), so that only the queue works;
and once for one that runs beside the client and the cloud, which must have handled every event at
the end.
"""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from benchmarks.harness import Round, interleave, median_ratio, percentile, side_by_side
from benchmarks.report import Ratio, Result, Table, UnmeasuredError, milliseconds
from benchmarks.sides import CLIENT, LAB, Side, floor_side, lab_side

ROUNDS, DURATION, WARM_UP = 11, 0.4, 0.6
HOW = (
    f"One boto3 client, 1 thread, {ROUNDS} rounds of {DURATION} s in turn with a server that "
    "answers at once; the lab with metrics and timeline on. `accepts`: the function's reserved "
    "concurrency is 0, so only the queue works; `accepts and runs`: the lab runs each event while "
    "the next ones come in, beside the client. Rate: the median over the rounds. Ratio: the median "
    "over the rounds of one round's rate against the other's."
)
COLUMNS = ("who", "events/s", "p50 ms", "p99 ms")
RUNS = f"{LAB}, accepts and runs"
ACCEPTS = f"{LAB}, accepts"


def run() -> Result:
    """Measure the lab against boto3 alone."""
    with ExitStack() as stack:
        alone, runs, accepts = (
            stack.enter_context(side)
            for side in (floor_side(environments=0), lab_side(RUNS), lab_side(ACCEPTS))
        )
        accepts.client.put_function_concurrency(
            FunctionName="benchmark", ReservedConcurrentExecutions=0
        )
        calls: dict[str, Callable[[], object]] = {
            alone.name: alone.invoke,
            RUNS: partial(accept, runs),
            ACCEPTS: partial(accept, accepts),
        }
        for call in calls.values():
            side_by_side(call, 1, WARM_UP)
        taken = interleave(
            {name: partial(side_by_side, call, 1, DURATION) for name, call in calls.items()}, ROUNDS
        )
        require_handled(runs)
    ours, least = ([each.rate for each in taken[name]] for name in (ACCEPTS, CLIENT))
    ratio = Ratio("accepted_to_boto3_alone", median_ratio(ours, least), 0.7, at_most=False)
    return Result(
        "asynchronous", HOW, Table(COLUMNS, tuple(row(*each) for each in taken.items())), (ratio,)
    )


def accept(side: Side) -> None:
    """Leave one event with the function."""
    answer = side.client.invoke(FunctionName="benchmark", InvocationType="Event", Payload=b"{}")
    answer["Payload"].read()  # or boto3 opens a connection for each call
    if answer["StatusCode"] != 202:
        raise UnmeasuredError(f"{side.name}: an event was answered with {answer['StatusCode']}")


def require_handled(side: Side) -> None:
    """See that no event was lost."""
    side.lab.clock.run_until_idle()
    records = list(side.lab.timeline)
    accepted, handled = (
        {record.request_id for record in records if record.kind == kind}
        for kind in ("accepted", "invoke")
    )
    if not accepted or accepted - handled:
        raise UnmeasuredError(f"{side.name} has lost {len(accepted - handled)} events")


def row(name: str, rounds: list[Round]) -> tuple[str, ...]:
    """Set out one contender."""
    calls = [call for each in rounds for call in each.calls]
    rates = sorted(each.rate for each in rounds)
    times = (milliseconds(percentile(calls, percent)) for percent in (50, 99))
    return (name, f"{rates[len(rates) // 2]:,.0f}", *times)
