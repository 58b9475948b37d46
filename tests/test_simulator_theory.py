"""The simulator against what queueing theory proves, within confidence intervals.

Each figure is the mean over runs that differ by their seed only, so its error is known: the theory
must lie in the interval that holds it with a confidence of 99.99 % (Student's t).
"""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest

from lambdalab.simulator import (
    Constant,
    Empirical,
    Exponential,
    Function,
    Lognormal,
    Poisson,
    Policy,
    simulate,
)

SEEDS = range(24)
# Student's t for 23 degrees of freedom, both sides.
STUDENT = 4.69
# No time is lost at the start, and no environment goes: what theory knows nothing of.
FOREVER = {"idle": 1e12, "age": 1e12, "paced": False}


def within(found: list[float], theory: float) -> bool:
    error = statistics.stdev(found) / math.sqrt(len(found))
    return abs(statistics.fmean(found) - theory) < STUDENT * error


def erlang_loss(servers: int, load: float) -> float:
    """The share that is lost of so many erlangs offered to so many servers."""
    lost = 1.0
    for number in range(1, servers + 1):
        lost = load * lost / (number + load * lost)
    return lost


def test_erlangs_formula_is_the_textbooks() -> None:
    assert erlang_loss(1, 1.0) == pytest.approx(1 / 2)
    assert erlang_loss(10, 8.0) == pytest.approx(0.12166, abs=1e-5)


@pytest.mark.parametrize(
    "duration",
    [Constant(1.0), Exponential(1.0), Lognormal(0.5, 5.0), Empirical((0.1, 0.3, 2.6))],
    ids=["constant", "exponential", "lognormal", "empirical"],
)
@pytest.mark.parametrize("servers", [5, 20])
def test_a_full_account_refuses_erlangs_share(duration, servers) -> None:
    """The share depends on the mean of the durations only, not on how they are distributed."""
    load = 0.9 * servers
    workload = Poisson(load / duration.mean, requests=30_000)
    policy = Policy(account=servers, floor=0, **FOREVER)
    function = Function(duration, init=0)
    refused = [simulate(workload, function, policy, seed).throttled.mean() for seed in SEEDS]
    assert within(refused, erlang_loss(servers, load))


@pytest.mark.parametrize("duration", [Constant(2.0), Exponential(2.0), Lognormal(1.0, 12.0)])
def test_without_a_limit_the_number_that_run_is_poisson(duration) -> None:
    """M/G/infinity: at any moment mean and variance are rate times mean duration."""
    load = 15 * duration.mean
    means, variances = [], []
    for seed in SEEDS:
        run = simulate(Poisson(15, seconds=2_500), Function(duration, init=0), Policy(), seed)
        # Further from each other than invocations last: the moments know little of one another.
        running, _ = run.concurrency.at(np.arange(100.0, 2_500.0, 20.0))
        means.append(float(running.mean()))
        variances.append(float(((running - load) ** 2).mean()))
    assert within(means, load)
    assert within(variances, load)


def test_littles_law_holds_at_every_load() -> None:
    for rate in (1, 10, 100):
        run = simulate(Poisson(rate, seconds=500), Function(Exponential(0.7), init=0.2), seed=rate)
        in_system = float(run.latency.sum()) / run.duration
        assert run.concurrency.mean(0, run.duration) == pytest.approx(in_system, rel=1e-9)


def test_as_many_environments_are_made_as_run_at_most_when_none_goes() -> None:
    run = simulate(Poisson(50, seconds=300), Function(Exponential(1)), Policy(**FOREVER), 1)
    assert int(run.cold.sum()) == run.peak == len(run.fates) > 30


def test_one_server_that_goes_when_idle_is_cold_as_often_as_gaps_are_long() -> None:
    """After its end the next request is cold if none comes in the idle time: exp(-rate * idle)."""
    rate, idle = 0.5, 3.0
    policy = Policy(account=1, floor=0, idle=idle, age=1e12, paced=False)
    colds = []
    for seed in SEEDS:
        run = simulate(Poisson(rate, requests=20_000), Function(0.4, init=0), policy, seed)
        served = ~run.throttled
        colds.append(float(run.cold[served].mean()))
    assert within(colds, math.exp(-rate * idle))


@pytest.mark.parametrize(
    ("workload", "function", "idle", "theirs", "error"),
    [
        (Poisson(0.9, requests=200_000), Function(Exponential(1.991), 0.253), 600, 1375.2, 35.4),
        (Poisson(10, requests=50_000), Function(Exponential(1), 0.25), 20, 9289.0, 195.3),
    ],
    ids=["its example", "busy"],
)
def test_as_many_starts_are_cold_as_in_simfaas(workload, function, idle, theirs, error) -> None:
    """On the model of SimFaaS 0.2.2: cold starts in a million, eight runs of as many requests.

    ``benchmarks/simfaas_run.py`` runs it. It prefers the newest environment, the lab the one that
    was used last, which is all but the same to those that wait too long. Here Student's t has 7
    degrees of freedom (99.9 %).
    """
    policy = Policy(idle=idle, age=1e12)
    ours = [float(simulate(workload, function, policy, seed).cold.mean()) * 1e6 for seed in SEEDS]
    spread = math.hypot(error, statistics.stdev(ours) / math.sqrt(len(ours)))
    assert abs(statistics.fmean(ours) - theirs) < 5.41 * spread
