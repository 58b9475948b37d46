"""The simulator's benchmark: what it makes of its rounds, and that the loop in C is the model."""

from __future__ import annotations

import math
import shutil

import pytest

from benchmarks import simulator
from benchmarks.simulator import LAB, SIMFAAS, C, Taken
from lambdalab.simulator import Exponential, Function, Poisson, Policy, simulate


def rounds(*seconds):
    return [Taken(each, 1000, 1, 0) for each in seconds]


def test_ratios_are_those_of_rates_within_a_round() -> None:
    taken = {LAB: rounds(1, 2, 4), C: rounds(1, 1, 1), SIMFAAS: rounds(300, 400, 800)}
    found = simulator.result({10: taken, 500: taken}, [0.3, 0.5, 0.4])
    assert {ratio.name: (ratio.value, ratio.held) for ratio in found.ratios} == {
        "simulator_to_c_at_10": (0.5, False),
        "simulator_to_simfaas_at_10": (200, True),
        "simulator_to_c_at_500": (0.5, False),
        "simulator_to_simfaas_at_500": (200, False),
        "simulator_first_call_s": (0.3, True),
    }
    assert len(found.table.rows) == 6


def test_without_a_compiler_c_is_left_out_and_that_is_said(monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert simulator.compiled(tmp_path) is None
    assert "no C compiler" in capsys.readouterr().err
    found = simulator.result({10: {LAB: rounds(1), SIMFAAS: rounds(300)}}, [0.3])
    assert not [ratio for ratio in found.ratios if "_c_" in ratio.name]
    assert found.held


def test_the_loop_in_c_is_the_same_model(monkeypatch, tmp_path) -> None:
    """A full account: about as many are refused; and about as many are cold where it is not."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc)")
    monkeypatch.setitem(simulator.REQUESTS, C, 400_000)
    monkeypatch.setattr(simulator, "LIMIT", 50)
    loop = simulator.compiled(tmp_path)
    assert loop is not None
    for rate in (600, 200):
        ours = simulate(
            Poisson(rate, requests=400_000),
            Function(Exponential(simulator.MEAN), simulator.INIT),
            Policy(50, 0, idle=simulator.IDLE, age=1e9, paced=False),
        )
        theirs = loop(rate)
        refused = int(ours.throttled.sum())
        assert theirs.refused == pytest.approx(refused, abs=6 * math.sqrt(refused) + 3)
        assert theirs.cold == pytest.approx(int(ours.cold.sum()), abs=8)
