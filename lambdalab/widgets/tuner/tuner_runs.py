"""A function's real runs at several memory sizes, as its REPORT lines tell them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from botocore.config import Config

from lambdalab import facts
from lambdalab.lab import Lab
from lambdalab.widgets.tuner.tuner_reports import Report, last_report
from lambdalab.widgets.tuner.tuner_versions import published, settle

__all__ = [
    "MOST_RUNS",
    "ONE_VCPU",
    "SIZES",
    "AtSize",
    "Measurement",
    "Plan",
    "Tell",
    "client_of",
    "measure",
]

ONE_VCPU: int = facts.quota("memory.per-vcpu").value
SMALLEST: int = facts.quota("memory.minimum").value
LONGEST = facts.quota("timeout.maximum").seconds
# Doubled as long as a function has less than one vCPU; then one, and two.
SIZES: tuple[int, ...] = (
    *(SMALLEST << step for step in range(8) if SMALLEST << step < ONE_VCPU),
    ONE_VCPU,
    2 * ONE_VCPU,
)
MOST_RUNS = 100
# How much later than the function's longest timeout an answer may come before one gives up.
_GRACE = 30
# Whoever waits for an answer must not ask again: that would be another run. And a size that AWS
# does not have is refused in AWS's words, not in boto3's.
_CLIENT = Config(
    read_timeout=LONGEST + _GRACE,
    retries={"total_max_attempts": 1},
    parameter_validation=False,
)


@dataclass(frozen=True)
class AtSize:
    """What a function did at one memory size (MB).

    ``durations`` (ms) and ``billed`` (ms) are of its warm runs, ``init`` (ms) is what INIT took in
    the cold start before them, ``used`` (MB) the most memory of any. ``error`` says why a run
    failed; a size at which one failed has no figures.
    """

    memory: int
    durations: tuple[float, ...] = ()
    billed: tuple[float, ...] = ()
    init: float | None = None
    used: int = 0
    error: str = ""

    @property
    def time(self) -> float:
        """The median duration of the warm runs, in ms."""
        return median(self.durations)

    @property
    def charged(self) -> float:
        """The median of what is billed for a warm run, in ms."""
        return median(self.billed)


@dataclass(frozen=True)
class Plan:
    """What to measure: ``runs`` warm runs with ``payload`` at each of the ``sizes`` (MB).

    ``payload`` is what JSON can hold; None stands for an empty event.
    """

    function: str
    payload: Any = None
    sizes: Sequence[int] = SIZES
    runs: int = 5

    def __post_init__(self) -> None:
        """Refuse what cannot be measured; AWS itself refuses memory sizes that it does not have."""
        if not isinstance(self.function, str) or not self.function:
            raise ValueError(f"function is {self.function!r}: it must be the name of a function")
        if not self.sizes or not all(type(size) is int for size in self.sizes):
            raise ValueError(
                f"sizes is {self.sizes!r}: it must be memory sizes, whole numbers of MB"
            )
        if type(self.runs) is not int or not 1 <= self.runs <= MOST_RUNS:
            raise ValueError(f"runs is {self.runs!r}: it must be between 1 and {MOST_RUNS}")
        object.__setattr__(self, "sizes", tuple(sorted(set(self.sizes))))

    @property
    def body(self) -> bytes:
        """The payload as JSON; ValueError for what cannot be written so."""
        try:
            return json.dumps({} if self.payload is None else self.payload).encode()
        except TypeError as error:
            raise ValueError(f"payload cannot be written as JSON: {error}") from None


@dataclass(frozen=True)
class Measurement:
    """What is known of a plan by now: the ``sizes`` that were run."""

    plan: Plan
    sizes: tuple[AtSize, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing of the plan is missing."""
        return len(self.sizes) == len(self.plan.sizes)


def client_of(lab: Lab, **options: Any) -> Any:
    """A Lambda client of a lab; ValueError for anything else, which might reach a real account."""
    if not isinstance(lab, Lab):
        raise ValueError(f"lab is a {type(lab).__name__}: give what start() has returned")
    return lab.client("lambda", **options)


# Hears how far it is, in words, with all that is known by then; says whether to go on.
Tell = Callable[[str, Measurement], bool]


def measure(lab: Lab, plan: Plan, tell: Tell = lambda _words, _known: True) -> Measurement:
    """Run the function of ``plan`` in ``lab`` and return what its REPORT lines say.

    At each size it runs once cold, which is not counted, then ``plan.runs`` times warm, one after
    the other. ``tell`` hears of every run; where it returns False, nothing more is run, and what is
    known by then is returned. Raises AWS's ClientError for what AWS refuses; whatever happens, the
    function gets its own memory size back and the versions published here are deleted.
    """
    body = plan.body
    lam = client_of(lab, config=_CLIENT)
    settle(lam, plan.function)
    shown = lam.get_function_configuration(FunctionName=plan.function)
    known = Measurement(plan)
    tell("publishing a version for each memory size", known)
    with published(lam, plan.function, plan.sizes, shown["MemorySize"]) as versions:
        for memory, version in versions.items():
            done = _at_one_size(lam, version, body, memory, known, tell)
            if done is None:
                break
            known = replace(known, sizes=(*known.sizes, done))
    return known


def _at_one_size(
    lam: Any, version: str, body: bytes, memory: int, known: Measurement, tell: Tell
) -> AtSize | None:
    """Run one version; None where it shall not go on."""
    runs = known.plan.runs
    reports: list[Report] = []
    for number in range(runs + 1):
        what = f"run {number} of {runs}" if number else "cold start"
        if not tell(f"{memory:,} MB: {what}", known):
            return None
        try:
            reports.append(_invoked(lam, known.plan.function, version, body))
        except _FunctionFailedError as error:
            return AtSize(memory, error=str(error))
    return _summed_up(memory, reports)


def _summed_up(memory: int, reports: Sequence[Report]) -> AtSize:
    cold, *warm = reports
    return AtSize(
        memory,
        tuple(report.duration for report in warm),
        tuple(report.billed for report in warm),
        cold.init,
        max(report.used for report in reports),
    )


class _FunctionFailedError(Exception):
    """The function ended in an error; the text is what AWS says of it."""


def _invoked(lam: Any, function: str, version: str, body: bytes) -> Report:
    answer = lam.invoke(FunctionName=function, Qualifier=version, LogType="Tail", Payload=body)
    payload = answer["Payload"].read()
    if "FunctionError" in answer:
        raise _FunctionFailedError(_words(payload))
    log = base64.b64decode(answer["LogResult"]).decode(errors="replace")
    report = last_report(log)
    if report is None:
        raise ValueError(
            f"{function} logs no report of its runs: give it a SystemLogLevel of INFO or DEBUG"
        )
    return report


# Which of several runs it was is of no interest.
_REQUEST = re.compile(r"^RequestId: \S+ (Error: )?")


def _words(payload: bytes) -> str:
    """What a failed function says of itself."""
    told = json.loads(payload)
    if not isinstance(told, dict):
        return f"Error: {told}"
    message = _REQUEST.sub("", str(told.get("errorMessage", "")))
    return f"{told.get('errorType', 'Error')}: {message}".removesuffix(": ")
