"""The compiled code on disk: used again, made anew when it does not fit, never trusted blindly."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from functools import cache

import numpy as np
import pytest

from lambdalab.simulator import Poisson, native, simulate

CALL = """
import json, sys
from lambdalab.simulator import Poisson, simulate
run = simulate(Poisson(10, seconds=60))
print(json.dumps([len(run), "numba" in sys.modules, "numpy" in sys.modules]))
"""


# To compile takes seconds: what one test has compiled serves the others.
compiled = cache(native._made)


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """Folders of a test's own, and what was compiled."""
    folders = [tmp_path / "package", tmp_path / "user"]
    monkeypatch.setattr(native, "_folders", lambda: folders)
    made = []
    monkeypatch.setattr(native, "_made", lambda *given: made.append(given) or compiled(*given))
    native._loaded.cache_clear()
    yield folders, made
    native._loaded.cache_clear()


def run():
    native._loaded.cache_clear()
    return simulate(Poisson(10, seconds=60), seed=3).end.tolist()


def test_what_was_compiled_once_is_loaded_from_then_on(fresh) -> None:
    (folder, _), made = fresh
    first = run()
    (file,) = folder.iterdir()
    assert run() == first
    assert len(made) == 1
    # Cut short, or changed: it is not loaded.
    whole = file.read_bytes()
    for broken in (whole[:-100], whole[:100], b"", whole[:-1] + b"\1"):
        file.write_bytes(broken)
        assert run() == first
        assert file.read_bytes() == whole
    assert len(made) == 5


def test_where_the_package_cannot_be_written_the_users_folder_serves(fresh) -> None:
    (package, user), made = fresh
    package.write_text("a file, no folder", encoding="utf-8")
    first = run()
    assert len(list(user.iterdir())) == 1
    assert run() == first
    assert len(made) == 1


def test_where_nothing_can_be_written_it_is_compiled_each_time(fresh) -> None:
    folders, made = fresh
    for folder in folders:
        folder.write_text("a file, no folder", encoding="utf-8")
    assert run() == run()
    assert len(made) == 2


def test_other_rules_have_other_code(monkeypatch, tmp_path) -> None:
    kinds = ("float64",)
    before = native._key("run", kinds)
    assert native._key("run", kinds) == before
    assert native._key("run", ("int64",)) != before
    changed = tmp_path / "rules.py"
    changed.write_bytes(native.Path(native.rules.__file__).read_bytes() + b"# another rule\n")
    monkeypatch.setattr(native.rules, "__file__", str(changed))
    assert native._key("run", kinds) != before


def test_another_figure_has_other_code(monkeypatch) -> None:
    before = native._key("run", ("float64",))
    monkeypatch.setattr(native.rules, "SCALING_STEP", 500.0)
    assert native._key("run", ("float64",)) != before


def test_a_new_interpreter_needs_no_numba() -> None:
    simulate(Poisson(10, seconds=60))
    done = subprocess.run([sys.executable, "-c", CALL], capture_output=True, text=True, check=True)
    count, numba, numpy = json.loads(done.stdout)
    assert count == len(simulate(Poisson(10, seconds=60)))
    assert (numba, numpy) == (False, True)


def test_all_can_be_compiled_ahead() -> None:
    subprocess.run([sys.executable, "-m", "lambdalab.simulator"], check=True)


def test_threads_that_begin_together_get_the_same(fresh) -> None:
    found = []
    native._loaded.cache_clear()
    together = threading.Barrier(4)

    def work():
        together.wait()
        found.append(simulate(Poisson(10, seconds=60), seed=3).end.tolist())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [found[0]] * 4
    assert len(fresh[1]) == 1


def test_compiled_and_plain_code_give_the_same(monkeypatch) -> None:
    """The functions run as they stand, too: numba has not changed what they mean."""
    from lambdalab.simulator import ASYNCHRONOUS, Policy, Queue, Stream

    policy = Policy(account=4, floor=0, idle=2, age=20)
    workloads = [
        Poisson(20, seconds=20),
        Poisson(20, seconds=20, retry=ASYNCHRONOUS),
        Queue(Poisson(40, seconds=20), visibility=3),
        Stream(Poisson(40, seconds=20), shards=6, batch_size=5),
    ]

    def rows():
        runs = [simulate(workload, policy=policy, seed=2) for workload in workloads]
        return [(r.start.tolist(), r.end.tolist(), r.decision.tolist()) for r in runs]

    compiled = rows()
    plain = [0]

    def as_it_stands(function, arrays):
        plain[0] += 1
        lists = [array.tolist() for array in arrays]

        def call():
            # Lists are faster than numpy's single numbers; what they became goes back.
            for array, items in zip(arrays, lists, strict=True):
                items[:] = array.tolist()
            result = function(*lists)
            for array, items in zip(arrays, lists, strict=True):
                array[:] = np.array(items, dtype=array.dtype)
            return result

        return call

    for module in ("run", "drains"):
        monkeypatch.setattr(f"lambdalab.simulator.{module}.bound", as_it_stands)
    assert rows() == compiled
    assert plain[0] >= 4


def test_the_folders_are_the_packages_and_the_users(monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")
    package, user = native._folders()
    assert package.name == "__pycache__"
    assert user.parts == ("somewhere", "lambdalab")
