"""Pictures of scaling, cold starts, concurrency and cost that answer to the keyboard.

Each widget has a plain function that gives the same picture as data, for a script or a test:

==========================  ================  ==================================================
widget                      plain function    what it shows
==========================  ================  ==================================================
``scaling_explorer``        ``scaling``       traffic under limits: warm, cold, throttled
``environment_theatre``     ``replay``        what each execution environment did, in slow motion
``cold_start_anatomy``      ``cold_start``    what a cold start consists of, and what helps
``concurrency_budget``      ``budget``        what of the account's concurrency is claimed
``memory_tuner``            ``tuning``        time and price of a function by memory size
``break_even_explorer``     ``break_even``    from how many requests on EC2 is cheaper
==========================  ================  ==================================================

A plain function returns a ``Chart``. Importing the package loads none of the libraries that draw.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambdalab.widgets.anatomy.anatomy import cold_start_anatomy
    from lambdalab.widgets.anatomy.cold_starts import ColdStart, cold_start
    from lambdalab.widgets.anatomy.start_measured import Measured
    from lambdalab.widgets.anatomy.start_trials import measure_cold_start
    from lambdalab.widgets.chart import Chart
    from lambdalab.widgets.ec2.break_even_chart import BreakEven, break_even
    from lambdalab.widgets.ec2.break_even_panel import break_even_explorer
    from lambdalab.widgets.explorer import scaling_explorer
    from lambdalab.widgets.panel import Panel
    from lambdalab.widgets.pool.budget_panel import concurrency_budget
    from lambdalab.widgets.pool.budgets import Budget, Share, budget
    from lambdalab.widgets.theatre.replays import Replay, replay
    from lambdalab.widgets.theatre.theatre import Theatre, environment_theatre
    from lambdalab.widgets.traffic import Scaling, scaling
    from lambdalab.widgets.tuner.tuner import memory_tuner
    from lambdalab.widgets.tuner.tuner_chart import Tuning, tuning

__all__ = [
    "BreakEven",
    "Budget",
    "Chart",
    "ColdStart",
    "Measured",
    "Panel",
    "Replay",
    "Scaling",
    "Share",
    "Theatre",
    "Tuning",
    "break_even",
    "break_even_explorer",
    "budget",
    "cold_start",
    "cold_start_anatomy",
    "concurrency_budget",
    "environment_theatre",
    "measure_cold_start",
    "memory_tuner",
    "replay",
    "scaling",
    "scaling_explorer",
    "tuning",
]

_PLACES = {
    "anatomy.anatomy": ("cold_start_anatomy",),
    "ec2.break_even_chart": ("BreakEven", "break_even"),
    "ec2.break_even_panel": ("break_even_explorer",),
    "pool.budget_panel": ("concurrency_budget",),
    "pool.budgets": ("Budget", "Share", "budget"),
    "chart": ("Chart",),
    "anatomy.cold_starts": ("ColdStart", "cold_start"),
    "explorer": ("scaling_explorer",),
    "panel": ("Panel",),
    "theatre.replays": ("Replay", "replay"),
    "traffic": ("Scaling", "scaling"),
    "anatomy.start_measured": ("Measured",),
    "anatomy.start_trials": ("measure_cold_start",),
    "theatre.theatre": ("Theatre", "environment_theatre"),
    "tuner.tuner": ("memory_tuner",),
    "tuner.tuner_chart": ("Tuning", "tuning"),
}
_MODULE_OF = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
