"""The simulator beside a plain loop in C and beside SimFaaS, all with the same model.

The model is the one that all three have: Poisson arrivals, INIT of a fixed length before an
exponential duration, a limit on concurrency, environments that go when they have waited too long.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness import interleave, median_ratio, percentile
from benchmarks.peer import installed
from benchmarks.report import Ratio, Result, Table, UnmeasuredError

ROUNDS, FIRST_CALLS = 7, 9
MEAN, INIT, IDLE, LIMIT = 0.1, 0.25, 600.0, 1000
RATES = (10, 500)
LAB, C, SIMFAAS = "Lambda Lab", "C, -O2", "SimFaaS"
VERSION = "0.2.2"
REQUESTS: dict[str, int] = {LAB: 2_000_000, C: 2_000_000, SIMFAAS: 20_000}
LEAST: Mapping[tuple[str, int], float] = {
    (C, 10): 0.7,
    (C, 500): 0.7,
    (SIMFAAS, 10): 100.0,
    (SIMFAAS, 500): 250.0,
}
LONGEST_FIRST_CALL = 0.6
SOURCE = Path(__file__).with_name("simulator.c")
PEER_SCRIPT = Path(__file__).with_name("simfaas_run.py")
FIRST_CALL = """
import time
began = time.perf_counter()
from lambdalab.simulator import Function, Poisson, simulate
simulate(Poisson(10, seconds=60), Function())
print(time.perf_counter() - began)
"""
HOW = (
    f"Poisson arrivals at 10 and at 500 requests a second, {MEAN:g} s on average (exponential), "
    f"INIT {INIT:g} s, idle environments go after {IDLE:g} s, {LIMIT} at most run together. Each "
    "draws its own random numbers and writes down what became of each request. The lab also keeps "
    "AWS's limits of requests and of new environments a second, which the others do not have; "
    "SimFaaS prefers the newest environment, the others the one that was used last. Rate: requests "
    f"in a second of processor time, median of {ROUNDS} rounds in turn; the ratio is the median "
    "over the rounds of one round's rate against the other's. First call: a new interpreter, from "
    f"the import to the first result, with the compiled code on disk; the fastest of {FIRST_CALLS}."
)


class Taken(NamedTuple):
    """One run: processor seconds, and how many requests, cold starts and refusals there were."""

    seconds: float
    requests: int
    cold: int
    refused: int

    @property
    def rate(self) -> float:
        """Requests in a second of processor time."""
        return self.requests / self.seconds


Contender = Callable[[int], Taken]


def run() -> Result:
    """Measure all in the same run."""
    with tempfile.TemporaryDirectory() as folder:
        contenders = {LAB: lab(), SIMFAAS: simfaas()}
        loop = compiled(Path(folder))
        if loop is not None:
            contenders[C] = loop
        rounds = {rate: measured(contenders, rate) for rate in RATES}
    return result(rounds, [first_call() for _ in range(FIRST_CALLS)])


def measured(contenders: Mapping[str, Contender], rate: int) -> dict[str, list[Taken]]:
    """The rounds at one rate."""
    calls = {name: lambda one=one: one(rate) for name, one in contenders.items()}
    return interleave(calls, ROUNDS)


def lab() -> Contender:
    """The lab's simulator, in this process."""
    from lambdalab.simulator import Exponential, Function, Poisson, Policy, simulate

    function, policy = Function(Exponential(MEAN), INIT), Policy(LIMIT, idle=IDLE, age=1e9)

    def once(rate: int) -> Taken:
        workload = Poisson(rate, requests=REQUESTS[LAB])
        began = time.process_time()
        found = simulate(workload, function, policy)
        seconds = time.process_time() - began
        return Taken(seconds, len(found), int(found.cold.sum()), int(found.throttled.sum()))

    once(RATES[0])
    return once


def compiled(folder: Path) -> Contender | None:
    """The loop in C; None, and a line that says so, where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        print("simulator: no C compiler (cc, gcc, clang): C is left out", file=sys.stderr)
        return None
    program = folder / "simulator"
    subprocess.run([compiler, "-O2", "-o", program, SOURCE, "-lm"], check=True)

    def once(rate: int) -> Taken:
        seconds, cold, refused = output([program, *words(rate), str(REQUESTS[C])]).split()
        return Taken(float(seconds), REQUESTS[C], int(cold), int(refused))

    return once


def simfaas() -> Contender:
    """SimFaaS, in an environment and processes of its own."""
    python = installed("simfaas", VERSION)

    def once(rate: int) -> Taken:
        command = [python, PEER_SCRIPT, *words(rate), str(REQUESTS[SIMFAAS]), "1"]
        seconds, *counts = output(command).split()
        return Taken(float(seconds), *(int(count) for count in counts))

    return once


def words(rate: int) -> list[str]:
    """The model as the others read it from their command lines."""
    return [str(rate), str(MEAN), str(INIT), str(IDLE), str(LIMIT)]


def output(command: list[object]) -> str:
    """What a program prints."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UnmeasuredError(f"{command[0]} failed: {reason}")
    return done.stdout


def first_call() -> float:
    """Seconds of a first simulation in a new interpreter."""
    return float(output([sys.executable, "-c", FIRST_CALL]))


def result(rounds: Mapping[int, Mapping[str, list[Taken]]], firsts: list[float]) -> Result:
    """Set out rates, ratios, and the cold starts that each found."""
    ratios = [
        Ratio(
            f"simulator_to_{'c' if name == C else 'simfaas'}_at_{rate}",
            median_ratio(rates(taken[LAB]), rates(taken[name])),
            LEAST[name, rate],
            at_most=False,
        )
        for rate, taken in rounds.items()
        for name in (C, SIMFAAS)
        if name in taken
    ]
    ratios.append(Ratio("simulator_first_call_s", min(firsts), LONGEST_FIRST_CALL))
    rows = tuple(
        row(name, rate, taken[name])
        for rate, taken in rounds.items()
        for name in (LAB, C, SIMFAAS)
        if name in taken
    )
    columns = ("who", "requests/s come", "in a round", "of them cold", "million simulated/s")
    return Result("simulator", HOW, Table(columns, rows), tuple(ratios))


def rates(taken: list[Taken]) -> list[float]:
    """The rates of all rounds."""
    return [one.rate for one in taken]


def row(name: str, rate: int, taken: list[Taken]) -> tuple[str, ...]:
    """Set out one contender at one rate."""
    last = taken[-1]
    median = percentile(rates(taken), 50) / 1e6
    return (name, str(rate), str(last.requests), str(last.cold), f"{median:.3f}")
