"""A warm call by function URL over a connection that stays open, against the floor, without boto3.

The floor gets the same requests: it looks at none of what makes one of them a function URL's.
"""

import http.client
import json
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from benchmarks.harness import Round, interleave, median_ratio, one_after_another, percentile
from benchmarks.report import Ratio, Result, Table, UnmeasuredError, milliseconds
from benchmarks.sides import FLOOR, LAB, Side, floor_side, lab_side

THROUGH_BOTO3 = f"{FLOOR}, boto3"
ROUNDS, CALLS, WARM_UP = 15, 100, 50
BODY = b'{"order": 7}'
HOW = (
    "One `http.client` connection and one environment each, a POST of a few bytes after another, "
    f"{ROUNDS} rounds of {CALLS} calls in turn; milliseconds over all rounds. The ratio: the "
    "median over the rounds of one round's p50 against the other's. `floor, boto3`: the same floor "
    "called through boto3, as in `warm`."
)
# Both statements that everybody needs.
LEAVE: tuple[dict[str, Any], ...] = (
    {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
    {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
)


def run() -> Result:
    """Measure both in the same run."""
    with ExitStack() as stack:
        floor, lab = (stack.enter_context(side) for side in (floor_side(), lab_side()))
        calls: dict[str, Callable[[], object]] = {
            FLOOR: caller(floor, "127.0.0.1"),
            THROUGH_BOTO3: floor.invoke,
            LAB: caller(lab, give_url(lab)),
        }
        for call in calls.values():
            one_after_another(call, WARM_UP)
        measures = {name: partial(one_after_another, call, CALLS) for name, call in calls.items()}
        return result(interleave(measures, ROUNDS))


def give_url(side: Side, function: str = "benchmark") -> str:
    """Give the function a URL that everybody may call; gives its host name."""
    for number, statement in enumerate(LEAVE):
        side.client.add_permission(
            FunctionName=function, StatementId=f"everybody-{number}", Principal="*", **statement
        )
    made = side.client.create_function_url_config(FunctionName=function, AuthType="NONE")
    return str(urlsplit(made["FunctionUrl"]).netloc)


def caller(side: Side, host: str) -> Callable[[], None]:
    """Make what calls once, through to the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", side.port)
    headers = {"Host": host, "Content-Type": "application/json"}

    def call() -> None:
        connection.request("POST", "/orders?page=1", BODY, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200 or not isinstance(json.loads(text), list):
            raise UnmeasuredError(f"{side.name} answered {answer.status}: {text[:200]!r}")

    return call


def result(rounds: dict[str, list[Round]]) -> Result:
    """Set out the rounds and their ratio."""
    rows = tuple(row(name, each) for name, each in rounds.items())
    p50 = {name: [taken.p50 for taken in each] for name, each in rounds.items()}
    ratio = Ratio("url_p50_to_floor", median_ratio(p50[LAB], p50[FLOOR]), 1.5)
    columns = ("who", "p50 ms", "p99 ms", "least ms", "calls")
    return Result("urls", HOW, Table(columns, rows), (ratio,))


def row(name: str, rounds: list[Round]) -> tuple[str, ...]:
    """Set out one contender."""
    calls = [call for taken in rounds for call in taken.calls]
    figures = (percentile(calls, 50), percentile(calls, 99), min(calls))
    return (name, *map(milliseconds, figures), str(len(calls)))
