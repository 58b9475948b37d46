"""The engine's admission and the compiled simulator decide alike, request by request."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdalab.simulator import (
    Bursts,
    Function,
    OnOff,
    Poisson,
    Policy,
    Result,
    Steps,
    Trace,
    simulate,
)
from tests.replaying import decided, replayed

WORKLOADS = {
    "poisson": Poisson(40, seconds=60),
    "step": Steps([(0, 5), (20, 200), (30, 20)], seconds=60),
    "on-off": OnOff(150, on=3, off=12, seconds=90),
    "bursts": Bursts(120, every=10, seconds=60, rate=5, spread=0.5),
    "at once": Bursts(2500, every=20, seconds=50),
    "quick": Steps([(0, 150), (5, 400)], seconds=8),
}
# Seconds that an invocation takes, where it is not 0.4: short ones meet the limits of the rate.
MEANS = {"quick": 0.004}
POLICIES = {
    "default": Policy(),
    "five": Policy(account=5, floor=1),
    "reserved": Policy(reserved=20),
    "stopped": Policy(reserved=0),
    "provisioned": Policy(provisioned=15),
    "provisioned in reserve": Policy(reserved=30, provisioned=10),
    "all of the reserve": Policy(reserved=12, provisioned=12),
    "claimed by others": Policy(account=100, floor=10, claimed=60, others=20),
    "many, so that new ones come too fast": Policy(account=5000),
    "environments go soon": Policy(idle=(0.5, 4), age=(2, 20)),
    "asynchronous": Policy(account=30, floor=1, paced=False),
}


def simulated(name: str, policy: Policy) -> tuple[Result, Any]:
    """A run of a workload, and its durations."""
    arrivals = WORKLOADS[name].arrivals(np.random.default_rng(3))
    durations = np.random.default_rng(4).exponential(MEANS.get(name, 0.4), len(arrivals))
    return simulate(Trace(arrivals, durations), Function(init=0.3), policy, seed=5), durations


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("name", WORKLOADS)
def test_every_decision_is_the_engines(name, policy) -> None:
    result, durations = simulated(name, policy)
    assert decided(result) == replayed(result, durations)


def test_the_policies_bring_every_kind_of_decision() -> None:
    """Else the comparison would compare little."""
    found = set()
    for name in WORKLOADS:
        for policy in POLICIES.values():
            found |= set(simulated(name, policy)[0].decision.tolist())
    assert found == set(range(8))


@settings(max_examples=60, deadline=None)
@given(
    gaps=st.lists(st.sampled_from([0.0, 0.0, 0.001, 0.05, 0.3, 2.0]), min_size=1, max_size=150),
    lengths=st.lists(st.sampled_from([0.0, 0.01, 0.3, 1.7]), min_size=150, max_size=150),
    account=st.integers(1, 12),
    reserved=st.none() | st.integers(0, 8),
    provisioned=st.integers(0, 3),
    idle=st.sampled_from([0.0, 0.2, 5.0, (0.1, 3.0)]),
    seed=st.integers(0, 100),
)
def test_every_decision_is_the_engines_whatever_comes(
    gaps, lengths, account, reserved, provisioned, idle, seed
) -> None:
    try:
        policy = Policy(account, 0, reserved, provisioned, idle=idle)
    except ValueError:
        return
    durations = lengths[: len(gaps)]
    result = simulate(Trace(np.cumsum(gaps), durations), Function(init=0.2), policy, seed)
    assert decided(result) == replayed(result, durations)
