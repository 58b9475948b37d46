"""Many simulations at once: on this machine, with any executor, on a Dask cluster."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import pytest

from lambdalab.simulator import Exponential, Function, Poisson, Policy, Queue, simulate, sweep

WORKLOAD = Poisson(20, seconds=30)
FUNCTION = Function(Exponential(0.3), cpu=1.0)
SETTINGS = {"memory": (512, 1769), "reserved": (None, 4), "rate": (5, 40), "seeds": (1, 2)}


@pytest.fixture(scope="module")
def table():
    return sweep(WORKLOAD, FUNCTION, Policy(), **SETTINGS)


def test_a_row_for_each_combination_in_order(table) -> None:
    assert table["memory"] == [512] * 8 + [1769] * 8
    assert table["reserved"] == ([None] * 4 + [4] * 4) * 2
    assert table["rate"] == [5, 5, 40, 40] * 4
    assert table["seed"] == [1, 2] * 8


def test_each_row_is_what_one_simulation_gives(table) -> None:
    row = {name: values[7] for name, values in table.items()}
    run = simulate(Poisson(40, seconds=30), FUNCTION.at(512), Policy(reserved=4), seed=2)
    given = {"memory": 512, "reserved": 4, "rate": 40, "seed": 2}
    assert row == {**given, **asdict(run.summary())}


def test_another_executor_gives_the_same_numbers(table) -> None:
    with ThreadPoolExecutor(1) as pool:
        assert sweep(WORKLOAD, FUNCTION, Policy(), client=pool, **SETTINGS) == table


def test_a_dask_cluster_gives_the_same_numbers(table) -> None:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        assert sweep(WORKLOAD, FUNCTION, Policy(), client=client, **SETTINGS) == table
        workers = client.run(lambda: __import__("os").getpid())
        assert len(set(workers.values())) == 2


def test_whole_workloads_functions_and_policies() -> None:
    found = sweep(
        [WORKLOAD, Queue(100)],
        function=[Function(0.1), Function(0.2)],
        policy=[Policy(), Policy(reserved=0)],
        memory=[256],
    )
    assert len(found["p50"]) == 8
    assert found["throttle_share"][1] == 1
    assert found["requests"][4] == 10


def test_progress_is_told() -> None:
    told = []
    sweep(WORKLOAD, seeds=range(3), progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_setting_that_nothing_has() -> None:
    with pytest.raises(ValueError, match="there is no setting 'memry'; there are account"):
        sweep(WORKLOAD, memry=[1])


def test_a_value_that_is_refused_is_refused_before_anything_runs() -> None:
    told = []
    with pytest.raises(ValueError, match="memory is 1"):
        sweep(WORKLOAD, memory=[512, 1], progress=lambda *_: told.append(1))
    assert not told


def test_a_figure_does_not_cover_a_setting_of_its_name() -> None:
    table = sweep(Poisson(20, requests=50), duration=[0.1, 0.5], requests=[50])
    assert table["duration"] == [0.1, 0.5]
    assert table["requests"] == table["run_requests"] == [50, 50]
    run = simulate(Poisson(20, requests=50), Function(0.5))
    assert table["run_duration"][1] == run.summary().duration


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"memory": 128}, r"memory is 128: give a list of values, such as \[128\]"),
        ({"architecture": "arm64"}, "architecture is 'arm64': give a list"),
        ({"seeds": 3}, "seeds is 3: give a list"),
        ({"seed": [3]}, "give seeds, a list of them"),
        ({"client": 3}, "client is 3: it must be a Dask client or an executor"),
    ],
)
def test_what_is_no_list_of_values_is_told_so(given, message) -> None:
    with pytest.raises(ValueError, match=message):
        sweep(WORKLOAD, **given)


def test_no_values_give_no_rows() -> None:
    assert sweep(WORKLOAD, memory=[]) == {"memory": [], "seed": []}
