"""What happens to millions of requests: the rules of the lab's engine, compiled.

``simulate(workload, function, policy, seed)`` runs a workload (``Poisson``, ``Steps``, ``OnOff``,
``Diurnal``, ``Bursts``, ``Regular``, ``Trace``, ``Queue``, ``Stream``) against a ``Function`` under
a ``Policy``; ``sweep`` runs many such at once. Importing the package loads neither numpy nor numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambdalab.simulator.callers import ASYNCHRONOUS, SDK, Retry
    from lambdalab.simulator.cost import Cost, price
    from lambdalab.simulator.drains import Queue, Stream
    from lambdalab.simulator.function import Function
    from lambdalab.simulator.policy import Policy
    from lambdalab.simulator.result import Result
    from lambdalab.simulator.run import simulate
    from lambdalab.simulator.summary import Summary
    from lambdalab.simulator.sweeps import sweep
    from lambdalab.simulator.times import Constant, Empirical, Exponential, Lognormal
    from lambdalab.simulator.trace import Trace
    from lambdalab.simulator.workloads import Bursts, Diurnal, OnOff, Poisson, Regular, Steps

__all__ = [
    "ASYNCHRONOUS",
    "SDK",
    "Bursts",
    "Constant",
    "Cost",
    "Diurnal",
    "Empirical",
    "Exponential",
    "Function",
    "Lognormal",
    "OnOff",
    "Poisson",
    "Policy",
    "Queue",
    "Regular",
    "Result",
    "Retry",
    "Steps",
    "Stream",
    "Summary",
    "Trace",
    "price",
    "simulate",
    "sweep",
]

_PLACES = {
    "callers": ("ASYNCHRONOUS", "SDK", "Retry"),
    "cost": ("Cost", "price"),
    "drains": ("Queue", "Stream"),
    "function": ("Function",),
    "policy": ("Policy",),
    "result": ("Result",),
    "run": ("simulate",),
    "summary": ("Summary",),
    "sweeps": ("sweep",),
    "times": ("Constant", "Empirical", "Exponential", "Lognormal"),
    "trace": ("Trace",),
    "workloads": ("Bursts", "Diurnal", "OnOff", "Poisson", "Regular", "Steps"),
}
_MODULE_OF = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
