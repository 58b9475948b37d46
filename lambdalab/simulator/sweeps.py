"""Many simulations at once: on all cores, or on a Dask cluster."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import Any

from lambdalab.simulator.function import Function
from lambdalab.simulator.policy import Policy
from lambdalab.simulator.run import simulate

__all__ = ["sweep"]

# Settings that stand for a whole object, not for one of its fields.
_WHOLE = ("workload", "function", "policy", "seed")


def sweep(
    workload: Any = None,
    function: Any = None,
    policy: Any = None,
    *,
    seeds: Iterable[int] = (0,),
    client: Any = None,
    progress: Callable[[int, int], None] | None = None,
    **settings: Any,
) -> dict[str, list[Any]]:
    """Simulate every combination of settings; gives a table with one row for each, by column.

    A setting is a field of the function, of the policy or of the workload, and a list of its
    values: ``memory=[128, 512], reserved=[None, 10], rate=[5, 50]``. ``workload``, ``function`` and
    ``policy`` may be lists of whole ones. Columns are what is given as a list, ``seed``, and the
    figures of ``Summary``; one with the name of a setting is a column ``run_duration``, or the
    like. The rows come in the order of the combinations: settings as they are given after whole
    ones, the seeds changing fastest.

    All cores of this machine work: simulations let other threads run. ``client`` sends them
    elsewhere: a client of a Dask cluster, or any ``concurrent.futures`` executor. ``progress`` is
    called with how many are done, and of how many. Raises ValueError for a setting that nothing
    has, and for one whose values are no list.
    """
    whole = {"workload": workload, "function": function, "policy": policy}
    base = {"workload": workload, "function": function or Function(), "policy": policy or Policy()}
    lists = {name: each for name, each in whole.items() if isinstance(each, list | tuple)}
    axes = {name: _values(name, each) for name, each in (lists | settings).items()}
    axes["seed"] = _values("seeds", seeds)
    points = [dict(zip(axes, each, strict=True)) for each in itertools.product(*axes.values())]
    for point in points:
        _placed(base, point)
    if client is None:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            rows = _rows(pool, base, points, progress)
    else:
        rows = _rows(_executor(client), base, points, progress)
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else axes)}


def _values(name: str, values: Any) -> list[Any]:
    """The values of a setting; a text is not meant as its letters."""
    if name == "seed":
        raise ValueError(f"seed is {values!r}: give seeds, a list of them")
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ValueError(f"{name} is {values!r}: give a list of values, such as [{values!r}]")
    return list(values)


def _executor(client: Any) -> Executor:
    """What a Dask client offers as one, or the thing itself."""
    offer = getattr(client, "get_executor", None)
    executor: Executor = offer(pure=False) if offer else client
    if not hasattr(executor, "submit"):
        raise ValueError(f"client is {client!r}: it must be a Dask client or an executor")
    return executor


def _rows(
    executor: Executor,
    base: Mapping[str, Any],
    points: Sequence[Mapping[str, Any]],
    progress: Callable[[int, int], None] | None,
) -> list[dict[str, Any]]:
    jobs = [executor.submit(_row, base, point) for point in points]
    rows = []
    for job in jobs:
        rows.append(job.result())
        if progress is not None:
            progress(len(rows), len(jobs))
    return rows


def _row(base: Mapping[str, Any], point: Mapping[str, Any]) -> dict[str, Any]:
    """One simulation: its settings and its figures."""
    figures = asdict(simulate(**_placed(base, point)).summary())
    return {
        **point,
        **{f"run_{name}" if name in point else name: figures[name] for name in figures},
    }


def _placed(base: Mapping[str, Any], point: Mapping[str, Any]) -> dict[str, Any]:
    """Put each setting where it belongs."""
    parts = {**base, "seed": 0} | {name: point[name] for name in _WHOLE if name in point}
    for name in point:
        if name in _WHOLE:
            continue
        owner = next((part for part in _WHOLE[:3] if name in _fields(parts[part])), None)
        if owner is None:
            known = sorted({each for part in _WHOLE[:3] for each in _fields(parts[part])})
            raise ValueError(f"there is no setting {name!r}; there are {', '.join(known)}")
        parts[owner] = replace(parts[owner], **{name: point[name]})
    return parts


def _fields(part: Any) -> Iterable[str]:
    return getattr(part, "__dataclass_fields__", {})
